// Attack: several issuers are trusted side by side, and what one of them may say is passed off as another's (mix-up).
//
// All of them call their key by the same name. Each has an audience, claims and, in one case, a header of its own, so that
// a check that uses another entry than the token's issuer's shows.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type SigningKey, signingKey, startIssuer, type TestIssuer } from '../support/issuer.ts';
import { rpc } from '../support/rpc.ts';
import { RESOURCE, startWorker, type TestWorker } from '../support/worker.ts';

const KID = 'key-1';
const HEADER = 'x-proxy-token';
const NAMES = ['plain', 'audience', 'client', 'proxy'] as const;
type Name = (typeof NAMES)[number];

/** What a good token of each has, besides what a test issuer adds. */
const CLAIMS: Readonly<Record<Name, Record<string, unknown>>> = {
  plain: {},
  audience: { aud: 'api://audience', realm: { roles: ['reader'] } },
  client: { aud: undefined, client_id: 'our-client', org: 'ours' },
  proxy: { aud: 'proxy-tag', type: 'app' },
};
const SETTINGS: Readonly<Record<Name, object>> = {
  plain: {},
  audience: { audience: 'api://audience', roles: [['realm', 'roles']], subject: [['uid'], ['sub']] },
  client: {
    audience: { claim: ['client_id'], values: ['our-client'] },
    tenant: { claim: [['org']], values: ['ours'] },
  },
  proxy: {
    audience: 'proxy-tag',
    tokenSource: { header: HEADER },
    require: [{ claim: ['type'], equals: 'app' }],
  },
};

const issuers = {} as Record<Name | 'down', TestIssuer>;
const keys = {} as Record<Name | 'down', SigningKey>;
let worker: TestWorker;

beforeAll(async () => {
  for (const name of [...NAMES, 'down'] as const) {
    issuers[name] = await startIssuer();
    keys[name] = await signingKey('ES256', KID);
    issuers[name].jwks = { keys: [keys[name].publicJwk] };
  }
  await issuers.down.close();
  const entries = NAMES.map((name) => ({ issuer: issuers[name].issuer, ...SETTINGS[name] }));
  const down = { issuer: issuers.down.issuer, jwksUri: `${issuers.down.issuer}/jwks` };
  worker = await startWorker({ vars: { AUTHORIZATION_SERVERS: [...entries, down] } });
});
afterAll(async () => {
  await worker?.[Symbol.asyncDispose]();
  for (const issuer of Object.values(issuers)) await issuer[Symbol.asyncDispose]();
});

const sign = (name: Name, claims: object = {}, key = keys[name], header: object = {}): Promise<string> =>
  issuers[name].sign({ claims: { ...CLAIMS[name], ...claims }, key, header: { ...header } });

const headersFor = (name: Name, token: string): Record<string, string> =>
  name === 'proxy' ? { [HEADER]: token } : { authorization: `Bearer ${token}` };

const call = (headers: Record<string, string>): Promise<Response> =>
  rpc(worker, { method: 'tools/call', params: { name: 'whoami', arguments: {} }, headers });

const callAs = (name: Name, token: string): Promise<Response> => call(headersFor(name, token));

async function refused(response: Response, detail: string, why: string): Promise<void> {
  expect(response.status, why).toBe(401);
  const denied = worker.logs().filter(({ event }) => event === 'decision');
  expect(denied.at(-1), why).toMatchObject({ decision: 'deny', reason: 'token_invalid', detail });
}

async function principalOf(response: Response): Promise<Record<string, unknown>> {
  const { result } = (await response.json()) as { result: { structuredContent: Record<string, unknown> } };
  return result.structuredContent;
}

const PAIRS = NAMES.flatMap((one) =>
  NAMES.filter((other) => other !== one).map((other) => [one, other] as const),
);

test.each(NAMES)("%s's own token is accepted, as its own", async (name) => {
  const principal = await principalOf(await callAs(name, await sign(name)));
  expect(principal).toMatchObject({ issuer: issuers[name].issuer, subject: 'alice' });
});

