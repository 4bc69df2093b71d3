// One HTTP request of the doctor: no redirect is followed, nothing is thrown, and what failed is named.
//
// Waits longer than the Worker does, to be able to say that an answer came too late. Reads no further than a limit.
// Does not judge an answer.

import { faultOf, type NetworkFault } from './network-fault.ts';

export interface Answer {
  readonly url: string;
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body as a JSON object, if it is one. */
  readonly json: Readonly<Record<string, unknown>> | undefined;
  /** Until the whole answer was there. */
  readonly milliseconds: number;
  readonly bytes: number;
}

/** Nobody answered. */
export interface NoAnswer extends NetworkFault {
  readonly url: string;
}

export type Ask = (url: string, init?: RequestInit) => Promise<Answer | NoAnswer>;

export const isAnswer = (value: Answer | NoAnswer): value is Answer => 'status' in value;

const TIMEOUT_MS = 10_000;
const MAX_BYTES = 8 * 1_048_576;

export const ask: Ask = async (url, init = {}) => {
  const startedAt = performance.now();
  try {
    const response = await fetch(url, {
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT_MS),
      ...init,
    });
    const { text, bytes } = await readBody(response);
    const milliseconds = Math.round(performance.now() - startedAt);
    const { status, headers } = response;
    return { url, status, headers, text, json: objectOf(text), milliseconds, bytes };
  } catch (problem) {
    return { url, ...faultOf(problem, url) };
  }
};

/** An event stream of a server that does not ask for a token never ends: its beginning is enough. */
async function readBody(response: Response): Promise<{ text: string; bytes: number }> {
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  const isStream = /^text\/event-stream/i.test(response.headers.get('content-type') ?? '');
  if (isStream || !response.body) {
    await response.body?.cancel();
    return { text, bytes };
  }
  for await (const chunk of response.body) {
    bytes += chunk.byteLength;
    text += decoder.decode(chunk, { stream: true });
    if (bytes > MAX_BYTES) break;
  }
  return { text, bytes };
}

function objectOf(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
