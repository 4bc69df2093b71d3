// When a verified token may be remembered, how long one may live, and what one is called that nobody has verified.
// What else makes a token good or bad is in test/attacks, on the real Worker.

import { importJWK } from 'jose';
import { beforeEach, describe, expect, test } from 'vitest';
import { createAccessTokenVerifier, unverifiedTokenId } from '../../src/auth/access-token.ts';
import type { IssuerIo, Issuers } from '../../src/auth/issuers.ts';
import type { AuthorizationServer } from '../../src/config.ts';
import { isDenial } from '../../src/denial.ts';
import { type SigningKey, signingKey, TestIssuer } from '../support/issuer.ts';
import { RESOURCE } from '../support/worker.ts';

const CONFIG = {
  clockToleranceSeconds: 5,
  maxTokenLifetimeSeconds: 86_400,
  verifiedTokenCacheEntries: 3,
  verifiedTokenCacheSeconds: 300,
};
const SERVER = {
  issuers: ['https://issuer.example.com'],
  jwksUri: undefined,
  algs: ['ES256'],
  audience: { claim: ['aud'], values: [RESOURCE], aud: [RESOURCE] },
  typ: ['at+jwt'],
  preset: undefined,
  require: [],
  claims: {},
  tenants: undefined,
  rolesNameTenants: false,
  scopePrefix: '',
  grantedScopes: [],
  tokenHeader: undefined,
  introspection: undefined,
  advertised: [],
  mirror: undefined,
} satisfies AuthorizationServer;

const key: SigningKey = await signingKey();
const publicKey = (await importJWK(key.publicJwk)) as CryptoKey;
const issuer = new TestIssuer('https://issuer.example.com', key, async () => {});

let now: number;
let keysVersion: number;
let verifications: number;
const io = { kv: {} as KVNamespace, now: () => now, waitUntil: () => {} } satisfies IssuerIo;
const issuers: Issuers = {
  server: (name) => (name === issuer.issuer ? SERVER : undefined),
  keysVersion: () => keysVersion,
  keys: async () => {
    verifications += 1;
    return [publicKey];
  },
};

beforeEach(() => {
  now = Math.floor(Date.now() / 1_000);
  keysVersion = 1;
  verifications = 0;
});

/** Whether the token was accepted, and what it cost. */
async function use(verify: ReturnType<typeof createAccessTokenVerifier>, token: string) {
  const before = verifications;
  const result = await verify(token, io);
  return { accepted: !isDenial(result), verified: verifications > before };
}

test('the second use of a token verifies nothing, gives the same principal, and gives it at once', async () => {
  const verify = createAccessTokenVerifier(CONFIG, issuers);
  const token = await issuer.sign();
  const first = await verify(token, io);
  const second = verify(token, io);
  expect(second).toBe(first);
  expect(verifications).toBe(1);
});

test('a token is remembered no longer than verifiedTokenCacheSeconds', async () => {
  const verify = createAccessTokenVerifier(CONFIG, issuers);
  const token = await issuer.sign();
  await use(verify, token);
  now += 299;
  expect(await use(verify, token)).toEqual({ accepted: true, verified: false });
  now += 1;
  expect(await use(verify, token)).toEqual({ accepted: true, verified: true });
});

test('a token is never remembered beyond its exp and the tolerance', async () => {
  const verify = createAccessTokenVerifier(CONFIG, issuers);
  const token = await issuer.sign({ claims: { exp: now + 10 } });
  await use(verify, token);
  now += 14;
  expect(await use(verify, token)).toEqual({ accepted: true, verified: false });
  now += 1;
  expect(await use(verify, token)).toEqual({ accepted: false, verified: true });
});

test('a token is verified again when the keys of its issuer have changed', async () => {
  const verify = createAccessTokenVerifier(CONFIG, issuers);
  const token = await issuer.sign();
  await use(verify, token);
  keysVersion += 1;
  expect(await use(verify, token)).toEqual({ accepted: true, verified: true });
});

