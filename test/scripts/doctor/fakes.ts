// Authorization servers and deployed servers for the doctor to look at: good ones, to be spoilt by a test.
//
// They answer by path what they are told to, and check nothing. That the good ones are like the real ones is seen in
// local-stack.test.ts, where the doctor looks at those.

import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SigningKey } from '../../support/issuer.ts';

export interface Reply {
  readonly status?: number;
  /** An object becomes JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly delayMs?: number;
}

/** By path; what has none is answered with 404. */
export type Routes = Record<string, Reply | ((request: IncomingMessage) => Reply)>;

export interface Fake extends AsyncDisposable {
  readonly origin: string;
  readonly routes: Routes;
}

export async function listen(routesAt: (origin: string) => Routes): Promise<Fake> {
  let routes: Routes = {};
  const server = createServer(async (request, response) => {
    const route = routes[request.url ?? ''] ?? { status: 404 };
    const {
      status = 200,
      body = '',
      headers,
      delayMs = 0,
    } = typeof route === 'function' ? route(request) : route;
    if (delayMs > 0) await sleep(delayMs);
    const type = typeof body === 'string' ? 'text/html' : 'application/json';
    response.writeHead(status, { 'content-type': type, ...headers });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  }).listen(0, 'localhost');
  await once(server, 'listening');
  const origin = `http://localhost:${(server.address() as AddressInfo).port}`;
  routes = routesAt(origin);
  return {
    origin,
    routes,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

const OPEN = { 'access-control-allow-origin': '*' };
export const METADATA = '/.well-known/oauth-authorization-server';
export const RESOURCE_METADATA = '/.well-known/oauth-protected-resource';

/** What a good authorization server says of itself. */
export const goodMetadata = (issuer: string) => ({
  issuer,
  authorization_endpoint: `${issuer}/authorize`,
  token_endpoint: `${issuer}/token`,
  registration_endpoint: `${issuer}/register`,
  jwks_uri: `${issuer}/jwks`,
  response_types_supported: ['code'],
  grant_types_supported: ['authorization_code', 'refresh_token'],
  code_challenge_methods_supported: ['S256'],
  token_endpoint_auth_methods_supported: ['none'],
  scopes_supported: ['reports:read', 'reports:write'],
});

export const authorizationServer = (issuer: string, key: SigningKey): Routes => ({
  [METADATA]: { body: goodMetadata(issuer), headers: OPEN },
  '/jwks': { body: { keys: [key.publicJwk] }, headers: OPEN },
  '/token': { status: 204, headers: OPEN },
  '/register': { status: 204, headers: OPEN },
});

/** A deployed server that lets whoever sends a token in. */
export function resourceServer(origin: string, issuer: string): Routes {
  const document = {
    resource: `${origin}/mcp`,
    authorization_servers: [issuer],
    scopes_supported: ['reports:read'],
  };
  return {
    '/mcp': (request) => gate(request, origin),
    [`${RESOURCE_METADATA}/mcp`]: { body: document, headers: OPEN },
    [RESOURCE_METADATA]: { body: document, headers: OPEN },
  };
}

export function gate({ headers: { origin: page, authorization } }: IncomingMessage, origin: string): Reply {
  if (page !== undefined && page !== origin) return { status: 403, body: { error: 'forbidden' } };
  if (authorization !== undefined) return { body: { jsonrpc: '2.0', id: 1, result: {} } };
  const exposed = {
    'access-control-allow-origin': origin,
    'access-control-expose-headers': 'WWW-Authenticate',
  };
  const challenge = `Bearer scope="reports:read", resource_metadata="${origin}${RESOURCE_METADATA}/mcp"`;
  return {
    status: 401,
    body: { error: 'unauthorized' },
    headers: { 'www-authenticate': challenge, ...(page === undefined ? {} : exposed) },
  };
}
