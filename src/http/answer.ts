// Answers of the MCP endpoint, which no cache may keep.

import type { Failure } from '../protocol/message.ts';
import { failureJson } from '../protocol/modern.ts';
import { SSE_HEADERS } from '../protocol/sse.ts';

const HEADERS = {
  'content-type': 'application/json',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
};

/** Made once: every response copies it. */
const JSON_INIT = { headers: new Headers(HEADERS) };

export function json(status: number, body: object, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(JSON.stringify(body), { status, headers: { ...HEADERS, ...headers } });
}

/** JSON that is text already. */
export function jsonText(text: string, headers?: Readonly<Record<string, string>>): Response {
  return new Response(text, headers ? { headers: { ...HEADERS, ...headers } } : JSON_INIT);
}

export function events(stream: ReadableStream<Uint8Array>): Response {
  return new Response(stream, { headers: SSE_HEADERS });
}

export function rpcFailure(failure: Failure): Response {
  const { status } = failure;
  const isPassing = status === 429 || status === 503;
  const headers = isPassing ? { ...HEADERS, 'retry-after': '5' } : HEADERS;
  return new Response(failureJson(failure), { status, headers });
}
