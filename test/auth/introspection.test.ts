// When is an authorization server asked about an opaque token, how often, and what is made of its answers?
// Its own clock, and a real endpoint that counts.

import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createOpaqueTokenVerifier } from '../../src/auth/introspection.ts';
import type { IssuerIo } from '../../src/auth/issuers.ts';
import type { Principal } from '../../src/auth/principal.ts';
import { checkConfig } from '../../src/config.ts';
import { type Denial, isDenial } from '../../src/denial.ts';
import {
  type Answer,
  active,
  askingAt,
  INACTIVE,
  ISSUER,
  startIntrospection,
  type TestIntrospection,
} from '../support/introspection.ts';
import { RESOURCE } from '../support/worker.ts';

let now: number;
let server: TestIntrospection;
let logged: Record<string, unknown>[];

beforeEach(async () => {
  now = Math.floor(Date.now() / 1_000);
  server = await startIntrospection();
  logged = [];
  vi.spyOn(console, 'log').mockImplementation((line: string) => logged.push(JSON.parse(line)));
});
afterEach(async () => {
  vi.restoreAllMocks();
  await server.close();
});

interface Options {
  readonly vars?: object;
  readonly entry?: object;
  readonly introspection?: object;
}

/** One isolate. */
function isolate({ vars = {}, entry = {}, introspection = {} }: Options = {}) {
  const config = checkConfig(
    { serverInfo: { name: 'test', version: '1' } },
    { RESOURCE, ...askingAt(server.url, entry, introspection), ...vars },
  );
  const verify = createOpaqueTokenVerifier(config);
  if (!verify) throw new Error('nothing to ask');
  const io: IssuerIo = { kv: {} as KVNamespace, now: () => now, waitUntil: () => {} };
  return async (token: string, header?: string): Promise<Principal | Denial> => verify(token, io, header);
}

/** One isolate that has one token and one answer. */
async function judged(answer: Answer, options: Options = {}): Promise<Principal | Denial> {
  server.answer = () => answer;
  return isolate(options)('a-token');
}

const isGood = (outcome: Principal | Denial): boolean => !isDenial(outcome);
const unavailable = (detail: string, retryAfterSeconds: number) => ({
  reason: 'introspection_unavailable',
  detail,
  retryAfterSeconds,
});

