// Opaque access tokens end to end: the official client, the Worker in workerd, and a real authorization server that is
// asked about every token it issued.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportPKCS8, generateKeyPair, jwtVerify } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  authorizationCodeGrant,
  clientCredentialsGrant,
  discover,
  refreshGrant,
} from '../../scripts/grants.ts';
import { freePort, type LocalStack, startLocalStack } from '../../scripts/local-stack.ts';
import { Person } from '../../scripts/person.ts';
import { active, askingAt, startIntrospection } from '../support/introspection.ts';
import { decision, rpc, rpcInit } from '../support/rpc.ts';
import { startWorker } from '../support/worker.ts';

let stack: LocalStack;
let persist: string;
let logged: string;
beforeAll(async () => {
  persist = await mkdtemp(join(tmpdir(), 'opaque-token-'));
  logged = '';
  const log = (line: string) => {
    logged += line;
  };
  stack = await startLocalStack({
    port: await freePort(),
    authorizationServerPort: 0,
    persist,
    opaque: true,
    entry: join(import.meta.dirname, '../support/opaque-worker.ts'),
    log,
  });
});
afterAll(async () => {
  await stack?.close();
  await rm(persist, { recursive: true, force: true });
});

const machine = (resource: string) =>
  clientCredentialsGrant({
    issuer: stack.issuer,
    clientId: 'ci-bot',
    clientSecret: 'ci-bot-secret',
    scope: 'reports:read',
    resource,
  });

async function call(token: string): Promise<Response> {
  return fetch(
    stack.mcp,
    rpcInit({ token, method: 'tools/call', params: { name: 'whoami', arguments: {} } }),
  );
}

test('a client that gets opaque tokens signs in, calls tools and steps up as any other', async () => {
  const alice = new Person({ mcp: stack.mcp, user: 'alice' });
  await alice.connect();
  const { accessToken = '' } = alice;
  expect(accessToken).not.toContain('.');
  expect((await alice.call('whoami')).structuredContent).toMatchObject({
    issuer: stack.issuer,
    subject: 'alice',
    clientId: alice.clientId,
    roles: ['editor'],
    scopes: ['reports:read'],
  });
  const updated = await alice.call('update_report', { id: '2026-q2', body: 'Corrected.' });
  expect(updated.structuredContent).toMatchObject({ id: '2026-q2', body: 'Corrected.' });
  expect(alice.asked).toHaveLength(2);
  await alice.close();
  expect(logged).toContain('"decision"');
  expect(logged).not.toContain(accessToken);
});

test('a machine is who its client is', async () => {
  const { access_token } = await machine(stack.mcp);
  const response = await call(access_token);
  expect(response.status).toBe(200);
  expect(await response.json()).toMatchObject({
    result: { structuredContent: { subject: 'ci-bot', roles: ['reader'] } },
  });
});

test('a token for another resource and a refresh token are refused, though the server calls both active', async () => {
  const other = await machine(stack.otherResource);
  expect((await call(other.access_token)).status).toBe(401);
  const { issuer, mcp } = stack;
  const alice = await authorizationCodeGrant({ issuer, user: 'alice', scope: 'reports:read', resource: mcp });
  expect((await call(alice.access_token)).status).toBe(200);
  expect((await call(alice.refresh_token ?? '')).status).toBe(401);
  const renewed = await refreshGrant({
    issuer,
    clientId: 'cli',
    refreshToken: alice.refresh_token ?? '',
    resource: mcp,
  });
  expect((await call(renewed.access_token)).status).toBe(200);
});

test('a token its client withdrew is refused', async () => {
  const { access_token } = await machine(stack.mcp);
  const { revocation_endpoint = '' } = await discover(stack.issuer);
  const credentials = Buffer.from('ci-bot:ci-bot-secret').toString('base64');
  const revoked = await fetch(revocation_endpoint, {
    method: 'POST',
    headers: { authorization: `Basic ${credentials}` },
    body: new URLSearchParams({ token: access_token }),
  });
  expect(revoked.status).toBe(200);
  expect((await call(access_token)).status).toBe(401);
});

test.each(['ES256', 'RS256', 'EdDSA', 'ES384'])(
  'this server can say who it is with a PEM key for %s',
  async (alg) => {
    const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
    await using server = await startIntrospection();
    server.answer = async ({ form }) => {
      const { payload } = await jwtVerify(form.get('client_assertion') ?? '', publicKey);
      return active({ sub: payload.iss });
    };
    const vars = {
      ...askingAt(server.url, {}, { auth: 'private_key_jwt' }),
      INTROSPECTION_SECRET: await exportPKCS8(privateKey),
    };
    await using worker = await startWorker({ vars, main: 'test/support/opaque-worker.ts' });
    expect((await rpc(worker, { token: 'a-token' })).status).toBe(200);
    expect(decision(worker)).toMatchObject({ subject: 'resource-server' });
  },
);
