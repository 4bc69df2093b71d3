// Answers of the MCP endpoint: JSON that no cache may keep.

import type { Failure, RequestId } from '../protocol/message.ts';
import type { Result } from '../protocol/methods/method.ts';

const HEADERS = {
  'content-type': 'application/json',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
};

export function json(status: number, body: object, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(JSON.stringify(body), { status, headers: { ...HEADERS, ...headers } });
}

export function rpcResult(id: RequestId, result: Result): Response {
  return new Response(`{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":${result.json}}`, {
    headers: HEADERS,
  });
}

export function rpcFailure({ status, code, message, data, id }: Failure): Response {
  return json(status, {
    jsonrpc: '2.0',
    ...(id === undefined ? {} : { id }),
    error: { code, message, ...(data === undefined ? {} : { data }) },
  });
}
