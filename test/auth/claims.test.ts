// What does a payload say, in the shapes that authorization servers really send and in those that nobody should?

import { describe, expect, test } from 'vitest';
import { audienceProblem, brokenRule, type Claims, type Payload, readClaims } from '../../src/auth/claims.ts';
import { type AuthorizationServer, checkConfig } from '../../src/config.ts';

type Paths = AuthorizationServer['claims'];

const NOTHING: Claims = {
  subject: undefined,
  clientId: undefined,
  scopes: [],
  roles: [],
  permissions: [],
  tokenId: undefined,
  tenant: undefined,
};

const read = (payload: Payload, claims: Paths = {}, scopePrefix = '', grantedScopes: string[] = []) =>
  readClaims(payload, { claims, rolesNameTenants: false, scopePrefix, grantedScopes });

test('nothing is read from an empty payload', () => {
  expect(read({})).toStrictEqual(NOTHING);
});

test.each<[string, Payload, Partial<Claims>]>([
  [
    'subject, client and token id are text',
    { sub: 'a', client_id: 'c', jti: 't' },
    { subject: 'a', clientId: 'c', tokenId: 't' },
  ],
  ['azp names the client when client_id does not', { azp: 'z' }, { clientId: 'z' }],
  ['client_id comes before azp', { azp: 'z', client_id: 'c' }, { clientId: 'c' }],
  ['an empty client_id is an absent one', { client_id: '', azp: 'z' }, { clientId: 'z' }],
  ['an empty subject is an absent one', { sub: '' }, {}],
  [
    'null is the same as absent',
    { sub: null, client_id: null, azp: 'z', scope: null, roles: null },
    { clientId: 'z' },
  ],
  ['scopes are separated by spaces', { scope: 'a b:c' }, { scopes: ['a', 'b:c'] }],
  ['several spaces separate like one', { scope: '  a   b ' }, { scopes: ['a', 'b'] }],
  ['scopes can be a list, which is not split', { scp: ['a', 'b c'] }, { scopes: ['a', 'b c'] }],
  [
    'scope and scp are joined, each scope once',
    { scope: 'a b', scp: ['b', 'c'] },
    { scopes: ['a', 'b', 'c'] },
  ],
  ['an empty scope is none', { scope: '', scp: [''] }, {}],
  ['a role is never split', { roles: 'site admin' }, { roles: ['site admin'] }],
  ['roles can be a list', { roles: ['a', '', 'b', 'a'] }, { roles: ['a', 'b'] }],
  [
    'roles can be the keys of an object',
    { roles: { admin: { org: 'x' }, reader: true } },
    { roles: ['admin', 'reader'] },
  ],
  [
    'a role whose value is false or null is not held',
    { roles: { admin: {}, reader: false, editor: null } },
    { roles: ['admin'] },
  ],
  ['permissions have the shapes of roles', { permissions: ['a b'] }, { permissions: ['a b'] }],
  [
    "names of every object's properties are only names",
    { roles: ['constructor', '__proto__'] },
    { roles: ['constructor', '__proto__'] },
  ],
  ['a text of 1024 characters is fine', { sub: 's'.repeat(1_024) }, { subject: 's'.repeat(1_024) }],
  ['a role of 1024 characters is fine', { roles: ['r'.repeat(1_024)] }, { roles: ['r'.repeat(1_024)] }],
])('%s', (_, payload, expected) => {
  expect(read(payload)).toStrictEqual({ ...NOTHING, ...expected });
});