describe('an answer', () => {
  test('makes a principal by the same paths as a JWT', async () => {
    const answer = active({
      jti: 'id-1',
      tenant_id: 'acme',
      permissions: ['a:b'],
      iat: now - 10,
      exp: now + 60,
    });
    expect(await judged(answer, { entry: { tenant: { claim: [['tenant_id']] } } })).toEqual({
      kind: 'oauth',
      issuer: ISSUER,
      subject: 'alice',
      clientId: 'test-client',
      tenant: 'acme',
      scopes: ['reports:read'],
      roles: ['editor'],
      permissions: ['a:b'],
      tokenId: 'id-1',
      issuedAt: now - 10,
      expiresAt: now + 60,
    });
  });

  test('has the scopes without their prefix, and those that every token of the entry has', async () => {
    const entry = { scopePrefix: 'api://reports/', grantedScopes: ['reports:list', 'openid'] };
    expect(await judged(active({ scope: 'api://reports/read openid' }), { entry })).toMatchObject({
      scopes: ['read', 'openid', 'reports:list'],
    });
  });

  test('without an id is named by the hash of the token; so is one whose id is the token', async () => {
    const tokenId = `sha256:${createHash('sha256').update('a-token').digest('hex')}`;
    for (const jti of [undefined, '', 'a-token', 'urn:token:a-token'])
      expect(await judged(active({ jti })), jti).toMatchObject({ tokenId });
  });

  test("without an issuer is the entry's first; with one, it has to be one of the entry's", async () => {
    const entry = { issuer: [ISSUER, 'https://b.example.com'] };
    expect(await judged(active({ iss: undefined }), { entry })).toMatchObject({ issuer: ISSUER });
    expect(await judged(active({ iss: 'https://b.example.com' }), { entry })).toMatchObject({
      issuer: 'https://b.example.com',
    });
    for (const iss of ['https://c.example.com', `${ISSUER}/`, '', [ISSUER], 5])
      expect(await judged(active({ iss }), { entry })).toEqual({ reason: 'issuer_not_trusted' });
  });

  test.each<[string, Record<string, unknown>]>([
    ['an audience among others', { aud: ['https://other.example.com', RESOURCE] }],
    ['a kind written otherwise', { token_type: 'bearer', token_use: 'access_token' }],
    ["Keycloak's kind", { typ: 'Bearer' }],
    ['no kind, where the audience tells', { token_type: undefined }],
    ['null for what is not there', { nbf: null, jti: null, token_use: null }],
    ['times a little off', { exp: -1, iat: 3, nbf: 3 }],
  ])('with %s is good', async (_, members) => {
    const shifted = Object.fromEntries(
      Object.entries(members).map(([name, value]) => [
        name,
        ['exp', 'iat', 'nbf'].includes(name) && typeof value === 'number' ? now + value : value,
      ]),
    );
    expect(isGood(await judged(active(shifted)))).toBe(true);
  });

  const HOUR = 3_600;
  test.each<[string, () => Record<string, unknown>, Partial<Denial> | string, object?]>([
    ['for another resource', () => ({ aud: 'https://other.example.com' }), 'aud_check_failed'],
    ['for nobody', () => ({ aud: undefined }), 'aud_missing'],
    ['of a refresh token by its type', () => ({ token_type: 'refresh_token' }), 'no_access_token'],
    ['of a refresh token by its use', () => ({ token_use: 'refresh_token' }), 'no_access_token'],
    ['of a refresh token by its hint', () => ({ token_type_hint: 'refresh_token' }), 'no_access_token'],
    ['of an ID token', () => ({ typ: 'ID' }), 'no_access_token'],
    ['of a DPoP token by its type', () => ({ token_type: 'DPoP' }), 'no_access_token'],
    ['of a kind that is no text', () => ({ token_type: ['Bearer'] }), 'no_access_token'],
    ['of a token bound to a key', () => ({ cnf: { jkt: 'x' } }), 'sender_constrained'],
    ['of a token bound to a certificate', () => ({ cnf: { 'x5t#S256': 'x' } }), 'sender_constrained'],
    ['of a security event', () => ({ events: {} }), 'security_event'],
    ['of an expired token', () => ({ exp: now - 60 }), { reason: 'token_expired' }],
    ['with an end that is no number', () => ({ exp: String(now + 60) }), 'exp_invalid'],
    ['without an end or a beginning', () => ({ exp: undefined, iat: undefined }), 'exp_missing'],
    ['of a token not valid yet', () => ({ nbf: now + 60 }), 'nbf_check_failed'],
    ['with a beginning that is no number', () => ({ nbf: '0' }), 'nbf_invalid'],
    ['from the future', () => ({ iat: now + 60 }), 'iat_in_the_future'],
    ['with an age that is no number', () => ({ iat: '0' }), 'iat_invalid'],
    ['of a token that lives too long', () => ({ exp: now + 32 * 24 * HOUR }), 'lifetime_too_long'],
    [
      'without an end, of a token that is too old',
      () => ({ exp: undefined, iat: now - 32 * 24 * HOUR }),
      'lifetime_too_long',
    ],
    ['without a subject', () => ({ sub: undefined }), 'subject_missing'],
    ['with a subject that is no text', () => ({ sub: { a: 1 } }), 'claim_malformed'],
    ['that breaks a rule', () => ({}), 'require_0', { require: [{ claim: ['verified'], equals: 'yes' }] }],
    [
      'of a tenant that is not served',
      () => ({ org: 'b' }),
      'tenant_not_served',
      { tenant: { claim: [['org']], values: ['a'] } },
    ],
  ])('%s is refused', async (_, members, expected, entry = {}) => {
    const denial = typeof expected === 'string' ? { reason: 'token_invalid', detail: expected } : expected;
    expect(await judged(active(members()), { entry })).toEqual(denial);
  });

  test('that names no audience, of a server whose tokens have none, must say that it is an access token', async () => {
    const entry = {
      audience: { mode: 'issuer-bound' },
      require: [{ claim: ['client_id'], isPresent: true }],
    };
    expect(await judged(active({ aud: undefined, token_type: undefined }), { entry })).toEqual({
      reason: 'token_invalid',
      detail: 'token_kind_unknown',
    });
    expect(isGood(await judged(active({ aud: undefined }), { entry }))).toBe(true);
  });

  test('without an end counts until the server is asked again', async () => {
    const outcome = await judged(active({ exp: undefined }), { vars: { INTROSPECTION_CACHE_SECONDS: '20' } });
    expect(outcome).toMatchObject({ expiresAt: now + 20 });
  });

  test('that the token is not active is a refusal', async () => {
    expect(await judged(INACTIVE)).toEqual({ reason: 'token_invalid', detail: 'inactive' });
    expect(logged).toEqual([]);
  });
});

