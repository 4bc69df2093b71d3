// What does a payload say, in the shapes that authorization servers really send and in those that nobody should?

import { expect, test } from 'vitest';
import { type Claims, type Payload, readClaims } from '../../src/auth/claims.ts';
import type { AuthorizationServer } from '../../src/config.ts';

type Paths = AuthorizationServer['claims'];

const NOTHING: Claims = {
  subject: undefined,
  clientId: undefined,
  scopes: [],
  roles: [],
  permissions: [],
  tokenId: undefined,
};

test('nothing is read from an empty payload', () => {
  expect(readClaims({}, {})).toStrictEqual(NOTHING);
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
  expect(readClaims(payload, {})).toStrictEqual({ ...NOTHING, ...expected });
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
    'an own claim named __proto__ is an ordinary one',
    { subject: [['__proto__', 'x']] },
    JSON.parse('{"__proto__":{"x":"own"}}'),
    { subject: 'own' },
  ],
])('%s', (_, paths, payload, expected) => {
  expect(readClaims(payload, paths)).toStrictEqual({ ...NOTHING, ...expected });
});

const many = (length: number) => Array.from({ length }, (_, index) => `r${index}`);

test('a list of 1000 is fine, one more is not', () => {
  expect(readClaims({ roles: many(1_000) }, {})?.roles).toEqual(many(1_000));
  expect(readClaims({ roles: many(1_001) }, {})).toBeUndefined();
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
])('%s makes the token invalid', (_, payload) => {
  expect(readClaims({ sub: 'a', ...payload }, {})).toBeUndefined();
});