test.each<[string, Paths, Payload, Partial<Claims>]>([
  ['a path replaces the default', { subject: [['oid']] }, { sub: 'a', oid: 'b' }, { subject: 'b' }],
  ['a path that leads nowhere finds nothing', { subject: [['oid', 'id']] }, { sub: 'a', oid: 'b' }, {}],
  [
    'a path goes as deep as it says',
    { roles: [['resource_access', 'mcp', 'roles']] },
    { resource_access: { mcp: { roles: ['r'] } } },
    { roles: ['r'] },
  ],
  [
    'a segment is never split',
    { roles: [['https://a.example/roles']], subject: [['a.b']] },
    { 'https://a.example/roles': ['r'], a: { b: 'no' } },
    { roles: ['r'] },
  ],
  [
    'the first path that names a subject wins',
    { subject: [['x'], ['y'], ['z']] },
    { x: '', y: 'b', z: 'c' },
    { subject: 'b' },
  ],
  [
    'lists of several paths are joined',
    { roles: [['a'], ['b', 'roles']] },
    { a: 'x', b: { roles: ['y', 'x'] } },
    { roles: ['x', 'y'] },
  ],
  [
    'a path leads into a list by position',
    { subject: [['ids', '1']] },
    { ids: ['a', 'b'] },
    { subject: 'b' },
  ],
  [
    'a path never leads into a prototype',
    {
      subject: [['constructor'], ['constructor', 'name']],
      clientId: [['__proto__']],
      tokenId: [['sub', 'length']],
    },
    { sub: 'a' },
    {},
  ],
  [
    'a path through null or text finds nothing',
    {
      subject: [
        ['a', 'b'],
        ['c', 'b'],
      ],
    },
    { a: null, c: 'text' },
    {},
  ],
  [
    "a segment can be another claim's value: one tenant's roles, and never another's",
    { roles: [['tenants', { claim: ['dct'] }, 'roles']] },
    { dct: 'a', tenants: { a: { roles: ['r'] }, b: { roles: ['operator'] } } },
    { roles: ['r'] },
  ],
  [
    "that value's path is as long as it has to be",
    { roles: [['tenants', { claim: ['for', 'tenant'] }, 'roles']] },
    { for: { tenant: 'a' }, tenants: { a: { roles: ['r'] } } },
    { roles: ['r'] },
  ],
  [
    'no claim to take a segment from, no roles',
    { roles: [['tenants', { claim: ['dct'] }, 'roles']] },
    { tenants: { undefined: { roles: ['operator'] }, '': { roles: ['operator'] } } },
    {},
  ],
  [
    'a tenant the token does not have leads nowhere',
    { roles: [['tenants', { claim: ['dct'] }, 'roles']] },
    { dct: 'c', tenants: { a: { roles: ['operator'] } } },
    {},
  ],
  [
    'a segment is never taken from an empty claim',
    { roles: [['tenants', { claim: ['dct'] }]] },
    { dct: '', tenants: { '': ['operator'] } },
    {},
  ],
  ...[5, true, null, ['a'], { a: 'a' }].map((dct): [string, Paths, Payload, Partial<Claims>] => [
    `a segment is never taken from what is not text: ${JSON.stringify(dct)}`,
    { roles: [['tenants', { claim: ['dct'] }]] },
    { dct, tenants: { 5: ['operator'], true: ['operator'], null: ['operator'], a: ['operator'] } },
    {},
  ]),
  [
    'a segment taken from a claim never leads into a prototype',
    { roles: [['tenants', { claim: ['dct'] }, 'name']] },
    { dct: 'constructor', tenants: {} },
    {},
  ],
  [
    'the tenant is where it is said to be',
    { tenant: [['org'], ['t', 'id']] },
    { t: { id: 'x' } },
    { tenant: 'x' },
  ],
  ['without a path there is no tenant', {}, { tenant: 'x', org_id: 'x', tid: 'x' }, {}],
  [
    'roles can be the keys of objects in a list',
    { roles: [['r']] },
    { r: [{ a: {}, b: false }, 'c'] },
    { roles: ['a', 'c'] },
  ],
  [
    'an own claim named __proto__ is an ordinary one',
    { subject: [['__proto__', 'x']] },
    JSON.parse('{"__proto__":{"x":"own"}}'),
    { subject: 'own' },
  ],
])('%s', (_, paths, payload, expected) => {
  expect(read(payload, paths)).toStrictEqual({ ...NOTHING, ...expected });
});

const many = (length: number) => Array.from({ length }, (_, index) => `r${index}`);

test('a list of 1000 is fine, one more is not', () => {
  expect(read({ roles: many(1_000) })?.roles).toEqual(many(1_000));
  expect(read({ roles: many(1_001) })).toBeUndefined();
});

test.each<[string, Payload]>([
  ['a subject that is a number', { sub: 5 }],
  ['a subject that is a list', { sub: ['a'] }],
  ['a subject that is an object', { sub: { toString: 'a' } }],
  ['a subject of 1025 characters', { sub: 's'.repeat(1_025) }],
  ['a client that is a number, though azp is text', { client_id: 5, azp: 'z' }],
  ['a client that is false', { client_id: false }],
  ['a token id that is a number', { jti: 5 }],
  ['a scope that is a number', { scope: 5 }],
  ['a scope that is an object', { scope: { a: true } }],
  ['a scope list with something else in it', { scp: ['a', 5] }],
  ['a good scope beside an impossible one', { scope: 'a', scp: true }],
  ['a role that is a number', { roles: 5 }],
  ['a role list with something else in it', { roles: ['a', ['b']] }],
  ['a role list with null in it', { roles: [null] }],
  ['a role of 1025 characters', { roles: ['r'.repeat(1_025)] }],
  ['a permission that is true', { permissions: true }],
  ...[' ', 'a\nb', 'a\u0000', '\u009ba', '\ud800', 'a\udc00b'].flatMap((name): [string, Payload][] => [
    [`a subject that is ${JSON.stringify(name)}`, { sub: name }],
    [`a client that is ${JSON.stringify(name)}`, { client_id: name }],
  ]),
])('%s makes the token invalid', (_, payload) => {
  expect(read({ sub: 'a', ...payload })).toBeUndefined();
});

