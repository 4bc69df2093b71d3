// The official client with its own OAuth code, the Worker in workerd, and a real authorization server: nothing is doubled
// but the person at the browser.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { serveClientMetadata } from '../../scripts/client-metadata.ts';
import { clientCredentialsGrant, deviceGrant } from '../../scripts/grants.ts';
import { freePort, type LocalStack, startLocalStack } from '../../scripts/local-stack.ts';
import { Person, REDIRECT_URL } from '../../scripts/person.ts';
import { rpcInit } from '../support/rpc.ts';

let stack: LocalStack;
let persist: string;
beforeAll(async () => {
  persist = await mkdtemp(join(tmpdir(), 'official-client-'));
  stack = await startLocalStack({ port: await freePort(), authorizationServerPort: 0, persist });
});
afterAll(async () => {
  await stack?.close();
  await rm(persist, { recursive: true, force: true });
});

test('a client that knows only the URL discovers, registers, authorizes with PKCE and calls a protected tool', async () => {
  const requests: string[] = [];
  const watching: typeof fetch = (input, init) => {
    const { origin, pathname } = new URL(input instanceof Request ? input.url : String(input));
    requests.push(`${init?.method ?? 'GET'} ${origin === stack.issuer ? 'AS' : 'RS'} ${pathname}`);
    return fetch(input, init);
  };
  const alice = new Person({ mcp: stack.mcp, user: 'alice', fetch: watching });
  await alice.connect();
  const result = await alice.call('read_report', { id: '2026-q1' });
  expect(result.isError).toBeFalsy();
  expect(result.structuredContent).toMatchObject({ id: '2026-q1', title: 'First quarter 2026' });
  await alice.close();

  // What went over the wire, in order: nothing was configured beforehand.
  const milestones = [
    'POST RS /mcp',
    'GET RS /.well-known/oauth-protected-resource/mcp',
    'GET AS /.well-known/oauth-authorization-server',
    'POST AS /register',
    'POST AS /token',
    'POST RS /mcp',
  ];
  expect(requests.filter((request) => milestones.includes(request)).slice(0, milestones.length)).toEqual(
    milestones,
  );
});

test('a tool that needs more scopes leads to one new consent with the union, and then runs', async () => {
  const alice = new Person({ mcp: stack.mcp, user: 'alice' });
  await alice.connect();
  expect(alice.asked.map(scopes)).toEqual([['offline_access', 'reports:read']]);
  const result = await alice.call('update_report', { id: '2026-q2', body: 'Corrected.' });
  expect(result.structuredContent).toMatchObject({ id: '2026-q2', body: 'Corrected.' });
  expect(alice.asked.map(scopes)).toEqual([
    ['offline_access', 'reports:read'],
    ['offline_access', 'reports:read', 'reports:write'],
  ]);
  await alice.close();
});

test('someone whose role cannot do it is told so, and is never sent to consent', async () => {
  const bob = new Person({ mcp: stack.mcp, user: 'bob' });
  await bob.connect();
  const result = await bob.call('update_report', { id: '2026-q1', body: 'Not by bob.' });
  expect(result.isError).toBe(true);
  expect(bob.asked).toHaveLength(1);
  const { tools } = await bob.client.listTools();
  expect(tools.map(({ name }) => name)).toEqual([
    'whoami',
    'list_reports',
    'read_report',
    'remember',
    'recall',
  ]);
  await bob.close();
});

test('a client with a metadata document needs no registration', async () => {
  await using document = await serveClientMetadata(REDIRECT_URL);
  const { clientId } = document;
  const alice = new Person({ mcp: stack.mcp, user: 'alice', clientMetadataUrl: clientId });
  await alice.connect();
  expect((await alice.call('whoami')).structuredContent).toMatchObject({
    clientId,
    subject: 'alice',
    roles: ['editor'],
  });
  await alice.close();
});

test('machines and devices call the same tools with tokens of their own grants', async () => {
  const { mcp, issuer } = stack;
  const bot = await clientCredentialsGrant({
    issuer,
    clientId: 'ci-bot',
    clientSecret: 'ci-bot-secret',
    scope: 'reports:read',
    resource: mcp,
  });
  expect(await whoami(bot.access_token)).toMatchObject({
    subject: 'ci-bot',
    clientId: 'ci-bot',
    roles: ['reader'],
  });
  const device = await deviceGrant({ issuer, user: 'dave', scope: 'payments:refund', resource: mcp });
  expect(await whoami(device.access_token)).toMatchObject({ subject: 'dave', roles: ['finance', 'reader'] });
});

test('a genuine token for another resource of the same authorization server is refused', async () => {
  const { issuer, otherResource, mcp } = stack;
  const { access_token } = await clientCredentialsGrant({
    issuer,
    clientId: 'ci-bot',
    clientSecret: 'ci-bot-secret',
    scope: 'reports:read',
    resource: otherResource,
  });
  expect((await fetch(mcp, rpcInit({ token: access_token }))).status).toBe(401);
});

const scopes = (asked: string): string[] => asked.split(' ').sort();

async function whoami(token: string): Promise<unknown> {
  const response = await fetch(
    stack.mcp,
    rpcInit({ token, method: 'tools/call', params: { name: 'whoami', arguments: {} } }),
  );
  const { result } = (await response.json()) as { result: { structuredContent: unknown } };
  return result.structuredContent;
}