describe('no answer about the token is', () => {
  const HTML = { body: '<html>a-token</html>' };
  test.each<[string, Answer | undefined, string]>([
    ['an answer without active', { body: '{}' }, 'an answer without active'],
    ['active as text', active({ active: 'true' }), 'an answer without active'],
    ['active as a number', active({ active: 1 }), 'an answer without active'],
    ['active that is null', active({ active: null }), 'an answer without active'],
    ['a list', { body: '[true]' }, 'an answer that breaks off, is no object, or is longer than 262144 bytes'],
    ['null', { body: 'null' }, 'an answer that breaks off, is no object, or is longer than 262144 bytes'],
    ['a page', HTML, 'an answer that is no JSON'],
    ['nothing', { body: '' }, 'an answer that is no JSON'],
    [
      'an answer beyond the limit',
      active({ padding: 'x'.repeat(262_144) }),
      'an answer that breaks off, is no object, or is longer than 262144 bytes',
    ],
    ['400', { status: 400, ...HTML }, 'status 400'],
    ['401', { ...active(), status: 401 }, "status 401: it does not know this server's credentials"],
    ['403', { ...active(), status: 403 }, "status 403: it does not know this server's credentials"],
    ['404', { status: 404, ...HTML }, 'status 404'],
    ['500', { ...active(), status: 500 }, 'status 500'],
    ['503', { status: 503, ...HTML }, 'status 503'],
    ['another success', { ...active(), status: 203 }, 'status 203'],
    ['a cut connection', undefined, 'no connection'],
  ])('%s: 503, in our own words, and not remembered', async (_, answer, detail) => {
    const verify = isolate();
    server.answer = () => answer;
    expect(await verify('a-token')).toEqual(unavailable('no_answer', 5));
    expect(logged).toEqual([
      { time: expect.any(String), event: 'introspection_failed', issuer: ISSUER, detail },
    ]);
    server.answer = () => active();
    expect(isGood(await verify('a-token'))).toBe(true);
  });

  test('a redirect, and nobody goes there', async () => {
    await using elsewhere = await startIntrospection();
    for (const status of [301, 302, 307, 308]) {
      const answer = { status, body: '', headers: { location: elsewhere.url } };
      expect(await judged(answer)).toEqual(unavailable('no_answer', 5));
    }
    expect(elsewhere.asked).toEqual([]);
  });

  test('none in time', async () => {
    const verify = isolate({ vars: { ISSUER_TIMEOUT_MS: 100 } });
    server.answer = () => new Promise<Answer>(() => {});
    expect(await verify('a-token')).toEqual(unavailable('no_answer', 5));
    expect(logged).toMatchObject([{ detail: 'no answer in 100 ms' }]);
  });

  test('a server that is down', async () => {
    const verify = isolate();
    await server.close();
    expect(await verify('a-token')).toEqual(unavailable('no_answer', 5));
  });
});

