// Who may enter under a policy, with which rights, and what does one revocation cover?

import { describe, expect, test } from 'vitest';
import type { Principal } from '../../src/auth/principal.ts';
import { SERVICE_ISSUER } from '../../src/auth/service-key.ts';
import { type Denial, isDenial } from '../../src/denial.ts';
import { authorize, type Requirement } from '../../src/policy/authorize.ts';
import {
  admit,
  type Caller,
  isSessionRevoked,
  kindsOf,
  revocationOf,
  shadowDenial,
} from '../../src/policy/caller.ts';
import {
  type Assignee,
  assignmentKey,
  KEY_KINDS,
  type KeyKind,
  keyKindOf,
  keysOf,
  REVOCATION_KINDS,
  type RevocationTarget,
  revocationKey,
} from '../../src/policy/keys.ts';
import { type RoleDefinitions, resolveRoles } from '../../src/policy/roles.ts';
import { createPolicy, type Policy } from '../../src/policy/snapshot.ts';

const ISSUER = 'https://issuer.example.com';
const OTHER = 'https://other.example.com';
const REVOKED_AT = 1_000_000;
const TOLERANCE = 5;

const principal = (given: Partial<Principal> = {}): Principal => ({
  kind: 'oauth',
  issuer: ISSUER,
  subject: 'alice',
  clientId: 'phone',
  tenant: undefined,
  scopes: [],
  roles: [],
  permissions: [],
  tokenId: 'token-1',
  issuedAt: REVOKED_AT - 100,
  expiresAt: REVOKED_AT + 3_600,
  authenticatedAt: undefined,
  ...given,
});

interface Given {
  readonly revoked?: readonly (readonly [RevocationTarget, revokedAt: number])[];
  /** All kinds that are revoked, unless told. */
  readonly kinds?: readonly KeyKind[];
  readonly assigned?: readonly (readonly [Assignee, roles: readonly string[]])[];
  readonly roles?: RoleDefinitions;
  readonly shadowRoles?: RoleDefinitions;
  readonly defaultRoles?: readonly string[];
  readonly keyIds?: readonly string[];
  readonly tolerance?: number;
}

const ROLES: RoleDefinitions = {
  guest: { permissions: ['look'] },
  reader: { permissions: ['read'] },
  writer: { permissions: ['write'] },
  editor: { inherits: ['reader'], permissions: ['write'] },
};

async function policyOf(given: Given = {}): Promise<Policy> {
  const { revoked = [], assigned = [], keyIds = ['key-1'], tolerance = TOLERANCE } = given;
  const kinds = given.kinds ?? [...new Set(revoked.map(([target]) => keyKindOf(target)))];
  const revocations = await Promise.all(
    revoked.map(async ([target, at]) => [(await revocationKey(target)).id, at] as const),
  );
  const assignments = await Promise.all(
    assigned.map(async ([assignee, roles]) => [(await assignmentKey(assignee)).hex, roles] as const),
  );
  const record = { service: 'cron', scopes: [], roles: [], createdAt: 0, expiresAt: 0 };
  return createPolicy(
    {
      format: 1,
      version: 1,
      revocations: { recent: Object.fromEntries(revocations), kinds },
      assignments: {
        recent: Object.fromEntries(assignments),
        inTenants: assigned.some(([{ tenant }]) => tenant !== undefined),
      },
      serviceKeys: Object.fromEntries(keyIds.map((id) => [`hash of ${id}`, { ...record, id }])),
      ...(given.shadowRoles ? { shadowRoles: given.shadowRoles } : {}),
    },
    { revocations: undefined, assignments: undefined },
    {
      roles: resolveRoles(given.roles ?? ROLES),
      defaultRoles: given.defaultRoles ?? [],
      scopeImplications: {},
      clockToleranceSeconds: tolerance,
    },
  );
}

const revoked = (detail: string): Denial => ({ reason: 'token_revoked', detail });

async function enter(who: Principal, policy: Policy): Promise<Caller> {
  const admitted = await admit(who, policy);
  if (isDenial(admitted)) throw new Error(`refused: ${JSON.stringify(admitted)}`);
  return admitted;
}

const permissionsOf = async (who: Principal, policy: Policy): Promise<string[]> =>
  [...(await enter(who, policy)).rights.permissions].sort();

