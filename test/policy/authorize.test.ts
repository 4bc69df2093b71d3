// What may a principal do under a policy, and which refusal is told?

import { expect, test } from 'vitest';
import type { Principal } from '../../src/auth/principal.ts';
import {
  authorize,
  type Requirement,
  type RightsPolicy,
  rightsOf,
  rolesOf,
} from '../../src/policy/authorize.ts';
import { resolveRoles } from '../../src/policy/roles.ts';

const POLICY: RightsPolicy = {
  roles: resolveRoles({
    reader: { permissions: ['read'] },
    editor: { inherits: ['reader'], permissions: ['write'] },
    guest: { permissions: ['look'] },
  }),
  defaultRoles: ['guest'],
  scopeImplications: { 's:write': ['s:read'] },
};

const principal = (given: Partial<Principal>): Principal => ({
  kind: 'oauth',
  issuer: 'https://issuer.example.com',
  subject: 'alice',
  clientId: 'client',
  tenant: undefined,
  scopes: [],
  roles: [],
  permissions: [],
  tokenId: 'id',
  issuedAt: 1,
  expiresAt: 2,
  authenticatedAt: undefined,
  ...given,
});

const permissions = (...missingPermissions: string[]) => ({
  reason: 'permission_missing',
  missingPermissions,
});
const scopes = (requiredScopes: string[], missingScopes = requiredScopes) => ({
  reason: 'scope_missing',
  requiredScopes,
  missingScopes,
});

test.each<[string, Partial<Principal>, string[], string[], object | undefined]>([
  ['what needs nothing is open to every principal', {}, [], [], undefined],
  [
    'scope and permission together are enough',
    { scopes: ['s:read'], roles: ['reader'] },
    ['s:read'],
    ['read'],
    undefined,
  ],
  [
    'a scope without the permission is not enough',
    { scopes: ['s:write'], roles: ['reader'] },
    ['s:write'],
    ['write'],
    permissions('write'),
  ],
  [
    'a permission without the scope is not enough',
    { scopes: [], roles: ['editor'] },
    ['s:write'],
    ['write'],
    scopes(['s:write']),
  ],
  ['a missing permission is told before a missing scope', {}, ['s:read'], ['read'], permissions('read')],
  [
    'only the missing permissions are told',
    { roles: ['reader'] },
    [],
    ['read', 'write', 'pay'],
    permissions('write', 'pay'),
  ],
  [
    'all scopes that are needed are told, and which are missing',
    { scopes: ['b'] },
    ['a', 'b', 'c'],
    [],
    scopes(['a', 'b', 'c'], ['a', 'c']),
  ],
  ['a scope counts as those it implies', { scopes: ['s:write'] }, ['s:read'], [], undefined],
  [
    'a scope does not count as one that implies it',
    { scopes: ['s:read'] },
    ['s:write'],
    [],
    scopes(['s:write']),
  ],
  ['a role has the permissions it inherits', { roles: ['editor'] }, [], ['read', 'write'], undefined],
  ['permissions of several roles add up', { roles: ['reader', 'guest'] }, [], ['read', 'look'], undefined],
  [
    'a permission in the token counts as well',
    { roles: ['reader'], permissions: ['pay'] },
    [],
    ['read', 'pay'],
    undefined,
  ],
  ['default roles count when the token names no role', {}, [], ['look'], undefined],
  [
    'default roles count when the token has only permissions',
    { permissions: ['pay'] },
    [],
    ['look', 'pay'],
    undefined,
  ],
  [
    'default roles do not count when the token names a role',
    { roles: ['reader'] },
    [],
    ['look'],
    permissions('look'),
  ],
  [
    'an unknown role gives nothing, not even the default roles',
    { roles: ['unknown'] },
    [],
    ['look'],
    permissions('look'),
  ],
  [
    'an unknown role beside a known one does no harm',
    { roles: ['unknown', 'reader'] },
    [],
    ['read'],
    undefined,
  ],
  ['a role is compared exactly', { roles: ['Reader', 'reader '] }, [], ['read'], permissions('read')],
  [
    'a scope is compared exactly',
    { scopes: ['S:READ', 's:read s:write'] },
    ['s:read'],
    [],
    scopes(['s:read']),
  ],
  ['a role is no permission', { roles: ['reader'] }, [], ['reader'], permissions('reader')],
  [
    'a scope is no permission, and a permission no scope',
    { scopes: ['read'], permissions: ['s:read'] },
    ['s:read'],
    [],
    scopes(['s:read']),
  ],
  [
    'roles named like a property of every object give nothing',
    { roles: ['constructor', '__proto__', 'toString', 'get', 'size'] },
    [],
    ['read', 'name'],
    permissions('read', 'name'),
  ],
  [
    'scopes named like a property of every object give nothing else',
    { scopes: ['constructor', '__proto__', 'toString'] },
    ['s:read', 'name'],
    [],
    scopes(['s:read', 'name']),
  ],
])('%s', (_, who, requiredScopes, requiredPermissions, expected) => {
  const requirement = { scopes: requiredScopes, permissions: requiredPermissions };
  expect(authorize(rightsOf(principal(who), [], POLICY), requirement)).toEqual(expected);
});

const needs = (...permissions: string[]): Requirement => ({ scopes: [], permissions });

test.each<[string, Partial<Principal>, string[], string[]]>([
  ["a principal's roles are those of its token", { roles: ['reader'] }, [], ['reader']],
  ['they are the default ones when its token names none', {}, [], ['guest']],
  ['assigned roles come on top of those of the token', { roles: ['reader'] }, ['pay'], ['reader', 'pay']],
  ['assigned roles come on top of the default ones', {}, ['pay'], ['guest', 'pay']],
  ['a service never gets default roles', { kind: 'service' }, [], []],
  ['a service has the roles of its key', { kind: 'service', roles: ['reader'] }, [], ['reader']],
  ['roles can be assigned to a service', { kind: 'service' }, ['pay'], ['pay']],
])('%s', (_, who, assigned, expected) => {
  expect(rolesOf(principal(who), assigned, POLICY)).toEqual(expected);
});

test('an assigned role gives what it permits, with all that it inherits', () => {
  const alice = principal({ roles: ['guest'] });
  expect(authorize(rightsOf(alice, [], POLICY), needs('read', 'write'))).toEqual(
    permissions('read', 'write'),
  );
  expect(authorize(rightsOf(alice, ['editor'], POLICY), needs('look', 'read', 'write'))).toBeUndefined();
});

test('an assigned role that the policy does not know gives nothing and does no harm', () => {
  const rights = rightsOf(principal({ roles: ['reader'] }), ['unknown', 'constructor'], POLICY);
  expect([...rights.permissions]).toEqual(['read']);
});

test('rights are all that roles, token and implication give', () => {
  const rights = rightsOf(
    principal({ scopes: ['s:write'], roles: ['editor'], permissions: ['pay'] }),
    ['guest'],
    POLICY,
  );
  expect({ scopes: [...rights.scopes], permissions: [...rights.permissions].sort() }).toEqual({
    scopes: ['s:write', 's:read'],
    permissions: ['look', 'pay', 'read', 'write'],
  });
});
