// Requests as a good client of each revision sends them, and how such a client opens a session.
//
// What must come back is said where they are used (exchanges.ts).

import { Connection } from './connection.ts';
import type { Dialect } from './contenders.ts';
import { type Answer, type Step, wire } from './exchange.ts';
import { RESOURCE } from './issuer.ts';

const MODERN = '2026-07-28';
/** The revision of sessions. */
export const SESSIONS = '2025-11-25';
const CLIENT = { name: 'bench', version: '1.0.0' };

export const META = {
  'io.modelcontextprotocol/protocolVersion': MODERN,
  'io.modelcontextprotocol/clientInfo': CLIENT,
  'io.modelcontextprotocol/clientCapabilities': {},
};

export interface RpcOptions {
  readonly dialect: Dialect;
  readonly token: string | undefined;
  readonly method: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly id?: number;
  readonly sessionId?: string;
}

/** Headers and body of one message. */
export function rpc({
  dialect,
  token,
  method,
  params = {},
  id = 1,
  sessionId,
}: RpcOptions): Pick<Step, 'method' | 'headers' | 'body'> {
  const isModern = dialect === MODERN;
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const name = typeof params.name === 'string' ? { 'mcp-name': params.name } : {};
  return {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': dialect,
      ...(isModern ? { 'mcp-method': method, ...name } : {}),
      ...authorization,
      ...(sessionId === undefined ? {} : { 'mcp-session-id': sessionId }),
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id,
      method,
      params: isModern ? { _meta: META, ...params } : params,
    }),
  };
}

/** A message that calls the tool all have. */
export const call = (dialect: Dialect, token: string | undefined, id: number, sessionId?: string) =>
  rpc({
    dialect,
    token,
    method: 'tools/call',
    params: { name: 'read_note', arguments: { id: `note-${id}` } },
    id,
    ...(sessionId === undefined ? {} : { sessionId }),
  });

/** Sends one request on a connection of its own. */
export async function ask(port: number, step: Pick<Step, 'method' | 'headers' | 'body'>): Promise<Answer> {
  const { host, pathname } = new URL(RESOURCE);
  const connection = await Connection.open(port);
  try {
    return await connection.send(
      wire(pathname, host, { ...step, expect: { status: 200, contains: [] } }, undefined),
    );
  } finally {
    connection.close();
  }
}

/** The request that opens one. */
export const initialize = (token: string) =>
  rpc({
    dialect: SESSIONS,
    token,
    method: 'initialize',
    params: { protocolVersion: SESSIONS, capabilities: {}, clientInfo: CLIENT },
  });

/** Opens a session of the older era. @throws {Error} with the answer, when there is none */
export async function openSession(port: number, token: string): Promise<string> {
  const message = { dialect: SESSIONS, token } as const;
  const { status, head, body } = await ask(port, initialize(token));
  const sessionId = /\r\nmcp-session-id: (\S+)/i.exec(head)?.[1];
  if (status !== 200 || sessionId === undefined)
    throw new Error(`initialize was answered with ${status} ${body}`);
  const initialized = { jsonrpc: '2.0', method: 'notifications/initialized' };
  await ask(port, {
    ...rpc({ ...message, method: '', sessionId }),
    body: JSON.stringify(initialized),
  });
  return sessionId;
}