const PRINCIPALS = {
  'alice on her phone': {},
  'alice on her phone, another token': { tokenId: 'token-2' },
  'alice on her desktop': { clientId: 'desktop', tokenId: 'token-3' },
  'alice without a client': { clientId: undefined, tokenId: 'token-4' },
  'bob on his phone': { subject: 'bob', tokenId: 'token-5' },
  'alice of another issuer, all else the same': { issuer: OTHER },
  'alice in acme': { tenant: 'acme', tokenId: 'token-6' },
  'alice in beta': { tenant: 'beta', tokenId: 'token-7' },
  'alice in no tenant': { tenant: null, tokenId: 'token-8' },
  'bob in acme': { subject: 'bob', tenant: 'acme', tokenId: 'token-10' },
  'a service': {
    kind: 'service',
    issuer: SERVICE_ISSUER,
    subject: 'cron',
    clientId: undefined,
    tokenId: 'key-1',
  },
} as const satisfies Record<string, Partial<Principal>>;

type Name = keyof typeof PRINCIPALS;
const NAMES = Object.keys(PRINCIPALS) as Name[];
const PHONE: Name[] = [
  'alice on her phone',
  'alice on her phone, another token',
  'alice in acme',
  'alice in beta',
  'alice in no tenant',
];
const ALICE: Name[] = [...PHONE, 'alice on her desktop', 'alice without a client'];
const BOB: Name[] = ['bob on his phone', 'bob in acme'];

const COVERED: readonly (readonly [RevocationTarget, Name[]])[] = [
  [{ kind: 'token', issuer: ISSUER, tokenId: 'token-1' }, ['alice on her phone']],
  [{ kind: 'token', issuer: OTHER, tokenId: 'token-1' }, ['alice of another issuer, all else the same']],
  [{ kind: 'subject', issuer: ISSUER, subject: 'alice' }, ALICE],
  [{ kind: 'client', issuer: ISSUER, clientId: 'phone' }, [...PHONE, ...BOB]],
  [{ kind: 'grant', issuer: ISSUER, subject: 'alice', clientId: 'phone' }, PHONE],
  [{ kind: 'grant', issuer: ISSUER, subject: 'alice', clientId: null }, ['alice without a client']],
  [{ kind: 'issuer', issuer: ISSUER }, [...ALICE, ...BOB]],
  [{ kind: 'tenant', issuer: ISSUER, tenant: 'acme' }, ['alice in acme', 'bob in acme']],
  [{ kind: 'tenant', issuer: ISSUER, tenant: null }, ['alice in no tenant']],
  [{ kind: 'subject', issuer: ISSUER, subject: 'alice', tenant: 'acme' }, ['alice in acme']],
  [{ kind: 'subject', issuer: ISSUER, subject: 'alice', tenant: null }, ['alice in no tenant']],
  [{ kind: 'client', issuer: ISSUER, clientId: 'phone', tenant: 'acme' }, ['alice in acme', 'bob in acme']],
  [{ kind: 'grant', issuer: ISSUER, subject: 'alice', clientId: 'phone', tenant: 'beta' }, ['alice in beta']],
  [{ kind: 'issuer', issuer: OTHER }, ['alice of another issuer, all else the same']],
  [{ kind: 'everything' }, NAMES],
  [{ kind: 'session', sessionId: 'token-1' }, []],
  [{ kind: 'token', issuer: SERVICE_ISSUER, tokenId: 'key-1' }, ['a service']],
  [{ kind: 'subject', issuer: SERVICE_ISSUER, subject: 'cron' }, ['a service']],
  [{ kind: 'grant', issuer: SERVICE_ISSUER, subject: 'cron', clientId: null }, ['a service']],
  [{ kind: 'issuer', issuer: SERVICE_ISSUER }, ['a service']],
  // Nobody's.
  [{ kind: 'token', issuer: ISSUER, tokenId: 'token-9' }, []],
  [{ kind: 'subject', issuer: ISSUER, subject: 'phone' }, []],
  [{ kind: 'client', issuer: ISSUER, clientId: 'alice' }, []],
  [{ kind: 'grant', issuer: ISSUER, subject: 'bob', clientId: 'desktop' }, []],
  [{ kind: 'issuer', issuer: `${ISSUER}/` }, []],
  [{ kind: 'tenant', issuer: OTHER, tenant: 'acme' }, []],
  [{ kind: 'tenant', issuer: ISSUER, tenant: 'null' }, []],
  [{ kind: 'subject', issuer: ISSUER, subject: 'alice', tenant: 'gamma' }, []],
  [{ kind: 'grant', issuer: ISSUER, subject: 'alice', clientId: null, tenant: 'acme' }, []],
];

