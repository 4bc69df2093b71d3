// Is it said exactly where opaque tokens may be shown, and is everything that is unclear about it refused at start?

import { describe, expect, test } from 'vitest';
import { type Config, ConfigError, checkConfig } from '../src/config.ts';
import { signingKey } from './support/issuer.ts';

const ISSUER = 'https://issuer.example.com';
const URL = 'https://issuer.example.com/introspect';
const VARS = {
  RESOURCE: 'https://mcp.example.com/mcp',
  A_SECRET: 's3cret',
  EMPTY: '',
  A_NUMBER: 5,
  A_BINDING: { validateToken: async () => null },
  NO_BINDING: {},
};

const check = (...entries: object[]): Config =>
  checkConfig(
    { serverInfo: { name: 'test', version: '1' } },
    { ...VARS, AUTHORIZATION_SERVERS: entries.map((entry) => ({ issuer: ISSUER, ...entry })) },
  );

function problems(...entries: object[]): readonly string[] {
  try {
    check(...entries);
    return [];
  } catch (error) {
    if (error instanceof ConfigError)
      return error.problems.map((problem) => problem.replace(/^.*?: entry \d+: /, ''));
    throw error;
  }
}

const introspectionOf = (entry: object) => check(entry).authorizationServers[0]?.introspection;
const good = { url: URL, clientId: 'me', secret: 'A_SECRET' };

test('without it an entry takes no opaque token', () => {
  expect(introspectionOf({})).toBe(undefined);
});

test('RFC 7662 with HTTP Basic is the default, and the secret is looked up by its name', () => {
  expect(introspectionOf({ introspection: good })).toEqual({
    kind: 'rfc7662',
    url: URL,
    client: { method: 'basic', clientId: 'me', secret: 's3cret' },
  });
});

test.each(['basic', 'post'] as const)('auth %s has a client id and a secret', (auth) => {
  expect(introspectionOf({ introspection: { ...good, auth } })).toMatchObject({
    client: { method: auth, clientId: 'me', secret: 's3cret' },
  });
});

test('auth bearer has an API key and no client', () => {
  expect(introspectionOf({ introspection: { url: URL, auth: 'bearer', secret: 'A_SECRET' } })).toEqual({
    kind: 'rfc7662',
    url: URL,
    client: { method: 'bearer', secret: 's3cret' },
  });
});

test('auth private_key_jwt takes a JWK or PEM, and nothing that cannot sign', async () => {
  const { privateKey, publicJwk } = await signingKey('ES256');
  const jwk = { ...(await crypto.subtle.exportKey('jwk', privateKey)), alg: 'ES256' };
  const pem = `-----BEGIN PRIVATE KEY-----\n${Buffer.from(await crypto.subtle.exportKey('pkcs8', privateKey)).toString('base64')}\n-----END PRIVATE KEY-----\n`;
  const withKey = (key: unknown) =>
    checkConfig(
      { serverInfo: { name: 'test', version: '1' } },
      {
        ...VARS,
        A_KEY: key,
        AUTHORIZATION_SERVERS: [
          { issuer: ISSUER, introspection: { ...good, auth: 'private_key_jwt', secret: 'A_KEY' } },
        ],
      },
    );
  for (const key of [JSON.stringify(jwk), pem]) {
    expect(withKey(key).authorizationServers[0]?.introspection).toMatchObject({
      client: { method: 'private_key_jwt', clientId: 'me', secret: key },
    });
  }
  for (const key of [
    's3cret',
    JSON.stringify(publicJwk),
    JSON.stringify({ ...jwk, alg: undefined }),
    JSON.stringify({ kty: 'oct', alg: 'HS256', k: 'AAAA', d: 'AAAA' }),
    '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----',
    '-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----',
  ]) {
    expect(() => withKey(key), key.slice(0, 40)).toThrow(
      'introspection.secret names A_KEY, which must be a private key: a JWK with alg, or PEM (BEGIN PRIVATE KEY)',
    );
  }
});