describe.each(PAIRS)('%s is not %s', (one, other) => {
  test('a token signed with its key that says the other issuer, in all that it says', async () => {
    const token = await sign(other, {}, keys[one]);
    await refused(await callAs(other, token), 'signature', 'by name');
    for (const kid of [undefined, 'unknown'])
      expect((await callAs(other, await sign(other, {}, keys[one], { kid }))).status).toBe(401);
  });

  test('nor one that brings its key along or says where it is', async () => {
    const { issuer } = issuers[one];
    const header = { jwk: keys[one].publicJwk, jku: `${issuer}/jwks`, x5u: `${issuer}/jwks` };
    const asked = issuers[one].requests.length;
    await refused(await callAs(other, await sign(other, {}, keys[one], header)), 'signature', 'header');
    expect(issuers[one].requests.length).toBe(asked);
  });

  test('a signature does not move to a payload with the other issuer, known or not', async () => {
    const good = await sign(one);
    expect((await callAs(one, good)).status).toBe(200);
    const [header, , signature] = good.split('.');
    const payload = (await sign(other)).split('.')[1];
    const moved = `${header}.${payload}.${signature}`;
    for (const at of [one, other]) expect((await callAs(at, moved)).status, at).toBe(401);
  });

  test("its token with the other's audience is refused", async () => {
    const { aud = RESOURCE, client_id: client = 'test-client' } = CLAIMS[other];
    const claims = { aud: other === 'client' ? undefined : aud, client_id: client };
    const detail = one !== 'client' && claims.aud === undefined ? 'aud_missing' : 'aud_check_failed';
    await refused(await callAs(one, await sign(one, claims)), detail, 'audience');
  });

  const sharePlace = one !== 'proxy' && other !== 'proxy';
  test.skipIf(sharePlace)("its token in the other's place is refused", async () => {
    await refused(await callAs(other, await sign(one)), 'token_source', 'place');
  });
});

test('an issuer in a list, or beside another, is none', async () => {
  const { plain, audience } = issuers;
  const iss = [plain.issuer, audience.issuer];
  await refused(await callAs('plain', await sign('plain', { iss })), 'not_a_jwt', 'list');
  const joined = await callAs('plain', await sign('plain', { iss: iss.join(' ') }));
  expect(joined.status).toBe(401);
});

test("claims count where the token's own issuer has them", async () => {
  const plain = await sign('plain', { realm: { roles: ['operator'] }, uid: 'carol', org: 'ours' });
  expect(await principalOf(await callAs('plain', plain))).toMatchObject({
    subject: 'alice',
    roles: ['editor'],
  });
  const audience = await sign('audience', { uid: 'bob', roles: ['operator'] });
  const principal = await principalOf(await callAs('audience', audience));
  expect(principal).toMatchObject({ subject: 'bob', roles: ['reader'] });
  expect(principal).not.toHaveProperty('tenant');
});

test("rules and tenants of one issuer are not asked of the other's tokens, and are of its own", async () => {
  expect((await callAs('plain', await sign('plain', { org: 'theirs', type: 'org' }))).status).toBe(200);
  const others = await callAs('client', await sign('client', { org: 'theirs' }));
  await refused(others, 'tenant_not_served', 'tenant');
  await refused(await callAs('proxy', await sign('proxy', { type: 'org' })), 'require_0', 'rule');
});

test('two tokens in one request are not mixed: that of the proxy counts, whatever it is', async () => {
  const authorization = `Bearer ${await sign('plain')}`;
  const both = await call({ authorization, [HEADER]: await sign('proxy', { sub: 'bob' }) });
  expect(await principalOf(both)).toMatchObject({ issuer: issuers.proxy.issuer, subject: 'bob' });
  const bad = await call({ authorization, [HEADER]: await sign('proxy', {}, keys.plain) });
  await refused(bad, 'signature', 'the bad one counts');
});

test('one subject of two issuers is two', async () => {
  const subjects = new Set<string>();
  for (const name of NAMES) {
    const claims = { sub: 'alice', jti: 'the same' };
    const { issuer, subject } = await principalOf(await callAs(name, await sign(name, claims)));
    subjects.add(JSON.stringify([issuer, subject]));
  }
  expect(subjects.size).toBe(NAMES.length);
});

test('while an issuer does not answer, the keys of others do not stand in for its own', async () => {
  const token = await issuers.plain.sign({ claims: { iss: issuers.down.issuer }, key: keys.plain });
  expect((await callAs('plain', token)).status).toBe(503);
});