describe('what is remembered', () => {
  test('a good token for introspectionCacheSeconds, as the same principal', async () => {
    const verify = isolate();
    server.answer = () => active();
    const first = await verify('a-token');
    now += 29;
    expect(await verify('a-token')).toBe(first);
    expect(server.asked).toHaveLength(1);
    now += 1;
    expect(isGood(await verify('a-token'))).toBe(true);
    expect(server.asked).toHaveLength(2);
  });

  test('no token beyond its end and the tolerance', async () => {
    const verify = isolate();
    const exp = now + 10;
    server.answer = () => active({ exp });
    await verify('a-token');
    now += 14;
    expect(isGood(await verify('a-token'))).toBe(true);
    expect(server.asked).toHaveLength(1);
    now += 1;
    expect(await verify('a-token')).toEqual({ reason: 'token_expired' });
    expect(server.asked).toHaveLength(2);
  });

  test('a token that was withdrawn is refused with the first question after that', async () => {
    const verify = isolate();
    server.answer = () => active();
    await verify('a-token');
    server.answer = () => INACTIVE;
    now += 30;
    expect(await verify('a-token')).toEqual({ reason: 'token_invalid', detail: 'inactive' });
  });

  test('a refusal for 5 seconds', async () => {
    const verify = isolate();
    await verify('a-token');
    server.answer = () => active();
    now += 4;
    expect(await verify('a-token')).toEqual({ reason: 'token_invalid', detail: 'inactive' });
    expect(server.asked).toHaveLength(1);
    now += 1;
    expect(isGood(await verify('a-token'))).toBe(true);
  });

  test('with introspectionCacheSeconds 0 no good token', async () => {
    const verify = isolate({ vars: { INTROSPECTION_CACHE_SECONDS: 0 } });
    server.answer = () => active();
    await verify('a-token');
    await verify('a-token');
    expect(server.asked).toHaveLength(2);
  });

  test('no more good tokens than verifiedTokenCacheEntries; the one not asked about for longest goes', async () => {
    const verify = isolate({ vars: { VERIFIED_TOKEN_CACHE_ENTRIES: 2 } });
    server.answer = () => active();
    for (const token of ['a', 'b', 'c', 'c', 'b', 'a']) await verify(token);
    expect(server.tokens()).toEqual(['a', 'b', 'c', 'a']);
  });

  test('with verifiedTokenCacheEntries 0 no good token', async () => {
    const verify = isolate({ vars: { VERIFIED_TOKEN_CACHE_ENTRIES: 0 } });
    server.answer = () => active();
    await verify('a-token');
    await verify('a-token');
    expect(server.asked).toHaveLength(2);
  });

  test('one token for each: a token that differs in anything is asked about itself', async () => {
    const verify = isolate();
    server.answer = ({ form }) => (form.get('token') === 'a-token' ? active() : INACTIVE);
    await verify('a-token');
    for (const token of ['a-toke', 'A-token', 'a-token=', 'b'])
      expect(isGood(await verify(token))).toBe(false);
  });
});

