// An introspection endpoint in a test's own hands: it says of every token what it is told to, and keeps what it was asked.

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { RESOURCE } from './worker.ts';

export const ISSUER = 'https://opaque.example.com';

export interface Asked {
  readonly method: string | undefined;
  readonly path: string | undefined;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly form: URLSearchParams;
}

export interface Answer {
  readonly status?: number;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface TestIntrospection extends AsyncDisposable {
  readonly url: string;
  /** Every question, in order. */
  readonly asked: Asked[];
  /** What to answer; a promise lets the one who asks wait, and `undefined` cuts the connection. */
  answer: (asked: Asked) => Answer | undefined | Promise<Answer | undefined>;
  /** Tokens that were asked about, in order. */
  tokens(): (string | null)[];
  close(): Promise<void>;
}

/** What a server says of a good token for alice the editor, spoilt as told; `undefined` leaves a member out. */
export function active(members: Readonly<Record<string, unknown>> = {}): Answer {
  const now = Math.floor(Date.now() / 1_000);
  const good = {
    active: true,
    iss: ISSUER,
    sub: 'alice',
    aud: RESOURCE,
    client_id: 'test-client',
    scope: 'reports:read',
    roles: ['editor'],
    token_type: 'Bearer',
    iat: now,
    exp: now + 600,
  };
  return { body: JSON.stringify({ ...good, ...members }) };
}

export const INACTIVE: Answer = { body: '{"active":false}' };

/** Knows no token until it is told otherwise. */
export async function startIntrospection(): Promise<TestIntrospection> {
  const asked: Asked[] = [];
  const server = createServer(async (request, response) => {
    const { method, url: path, headers } = request;
    const question = { method, path, headers, form: new URLSearchParams(await text(request)) };
    asked.push(question);
    const answer = await introspection.answer(question);
    if (!answer) {
      request.socket.destroy();
      return;
    }
    response
      .writeHead(answer.status ?? 200, { 'content-type': 'application/json', ...answer.headers })
      .end(answer.body);
  }).listen(0, 'localhost');
  await once(server, 'listening');
  const close = async () => {
    if (!server.listening) return;
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  };
  const introspection: TestIntrospection = {
    url: `http://localhost:${(server.address() as AddressInfo).port}/introspect`,
    asked,
    answer: () => INACTIVE,
    tokens: () => asked.map(({ form }) => form.get('token')),
    close,
    [Symbol.asyncDispose]: close,
  };
  return introspection;
}

/** Variables of a deployment that asks it; `entry` is merged into the entry of AUTHORIZATION_SERVERS. */
export const askingAt = (url: string, entry: object = {}, introspection: object = {}) => ({
  AUTHORIZATION_SERVERS: [
    {
      issuer: ISSUER,
      introspection: { url, clientId: 'resource-server', secret: 'INTROSPECTION_SECRET', ...introspection },
      ...entry,
    },
  ],
  INTROSPECTION_SECRET: 'a client secret',
});
