// Better Auth as the authorization server: the official client discovers it, registers, authorizes with PKCE and calls
// tools. Its tokens are JWTs signed with EdDSA, and made out to a resource.

import { decodeJwt, decodeProtectedHeader } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Person } from '../../scripts/person.ts';
import { type BetterAuth, startBetterAuth } from '../support/better-auth.ts';
import { decision, rpc } from '../support/rpc.ts';
import { RESOURCE, startWorker, type TestWorker } from '../support/worker.ts';

let server: BetterAuth;
let worker: TestWorker;
beforeAll(async () => {
  server = await startBetterAuth(RESOURCE, { alice: ['editor'], bob: ['reader'] });
  worker = await startWorker({
    vars: { AUTHORIZATION_SERVERS: [{ issuer: server.issuer, algs: ['EdDSA'], typ: ['at+jwt'] }] },
  });
  const { REPORTS } = await worker.env();
  await REPORTS.put('report:a', JSON.stringify({ id: 'a', title: 'A', body: 'Text of A' }), {
    metadata: { title: 'A' },
  });
});
afterAll(async () => {
  await worker?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
});

/** Someone whose client reaches both servers. */
const person = (user: string): Person =>
  new Person({
    mcp: RESOURCE,
    user,
    approve: (url) => server.approve(url, user),
    fetch: (input, init) => {
      const url = new URL(input instanceof Request ? input.url : String(input));
      return url.origin === new URL(RESOURCE).origin ? worker.fetch(url.href, init) : fetch(input, init);
    },
  });

test('a client that knows only the URL discovers, registers, authorizes with PKCE and calls tools', async () => {
  const alice = person('alice');
  await alice.connect();
  const { structuredContent } = await alice.call('whoami');
  expect(structuredContent).toMatchObject({
    issuer: server.issuer,
    clientId: alice.clientId,
    roles: ['editor'],
  });
  expect(server.requests).toEqual([
    'GET /.well-known/oauth-authorization-server/api/auth',
    'POST /api/auth/oauth2/register',
    'GET /api/auth/oauth2/authorize',
    'POST /api/auth/sign-in/email',
    'POST /api/auth/oauth2/consent',
    'POST /api/auth/oauth2/token',
    'GET /.well-known/oauth-authorization-server/api/auth',
    'GET /api/auth/jwks',
  ]);
  const token = alice.accessToken ?? '';
  expect(decodeProtectedHeader(token)).toMatchObject({ alg: 'EdDSA', typ: 'at+jwt' });
  expect([decodeJwt(token).aud].flat()).toContain(RESOURCE);
  await alice.close();
});

test('a tool that needs more scopes leads to one new consent, and then runs', async () => {
  const alice = person('alice');
  await alice.connect();
  const result = await alice.call('update_report', { id: 'a', body: 'Corrected.' });
  expect(result.structuredContent).toMatchObject({ id: 'a', body: 'Corrected.' });
  expect(
    alice.asked.map((scope) =>
      scope
        .split(' ')
        .filter((name) => name.includes(':'))
        .sort(),
    ),
  ).toEqual([['reports:read'], ['reports:read', 'reports:write']]);
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

test("a session's JWT, signed with the same keys, is no access token", async () => {
  const token = await server.sessionToken('alice');
  expect(decodeJwt(token)).toMatchObject({
    iss: expect.stringContaining('http://localhost:'),
    sub: expect.any(String),
  });
  expect((await rpc(worker, { token })).status).toBe(401);
  expect(decision(worker)).toMatchObject({ decision: 'deny' });
});
