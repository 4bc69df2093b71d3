// An operator of a test's Worker: calls the operators' API with a token of its own.

import type { TestIssuer } from './issuer.ts';

export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  // The tests say what they expect of it.
  // biome-ignore lint/suspicious/noExplicitAny: an answer's shape is what is tested
  readonly body: any;
}

export type Operate = (
  method: string,
  path: string,
  body?: object,
  headers?: Readonly<Record<string, string>>,
) => Promise<Answered>;

/** Calls `/admin` + path. `token` may be replaced; by default it is carol's, who has the role `operator`. */
export async function operator(
  worker: { fetch(url: string, init?: RequestInit): Promise<Response> },
  issuer: TestIssuer,
  claims: Readonly<Record<string, unknown>> = {},
): Promise<Operate> {
  const token = await issuer.sign({
    claims: { sub: 'carol', roles: ['operator'], scope: 'mcp:admin', client_id: 'cli', ...claims },
  });
  return async (method, path, body, headers = {}) => {
    const response = await worker.fetch(`https://mcp.example.com/admin${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: text === '' ? undefined : JSON.parse(text),
    };
  };
}

/** Everything a list has, page by page. */
export async function all(operate: Operate, path: string, limit = 500): Promise<Record<string, unknown>[]> {
  const items: Record<string, unknown>[] = [];
  for (let cursor: string | undefined; ; ) {
    const join = path.includes('?') ? '&' : '?';
    const { status, body } = await operate(
      'GET',
      `${path}${join}limit=${limit}${cursor === undefined ? '' : `&cursor=${cursor}`}`,
    );
    if (status !== 200) throw new Error(`${path}: ${status}`);
    items.push(...body.items);
    cursor = body.nextCursor;
    if (cursor === undefined) return items;
  }
}
