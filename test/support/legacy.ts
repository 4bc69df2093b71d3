// A client of the older era, by hand: sessions, streams and resumption as a test wants them.

import { RESOURCE } from './worker.ts';

/** Whatever takes requests to the Worker. */
interface Fetcher {
  fetch(url: string, init?: RequestInit): Promise<Response>;
}

export interface LegacyOptions {
  readonly token: string;
  readonly sessionId?: string | undefined;
  readonly version?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
}

const headersOf = ({
  token,
  sessionId,
  version = '2025-11-25',
  headers = {},
}: LegacyOptions): [string, string][] => {
  const all: Record<string, string | null | undefined> = {
    authorization: `Bearer ${token}`,
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'mcp-protocol-version': version,
    'mcp-session-id': sessionId,
    ...headers,
  };
  return Object.entries(all).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
};

export function send(worker: Fetcher, options: LegacyOptions, message: object): Promise<Response> {
  return worker.fetch(RESOURCE, {
    method: 'POST',
    headers: headersOf(options),
    body: JSON.stringify({ jsonrpc: '2.0', ...message }),
  });
}

export function request(
  worker: Fetcher,
  options: LegacyOptions,
  method: string,
  params: object = {},
  id: number | string = 1,
) {
  return send(worker, options, { id, method, params });
}

export function get(worker: Fetcher, options: LegacyOptions, lastEventId?: string): Promise<Response> {
  const headers = {
    ...options.headers,
    ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
  };
  return worker.fetch(RESOURCE, { method: 'GET', headers: headersOf({ ...options, headers }) });
}

export function end(worker: Fetcher, options: LegacyOptions): Promise<Response> {
  return worker.fetch(RESOURCE, { method: 'DELETE', headers: headersOf(options) });
}

/** Opens a session and gives its id. */
export async function open(
  worker: Fetcher,
  token: string,
  capabilities: object = {},
  protocolVersion = '2025-11-25',
): Promise<string> {
  const clientInfo = { name: 'legacy-test', version: '1' };
  const response = await request(worker, { token, version: null }, 'initialize', {
    protocolVersion,
    capabilities,
    clientInfo,
  });
  const sessionId = response.headers.get('mcp-session-id');
  if (response.status !== 200 || sessionId === null)
    throw new Error(`initialize answered ${response.status}: ${await response.text()}`);
  await send(worker, { token, sessionId }, { method: 'notifications/initialized' });
  return sessionId;
}

export interface StreamEvent {
  readonly id: string | undefined;
  readonly data: string;
  readonly retry: string | undefined;
}

/** The events of a stream, one at a time. Ends with the stream. */
export async function* eventsOf(response: Response): AsyncGenerator<StreamEvent> {
  if (!response.headers.get('content-type')?.startsWith('text/event-stream')) {
    throw new Error(`not a stream but ${response.status}: ${await response.text()}`);
  }
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of response.body ?? []) {
    const blocks = (rest + decoder.decode(chunk, { stream: true })).split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const field = (name: string) =>
        block
          .split('\n')
          .find((line) => line.startsWith(`${name}:`))
          ?.slice(name.length + 1)
          .trim();
      if (block.startsWith(':')) continue;
      yield { id: field('id'), data: field('data') ?? '', retry: field('retry') };
    }
  }
}

/** All messages until the stream ends. */
export async function messagesOf(response: Response): Promise<Record<string, unknown>[]> {
  const messages: Record<string, unknown>[] = [];
  for await (const { data } of eventsOf(response)) if (data !== '') messages.push(JSON.parse(data));
  return messages;
}
