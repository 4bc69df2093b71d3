// @cloudflare/workers-oauth-provider as the authorization server, in a Worker of its own: its tokens are opaque, and it is
// asked about them over a Service Binding.

import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Person, REDIRECT_URL } from '../../scripts/person.ts';
import { decision, rpc } from '../support/rpc.ts';
import { RESOURCE, startWorker, type TestWorker } from '../support/worker.ts';

const ISSUER = 'https://auth.example.com';
const OTHER = 'https://other.example.com/mcp';

const start = (resources: string): Promise<TestWorker> =>
  startWorker({
    main: 'test/support/opaque-worker.ts',
    vars: {
      AUTHORIZATION_SERVERS: [
        {
          issuer: ISSUER,
          introspection: { kind: 'service-binding', binding: 'AUTH_SERVER' },
          roles: [['props', 'roles']],
        },
      ],
      INTROSPECTION_CACHE_SECONDS: 0,
    },
    neighbour: {
      binding: 'AUTH_SERVER',
      main: 'test/support/oauth-provider-worker.ts',
      host: 'auth.example.com',
      vars: { ISSUER, RESOURCES: resources },
      kvNamespaces: ['OAUTH_KV'],
    },
  });

let worker: TestWorker;
beforeAll(async () => {
  worker = await start(`${RESOURCE} ${OTHER}`);
  const { REPORTS } = await worker.env();
  await REPORTS.put('report:a', JSON.stringify({ id: 'a', title: 'A', body: 'Text of A' }), {
    metadata: { title: 'A' },
  });
});
afterAll(() => worker?.[Symbol.asyncDispose]());

/** What the person does at the consent page; gives where the browser is sent then. */
async function approve(url: URL, user: string): Promise<URL> {
  const page = await worker.fetch(url.href);
  if (!page.ok) throw new Error(`the consent page: ${page.status} ${await page.text()}`);
  const { scope, handle } = (await page.json()) as { scope: string[]; handle: string };
  const form = new URLSearchParams({ user, handle });
  for (const name of scope) form.append('scope', name);
  const cookie = page.headers.getSetCookie().map((header) => header.split(';')[0]);
  const approved = await worker.fetch(`${url.origin}${url.pathname}`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', cookie: cookie.join('; ') },
    body: form.toString(),
  });
  return new URL(approved.headers.get('location') ?? '');
}

/** Someone whose client reaches both Workers; `requests` gets what it asks of the authorization server. */
const person = (user: string, requests: string[] = []): Person =>
  new Person({
    mcp: RESOURCE,
    user,
    approve: (url) => approve(url, user),
    fetch: (input, init) => {
      const url = new URL(input instanceof Request ? input.url : String(input));
      if (url.origin === ISSUER) requests.push(`${init?.method ?? 'GET'} ${url.pathname}`);
      return worker.fetch(url.href, init);
    },
  });

interface Tokens {
  readonly access_token: string;
  readonly refresh_token: string;
  readonly client_id: string;
}

/** Tokens for a resource, by a client of its own. */
async function tokensFor(resource: string): Promise<Tokens> {
  const post = async (path: string, type: string, body: string): Promise<never> => {
    const response = await worker.fetch(ISSUER + path, {
      method: 'POST',
      headers: { 'content-type': type },
      body,
    });
    return (await response.json()) as never;
  };
  const client = { redirect_uris: [REDIRECT_URL], token_endpoint_auth_method: 'none', client_name: 'Test' };
  const { client_id } = (await post('/oauth/register', 'application/json', JSON.stringify(client))) as Tokens;
  const verifier = randomBytes(32).toString('base64url');
  const challenge = createHash('sha256').update(verifier).digest('base64url');
  const common = { client_id, redirect_uri: REDIRECT_URL, resource };
  const query = new URLSearchParams({
    ...common,
    response_type: 'code',
    scope: 'reports:read',
    state: 's',
    code_challenge: challenge,
    code_challenge_method: 'S256',
  });
  const { searchParams } = await approve(new URL(`${ISSUER}/authorize?${query}`), 'bob');
  const code = searchParams.get('code') ?? '';
  const grant = { ...common, grant_type: 'authorization_code', code, code_verifier: verifier };
  const tokens: Tokens = await post(
    '/oauth/token',
    'application/x-www-form-urlencoded',
    new URLSearchParams(grant).toString(),
  );
  return { ...tokens, client_id };
}

const statusOf = async (token: string): Promise<number> => (await rpc(worker, { token })).status;

test('a client that knows only the URL discovers, registers, authorizes with PKCE and calls tools', async () => {
  const requests: string[] = [];
  const alice = person('alice@example.com', requests);
  await alice.connect();
  const { structuredContent } = await alice.call('whoami');
  expect(structuredContent).toMatchObject({
    issuer: ISSUER,
    subject: 'alice@example.com',
    clientId: alice.clientId,
    roles: ['editor'],
    scopes: expect.arrayContaining(['reports:read']),
  });
  expect(requests).toEqual([
    'GET /.well-known/oauth-authorization-server',
    'POST /oauth/register',
    'POST /oauth/token',
  ]);
  const token = alice.accessToken ?? '';
  expect(token).toContain('alice@example.com:');
  const logged = JSON.stringify(worker.logs());
  expect(logged).toContain('"decision"');
  expect(logged).not.toContain(token);
  await alice.close();
});

test('a tool that needs more scopes leads to one new consent, and then runs', async () => {
  const alice = person('alice@example.com');
  await alice.connect();
  const result = await alice.call('update_report', { id: 'a', body: 'Corrected.' });
  expect(result.structuredContent).toMatchObject({ id: 'a', body: 'Corrected.' });
  expect(alice.asked).toHaveLength(2);
  await alice.close();
});

test('someone whose role cannot do it is told so, and is never sent to consent', async () => {
  const bob = person('bob');
  await bob.connect();
  const result = await bob.call('update_report', { id: 'a', body: 'Not by bob.' });
  expect(result.isError).toBe(true);
  expect(bob.asked).toHaveLength(1);
  await bob.close();
});

test('a token for another resource of the same server, a refresh token and a made-up one are refused', async () => {
  const here = await tokensFor(RESOURCE);
  expect(await statusOf(here.access_token)).toBe(200);
  for (const token of [
    (await tokensFor(OTHER)).access_token,
    here.refresh_token,
    'bob:grant:secret',
    'random',
  ]) {
    expect(await statusOf(token)).toBe(401);
    expect(decision(worker)).toMatchObject({ reason: 'token_invalid', detail: 'inactive' });
  }
});

test('a token that was withdrawn at the server is refused from then on', async () => {
  const { access_token, client_id } = await tokensFor(RESOURCE);
  expect(await statusOf(access_token)).toBe(200);
  const revoked = await worker.fetch(`${ISSUER}/oauth/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ token: access_token, client_id }).toString(),
  });
  expect(revoked.status).toBe(200);
  expect(await statusOf(access_token)).toBe(401);
});

test('a server that does not know this resource is a 503, and the log says where to look', async () => {
  await using unknown = await start(OTHER);
  expect((await rpc(unknown, { token: 'bob:grant:secret' })).status).toBe(503);
  expect(unknown.logs()).toContainEqual(
    expect.objectContaining({
      event: 'introspection_failed',
      issuer: ISSUER,
      detail: 'validateToken of the Service Binding failed: its own log has more',
    }),
  );
});