test("Google's endpoint is known, and needs a list of client ids", () => {
  const entry = { introspection: { kind: 'google-tokeninfo' }, audience: ['1.apps.googleusercontent.com'] };
  expect(introspectionOf(entry)).toEqual({
    kind: 'google-tokeninfo',
    url: 'https://oauth2.googleapis.com/tokeninfo',
  });
  const byPreset = check({
    preset: 'google',
    issuer: 'https://accounts.google.com',
    audience: entry.audience,
  });
  expect(byPreset.authorizationServers[0]?.introspection).toEqual(introspectionOf(entry));
  expect(problems({ preset: 'google' })[0]).toBe(
    'preset google needs audience: the client ids of your own apps, such as ["123-abc.apps.googleusercontent.com"].',
  );
  const open = { mode: 'issuer-bound' };
  const require = [{ claim: ['email_verified'], equals: 'true' }];
  const listed =
    'audience must list the client ids of your own apps: Google vouches for the tokens of every app.';
  for (const audience of [undefined, open]) {
    expect(problems({ introspection: { kind: 'google-tokeninfo' }, audience, require })).toEqual([listed]);
  }
});

test('a Service Binding is looked up by its name, and called with the resource and the token', async () => {
  const calls: unknown[] = [];
  const binding = {
    async validateToken(...args: unknown[]) {
      calls.push(this === binding, ...args);
      return null;
    },
  };
  const config = checkConfig(
    { serverInfo: { name: 'test', version: '1' } },
    {
      ...VARS,
      AUTH: binding,
      AUTHORIZATION_SERVERS: [
        { issuer: ISSUER, introspection: { kind: 'service-binding', binding: 'AUTH' } },
      ],
    },
  );
  const introspection = config.authorizationServers[0]?.introspection;
  if (introspection?.kind !== 'service-binding') throw new Error('not a Service Binding');
  expect(await introspection.validateToken('r', 't')).toBe(null);
  expect(calls).toEqual([true, 'r', 't']);
  expect(Object.isFrozen(binding)).toBe(false);
});

test.each(['google-tokeninfo', 'service-binding'])(
  'with %s no JWT is an access token: it could be an ID token for the same audience',
  (kind) => {
    const introspection = kind === 'service-binding' ? { kind, binding: 'A_BINDING' } : { kind };
    const entry = { introspection, audience: ['1.apps.googleusercontent.com'] };
    expect(check(entry).authorizationServers[0]?.algs).toEqual([]);
    for (const [key, value] of [
      ['algs', ['RS256']],
      ['typ', ['JWT']],
      ['jwksUri', 'https://issuer.example.com/keys'],
    ] as const) {
      expect(problems({ ...entry, [key]: value })).toEqual([
        `${key} is about JWTs, and introspection.kind "${kind}" takes none: leave it out.`,
      ]);
    }
  },
);

test('with RFC 7662 JWTs are accepted as well', () => {
  expect(check({ introspection: good, algs: ['ES256'] }).authorizationServers[0]?.algs).toEqual(['ES256']);
});

test('only one entry can have it', () => {
  expect(problems({ introspection: good }, { issuer: 'https://b.example.com', introspection: good })).toEqual(
    [
      'only one entry can have introspection: an opaque token does not say whose it is, and must not be shown to another server.',
    ],
  );
  expect(problems({ introspection: good }, { issuer: 'https://b.example.com' })).toEqual([]);
});