describe('a revocation covers exactly what it names', () => {
  test('of every kind', () => {
    expect([...new Set(COVERED.map(([{ kind }]) => kind))].sort()).toEqual([...REVOCATION_KINDS].sort());
  });

  test.each(COVERED)('%j', async (target, covered) => {
    // Also when other kinds are looked for as well.
    for (const kinds of [[keyKindOf(target)], KEY_KINDS]) {
      const policy = await policyOf({ revoked: [[target, REVOKED_AT]], kinds });
      const refused: Name[] = [];
      for (const name of NAMES) {
        const verdict = await admit(principal(PRINCIPALS[name]), policy);
        if (!isDenial(verdict)) continue;
        expect(verdict).toEqual(revoked(keyKindOf(target)));
        refused.push(name);
      }
      expect(refused).toEqual(NAMES.filter((name) => covered.includes(name)));
    }
  });

  test('and is not looked for when the policy says that there is none of its kind', async () => {
    const target = { kind: 'subject', issuer: ISSUER, subject: 'alice' } as const;
    const policy = await policyOf({ revoked: [[target, REVOKED_AT]], kinds: ['client'] });
    const alice = principal();
    // Its keys of other kinds are remembered with it.
    await keysOf(alice, ['subject']);
    expect(isDenial(await admit(alice, policy))).toBe(false);
  });

  test('and what it is, is told', async () => {
    const target = { kind: 'subject', issuer: ISSUER, subject: 'alice' } as const;
    const policy = await policyOf({ revoked: [[target, REVOKED_AT]] });
    const { id } = await revocationKey(target);
    const of = async (who: Principal) => revocationOf(who, policy, await keysOf(who, kindsOf(policy)));
    expect(await of(principal())).toEqual({ id, kind: 'subject', revokedAt: REVOKED_AT });
    expect(await of(principal({ subject: 'bob' }))).toBeUndefined();
  });
});

describe('a revocation means what was issued at or before', () => {
  const target = { kind: 'subject', issuer: ISSUER, subject: 'alice' } as const;

  test.each<[string, issuedAt: number, tolerance: number, isRevoked: boolean]>([
    ['long before it', 1, TOLERANCE, true],
    ['a second before it', REVOKED_AT - 1, TOLERANCE, true],
    ['in its second', REVOKED_AT, TOLERANCE, true],
    ['after it by a clock that is ahead by as much as allowed', REVOKED_AT + 5, TOLERANCE, true],
    ['after it by any clock that is allowed', REVOKED_AT + 6, TOLERANCE, false],
    ['in its second, without any tolerance', REVOKED_AT, 0, true],
    ['a second after it, without any tolerance', REVOKED_AT + 1, 0, false],
    ['nobody knows when', 0, TOLERANCE, true],
  ])('a token issued %s', async (_, issuedAt, tolerance, isRevoked) => {
    const policy = await policyOf({ revoked: [[target, REVOKED_AT]], tolerance });
    expect(isDenial(await admit(principal({ issuedAt }), policy))).toBe(isRevoked);
  });

  test('a token that does not say when it was issued is covered by a revocation of any time and kind', async () => {
    const who = principal({ issuedAt: 0 });
    for (const [target, covered] of COVERED) {
      const policy = await policyOf({ revoked: [[target, 1]], tolerance: 0 });
      expect(isDenial(await admit(who, policy)), target.kind).toBe(covered.includes('alice on her phone'));
    }
  });

  test('one that was lifted covers nothing, also not what does not say when it was issued', async () => {
    const policy = await policyOf({ revoked: [[target, 0]] });
    for (const issuedAt of [0, 1, 5, REVOKED_AT])
      expect(isDenial(await admit(principal({ issuedAt }), policy))).toBe(false);
  });

  test('one of several is enough', async () => {
    const grant = { kind: 'grant', issuer: ISSUER, subject: 'alice', clientId: 'phone' } as const;
    const policy = await policyOf({
      revoked: [
        [target, 10],
        [grant, REVOKED_AT],
      ],
    });
    expect(await admit(principal(), policy)).toEqual(revoked('grant'));
    expect(isDenial(await admit(principal({ clientId: 'desktop' }), policy))).toBe(false);
  });
});

