// Attack: a token of an operator, got by having the operator confirm a code or a consent at a client of somebody else's,
// or found where it had been lying for weeks. It has the scope and the permission, and is good for every tool.
//
// A permission that is not there is told before an old sign-in; a client that is not allowed is never sent to consent.

import { afterEach, expect, test } from 'vitest';
import { oldAuthentication, unfitToken } from '../../src/admin/operator.ts';
import { servicePrincipal } from '../../src/auth/service-key.ts';
import type { SignOptions } from '../support/issuer.ts';
import { startIssuer, type TestIssuer, trusting } from '../support/issuer.ts';
import { rpc } from '../support/rpc.ts';
import { startWorker, type TestWorker } from '../support/worker.ts';

const now = () => Math.floor(Date.now() / 1_000);
const HOUR = 3_600;
/** What must be refused is off by much more than clocks differ. */
const SLACK = 60;

let issuer: TestIssuer;
let worker: TestWorker;
afterEach(async () => {
  await worker?.[Symbol.asyncDispose]();
  await issuer?.[Symbol.asyncDispose]();
});

async function start(vars: object = {}): Promise<void> {
  issuer = await startIssuer();
  worker = await startWorker({ vars: { ...trusting(issuer), ...vars } });
}

const OPERATOR = { sub: 'carol', roles: ['operator'], scope: 'mcp:admin', client_id: 'cli' };
const sign = (claims: SignOptions['claims'] = {}) => issuer.sign({ claims: { ...OPERATOR, ...claims } });

/** What the operators' API says to a token, and what is written down. */
async function judged(token: string) {
  worker.logs();
  const response = await worker.fetch('https://mcp.example.com/admin/status', {
    headers: { authorization: `Bearer ${token}` },
  });
  const { error } = (await response.json()) as { error?: string };
  const { reason } = worker.logs().find(({ event }) => event === 'decision') ?? {};
  return { status: response.status, error, reason, challenge: response.headers.get('www-authenticate') };
}
const GOOD = { status: 200, error: undefined, reason: undefined, challenge: null };

/** The same token at the MCP endpoint, where nothing of this counts. */
const isGoodForTools = async (token: string): Promise<boolean> =>
  (await rpc(worker, { token })).status === 200;

test('a token of a client that operators do not sign in with is refused, and sent to no consent', async () => {
  await start({ ADMIN_CLIENTS: ['cli', 'https://ops.example.com/client.json'] });
  const refused = { status: 403, error: 'client_not_allowed', reason: 'client_not_allowed', challenge: null };
  expect(await judged(await sign())).toEqual(GOOD);
  expect(await judged(await sign({ client_id: 'https://ops.example.com/client.json' }))).toEqual(GOOD);
  for (const client_id of ['games', 'CLI', 'cli ', 'https://ops.example.com/client.json#', undefined]) {
    const token = await sign({ client_id });
    expect(await judged(token), client_id).toEqual(refused);
    expect(await isGoodForTools(token), client_id).toBe(true);
  }
  const withoutScope = await sign({ client_id: 'games', scope: 'reports:read' });
  expect(await judged(withoutScope)).toEqual(refused);
  expect(await judged(await sign({ scope: 'reports:read' }))).toMatchObject({
    error: 'insufficient_scope',
    challenge: expect.stringContaining('scope="mcp:admin"'),
  });
});

test("any client may be an operator's while nobody says which", async () => {
  await start();
  expect(await judged(await sign({ client_id: 'games' }))).toEqual(GOOD);
  expect(await judged(await sign({ client_id: undefined }))).toEqual(GOOD);
});

test("a token that lives for longer than twelve hours is no operator's, nor is one that does not say since when", async () => {
  await start();
  const refused = {
    status: 403,
    error: 'token_too_long_lived',
    reason: 'token_too_long_lived',
    challenge: null,
  };
  const iat = now() - 12 * HOUR + SLACK;
  expect(await judged(await sign({ iat, exp: iat + 12 * HOUR }))).toEqual(GOOD);
  for (const claims of [
    { iat: now(), exp: now() + 12 * HOUR + 1 },
    // However little of it is left.
    { iat: now() - 30 * 24 * HOUR, exp: now() + SLACK },
    { iat: undefined, exp: now() + SLACK },
  ]) {
    const token = await sign(claims);
    expect(await judged(token), JSON.stringify(claims)).toEqual(refused);
    expect(await isGoodForTools(token), JSON.stringify(claims)).toBe(true);
  }
});

test('how long a token of an operator may live can be set', async () => {
  await start({ ADMIN_TOKEN_SECONDS: 600 });
  expect(await judged(await sign({ iat: now(), exp: now() + 600 }))).toEqual(GOOD);
  expect(await judged(await sign({ iat: now(), exp: now() + 601 }))).toMatchObject({
    reason: 'token_too_long_lived',
  });
});

test('an operator who signed in long ago, or nobody knows when, is asked to sign in again as RFC 9470 says', async () => {
  await start({ ADMIN_MAX_AUTH_AGE_SECONDS: 900 });
  const challenge =
    'Bearer error="insufficient_user_authentication", error_description="Operators must have signed in lately, by auth_time of the access token", scope="mcp:admin", max_age="900", resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/mcp"';
  const refused = {
    status: 401,
    error: 'insufficient_user_authentication',
    reason: 'authentication_too_old',
    challenge,
  };
  expect(await judged(await sign({ auth_time: now() }))).toEqual(GOOD);
  expect(await judged(await sign({ auth_time: now() - 900 + SLACK }))).toEqual(GOOD);
  for (const auth_time of [
    undefined,
    now() - 901,
    0,
    null,
    String(now()),
    [now()],
    // Milliseconds would never get old.
    now() * 1_000,
    now() + SLACK,
  ]) {
    const token = await sign({ auth_time });
    expect(await judged(token), JSON.stringify(auth_time)).toEqual(refused);
    expect(await isGoodForTools(token), JSON.stringify(auth_time)).toBe(true);
  }
  // A token that was renewed since is not a sign-in.
  expect(await judged(await sign({ iat: now(), auth_time: now() - 901 }))).toEqual(refused);
});

test('nobody is sent to sign in again for what that cannot give', async () => {
  await start({ ADMIN_MAX_AUTH_AGE_SECONDS: 900, ADMIN_CLIENTS: ['cli'] });
  expect(await judged(await sign({ roles: ['editor'] }))).toMatchObject({
    status: 403,
    reason: 'permission_missing',
    challenge: null,
  });
  expect(await judged(await sign({ client_id: 'games' }))).toMatchObject({ reason: 'client_not_allowed' });
});

test('when somebody signed in is not looked at unless that is set', async () => {
  await start();
  for (const auth_time of [undefined, 1, 'yesterday'])
    expect(await judged(await sign({ auth_time }))).toEqual(GOOD);
});

test('a service key, with which nobody signs in, has bounds of its own', () => {
  const year = 31_536_000;
  const key = servicePrincipal({
    id: 'key_1',
    service: 'nightly',
    scopes: ['mcp:admin'],
    roles: ['operator'],
    createdAt: now() - year,
    expiresAt: now() + year,
  });
  const config = {
    adminClients: ['cli'],
    adminTokenSeconds: 600,
    adminMaxAuthAgeSeconds: 900,
    clockToleranceSeconds: 5,
  };
  expect(unfitToken(key, config)).toBeUndefined();
  expect(oldAuthentication(key, config, now())).toBeUndefined();
  expect(unfitToken({ ...key, kind: 'oauth' }, config)).toEqual({ reason: 'client_not_allowed' });
});
