// A copy of the authorization server's metadata at the resource's origin, read by the official clients.

import {
  discoverAuthorizationServerMetadata,
  discoverOAuthProtectedResourceMetadata,
  startAuthorization,
} from '@modelcontextprotocol/client';
import { discoverOAuthMetadata } from '@modelcontextprotocol/sdk/client/auth.js';
import { expect, test } from 'vitest';
import { startIssuer, type TestIssuer } from '../support/issuer.ts';
import { RESOURCE, startWorker, type TestWorker } from '../support/worker.ts';

const ORIGIN = 'https://mcp.example.com';
const MIRROR = `${ORIGIN}/.well-known/oauth-authorization-server`;
const DOCUMENT = '/.well-known/oauth-authorization-server';

/** As Entra and Cognito publish it: everything but what it can do with PKCE. */
function publish(issuer: TestIssuer, more: Record<string, unknown> = {}): Record<string, unknown> {
  const document = {
    ...issuer.metadata,
    authorization_endpoint: `${issuer.issuer}/authorize`,
    token_endpoint: `${issuer.issuer}/token`,
    response_types_supported: ['code'],
    ...more,
  };
  issuer.answers.set(DOCUMENT, { status: 200, body: JSON.stringify(document) });
  return document;
}

const start = (issuer: TestIssuer, mirror: true | 'pkce'): Promise<TestWorker> =>
  startWorker({ vars: { AUTHORIZATION_SERVERS: [{ issuer: issuer.issuer, mirror }] } });

/** What a client has for fetching: it reaches the Worker under its public name, and everything else as it is. */
const fetchFrom =
  (worker: TestWorker) =>
  (url: string | URL, init?: RequestInit): Promise<Response> =>
    String(url).startsWith(ORIGIN) ? worker.fetch(String(url), init) : fetch(url, init);

test('a client of the first revisions finds the authorization server at the origin of the resource', async () => {
  await using issuer = await startIssuer();
  const original = publish(issuer);
  await using worker = await start(issuer, true);
  const found = await discoverOAuthMetadata(RESOURCE, {}, fetchFrom(worker));
  expect(found).toMatchObject({ issuer: issuer.issuer, token_endpoint: original.token_endpoint });
  const response = await worker.fetch(MIRROR, { headers: { origin: 'https://anyone.example.com' } });
  expect(await response.json()).toEqual(original);
  expect(response.headers.get('access-control-allow-origin')).toBe('*');
  expect((await worker.fetch(MIRROR, { method: 'POST' })).status).toBe(405);
});

test('a server that does PKCE without saying so gets a copy that says it, and clients sign in by that', async () => {
  await using issuer = await startIssuer();
  publish(issuer, { signed_metadata: 'e30.e30.', code_challenge_methods_supported: ['plain'] });
  await using worker = await start(issuer, 'pkce');
  const fetchFn = fetchFrom(worker);
  const resource = await discoverOAuthProtectedResourceMetadata(RESOURCE, {}, fetchFn);
  expect(resource.authorization_servers).toEqual([ORIGIN]);

  const metadata = await discoverAuthorizationServerMetadata(ORIGIN, { fetchFn });
  expect(metadata).toMatchObject({ issuer: ORIGIN, code_challenge_methods_supported: ['plain', 'S256'] });
  expect(metadata).not.toHaveProperty('signed_metadata');
  const { authorizationUrl } = await startAuthorization(ORIGIN, {
    ...(metadata ? { metadata } : {}),
    clientInformation: { client_id: 'client-17' },
    redirectUrl: 'http://localhost/callback',
    resource: new URL(RESOURCE),
  });
  expect(authorizationUrl.href.startsWith(`${issuer.issuer}/authorize?`)).toBe(true);
  expect(authorizationUrl.searchParams.get('code_challenge_method')).toBe('S256');
});

test('without the copy the official client refuses such a server', async () => {
  await using issuer = await startIssuer();
  publish(issuer, { code_challenge_methods_supported: ['plain'] });
  const metadata = await discoverAuthorizationServerMetadata(issuer.issuer);
  const signingIn = startAuthorization(issuer.issuer, {
    ...(metadata ? { metadata } : {}),
    clientInformation: { client_id: 'client-17' },
    redirectUrl: 'http://localhost/callback',
  });
  await expect(signingIn).rejects.toThrow('code challenge method S256');
});

test.each([
  ['names another issuer', { issuer: 'https://evil.example.com' }, true, 'names another issuer'],
  [
    'sends codes over http',
    { authorization_endpoint: 'http://a.example' },
    true,
    'no https authorization_endpoint',
  ],
  ['has no token endpoint', { token_endpoint: undefined }, true, 'no https token_endpoint'],
  [
    'says in its answers who it is',
    { authorization_response_iss_parameter_supported: true },
    'pkce',
    'clients compare that',
  ],
] as const)('metadata that %s is not copied: 503, and the log says why', async (_, wrong, mirror, says) => {
  await using issuer = await startIssuer();
  publish(issuer, wrong);
  await using worker = await start(issuer, mirror);
  const response = await worker.fetch(MIRROR);
  expect(response.status).toBe(503);
  expect(Number(response.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
  const failure = worker.logs().find(({ event }) => event === 'mirror_failed');
  expect(failure).toMatchObject({ issuer: issuer.issuer, detail: expect.stringContaining(says) });
});

test('without the setting there is no such document', async () => {
  await using issuer = await startIssuer();
  await using worker = await startWorker({ vars: { AUTHORIZATION_SERVERS: [{ issuer: issuer.issuer }] } });
  expect((await worker.fetch(MIRROR)).status).toBe(404);
});