describe('a flood', () => {
  test('of unknown tokens asks introspectionsPerSecond times a second, and the rest is 503', async () => {
    const verify = isolate({ vars: { INTROSPECTIONS_PER_SECOND: 3 } });
    const flood = (from: number) =>
      Promise.all(Array.from({ length: 10 }, (_, index) => verify(`random-${from + index}`)));
    const refusals = (await flood(0)).map((outcome) => JSON.stringify(outcome));
    expect(server.asked).toHaveLength(3);
    const inactive = JSON.stringify({ reason: 'token_invalid', detail: 'inactive' });
    expect(refusals.filter((outcome) => outcome === inactive)).toHaveLength(3);
    const limit = JSON.stringify(unavailable('too_many_unknown', 1));
    expect(refusals.filter((outcome) => outcome === limit)).toHaveLength(7);
    now += 1;
    await flood(10);
    expect(server.asked).toHaveLength(6);
  });

  test('does not shut out whoever was good the last time', async () => {
    const verify = isolate({ vars: { INTROSPECTIONS_PER_SECOND: 3 } });
    server.answer = ({ form }) => (form.get('token') === 'a-token' ? active() : INACTIVE);
    await verify('a-token');
    now += 60;
    await Promise.all(Array.from({ length: 10 }, (_, index) => verify(`random-${index}`)));
    expect(await verify('another')).toEqual(unavailable('too_many_unknown', 1));
    expect(isGood(await verify('a-token'))).toBe(true);
  });

  test('but a token that was withdrawn is unknown again', async () => {
    const verify = isolate({ vars: { INTROSPECTIONS_PER_SECOND: 1 } });
    server.answer = () => active();
    await verify('a-token');
    server.answer = () => INACTIVE;
    now += 60;
    await verify('a-token');
    now += 5;
    await verify('random');
    expect(await verify('a-token')).toEqual(unavailable('too_many_unknown', 1));
  });

  test('of one token asks once, and all get the answer', async () => {
    const verify = isolate({ vars: { INTROSPECTIONS_PER_SECOND: 1, INTROSPECTION_CACHE_SECONDS: 0 } });
    server.answer = () => active();
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => verify('a-token')));
    expect(new Set(outcomes).size).toBe(1);
    expect(outcomes.every(isGood)).toBe(true);
    expect(server.asked).toHaveLength(1);
  });

  test('of one token at a server that is down asks once', async () => {
    const verify = isolate();
    server.answer = () => undefined;
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => verify('a-token')));
    expect(outcomes).toEqual(outcomes.map(() => unavailable('no_answer', 5)));
    expect(server.asked).toHaveLength(1);
  });

  test('of remembered refusals stays within bounds', async () => {
    const verify = isolate({ vars: { INTROSPECTIONS_PER_SECOND: 1_000 } });
    const ask = (from: number, to: number) =>
      Promise.all(Array.from({ length: to - from }, (_, index) => verify(`random-${from + index}`)));
    await ask(0, 1);
    await ask(1, 1_000);
    now += 1;
    await ask(1_000, 1_001);
    await verify('random-1000');
    expect(server.asked).toHaveLength(1_001);
    await verify('random-0');
    expect(server.asked).toHaveLength(1_002);
  }, 60_000);
});

test('questions without an answer are not remembered without end', async () => {
  const verify = isolate({ vars: { INTROSPECTIONS_PER_SECOND: 1_000, ISSUER_TIMEOUT_MS: 30_000 } });
  server.answer = () => new Promise<Answer>(() => {});
  const asked = (count: number) => vi.waitFor(() => expect(server.asked).toHaveLength(count), 30_000);
  const hanging = [verify('random-0')];
  for (let index = 1; index < 1_000; index += 1) hanging.push(verify(`random-${index}`));
  await asked(1_000);
  now += 1;
  // One more takes the place of the oldest, and whoever waits for that one's answer asks again.
  hanging.push(verify('random-0'), verify('random-1000'));
  await asked(1_002);
  await server.close();
  expect((await Promise.all(hanging)).every(isDenial)).toBe(true);
}, 60_000);