test('a token id that is text, but nothing to call a token by, is an absent one', () => {
  for (const jti of [' ', 'a\nb', '\ud800', 't'.repeat(1_025)])
    expect(read({ sub: 'a', jti }), jti).toStrictEqual({ ...NOTHING, subject: 'a' });
});

test.each([[{}], [{ org: null }], [{ org: '' }]])('of %j the tenant is one of its own', (payload) => {
  expect(read(payload, { tenant: [['org']] })).toStrictEqual({ ...NOTHING, tenant: null });
});

test.each<[string, unknown, string | undefined, string[]]>([
  ['its own', { admin: { a: 'a.example' } }, 'a', ['admin']],
  ['its own among others', { admin: { b: 'b.example', a: 'a.example' } }, 'a', ['admin']],
  ['another', { admin: { b: 'b.example' }, reader: { a: 'a.example' } }, 'a', ['reader']],
  ['another, in a list', [{ admin: { b: 'b.example' } }, { reader: { a: 'a.example' } }], 'a', ['reader']],
  ['nobody', { admin: {}, reader: true, editor: 'a', writer: ['a'] }, 'a', []],
  ['what every object has', { admin: { b: 'b.example' } }, 'constructor', []],
  ['whoever, where the token does not say whose it is', { admin: { b: 'b.example' } }, undefined, ['admin']],
])('where roles name the tenants that gave them, those of %s count', (_, roles, org, expected) => {
  const server = { claims: { tenant: [['org']] }, scopePrefix: '', grantedScopes: [] };
  const payload = { roles, permissions: { 'a:b': true }, ...(org === undefined ? {} : { org }) };
  expect(readClaims(payload, { ...server, rolesNameTenants: true })).toMatchObject({
    roles: expected,
    permissions: ['a:b'],
  });
});

test('a tenant that is nothing to be called by makes the token invalid', () => {
  for (const org of [5, ['a'], {}, true, ' ', 'a\nb', '\ud800', 't'.repeat(1_025)])
    expect(read({ org }, { tenant: [['org']] })).toBeUndefined();
});

describe('scopePrefix', () => {
  const scopes = (scope: unknown, prefix = 'api://x/', granted: string[] = []) =>
    read({ scope }, {}, prefix, granted)?.scopes;

  test('is taken away where it is, once, and nothing else is', () => {
    expect(scopes('api://x/read api://y/read openid')).toEqual(['read', 'api://y/read', 'openid']);
    expect(scopes('api://x/api://x/read')).toEqual(['api://x/read']);
    expect(scopes('xapi://x/read')).toEqual(['xapi://x/read']);
  });
  test('makes one scope of two spellings', () => {
    expect(scopes('api://x/read read')).toEqual(['read']);
  });
});

describe('grantedScopes', () => {
  test('are added to what the token names, each once', () => {
    expect(read({ scope: 'a b' }, {}, '', ['b', 'c'])?.scopes).toEqual(['a', 'b', 'c']);
    expect(read({}, {}, '', ['c'])?.scopes).toEqual(['c']);
  });
  test('do not make up for scopes of an impossible shape', () => {
    expect(read({ scope: 5 }, {}, '', ['c'])).toBeUndefined();
  });
});

const RESOURCE = 'https://mcp.example.com/mcp';

/** An entry as the configuration understands it. */
function entry(settings: object): AuthorizationServer {
  const AUTHORIZATION_SERVERS = [{ issuer: 'https://issuer.example.com', ...settings }];
  const config = checkConfig(
    { serverInfo: { name: 'test', version: '1' } },
    { RESOURCE, AUTHORIZATION_SERVERS },
  );
  const [server] = config.authorizationServers;
  if (!server) throw new Error('no entry');
  return server;
}

