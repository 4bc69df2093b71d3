// What do roles permit, and what do scopes imply?

import { expect, test } from 'vitest';
import { defineRoles } from '../../src/kit.ts';
import { impliedScopes, type RoleDefinitions, resolveRoles, wayTo } from '../../src/policy/roles.ts';

const permissionsOf = (definitions: RoleDefinitions): Record<string, string[]> =>
  Object.fromEntries(
    [...resolveRoles(definitions).permissions].map(([role, permissions]) => [role, [...permissions].sort()]),
  );

test.each<[string, RoleDefinitions, Record<string, string[]>]>([
  ['no roles are no roles', {}, {}],
  ['a role without anything permits nothing', { a: {} }, { a: [] }],
  ['a role permits what it says, each once', { a: { permissions: ['y', 'x', 'x'] } }, { a: ['x', 'y'] }],
  [
    'a role has the permissions of the roles it inherits',
    { a: { permissions: ['x'] }, b: { inherits: ['a'], permissions: ['y'] } },
    { a: ['x'], b: ['x', 'y'] },
  ],
  [
    'inheritance goes all the way, in any order of definition',
    { c: { inherits: ['b'] }, b: { inherits: ['a'] }, a: { permissions: ['x'] } },
    { a: ['x'], b: ['x'], c: ['x'] },
  ],
  [
    'two ways to the same role are no cycle',
    {
      a: { permissions: ['x'] },
      b: { inherits: ['a'] },
      c: { inherits: ['a'] },
      d: { inherits: ['b', 'c'] },
    },
    { a: ['x'], b: ['x'], c: ['x'], d: ['x'] },
  ],
  [
    'a role does not have the permissions of those that inherit it',
    { a: {}, b: { inherits: ['a'], permissions: ['x'] } },
    { a: [], b: ['x'] },
  ],
  [
    "names of every object's properties are ordinary names when defined",
    { constructor: { permissions: ['x'] }, b: { inherits: ['constructor'] } },
    { constructor: ['x'], b: ['x'] },
  ],
])('%s', (_, definitions, expected) => {
  expect(permissionsOf(definitions)).toEqual(expected);
});

test.each<[string, RoleDefinitions, string]>([
  [
    'a role that inherits itself',
    { a: { inherits: ['a'] } },
    'roles: a -> a is a cycle; remove one "inherits"',
  ],
  [
    'a cycle',
    { a: { inherits: ['b'] }, b: { inherits: ['c'] }, c: { inherits: ['a'] } },
    'roles: a -> b -> c -> a is a cycle; remove one "inherits"',
  ],
  [
    'a cycle beside the way',
    { a: { inherits: ['b'] }, b: { inherits: ['b'] } },
    'roles: a -> b -> b is a cycle; remove one "inherits"',
  ],
  ['an unknown role', { a: { inherits: ['b'] } }, 'roles: a -> b: there is no role "b"'],
  [
    'an unknown role further on',
    { a: { inherits: ['b'] }, b: { inherits: ['c'] } },
    'roles: a -> b -> c: there is no role "c"',
  ],
  [
    'an undefined role named like a property of every object',
    { a: { inherits: ['constructor'] } },
    'roles: a -> constructor: there is no role "constructor"',
  ],
  [
    'an undefined role named __proto__',
    { a: { inherits: ['__proto__'] } },
    'roles: a -> __proto__: there is no role "__proto__"',
  ],
])('%s is refused and the way to it is named', (_, definitions, message) => {
  expect(() => resolveRoles(definitions)).toThrow(new Error(message));
});

test('roles keep how they were defined', () => {
  const definitions = { b: { inherits: ['a'] }, a: { permissions: ['x'] } };
  expect(resolveRoles(definitions).definitions).toBe(definitions);
});

const WAYS: RoleDefinitions = {
  reader: { permissions: ['read'] },
  editor: { inherits: ['reader'], permissions: ['write'] },
  chief: { inherits: ['guest', 'editor'], permissions: ['pay'] },
  guest: {},
};

test.each<[string, string, string, string[] | undefined]>([
  ['a permission of the role itself', 'pay', 'chief', ['chief']],
  ['an inherited permission', 'write', 'chief', ['chief', 'editor']],
  ['a permission inherited from far', 'read', 'chief', ['chief', 'editor', 'reader']],
  ['a permission the role does not have', 'pay', 'editor', undefined],
  ['a permission of a role that is not defined', 'read', 'unknown', undefined],
  ['a role named like a property of every object', 'read', 'constructor', undefined],
])('the way to %s is told', (_, permission, role, expected) => {
  expect(wayTo(permission, role, WAYS)).toEqual(expected);
});

test.each<[string, string[], Record<string, string[]>, string[]]>([
  ['scopes stand for themselves', ['a', 'b'], {}, ['a', 'b']],
  ['a scope implies others', ['write'], { write: ['read', 'list'] }, ['write', 'read', 'list']],
  [
    'implication goes all the way',
    ['admin'],
    { write: ['read'], admin: ['write'] },
    ['admin', 'write', 'read'],
  ],
  ['implication does not go backwards', ['read'], { write: ['read'] }, ['read']],
  ['a cycle makes scopes equivalent', ['b'], { a: ['b'], b: ['c'], c: ['a'] }, ['b', 'c', 'a']],
  ['no scopes imply nothing', [], { a: ['b'] }, []],
  [
    "names of every object's properties imply nothing",
    ['constructor', '__proto__', 'toString'],
    { a: ['b'] },
    ['constructor', '__proto__', 'toString'],
  ],
  [
    'an own __proto__ is an ordinary name',
    ['__proto__'],
    JSON.parse('{"__proto__":["b"]}'),
    ['__proto__', 'b'],
  ],
])('%s', (_, granted, implications, expected) => {
  expect([...impliedScopes(granted, implications)]).toEqual(expected);
});

test('what an app declares has no member that nobody applies', () => {
  expect(() => defineRoles({ reader: { permission: ['read'] } as never })).toThrow(
    'roles: "reader" has no member "permission"; there are permissions, inherits',
  );
});