test('a refusal is not remembered', async () => {
  const verify = createAccessTokenVerifier(CONFIG, issuers);
  const token = await issuer.sign({ claims: { nbf: now + 60 } });
  expect(await use(verify, token)).toEqual({ accepted: false, verified: true });
  now += 60;
  expect(await use(verify, token)).toEqual({ accepted: true, verified: true });
});

test('a token that differs in anything from a remembered one is verified itself', async () => {
  const verify = createAccessTokenVerifier(CONFIG, issuers);
  const [header, , signature] = (await issuer.sign()).split('.');
  const token = await issuer.sign();
  await use(verify, token);
  const [, payload] = (await issuer.sign({ claims: { sub: 'carol' } })).split('.');
  expect(await use(verify, `${header}.${payload}.${token.split('.')[2]}`)).toEqual({
    accepted: false,
    verified: true,
  });
  expect(await use(verify, `${header}.${token.split('.')[1]}.${signature}`)).toEqual({
    accepted: false,
    verified: true,
  });
});

test('no more than verifiedTokenCacheEntries are remembered, the oldest goes first', async () => {
  const verify = createAccessTokenVerifier(CONFIG, issuers);
  const tokens = await Promise.all([1, 2, 3, 4].map(() => issuer.sign()));
  for (const token of tokens) await use(verify, token);
  const verified = [];
  for (const token of tokens.toReversed()) verified.push((await use(verify, token)).verified);
  expect(verified).toEqual([false, false, false, true]);
});

test('with verifiedTokenCacheEntries 0 nothing is remembered', async () => {
  const verify = createAccessTokenVerifier({ ...CONFIG, verifiedTokenCacheEntries: 0 }, issuers);
  const token = await issuer.sign();
  await use(verify, token);
  expect(await use(verify, token)).toEqual({ accepted: true, verified: true });
});

describe('a token that comes in a header of its own', () => {
  const HEADER = 'cf-access-jwt-assertion';
  const behindProxy: Issuers = { ...issuers, server: () => ({ ...SERVER, tokenHeader: HEADER }) };
  const SOURCE = { reason: 'token_invalid', detail: 'token_source' };

  test('is accepted there only, and costs no look at the keys elsewhere', async () => {
    const verify = createAccessTokenVerifier(CONFIG, behindProxy);
    const token = await issuer.sign();
    expect(await verify(token, io)).toEqual(SOURCE);
    expect(await verify(token, io, 'x-other')).toEqual(SOURCE);
    expect(verifications).toBe(0);
    expect(await verify(token, io, HEADER)).toMatchObject({ subject: 'alice' });
  });

  test('is not one of an issuer whose tokens come in Authorization', async () => {
    const verify = createAccessTokenVerifier(CONFIG, issuers);
    expect(await verify(await issuer.sign(), io, HEADER)).toEqual(SOURCE);
  });

  test('is remembered for that header only', async () => {
    const token = await issuer.sign();
    for (const [known, at, elsewhere] of [
      [behindProxy, HEADER, undefined],
      [issuers, undefined, HEADER],
    ] as const) {
      const verify = createAccessTokenVerifier(CONFIG, known);
      const first = await verify(token, io, at);
      expect(verify(token, io, at)).toBe(first);
      expect(await verify(token, io, elsewhere)).toEqual(SOURCE);
      expect(verify(token, io, at)).toBe(first);
    }
  });
});

test.each<[string, readonly string[] | undefined, Record<string, unknown>, boolean]>([
  ['one of those served', ['a', 'b'], { org: 'b' }, true],
  ['another', ['a', 'b'], { org: 'c' }, false],
  ['none', ['a'], {}, false],
  ['an empty one', ['a'], { org: '' }, false],
  ['the one that comes first', ['a'], { org: 'a', t: 'c' }, true],
  ['not the one that comes first', ['c'], { org: 'a', t: 'c' }, false],
  ['any, where all are served', undefined, { org: 'c' }, true],
  ['none, where all are served', undefined, {}, true],
])("the token's tenant is %s", async (_, tenants, claims, expected) => {
  const served: Issuers = {
    ...issuers,
    server: () => ({ ...SERVER, tenants, claims: { tenant: [['org'], ['t']] } }),
  };
  const result = await createAccessTokenVerifier(CONFIG, served)(await issuer.sign({ claims }), io);
  // One of its own, where it names none: what the entry says of its tokens decides, and not the token.
  const { org = null } = claims;
  if (expected) expect(result).toMatchObject({ subject: 'alice', tenant: org });
  else expect(result).toEqual({ reason: 'token_invalid', detail: 'tenant_not_served' });
});

