// Which entries of AUTHORIZATION_SERVERS are understood, as what, and what is said about the others.

import { expect, test } from 'vitest';
import { ASYMMETRIC_ALGS, type AuthorizationServer, ConfigError, checkConfig } from '../src/config.ts';

const RESOURCE = 'https://mcp.example.com/mcp';
const ISSUER = 'https://issuer.example.com';
const SERVERS_AT =
  'AUTHORIZATION_SERVERS (in wrangler.toml [vars], or authorizationServers in src/app/config.ts)';
const serverInfo = { name: 'test', version: '1' };

const check = (vars: object, settings: object = {}) =>
  checkConfig({ serverInfo, ...settings }, { RESOURCE, ...vars });

function problems(vars: object): readonly string[] {
  try {
    check(vars);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

const ORIGIN = new URL(RESOURCE).origin;
const aud = (...values: string[]) => ({ claim: ['aud'], values, aud: values });
const CHECKED: AuthorizationServer = {
  preset: undefined,
  issuers: [ISSUER],
  jwksUri: undefined,
  algs: ['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA'],
  audience: aud(RESOURCE),
  typ: ['at+jwt', 'jwt', 'absent'],
  require: [],
  claims: {},
  tenants: undefined,
  rolesNameTenants: false,
  scopePrefix: '',
  grantedScopes: [],
  tokenHeader: undefined,
  introspection: undefined,
  advertised: [ISSUER],
  mirror: undefined,
};
const servers = (given: unknown) => check({ AUTHORIZATION_SERVERS: given }).authorizationServers;

test('a list is accepted as a TOML value, as JSON and as a declaration', () => {
  const given = [{ issuer: ISSUER }];
  expect(servers(given)).toEqual([CHECKED]);
  expect(servers(`\n ${JSON.stringify(given)}`)).toEqual([CHECKED]);
  expect(
    check({ AUTHORIZATION_SERVERS: undefined }, { authorizationServers: given }).authorizationServers,
  ).toEqual([CHECKED]);
});

test.each<[string, unknown]>([
  ['a string', ISSUER],
  ['broken JSON', '[{"issuer":"https://issuer.example.com"}'],
  ['an object instead of a list', { issuer: ISSUER }],
  ['an empty list', []],
  ['an empty list in JSON', '[]'],
])('%s is refused', (_, given) => {
  expect(problems({ AUTHORIZATION_SERVERS: given })).toEqual([
    `${SERVERS_AT}: must be a list with at least one entry, as a TOML value or as JSON: [{"issuer":"https://your-authorization-server"}].`,
  ]);
});

const jwksUri = 'https://keys.example.com/jwks';
const claims = {
  roles: [['realm_access', 'roles'], ['https://example.com/roles']],
  subject: [['a.b:c']],
  permissions: [['tenants', { claim: ['dct', 'id'] }, 'permissions']],
};
test.each<[string, object, Partial<AuthorizationServer>]>([
  [
    'several names of one issuer',
    { issuer: [ISSUER, 'https://b.example'] },
    { issuers: [ISSUER, 'https://b.example'] },
  ],
  [
    'an issuer that ends with a slash',
    { issuer: `${ISSUER}/` },
    { issuers: [`${ISSUER}/`], advertised: [`${ISSUER}/`] },
  ],
  [
    'an issuer that is no URL, with jwksUri',
    { issuer: 'corp-idp', jwksUri },
    { issuers: ['corp-idp'], jwksUri, advertised: [] },
  ],
  [
    'an issuer of 400 characters',
    { issuer: 'i'.repeat(400), jwksUri },
    { issuers: ['i'.repeat(400)], jwksUri, advertised: [] },
  ],
  [
    'http on localhost',
    { issuer: 'http://localhost:9' },
    { issuers: ['http://localhost:9'], advertised: ['http://localhost:9'] },
  ],
  ['http keys on localhost', { jwksUri: 'http://127.0.0.1/k' }, { jwksUri: 'http://127.0.0.1/k' }],
  ['every asymmetric algorithm', { algs: ASYMMETRIC_ALGS }, { algs: ASYMMETRIC_ALGS }],
  ['one audience', { audience: 'api://x' }, { audience: aud('api://x') }],
  ['several audiences', { audience: ['api://x', 'y'] }, { audience: aud('api://x', 'y') }],
  ['audiences by the longer form', { audience: { values: ['x'] } }, { audience: aud('x') }],
  ['the same place of the audience, written', { audience: { claim: ['aud'] } }, { audience: aud(RESOURCE) }],
  [
    'an audience that stands elsewhere',
    { audience: { claim: ['client_id'], values: ['c'] } },
    { audience: { claim: ['client_id'], values: ['c'], aud: [RESOURCE, 'c'] } },
  ],
  [
    'tokens that are bound to their issuer, if something tells them apart',
    {
      audience: { mode: 'issuer-bound' },
      require: [
        { claim: ['nonce'], isAbsent: true },
        { claim: ['client_id'], isPresent: true },
      ],
    },
    {
      audience: { claim: ['aud'], values: [], aud: [RESOURCE] },
      require: [
        [{ claim: ['nonce'], must: 'be_absent', values: [] }],
        [{ claim: ['client_id'], must: 'be_present', values: [] }],
      ],
    },
  ],
  [
    'rules of every kind',
    {
      require: [
        { claim: ['typ'], equals: 'Bearer' },
        { claim: ['drn'], isNot: ['DSR', 'x'] },
        {
          anyOf: [
            { claim: ['a', { claim: ['b'] }], equals: ['c', 'd'] },
            { claim: ['e'], isAbsent: true },
          ],
        },
      ],
    },
    {
      require: [
        [{ claim: ['typ'], must: 'equal', values: ['Bearer'] }],
        [{ claim: ['drn'], must: 'differ', values: ['DSR', 'x'] }],
        [
          { claim: ['a', { claim: ['b'] }], must: 'equal', values: ['c', 'd'] },
          { claim: ['e'], must: 'be_absent', values: [] },
        ],
      ],
    },
  ],
  ['a tenant', { tenant: { claim: [['org_id']] } }, { claims: { tenant: [['org_id']] } }],
  [
    'the tenants that are served',
    { tenant: { claim: [['org_id']], values: ['a', 'b'] } },
    { claims: { tenant: [['org_id']] }, tenants: ['a', 'b'] },
  ],
  ['what stands before scopes', { scopePrefix: 'api://x/' }, { scopePrefix: 'api://x/' }],
  ['scopes that every token has', { grantedScopes: ['a:b', 'c'] }, { grantedScopes: ['a:b', 'c'] }],
  [
    'a header for tokens, in any case',
    { tokenSource: { header: 'Cf-Access-Jwt-Assertion' } },
    { tokenHeader: 'cf-access-jwt-assertion' },
  ],
  ['another URL for clients', { advertise: 'https://a.example/x' }, { advertised: ['https://a.example/x'] }],
  ['nothing for clients', { advertise: false }, { advertised: [] }],
  ['a copy of its metadata', { mirror: true }, { mirror: { source: ISSUER, name: undefined } }],
  [
    'a copy of the metadata that clients are told of',
    { mirror: true, advertise: 'https://a.example/x' },
    { advertised: ['https://a.example/x'], mirror: { source: 'https://a.example/x', name: undefined } },
  ],
  [
    'a copy that says PKCE, of which clients are told',
    { mirror: 'pkce', advertise: 'https://a.example/x' },
    { advertised: [ORIGIN], mirror: { source: 'https://a.example/x', name: ORIGIN } },
  ],
  [
    'a copy nobody is told of',
    { mirror: true, advertise: false },
    { advertised: [], mirror: { source: ISSUER, name: undefined } },
  ],
  [
    'types in any form',
    { typ: ['application/AT+JWT', 'JWT', 'Absent'] },
    { typ: ['at+jwt', 'jwt', 'absent'] },
  ],
  ['claim paths, segment by segment', claims, { claims }],
])('accepts %s', (_, entry, expected) => {
  expect(servers([{ issuer: ISSUER, ...entry }])).toEqual([{ ...CHECKED, ...expected }]);
});

const ISSUER_SHAPE = 'issuer must be a string, or a list of strings';
const NO_DISCOVERY = 'is not an https URL, so its keys cannot be discovered: give jwksUri as well';
const NO_PARTS = 'must not have a query or fragment (RFC 8414 section 2)';
const ALGS = `algs must be a list from ${ASYMMETRIC_ALGS.join(', ')}; "none" and shared-secret algorithms (HS256 ...) cannot prove who issued a token`;
const JWKS_URI = 'jwksUri must be an https URL (http only on localhost)';
const AUDIENCE = 'audience must be a non-empty string, or a list of them';
const TYP = 'typ must be a list such as ["at+jwt", "JWT", "absent"]';
const KNOWN =
  'known are preset, issuer, jwksUri, algs, audience, typ, require, subject, clientId, scopes, roles, permissions, tokenId, tenant, scopePrefix, grantedScopes, tokenSource, introspection, advertise, mirror';
const path = (name: string) =>
  `${name} must be a list of claim paths, each a list of segments, such as [["realm_access", "roles"]]`;
const REQUIRE =
  'require must be a list of rules such as { claim = ["typ"], equals = "Bearer" }, { claim = ["typ"], isNot = "ID" }, { claim = ["client_id"], isPresent = true } or { claim = ["nonce"], isAbsent = true }, or of { anyOf = [rules] }';
const AUDIENCE_VALUES = 'audience.values must be a list of non-empty strings';
const AUDIENCE_CLAIM = 'audience.claim must be a claim path, such as ["client_id"]';
const BOUND =
  'audience.mode "issuer-bound" needs require with equals or isPresent: something that only access tokens of this issuer have, or its ID tokens would be taken too';
const TENANT = 'tenant must be { claim = [["org_id"]] }, with values = ["org_1"] to serve only those';
const PREFIX = 'scopePrefix must be what stands before a scope, such as "api://reports/"';
const GRANTED = 'grantedScopes must be a list of scope names';
const SOURCE = 'tokenSource must be { header = "Cf-Access-Jwt-Assertion" }';
const ADVERTISE =
  'advertise must be an https URL, or false for an authorization server clients need not know';
const MIRROR = 'mirror must be true, or "pkce" for a server that does PKCE without saying so';
const bound = { mode: 'issuer-bound' };
const claim = ['typ'];
test.each<[string, object, string[]]>([
  ['no issuer', { issuer: undefined }, [ISSUER_SHAPE]],
  ['an empty issuer', { issuer: '' }, [ISSUER_SHAPE]],
  ['an empty list of issuers', { issuer: [] }, [ISSUER_SHAPE]],
  ['a list with an empty issuer', { issuer: [ISSUER, ''] }, [ISSUER_SHAPE]],
  ['an issuer that is no string', { issuer: 5 }, [ISSUER_SHAPE]],
  [
    'an http issuer',
    { issuer: 'http://a.example' },
    ['issuer http://a.example must use https (http only on localhost)'],
  ],
  [
    'an http issuer, whatever its jwksUri',
    { issuer: 'http://a.example', jwksUri },
    ['issuer http://a.example must use https (http only on localhost)'],
  ],
  [
    'an issuer that is no URL, without jwksUri',
    { issuer: 'corp-idp' },
    [`issuer "corp-idp" ${NO_DISCOVERY}`],
  ],
  [
    'an issuer that is no https URL, without jwksUri',
    { issuer: 'urn:idp' },
    [`issuer "urn:idp" ${NO_DISCOVERY}`],
  ],
  ['an issuer with a query', { issuer: `${ISSUER}?a` }, [`issuer ${ISSUER}?a ${NO_PARTS}`]],
  ['an issuer with a fragment', { issuer: `${ISSUER}#a` }, [`issuer ${ISSUER}#a ${NO_PARTS}`]],
  [
    'an issuer of 401 characters',
    { issuer: 'i'.repeat(401), jwksUri },
    ['issuer must not be longer than 400 characters'],
  ],
  [
    'one issuer twice in an entry',
    { issuer: [ISSUER, ISSUER] },
    [`the issuer ${ISSUER} is listed twice; one entry per issuer, or its rules would be ambiguous`],
  ],
  ['an unknown key', { jwks_uri: jwksUri }, [`unknown key "jwks_uri"; ${KNOWN}`]],
  [
    'a key named like a property of every object',
    { constructor: 1 },
    [`unknown key "constructor"; ${KNOWN}`],
  ],
  ['keys over http', { jwksUri: 'http://keys.example.com/jwks' }, [JWKS_URI]],
  ['a jwksUri that is no string', { jwksUri: 5 }, [JWKS_URI]],
  ['HS256', { algs: ['RS256', 'HS256'] }, [ALGS]],
  ['none', { algs: ['none'] }, [ALGS]],
  ['an encryption algorithm', { algs: ['RSA-OAEP'] }, [ALGS]],
  ['no algorithm at all', { algs: [] }, [ALGS]],
  ['algs that are no list', { algs: 'RS256' }, [ALGS]],
  ['an empty audience', { audience: '' }, [AUDIENCE]],
  ['an empty audience in a list', { audience: ['a', ''] }, [AUDIENCE]],
  ['an empty list of audiences', { audience: [] }, [AUDIENCE]],
  ['an audience that is no string', { audience: 5 }, [AUDIENCE]],
  ['an empty list of types', { typ: [] }, [TYP]],
  ['a type that is no list', { typ: 'JWT' }, [TYP]],
  [
    'an unknown key of the audience',
    { audience: { value: ['a'] } },
    ['audience has an unknown key "value"; known are claim, values, mode'],
  ],
  ['no values of the audience', { audience: { values: [] } }, [AUDIENCE_VALUES]],
  ['an empty value of the audience', { audience: { values: ['a', ''] } }, [AUDIENCE_VALUES]],
  ['values of the audience that are no list', { audience: { values: 'a' } }, [AUDIENCE_VALUES]],
  ['a claim of the audience in dotted form', { audience: { claim: 'a.b' } }, [AUDIENCE_CLAIM]],
  ['several claims of the audience', { audience: { claim: [['a'], ['b']] } }, [AUDIENCE_CLAIM]],
  ['an unknown mode', { audience: { mode: 'any' } }, ['audience.mode must be "any-of" or "issuer-bound"']],
  ['tokens bound to their issuer with nothing else', { audience: bound }, [BOUND]],
  [
    'tokens bound to their issuer that only must not be something',
    {
      audience: bound,
      require: [
        { claim, isNot: 'ID' },
        { claim: ['nonce'], isAbsent: true },
      ],
    },
    [BOUND],
  ],
  [
    'tokens bound to their issuer for which a negative rule is enough',
    {
      audience: bound,
      require: [
        {
          anyOf: [
            { claim, equals: 'x' },
            { claim: ['nonce'], isAbsent: true },
          ],
        },
      ],
    },
    [BOUND],
  ],
  [
    'audiences of tokens bound to their issuer',
    { audience: { ...bound, values: ['a'] }, require: [{ claim, equals: 'x' }] },
    ['audience.mode "issuer-bound" takes tokens for any audience: leave values out'],
  ],
  ...[
    'Bearer',
    { claim, equals: 'Bearer' },
    ['Bearer'],
    [{ claim }],
    [{ equals: 'Bearer' }],
    [{ claim: 'typ', equals: 'Bearer' }],
    [{ claim: [], equals: 'Bearer' }],
    [{ claim, equals: 5 }],
    [{ claim, equals: [] }],
    [{ claim, equals: '' }],
    [{ claim, isNot: ['a', ''] }],
    [{ claim, equals: 'a', isNot: 'b' }],
    [{ claim, equals: 'a', isPresent: true }],
    [{ claim, isPresent: false }],
    [{ claim, isAbsent: 'yes' }],
    [{ claim, matches: 'a' }],
    [{ claim, equals: 'a' }, {}],
    [{ anyOf: [] }],
    [{ anyOf: { claim, equals: 'a' } }],
    [{ anyOf: [{ claim, equals: 'a' }, { claim }] }],
    [{ anyOf: [{ claim, equals: 'a' }], claim }],
    [{ anyOf: [{ anyOf: [{ claim, equals: 'a' }] }] }],
  ].map((require): [string, object, string[]] => [
    `rules that are none: ${JSON.stringify(require)}`,
    { require },
    [REQUIRE],
  ]),
  [
    'claims, which are written directly now',
    { claims: { roles: [['roles']] } },
    ['claims is not known any more: write its members directly, roles = [["realm_access", "roles"]]'],
  ],
  ['a claim path in dotted form', { roles: 'realm_access.roles' }, [path('roles')]],
  ['one claim path without the list around it', { roles: ['roles'] }, [path('roles')]],
  ['a claim without paths', { scopes: [] }, [path('scopes')]],
  ['a claim path without segments', { subject: [['sub'], []] }, [path('subject')]],
  ['a segment that is no text', { subject: [['sub', 1]] }, [path('subject')]],
  ['a segment from no claim', { roles: [['a', { claim: [] }]] }, [path('roles')]],
  ['a segment from a claim in dotted form', { roles: [['a', { claim: 'b' }]] }, [path('roles')]],
  ['a segment from a claim of a claim', { roles: [['a', { claim: [{ claim: ['b'] }] }]] }, [path('roles')]],
  ['a segment with something else', { roles: [['a', { claim: ['b'], or: 'c' }]] }, [path('roles')]],
  [
    'a wildcard, which would lead to all tenants',
    { roles: [['tenants', '*', { any: true }]] },
    [path('roles')],
  ],
  ['a tenant that is a text', { tenant: 'org_1' }, [TENANT]],
  ['a tenant without its claim', { tenant: { values: ['a'] } }, [TENANT]],
  ['a tenant with one claim path', { tenant: { claim: ['org'] } }, [path('tenant.claim'), TENANT]],
  ['no tenant at all that is served', { tenant: { claim: [['org']], values: [] } }, [TENANT]],
  ['an empty tenant', { tenant: { claim: [['org']], values: ['a', ''] } }, [TENANT]],
  ['tenants that are no list', { tenant: { claim: [['org']], values: 'a' } }, [TENANT]],
  ['an unknown key of the tenant', { tenant: { claim: [['org']], value: 'a' } }, [TENANT]],
  ['a scope prefix that is no text', { scopePrefix: ['a'] }, [PREFIX]],
  ['a scope prefix with a space', { scopePrefix: 'a b' }, [PREFIX]],
  ['a scope prefix with a quote', { scopePrefix: 'a"' }, [PREFIX]],
  ['granted scopes that are a text', { grantedScopes: 'a b' }, [GRANTED]],
  ['two granted scopes in one', { grantedScopes: ['a b'] }, [GRANTED]],
  ['an empty granted scope', { grantedScopes: [''] }, [GRANTED]],
  ...[
    'X-Token',
    {},
    { header: '' },
    { header: 'Authorization' },
    { header: 'a b' },
    { header: 'a:b' },
    { header: ['X-Token'] },
  ].map((tokenSource): [string, object, string[]] => [
    `tokens from ${JSON.stringify(tokenSource)}`,
    { tokenSource },
    [SOURCE],
  ]),
  ['http for clients', { advertise: 'http://a.example' }, [ADVERTISE]],
  ['a path for clients', { advertise: '/x' }, [ADVERTISE]],
  ['true for clients', { advertise: true }, [ADVERTISE]],
  ['another kind of copy', { mirror: 'S256' }, [MIRROR]],
  ['no copy, said aloud', { mirror: false }, [MIRROR]],
  [
    'a copy that says PKCE to nobody',
    { mirror: 'pkce', advertise: false },
    ['mirror "pkce" is what clients are told: leave advertise = false out'],
  ],
  [
    'a copy of what nobody can find',
    { issuer: 'corp-idp', jwksUri: 'https://a.example/jwks', mirror: true },
    ['mirror needs an issuer that is an https URL: its metadata is copied'],
  ],
  ['several mistakes', { algs: [], typ: [], require: 5, roles: 5 }, [ALGS, TYP, REQUIRE, path('roles')]],
])('refuses %s', (_, entry, complaints) => {
  expect(problems({ AUTHORIZATION_SERVERS: [{ issuer: ISSUER, ...entry }] })).toEqual(
    complaints.map((complaint) => `${SERVERS_AT}: entry 0: ${complaint}.`),
  );
});

test.each([['text'], [null], [[]]])('an entry that is no object is refused: %j', (entry) => {
  expect(problems({ AUTHORIZATION_SERVERS: [{ issuer: ISSUER }, entry] })).toEqual([
    `${SERVERS_AT}: entry 1: must be an object with an issuer.`,
  ]);
});

test('a resource without a path is also written with a slash, and one with a path is not', () => {
  const audienceOf = (resource: string, audience?: unknown) =>
    check({ RESOURCE: resource, AUTHORIZATION_SERVERS: [{ issuer: ISSUER, audience }] })
      .authorizationServers[0]?.audience;
  expect(audienceOf(ORIGIN)).toEqual(aud(ORIGIN, `${ORIGIN}/`));
  expect(audienceOf(ORIGIN, 'client-17')).toEqual(aud('client-17'));
  expect(audienceOf(ORIGIN, { claim: ['x'] })).toEqual({
    claim: ['x'],
    values: [ORIGIN, `${ORIGIN}/`],
    aud: [ORIGIN, `${ORIGIN}/`],
  });
  expect(audienceOf(RESOURCE)).toEqual(aud(RESOURCE));
});

test('there is one place for a copy of metadata', () => {
  const entries = [
    { issuer: ISSUER, mirror: true },
    { issuer: 'https://b.example', mirror: true },
  ];
  expect(problems({ AUTHORIZATION_SERVERS: entries })).toEqual([
    `${SERVERS_AT}: entry 1: only one entry can have mirror: there is one place for the copy.`,
  ]);
});

test('clients are told one list of scopes, so what stands before them is the same for all', () => {
  const other = { issuer: 'https://b.example', scopePrefix: 'api://x/' };
  const complaint = `${SERVERS_AT}: scopePrefix must be the same in all entries: clients are told one list of scopes, whichever authorization server they choose. advertise = false exempts one that clients are not told of.`;
  expect(problems({ AUTHORIZATION_SERVERS: [{ issuer: ISSUER }, other] })).toEqual([complaint]);
  expect(problems({ AUTHORIZATION_SERVERS: [{ issuer: ISSUER }, { ...other, advertise: false }] })).toEqual(
    [],
  );
  expect(problems({ AUTHORIZATION_SERVERS: [{ issuer: ISSUER, scopePrefix: 'api://x/' }, other] })).toEqual(
    [],
  );
});

test('an issuer in two entries is refused', () => {
  const entries = [{ issuer: ISSUER }, { issuer: ['https://b.example', ISSUER], audience: 'other' }];
  expect(problems({ AUTHORIZATION_SERVERS: entries })).toEqual([
    `${SERVERS_AT}: entry 1: the issuer ${ISSUER} is listed twice; one entry per issuer, or its rules would be ambiguous.`,
  ]);
});