test('nobody waits for a request that was cut off longer than an answer can take', async () => {
  const verify = isolate({ vars: { ISSUER_TIMEOUT_MS: 30_000 } });
  const good = active();
  server.answer = () => (server.asked.length > 1 ? good : new Promise<Answer>(() => {}));
  const cutOff = verify('a-token');
  while (server.asked.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  const start = Date.now();
  vi.spyOn(Date, 'now').mockImplementation(() => start + 31_001);
  expect(isGood(await verify('a-token'))).toBe(true);
  await server.close();
  expect(await cutOff).toEqual(unavailable('no_answer', 5));
});

describe('a server that says 429', () => {
  const tooMany = (headers: Record<string, string>): Answer => ({ status: 429, body: '', headers });

  test('is left alone for as long as it says, and remembered tokens stay good', async () => {
    const verify = isolate();
    server.answer = () => active();
    await verify('known');
    now += 20;
    server.answer = () => tooMany({ 'retry-after': '7' });
    expect(await verify('a-token')).toEqual(unavailable('asked_to_wait', 7));
    server.answer = () => active();
    now += 6;
    expect(await verify('a-token')).toEqual(unavailable('asked_to_wait', 1));
    expect(isGood(await verify('known'))).toBe(true);
    expect(server.asked).toHaveLength(2);
    now += 1;
    expect(isGood(await verify('a-token'))).toBe(true);
  });

  test.each([
    ['nothing else', {}, 1],
    ['a date', { 'retry-after': 'Wed, 21 Oct 2026 07:28:00 GMT' }, 1],
    ['0', { 'retry-after': '0' }, 1],
    ['an hour', { 'retry-after': '3600' }, 60],
  ] as const)('and %s is left alone for a while', async (_, headers, seconds) => {
    expect(await judged(tooMany(headers))).toEqual(unavailable('asked_to_wait', seconds));
  });
});

describe('Google', () => {
  const CLIENT = '1.apps.googleusercontent.com';
  const vars = () => ({
    AUTHORIZATION_SERVERS: [
      {
        preset: 'google',
        issuer: 'https://accounts.google.com',
        audience: [CLIENT],
        introspection: { kind: 'google-tokeninfo', url: server.url },
      },
    ],
  });
  const info = (members: object = {}): Answer => ({
    body: JSON.stringify({
      azp: CLIENT,
      aud: CLIENT,
      sub: '1101694',
      scope: 'openid https://www.googleapis.com/auth/userinfo.email',
      exp: String(now + 3_599),
      expires_in: '3599',
      email: 'alice@example.com',
      email_verified: 'true',
      access_type: 'online',
      ...members,
    }),
  });

  test('says who it is; when it was issued is not known, so it counts as the oldest', async () => {
    expect(await judged(info(), { vars: vars() })).toEqual({
      kind: 'oauth',
      issuer: 'https://accounts.google.com',
      subject: '1101694',
      clientId: CLIENT,
      tenant: undefined,
      scopes: ['openid', 'email'],
      roles: [],
      permissions: [],
      tokenId: expect.stringMatching(/^sha256:/),
      issuedAt: 0,
      expiresAt: now + 3_599,
    });
  });

  test.each<[string, () => object, Partial<Denial> | string]>([
    ["another app's token", () => ({ aud: '2.apps.googleusercontent.com' }), 'aud_check_failed'],
    ['a token that speaks for nobody', () => ({ sub: undefined }), 'subject_missing'],
    ['an expired one', () => ({ exp: String(now - 60) }), { reason: 'token_expired' }],
    ['one without an end', () => ({ exp: undefined }), 'exp_missing'],
    ['one with an end that is no number', () => ({ exp: 'soon' }), 'exp_invalid'],
  ])('%s is refused', async (_, members, expected) => {
    const denial = typeof expected === 'string' ? { reason: 'token_invalid', detail: expected } : expected;
    expect(await judged(info(members()), { vars: vars() })).toEqual(denial);
  });
});

test('a token is taken from where its server puts it, and from nowhere else', async () => {
  const entry = { tokenSource: { header: 'X-Token' } };
  server.answer = () => active();
  const verify = isolate({ entry });
  expect(isGood(await verify('a-token', 'x-token'))).toBe(true);
  for (const header of [undefined, 'x-other'])
    expect(await verify('a-token', header)).toEqual({ reason: 'token_invalid', detail: 'token_source' });
  expect(await isolate()('a-token', 'x-token')).toEqual({ reason: 'token_invalid', detail: 'token_source' });
  expect(server.asked).toHaveLength(1);
});
