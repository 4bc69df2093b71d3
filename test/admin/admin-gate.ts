// A Worker with an operator, and calls of the operators' API in which every answer is compared with openapi.json.
//
// Whatever was signed or handed out as a credential in a file's tests must not be in any line that was logged: looked at
// when the file is done. The policy is young for a second only, so that changes reach ordinary requests while a test waits.

import { afterAll, beforeAll, expect } from 'vitest';
import openapi from '../../src/admin/assets/admin/openapi.json';
import { type SignOptions, startIssuer, type TestIssuer, trusting } from '../support/issuer.ts';
import { problemsOf, resolve } from '../support/json-schema.ts';
import { META, rpc } from '../support/rpc.ts';
import { RESOURCE, startWorker, type TestWorker } from '../support/worker.ts';

export interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers that differ with the operation
  readonly body: any;
  readonly headers: Headers;
}

export interface CallOptions {
  /** Instead of the operator's; `null` for none. */
  readonly token?: string | null;
  /** Becomes JSON, unless it is text already. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface AdminGate {
  readonly issuer: TestIssuer;
  readonly worker: TestWorker;
  /** Of an operator: scope and role. */
  sign(options?: SignOptions): Promise<string>;
  call(method: string, path: string, options?: CallOptions): Promise<Answer>;
  /** Calls a tool, as a client that can be asked. `more` is added to the parameters. */
  tool(token: string, name: string, args?: object, more?: object): Promise<Answer>;
  /** Decision events since the last call. */
  decisions(): Record<string, unknown>[];
}

const OPERATOR = 'olivia';
export const ORIGIN = new URL(RESOURCE).origin;

/** Starts issuer and Worker before the tests of a file and stops them after. */
export function useAdminGate(
  vars: (issuer: string) => object = () => ({}),
  main?: string,
  operatorClaims: object = {},
): AdminGate {
  const started = {} as { issuer: TestIssuer; worker: TestWorker };
  const secrets = new Set<string>();
  const lines: unknown[] = [];
  let own: string | undefined;

  beforeAll(async () => {
    const issuer = await startIssuer();
    const worker = await startWorker({
      vars: {
        ...trusting(issuer),
        POLICY_FRESH_SECONDS: 1,
        CLOCK_TOLERANCE_SECONDS: 0,
        ...vars(issuer.issuer),
      },
      ...(main === undefined ? {} : { main }),
    });
    Object.assign(started, { issuer, worker });
    const [signed, logs] = [issuer.sign.bind(issuer), worker.logs];
    issuer.sign = async (options) => {
      const token = await signed(options);
      secrets.add(token);
      return token;
    };
    worker.logs = () => {
      const read = logs();
      lines.push(...read);
      return read;
    };
  });
  afterAll(async () => {
    started.worker?.logs();
    await started.worker?.[Symbol.asyncDispose]();
    await started.issuer?.[Symbol.asyncDispose]();
    const logged = JSON.stringify(lines);
    expect(lines.length).toBeGreaterThan(0);
    // Of a token the end is the signature: a part would give it away as well.
    expect([...secrets].filter((secret) => logged.includes(secret.slice(-32)))).toEqual([]);
  });

  const sign = ({ claims = {}, ...rest }: SignOptions = {}) =>
    started.issuer.sign({
      claims: { sub: OPERATOR, scope: 'mcp:admin', roles: ['operator'], ...operatorClaims, ...claims },
      ...rest,
    });

  return {
    get issuer() {
      return started.issuer;
    },
    get worker() {
      return started.worker;
    },
    sign,
    async call(method, path, { token, body, headers = {} } = {}) {
      own ??= await sign();
      const bearer = token === undefined ? own : token;
      const response = await started.worker.fetch(ORIGIN + path, {
        method,
        headers: {
          ...(bearer === null ? {} : { authorization: `Bearer ${bearer}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
      const answer = {
        status: response.status,
        body: await response.json(),
        headers: response.headers,
      } as Answer;
      expect(response.headers.get('cache-control'), `${method} ${path}`).toBe('no-store');
      if (typeof answer.body.key === 'string') secrets.add(answer.body.key);
      compare(method, path, body, answer);
      return answer;
    },
    async tool(token, name, args = {}, more = {}) {
      const _meta = { ...META, 'io.modelcontextprotocol/clientCapabilities': { elicitation: {} } };
      const params = { _meta, name, arguments: args, ...more };
      const response = await rpc(started.worker, { token, method: 'tools/call', params });
      return { status: response.status, body: await response.json(), headers: response.headers };
    },
    decisions: () => started.worker.logs().filter(({ event }) => event === 'decision'),
  };
}

interface Described {
  readonly requestBody?: { readonly content: { 'application/json': { schema: unknown } } };
  readonly responses: Readonly<Record<string, unknown>>;
}

/** What the document says of a method and a path. */
export function described(method: string, path: string): Described | undefined {
  const { pathname } = new URL(path, ORIGIN);
  const paths = Object.entries(openapi.paths as unknown as Record<string, Record<string, Described>>);
  const has = (item: object): boolean => Object.hasOwn(item, method.toLowerCase());
  const fits = (template: string) =>
    new RegExp(`^${template.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(pathname);
  // A path without parameters goes before one with.
  const [, item] =
    paths.find(([template, item]) => template === pathname && has(item)) ??
    paths.find(([template, item]) => fits(template) && has(item)) ??
    [];
  return item?.[method.toLowerCase()];
}

/** The answer is one that the document has, and what was accepted is what it asks for. */
function compare(method: string, path: string, body: unknown, { status, body: answer }: Answer): void {
  const operation = described(method, path);
  const where = `${method} ${path}: ${status} ${JSON.stringify(answer)}`;
  if (!operation) {
    expect([401, 403, 404, 405], where).toContain(status);
    return;
  }
  const declared = operation.responses[status] as { $ref?: string; content?: unknown } | undefined;
  expect(declared, where).toBeDefined();
  const response = (declared?.$ref === undefined ? declared : resolve(declared.$ref, openapi)) as {
    content: { 'application/json': { schema: unknown } };
  };
  expect(problemsOf(response.content['application/json'].schema, answer, openapi), where).toEqual([]);
  if (status < 300 && operation.requestBody) {
    const { schema } = operation.requestBody.content['application/json'];
    expect(problemsOf(schema, body, openapi), `${where}: accepted ${JSON.stringify(body)}`).toEqual([]);
  }
}
