// Requests to the MCP endpoint, as the modern protocol wants them; a test spoils what it is about.

import { RESOURCE, type TestWorker } from './worker.ts';

export const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': {},
};

export interface Rpc {
  readonly token?: string | undefined;
  readonly method?: string;
  readonly params?: object;
  /** Added to, or put in place of, the headers a good client sends; `null` leaves one out. */
  readonly headers?: Readonly<Record<string, string | null>>;
  /** Instead of the message. */
  readonly body?: string;
}

/** The init of a good request. */
export function rpcInit({ token, method = 'tools/list', params = {}, headers = {}, body }: Rpc): RequestInit {
  const { name, uri } = params as { name?: string; uri?: string };
  const good: Record<string, string | null> = {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': method,
    'mcp-name': name ?? uri ?? null,
    authorization: token === undefined ? null : `Bearer ${token}`,
    ...headers,
  };
  return {
    method: 'POST',
    headers: Object.entries(good).filter((entry): entry is [string, string] => entry[1] !== null),
    body: body ?? JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: { _meta: META, ...params } }),
  };
}

export const rpc = (worker: TestWorker, request: Rpc): Promise<Response> =>
  worker.fetch(RESOURCE, rpcInit(request));

/** The last decision the Worker logged. */
export function decision(worker: TestWorker): Record<string, unknown> {
  const decisions = worker.logs().filter(({ event }) => event === 'decision');
  const last = decisions.at(-1);
  if (!last) throw new Error('no decision was logged');
  return last;
}