test('a principal cannot be changed by whoever gets it', async () => {
  const principal = await createAccessTokenVerifier(CONFIG, issuers)(await issuer.sign(), io);
  expect(Object.isFrozen(principal)).toBe(true);
});

describe('a token', () => {
  const verdict = async (claims: (now: number) => object) =>
    createAccessTokenVerifier(CONFIG, issuers)(await issuer.sign({ claims: claims(now) as never }), io);

  test.each<[string, (now: number) => object]>([
    ['lives as long as allowed', (at) => ({ iat: at, exp: at + 86_400 })],
    ['says no iat and has as long as allowed to live', (at) => ({ iat: undefined, exp: at + 86_400 })],
  ])('is accepted that %s', async (_, claims) => {
    expect(await verdict(claims)).toMatchObject({ kind: 'oauth', subject: 'alice' });
  });

  test.each<[string, (now: number) => object]>([
    ['lives a second longer than allowed', (at) => ({ iat: at, exp: at + 86_401 })],
    ['was issued too long ago, though it ends soon', (at) => ({ iat: at - 86_350, exp: at + 60 })],
    [
      'says no iat and has a second more to live than allowed',
      (at) => ({ iat: undefined, exp: at + 86_401 }),
    ],
    ['ends in a thousand years', (at) => ({ iat: undefined, exp: at + 31_536_000_000 })],
  ])('is refused that %s', async (_, claims) => {
    expect(await verdict(claims)).toEqual({ reason: 'token_invalid', detail: 'lifetime_too_long' });
  });
});

describe('what a token is called without verifying it', () => {
  const ID = { ...SERVER, claims: { tokenId: [['meta', 'uti']] } };
  const named = { ...issuers, server: (name: string) => issuers.server(name) && ID } as Issuers;

  test.each<[string, object, Issuers]>([
    ['with a jti', {}, issuers],
    ['without a jti', { jti: undefined }, issuers],
    ['with an id in a claim of its own', { meta: { uti: 'an id' } }, named],
    ['without the claim that is configured', { meta: {} }, named],
  ])('is what it is called when it is verified: %s', async (_, claims, known) => {
    const token = await issuer.sign({ claims: claims as never });
    const verified = await createAccessTokenVerifier(CONFIG, known)(token, io);
    const { tokenId } = verified as { tokenId: string };
    expect(tokenId.length).toBeGreaterThan(3);
    expect(await unverifiedTokenId(token, known)).toEqual({ issuer: issuer.issuer, tokenId });
  });

  test('does not depend on the signature, its end or its audience', async () => {
    const claims = { jti: undefined, exp: now - 9_999, aud: 'another' };
    const token = await issuer.sign({ claims });
    const found = await unverifiedTokenId(token, issuers);
    expect(found?.tokenId).toMatch(/^sha256:[0-9a-f]{64}$/);
    const [header, payload] = token.split('.');
    expect(await unverifiedTokenId(`${header}.${payload}.forged`, issuers)).toEqual(found);
  });

  test('is a hash for an issuer that is not trusted: how it names its tokens is not known', async () => {
    const stranger = new TestIssuer('https://stranger.example.com', key, async () => {});
    const found = await unverifiedTokenId(await stranger.sign(), issuers);
    expect(found).toEqual({
      issuer: 'https://stranger.example.com',
      tokenId: expect.stringMatching(/^sha256:/),
    });
  });

  test('is nothing for what is no token', async () => {
    const encrypted = 'e30.e30.e30.e30.e30';
    const withoutIssuer = await issuer.sign({ claims: { iss: undefined } });
    for (const text of ['', 'text', 'a.b.c', 'mcpk_abc', encrypted, withoutIssuer])
      expect(await unverifiedTokenId(text, issuers), text).toBeUndefined();
  });
});