describe('is refused', () => {
  const SECRET = 'introspection.secret must be the name of a secret of this Worker.';
  const URL_PROBLEM =
    'introspection.url must be an https URL (http only on localhost): tokens are sent there.';
  test.each<[string, unknown, string]>([
    [
      'what is no object',
      'https://issuer.example.com/introspect',
      'introspection must be an object such as { url = "https://…/introspect", clientId = "…", secret = "NAME" }.',
    ],
    [
      'an unknown kind',
      { ...good, kind: 'userinfo' },
      'introspection.kind must be one of rfc7662, google-tokeninfo, service-binding.',
    ],
    [
      'a kind of everything',
      { ...good, kind: 'toString' },
      'introspection.kind must be one of rfc7662, google-tokeninfo, service-binding.',
    ],
    [
      'an unknown key',
      { ...good, client_id: 'me' },
      'introspection has an unknown key "client_id"; known for rfc7662 are kind, url, auth, clientId, secret.',
    ],
    [
      'a key of another kind',
      { kind: 'google-tokeninfo', secret: 'A_SECRET' },
      'introspection has an unknown key "secret"; known for google-tokeninfo are kind, url.',
    ],
    ['no URL', { ...good, url: undefined }, URL_PROBLEM],
    ['http on the network', { ...good, url: 'http://issuer.example.com/introspect' }, URL_PROBLEM],
    ['another scheme', { ...good, url: 'file:///introspect' }, URL_PROBLEM],
    [
      "http on the network in place of Google's",
      { kind: 'google-tokeninfo', url: 'http://a.example' },
      URL_PROBLEM,
    ],
    [
      'an unknown auth',
      { ...good, auth: 'none' },
      'introspection.auth must be one of basic, post, private_key_jwt, bearer.',
    ],
    ['no secret', { ...good, secret: undefined }, SECRET],
    ['a secret in place of its name', { ...good, secret: 's3cret-s3cret' }, SECRET],
    [
      'a secret that is not set',
      { ...good, secret: 'ANOTHER_SECRET' },
      'introspection.secret names ANOTHER_SECRET, which is not set: wrangler secret put ANOTHER_SECRET.',
    ],
    [
      'an empty secret',
      { ...good, secret: 'EMPTY' },
      'introspection.secret names EMPTY, which is not set: wrangler secret put EMPTY.',
    ],
    [
      'a secret that is no text',
      { ...good, secret: 'A_NUMBER' },
      'introspection.secret names A_NUMBER, which is not set: wrangler secret put A_NUMBER.',
    ],
    [
      'no client id',
      { ...good, clientId: undefined },
      'introspection.clientId is missing: auth "basic" needs it.',
    ],
    [
      'an empty client id',
      { ...good, auth: 'post', clientId: '' },
      'introspection.clientId is missing: auth "post" needs it.',
    ],
    [
      'a client id beside an API key',
      { ...good, auth: 'bearer' },
      'introspection.clientId does not go with auth "bearer".',
    ],
    [
      'no binding',
      { kind: 'service-binding' },
      'introspection.binding must be the name of a Service Binding.',
    ],
    [
      'a binding that is not there',
      { kind: 'service-binding', binding: 'AUTH' },
      'introspection.binding names AUTH, which is no Service Binding: add [[services]] binding = "AUTH" to wrangler.toml.',
    ],
    [
      'a variable in place of a binding',
      { kind: 'service-binding', binding: 'A_SECRET' },
      'introspection.binding names A_SECRET, which is no Service Binding: add [[services]] binding = "A_SECRET" to wrangler.toml.',
    ],
    [
      'a binding of another kind',
      { kind: 'service-binding', binding: 'NO_BINDING' },
      'introspection.binding names NO_BINDING, which is no Service Binding: add [[services]] binding = "NO_BINDING" to wrangler.toml.',
    ],
  ])('%s', (_, introspection, problem) => {
    const audience = ['1.apps.googleusercontent.com'];
    expect(problems({ introspection, audience })).toEqual([problem]);
  });

  test('no problem has the secret in it', () => {
    for (const introspection of [
      { ...good, clientId: undefined },
      { ...good, auth: 'private_key_jwt' },
    ])
      expect(problems({ introspection }).join()).not.toContain('s3cret');
  });
});
