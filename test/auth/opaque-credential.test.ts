// Which credentials are asked about, and which never leave this server? What may they look like?

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type AccessTokenVerifier, createAccessTokenVerifier } from '../../src/auth/access-token.ts';
import { readCredential } from '../../src/auth/bearer.ts';
import { createIssuers, type IssuerIo } from '../../src/auth/issuers.ts';
import type { Principal } from '../../src/auth/principal.ts';
import { type Config, checkConfig } from '../../src/config.ts';
import { ISSUER } from '../support/introspection.ts';
import { signingKey, TestIssuer } from '../support/issuer.ts';
import { RESOURCE } from '../support/worker.ts';

const issuer = new TestIssuer('https://jwt.example.com', await signingKey(), async () => {});
const encoded = (text: string): string => Buffer.from(text).toString('base64url');
const kv = {
  get: async () => ({ jwksUri: `${issuer.issuer}/jwks`, fetchedAt: io.now(), keys: issuer.jwks.keys }),
};
const io: IssuerIo = {
  kv: kv as unknown as KVNamespace,
  now: () => Math.floor(Date.now() / 1_000),
  waitUntil: () => {},
};

const configWith = (introspection: object | undefined, entry: object = {}): Config =>
  checkConfig(
    { serverInfo: { name: 'test', version: '1' } },
    {
      RESOURCE,
      A_SECRET: 'x',
      AUTHORIZATION_SERVERS: [
        { issuer: ISSUER, introspection },
        { issuer: issuer.issuer, jwksUri: `${issuer.issuer}/jwks`, ...entry },
      ],
    },
  );
const ASKING = configWith({ url: `${ISSUER}/introspect`, auth: 'bearer', secret: 'A_SECRET' });
const NOT_ASKING = configWith(undefined);

describe('a credential', () => {
  let asked: string[];
  let verify: AccessTokenVerifier;
  beforeEach(() => {
    vi.spyOn(console, 'log').mockImplementation(() => {});
    asked = [];
    verify = createAccessTokenVerifier(ASKING, createIssuers(ASKING), (credential, _io, header) => {
      asked.push(header === undefined ? credential : `${header}: ${credential}`);
      return { reason: 'token_invalid', detail: 'asked' };
    });
  });
  afterEach(() => vi.restoreAllMocks());
  const refusal = (detail: string) => ({ reason: 'token_invalid', detail });

  test.each([
    'random',
    'a.b',
    'ory_at_a.b',
    'ya29.c.b0Aaek',
    'a.b.c.d.e',
    'alice:grant:secret',
    `${encoded('[]')}.b.c`,
    `${encoded('"x"')}.b.c`,
    `.${encoded('{"alg":"ES256"}')}.c`,
  ])('that is no JWT is asked about: %s', async (credential) => {
    expect(await verify(credential, io)).toEqual(refusal('asked'));
    expect(await verify(credential, io, 'x-token')).toEqual(refusal('asked'));
    expect(asked).toEqual([credential, `x-token: ${credential}`]);
  });

  test.each<[string, string, object]>([
    [
      'signed by a stranger',
      `${encoded('{"alg":"ES256"}')}.${encoded('{"iss":"https://a.example"}')}.c`,
      { reason: 'issuer_not_trusted' },
    ],
    ['without an issuer', `${encoded('{"alg":"ES256"}')}.${encoded('{}')}.c`, refusal('not_a_jwt')],
    ['with nonsense in it', `${encoded('{"alg":"ES256"}')}.b.c`, refusal('not_a_jwt')],
    ['encrypted', `${encoded('{"alg":"RSA-OAEP","enc":"A256GCM"}')}.a.b.c.d`, refusal('encrypted')],
  ])('that is a JWT %s is not', async (_, credential, denial) => {
    expect(await verify(credential, io)).toEqual(denial);
    expect(asked).toEqual([]);
  });

  test('that is a JWT of an issuer with keys is verified with them', async () => {
    expect(await verify(await issuer.sign(), io)).toMatchObject({ issuer: issuer.issuer, subject: 'alice' });
    expect(asked).toEqual([]);
  });

  test('that is a service key is not, whether service keys are accepted or not', async () => {
    expect(await verify(`mcpk_${'A'.repeat(49)}`, io)).toEqual(refusal('not_a_jwt'));
    expect(asked).toEqual([]);
  });

  test('that is no JWT is refused where nobody can be asked', async () => {
    const alone = createAccessTokenVerifier(NOT_ASKING, createIssuers(NOT_ASKING));
    expect(await alone('random', io)).toEqual(refusal('not_a_jwt'));
  });

  test('that spells the header and a token which came in there is not taken for that token', async () => {
    const config = configWith(
      { url: `${ISSUER}/introspect`, auth: 'bearer', secret: 'A_SECRET' },
      { tokenSource: { header: 'X-Token' } },
    );
    const both = createAccessTokenVerifier(config, createIssuers(config), () => refusal('asked') as never);
    const token = await issuer.sign();
    expect(((await both(token, io, 'x-token')) as Principal).subject).toBe('alice');
    expect(await both(`x-token:${token}`, io)).not.toMatchObject({ subject: 'alice' });
  });
});

describe('in the request', () => {
  const read = (authorization: string, config: Config) =>
    readCredential(new Headers({ authorization }), new URL(RESOURCE), config);
  const MALFORMED = { reason: 'token_malformed', detail: 'not_a_bearer_token' };

  test.each(['alice@example.com:grant:secret', 'a|b', 'a!b', 'a=b', "a'b", '~', '[a]'])(
    '%s is a credential where opaque tokens are accepted, and nowhere else',
    (credential) => {
      expect(read(`Bearer ${credential}`, ASKING)).toEqual({ credential });
      if (credential !== '~') expect(read(`Bearer ${credential}`, NOT_ASKING)).toEqual(MALFORMED);
    },
  );

  test.each(['a b', 'a,b', 'a, Bearer b', 'a"b', 'a\\b', 'é', ''])('%j is none anywhere', (credential) => {
    for (const config of [ASKING, NOT_ASKING])
      expect(read(`Bearer ${credential}`, config)).toEqual(MALFORMED);
  });

  test('a token in a header of its own has the same characters', () => {
    const entry = { tokenSource: { header: 'X-Token' } };
    const asking = { url: `${ISSUER}/introspect`, auth: 'bearer', secret: 'A_SECRET' };
    const from = (introspection: object | undefined, token: string) =>
      readCredential(new Headers({ 'x-token': token }), new URL(RESOURCE), configWith(introspection, entry));
    expect(from(asking, 'a:b')).toEqual({ credential: 'a:b', header: 'x-token' });
    for (const [introspection, token] of [
      [undefined, 'a:b'],
      [asking, 'a b'],
    ] as const)
      expect(from(introspection, token)).toEqual({ reason: 'token_malformed', detail: 'token_source' });
  });
});