describe('a service', () => {
  const service = (given: Partial<Principal> = {}) => principal({ ...PRINCIPALS['a service'], ...given });

  test('enters as long as its key is in the policy, whatever else is', async () => {
    expect(isDenial(await admit(service(), await policyOf()))).toBe(false);
    expect(await admit(service(), await policyOf({ keyIds: ['key-2'] }))).toEqual(revoked('service_key'));
    expect(await admit(service(), await policyOf({ keyIds: [] }))).toEqual(revoked('service_key'));
    const assigned = [[{ issuer: ISSUER, subject: 'x' }, ['reader']]] as const;
    expect(await admit(service(), await policyOf({ keyIds: [], assigned }))).toEqual(revoked('service_key'));
  });

  test('that has entered before is refused by the first policy without its key', async () => {
    const who = service();
    expect(isDenial(await admit(who, await policyOf()))).toBe(false);
    expect(await admit(who, await policyOf({ keyIds: [] }))).toEqual(revoked('service_key'));
  });

  test('is looked up by the id of its key: a token with that id is none', async () => {
    const policy = await policyOf({ keyIds: [] });
    expect(isDenial(await admit(principal({ tokenId: 'key-1' }), policy))).toBe(false);
  });

  test('has no default roles', async () => {
    const policy = await policyOf({ defaultRoles: ['reader'] });
    expect(await permissionsOf(service(), policy)).toEqual([]);
    expect(await permissionsOf(principal(), policy)).toEqual(['read']);
  });

  test('has the roles of its key and those assigned to it', async () => {
    const policy = await policyOf({
      assigned: [[{ issuer: SERVICE_ISSUER, subject: 'cron' }, ['editor']]],
    });
    expect(await permissionsOf(service({ roles: ['guest'] }), policy)).toEqual(['look', 'read', 'write']);
  });
});