const FINE = undefined;
const MISSING = 'aud_missing';
const WRONG = 'aud_check_failed';
describe('audience', () => {
  const somewhere = { claim: ['client_id'], values: ['a', 'b'] };
  const bound = { mode: 'issuer-bound' };
  test.each<[string, unknown, Payload, ReturnType<typeof audienceProblem>]>([
    ['this server', undefined, { aud: RESOURCE }, FINE],
    ['this server among others', undefined, { aud: ['x', RESOURCE] }, FINE],
    ['somebody else', undefined, { aud: ['x'] }, WRONG],
    ['nobody', undefined, {}, MISSING],
    ['an empty list', undefined, { aud: [] }, WRONG],
    ['a listed one', ['x', 'y'], { aud: 'y' }, FINE],
    ['this server, when it is not among those listed', ['x', 'y'], { aud: RESOURCE }, WRONG],
    ['no text', ['5', 'true'], { aud: [5, true] }, WRONG],
    ['a listed client', somewhere, { client_id: 'b' }, FINE],
    ['another client', somewhere, { client_id: 'c' }, WRONG],
    ['no client', somewhere, { aud: 'a' }, MISSING],
    ['a listed client, for this server', somewhere, { client_id: 'a', aud: RESOURCE }, FINE],
    ['a listed client, for itself', somewhere, { client_id: 'a', aud: ['a'] }, FINE],
    ['a listed client, for somebody else', somewhere, { client_id: 'a', aud: 'https://x.example' }, WRONG],
    ['a listed client, for an empty list', somewhere, { client_id: 'a', aud: [] }, WRONG],
    ['another client, for this server', somewhere, { client_id: 'c', aud: RESOURCE }, WRONG],
    ['nobody, when bound to the issuer', bound, {}, FINE],
    ['this server, when bound to the issuer', bound, { aud: [RESOURCE] }, FINE],
    ['somebody else, when bound to the issuer', bound, { aud: 'https://x.example' }, WRONG],
    ['an empty list, when bound to the issuer', bound, { aud: [] }, WRONG],
  ])('%s', (_, audience, payload, expected) => {
    const require = [{ claim: ['x'], isPresent: true }];
    expect(audienceProblem(payload, entry({ audience, require }).audience)).toBe(expected);
  });
});

describe('require', () => {
  const broken = (require: object[], payload: Payload) => brokenRule(payload, entry({ require }).require);
  const claim = ['typ'];
  test.each<[string, object, Payload, boolean]>([
    ['the text', { claim, equals: 'Bearer' }, { typ: 'Bearer' }, true],
    ['another text', { claim, equals: 'Bearer' }, { typ: 'bearer' }, false],
    ['no claim', { claim, equals: 'Bearer' }, {}, false],
    ['a list that has it', { claim, equals: 'Bearer' }, { typ: ['x', 'Bearer'] }, true],
    ['a list that has it not', { claim, equals: 'Bearer' }, { typ: ['x'] }, false],
    ['words, which are not split', { claim, equals: 'Bearer' }, { typ: 'x Bearer' }, false],
    ['a number that is written the same', { claim, equals: '5' }, { typ: 5 }, false],
    ['one of several texts', { claim, equals: ['a', 'b'] }, { typ: 'b' }, true],
    ['not the text', { claim, isNot: 'DSR' }, { typ: 'DS' }, true],
    ['not the text, as nothing is there', { claim, isNot: 'DSR' }, {}, true],
    ['the very text', { claim, isNot: 'DSR' }, { typ: 'DSR' }, false],
    ['one of the very texts', { claim, isNot: ['a', 'DSR'] }, { typ: 'DSR' }, false],
    ['a list that has the very text', { claim, isNot: 'DSR' }, { typ: ['x', 'DSR'] }, false],
    ['something', { claim, isPresent: true }, { typ: 'x' }, true],
    ['something that is false', { claim, isPresent: true }, { typ: false }, true],
    ['nothing', { claim, isPresent: true }, {}, false],
    ['an empty text', { claim, isPresent: true }, { typ: '' }, false],
    ['null', { claim, isPresent: true }, { typ: null }, false],
    ['nothing, as it should be', { claim, isAbsent: true }, {}, true],
    ['something that should not be there', { claim, isAbsent: true }, { typ: {} }, false],
    ['an empty text that should not be there', { claim, isAbsent: true }, { typ: '' }, false],
    ['deep inside', { claim: ['a', { claim: ['b'] }], equals: 'c' }, { a: { x: 'c' }, b: 'x' }, true],
    ['a property of every object', { claim: ['constructor'], isPresent: true }, {}, false],
    [
      'one of two',
      {
        anyOf: [
          { claim, equals: 'a' },
          { claim: ['azp'], isPresent: true },
        ],
      },
      { typ: 'b', azp: 'c' },
      true,
    ],
    [
      'none of two',
      {
        anyOf: [
          { claim, equals: 'a' },
          { claim: ['azp'], isPresent: true },
        ],
      },
      { typ: 'b' },
      false,
    ],
  ])('%s', (_, rule, payload, holds) => {
    expect(broken([rule], payload)).toBe(holds ? undefined : 0);
  });

  test('every entry has to hold; the first that does not is told', () => {
    const rules = [
      { claim, equals: 'a' },
      { claim: ['b'], isPresent: true },
      { claim: ['c'], isAbsent: true },
    ];
    expect(broken(rules, { typ: 'a', b: 1 })).toBeUndefined();
    expect(broken(rules, { typ: 'a', c: 1 })).toBe(1);
    expect(broken(rules, { typ: 'a', b: 1, c: 1 })).toBe(2);
  });

  test('nothing is required when nothing is said', () => {
    expect(brokenRule({}, entry({}).require)).toBeUndefined();
  });
});