describe('assigned roles', () => {
  const bySubject = [{ issuer: ISSUER, subject: 'alice' }, ['reader']] as const;
  const byClient = [{ issuer: ISSUER, clientId: 'phone', everybody: true }, ['guest']] as const;
  const ofMachine = [{ issuer: ISSUER, clientId: 'phone' }, ['guest']] as const;
  const inAcme = [{ issuer: ISSUER, subject: 'alice', tenant: 'acme' }, ['writer']] as const;
  const phoneInAcme = [
    { issuer: ISSUER, clientId: 'phone', tenant: 'acme', everybody: true },
    ['guest'],
  ] as const;
  const inNone = [{ issuer: ISSUER, subject: 'alice', tenant: null }, ['guest']] as const;

  test.each<[string, NonNullable<Given['assigned']>, Partial<Principal>, string[]]>([
    ['are those of the subject, with any client', [bySubject], { clientId: 'desktop' }, ['read']],
    ['are those of the subject, without a client', [bySubject], { clientId: undefined }, ['read']],
    ['are those of the client, for any subject', [byClient], { subject: 'bob' }, ['look']],
    ['of a client itself are not those of who signs in with it', [ofMachine], {}, []],
    ['of a client itself are its own', [ofMachine], { subject: 'phone' }, ['look']],
    ["of a client itself are not another client's", [ofMachine], { subject: 'phone', clientId: 'tv' }, []],
    ['of a client itself need a client', [ofMachine], { subject: 'phone', clientId: undefined }, []],
    ['are both together', [bySubject, byClient], {}, ['look', 'read']],
    ['are not those of another subject', [bySubject], { subject: 'bob' }, []],
    ['are not those of another client', [byClient], { clientId: 'desktop' }, []],
    ["are not those of another issuer's", [bySubject, byClient], { issuer: OTHER }, []],
    [
      'are not those of a subject called like the client',
      [byClient],
      { subject: 'phone', clientId: 'alice' },
      [],
    ],
    ['are those of every tenant', [bySubject], { tenant: 'acme' }, ['read']],
    ['are those of the tenant', [inAcme], { tenant: 'acme' }, ['write']],
    ['are those of the client in the tenant', [phoneInAcme], { tenant: 'acme', subject: 'bob' }, ['look']],
    [
      'are both together, of every tenant and of one',
      [bySubject, inAcme],
      { tenant: 'acme' },
      ['read', 'write'],
    ],
    ['are not those of another tenant', [inAcme, phoneInAcme], { tenant: 'beta' }, []],
    ['are not those of a tenant where there is none', [inAcme], { tenant: null }, []],
    ['are not those of a tenant where tokens have none', [inAcme, inNone], {}, []],
    ['are those of tokens that name no tenant', [inAcme, inNone], { tenant: null }, ['look']],
    ['come on top of those of the token', [bySubject], { roles: ['guest'] }, ['look', 'read']],
    ['come on top of the permissions of the token', [bySubject], { permissions: ['pay'] }, ['pay', 'read']],
  ])('%s', async (_, assigned, who, expected) => {
    expect(await permissionsOf(principal(who), await policyOf({ assigned }))).toEqual(expected);
  });

  test('come on top of the default ones', async () => {
    const policy = await policyOf({ assigned: [bySubject], defaultRoles: ['guest'] });
    expect(await permissionsOf(principal(), policy)).toEqual(['look', 'read']);
  });

  test('are told', async () => {
    const policy = await policyOf({ assigned: [bySubject, byClient] });
    expect((await enter(principal(), policy)).assigned).toEqual(['reader', 'guest']);
    expect((await enter(principal(), await policyOf())).assigned).toEqual([]);
  });

  test('do not help a token that is revoked', async () => {
    const target = { kind: 'subject', issuer: ISSUER, subject: 'alice' } as const;
    const policy = await policyOf({ assigned: [bySubject], revoked: [[target, REVOKED_AT]] });
    expect(await admit(principal(), policy)).toEqual(revoked('subject'));
  });
});

describe('default roles', () => {
  test.each<[string, Partial<Principal>, string[]]>([
    ['are had by whose token names no role', {}, ['look']],
    ['are not had by whose token names one', { roles: ['reader'] }, ['read']],
    ['are not had by whose token names one that nobody knows', { roles: ['unknown'] }, []],
  ])('%s', async (_, who, expected) => {
    expect(await permissionsOf(principal(who), await policyOf({ defaultRoles: ['guest'] }))).toEqual(
      expected,
    );
  });
});

describe('a verdict', () => {
  const needs = (...permissions: string[]): Requirement => ({ scopes: [], permissions });
  const target = { kind: 'subject', issuer: ISSUER, subject: 'alice' } as const;

  test('is given at once when there is nothing to look up', async () => {
    const policy = await policyOf();
    expect(admit(principal(), policy)).not.toBeInstanceOf(Promise);
  });

  test('is remembered for a principal as long as the policy is the same', async () => {
    for (const at of [REVOKED_AT, 0]) {
      const [alice, policy] = [principal({ roles: ['reader'] }), await policyOf({ revoked: [[target, at]] })];
      const first = await admit(alice, policy);
      expect(isDenial(first)).toBe(at > 0);
      expect(admit(alice, policy)).toBe(first);
    }
  });

  test('is asked for again under another policy, and again under the first', async () => {
    const alice = principal({ roles: ['reader'] });
    const policy = await policyOf();
    const stricter = await policyOf({ roles: { reader: {} } });
    const revoking = await policyOf({ revoked: [[target, REVOKED_AT]] });
    for (const _ of [1, 2]) {
      expect(authorize((await enter(alice, policy)).rights, needs('read'))).toBeUndefined();
      expect(authorize((await enter(alice, stricter)).rights, needs('read'))).toEqual({
        reason: 'permission_missing',
        missingPermissions: ['read'],
      });
      expect(await admit(alice, revoking)).toEqual(revoked('subject'));
    }
  });

  test("is a principal's own, however equal another one is", async () => {
    const policy = await policyOf();
    const payer = await enter(principal({ permissions: ['pay'] }), policy);
    const looker = await enter(principal({ permissions: ['look'] }), policy);
    expect([...payer.rights.permissions]).toEqual(['pay']);
    expect([...looker.rights.permissions]).toEqual(['look']);
    const nobody = await enter(principal(), policy);
    expect(authorize(nobody.rights, needs('pay'))).toMatchObject({ missingPermissions: ['pay'] });
  });
});

describe('a session of the older era', () => {
  const session = { kind: 'session', sessionId: 'session-1' } as const;

  test('is ended by a revocation of itself only, whenever it was begun', async () => {
    for (const at of [1, REVOKED_AT, REVOKED_AT * 3]) {
      const policy = await policyOf({ revoked: [[session, at]] });
      expect(await isSessionRevoked('session-1', policy)).toBe(true);
      expect(await isSessionRevoked('session-2', policy)).toBe(false);
    }
  });

  test('is not ended by what was lifted, by other kinds, or when no session is revoked', async () => {
    const everything = { kind: 'everything' } as const;
    for (const policy of [
      await policyOf(),
      await policyOf({ revoked: [[session, 0]] }),
      await policyOf({ revoked: [[everything, REVOKED_AT]] }),
      await policyOf({ revoked: [[session, REVOKED_AT]], kinds: [] }),
    ])
      expect(await isSessionRevoked('session-1', policy)).toBe(false);
  });
});

describe('a role change on trial', () => {
  const TRIAL: RoleDefinitions = {
    ...ROLES,
    reader: { permissions: [] },
    editor: { permissions: ['write'] },
  };

  test.each<[string, Partial<Principal>, string[], string[] | undefined]>([
    ['would refuse what it takes away', { roles: ['reader'] }, ['read'], ['read']],
    ['would refuse what an inherited role loses', { roles: ['editor'] }, ['read', 'write'], ['read']],
    ['would not refuse what it leaves', { roles: ['editor'] }, ['write'], undefined],
    ['would not refuse what needs no permission', { roles: ['reader'] }, [], undefined],
    ['would not refuse what the token itself permits', { permissions: ['read'] }, ['read'], undefined],
    ['does not count where the roles in force refuse already', { roles: ['guest'] }, ['read'], undefined],
  ])('%s', async (_, who, permissions, expected) => {
    const caller = await enter(principal(who), await policyOf({ shadowRoles: TRIAL }));
    expect(shadowDenial(caller, { scopes: [], permissions })).toEqual(expected);
  });

  test('looks at assigned and default roles too', async () => {
    const given = { shadowRoles: TRIAL, defaultRoles: ['reader'] };
    const byDefault = await enter(principal(), await policyOf(given));
    expect(shadowDenial(byDefault, { scopes: [], permissions: ['read'] })).toEqual(['read']);
    const assigned = [[{ issuer: ISSUER, subject: 'alice' }, ['editor']]] as const;
    const caller = await enter(
      principal({ roles: ['guest'] }),
      await policyOf({ shadowRoles: TRIAL, assigned }),
    );
    expect(shadowDenial(caller, { scopes: [], permissions: ['read'] })).toEqual(['read']);
    expect(shadowDenial(caller, { scopes: [], permissions: ['look', 'write'] })).toBeUndefined();
  });

  test('says nothing about scopes', async () => {
    const caller = await enter(
      principal({ roles: ['editor'], scopes: ['s'] }),
      await policyOf({ shadowRoles: TRIAL }),
    );
    expect(shadowDenial(caller, { scopes: ['s'], permissions: ['write'] })).toBeUndefined();
    expect(shadowDenial(caller, { scopes: ['missing'], permissions: ['read'] })).toBeUndefined();
  });

  test('takes nothing from anybody as long as it is on trial, and is none when there is none', async () => {
    const requirement = needsRead;
    const onTrial = await enter(principal({ roles: ['reader'] }), await policyOf({ shadowRoles: TRIAL }));
    expect(authorize(onTrial.rights, requirement)).toBeUndefined();
    const without = await enter(principal({ roles: ['reader'] }), await policyOf());
    expect(shadowDenial(without, requirement)).toBeUndefined();
  });
});

const needsRead: Requirement = { scopes: [], permissions: ['read'] };
