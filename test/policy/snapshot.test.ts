// What does a head have to be, and what do head and tables together say?

import { describe, expect, test } from 'vitest';
import type { ServiceKeyRecord } from '../../src/auth/service-key.ts';
import {
  ASSIGNMENT_KEY_WORDS,
  assignmentKey,
  type Key,
  REVOCATION_KEY_WORDS,
  revocationKey,
} from '../../src/policy/keys.ts';
import { resolveRoles } from '../../src/policy/roles.ts';
import { createPolicy, type Head, type PolicyBase, parseHead } from '../../src/policy/snapshot.ts';
import { readTable, type Table, TableWriter } from '../../src/policy/table.ts';

const HEAD: Head = {
  format: 1,
  version: 7,
  revocations: { recent: {}, kinds: ['subject'] },
  assignments: { recent: {} },
  serviceKeys: {},
};

const RECORD: ServiceKeyRecord = {
  id: 'key-1',
  service: 'cron',
  scopes: ['s'],
  roles: ['reader'],
  createdAt: 1_000,
  expiresAt: 2_000,
};

const BASE: PolicyBase = {
  roles: resolveRoles({ reader: { permissions: ['read'] } }),
  defaultRoles: ['reader'],
  scopeImplications: { write: ['read'] },
  clockToleranceSeconds: 5,
};

const subject = (name: string) => ({ issuer: 'https://issuer.example.com', subject: name });
const keyOf = (name: string): Promise<Key> => assignmentKey(subject(name));

function tableOf(keyWords: number, entries: readonly (readonly [Key, number])[], notes?: string): Table {
  const writer = new TableWriter(keyWords, entries.length, notes);
  const sorted = entries.toSorted(([a], [b]) => (a.hex < b.hex ? -1 : 1));
  for (const [{ hex }, value] of sorted) writer.add(hex, value);
  return readTable(writer.finish(), keyWords);
}

describe('a head', () => {
  test('is taken as it is, with and without what may be absent', () => {
    const full: Head = {
      ...HEAD,
      roles: { a: {}, b: { permissions: ['x'], inherits: ['a'] } },
      shadowRoles: {},
      revocations: { table: 'policy:revocations:1', recent: { a: 0, b: 5 }, kinds: [] },
      assignments: { table: 'policy:assignments:1', recent: { a: [], b: ['reader'] } },
      serviceKeys: { hash: RECORD },
    };
    for (const head of [HEAD, full]) expect(parseHead(JSON.parse(JSON.stringify(head)))).toEqual(head);
  });

  const { revocations, assignments } = HEAD;
  const WRONG: readonly (readonly [member: string, values: readonly unknown[]])[] = [
    ['format', [undefined, 0, 2, '1', null]],
    ['version', [undefined, null, '7', 7.5, -1, 2 ** 53, Number.NaN]],
    [
      'roles',
      [null, [], 'reader', { a: null }, { a: ['x'] }, { a: { permissions: 'x' } }, { a: { inherits: [5] } }],
    ],
    ['shadowRoles', [null, [], { a: { permissions: [null] } }, { a: { inherits: {} } }]],
    [
      'revocations',
      [
        undefined,
        null,
        [],
        'none',
        { recent: {} },
        { kinds: [] },
        { ...revocations, recent: null },
        { ...revocations, recent: ['a'] },
        { ...revocations, recent: { a: '5' } },
        { ...revocations, recent: { a: null } },
        { ...revocations, recent: { a: 1, b: -1 } },
        { ...revocations, recent: { a: 1.5 } },
        { ...revocations, kinds: 'subject' },
        { ...revocations, kinds: ['subject', 5] },
        { ...revocations, kinds: {} },
        { ...revocations, table: 5 },
        { ...revocations, table: null },
      ],
    ],
    [
      'assignments',
      [
        undefined,
        null,
        [],
        {},
        { recent: [] },
        { recent: { a: 'reader' } },
        { recent: { a: ['reader', null] } },
        { recent: { a: [], b: {} } },
        { ...assignments, table: {} },
      ],
    ],
    [
      'serviceKeys',
      [
        undefined,
        null,
        [],
        { hash: null },
        { hash: [] },
        ...Object.keys(RECORD).map((name) => ({ hash: RECORD, other: { ...RECORD, [name]: undefined } })),
        ...Object.keys(RECORD).map((name) => ({ hash: { ...RECORD, [name]: {} } })),
        { hash: { ...RECORD, scopes: [5] } },
        { hash: { ...RECORD, roles: 'reader' } },
        { hash: { ...RECORD, expiresAt: '2000' } },
      ],
    ],
  ];

  test.each(WRONG)('without usable %s is refused by name', (member, values) => {
    for (const value of values)
      expect(() => parseHead({ ...HEAD, [member]: value }), JSON.stringify(value)).toThrow(
        new Error(`the policy snapshot has no usable ${member}`),
      );
  });

  test.each([[undefined], [null], ['text'], [5], [[]], [{}]])('is not %j', (value) => {
    expect(() => parseHead(value)).toThrow('the policy snapshot has no usable format');
  });
});

describe('a revocation', () => {
  test('is found in the table, in what is recent, and nowhere else', async () => {
    const [old, fresh, other] = await Promise.all(['old', 'fresh', 'other'].map(keyOf));
    const table = tableOf(REVOCATION_KEY_WORDS, [[old as Key, 1_000]]);
    const head = { ...HEAD, revocations: { recent: { [(fresh as Key).id]: 2_000 }, kinds: ['subject'] } };
    const policy = createPolicy(parseHead(head), { revocations: table, assignments: undefined }, BASE);
    expect([old, fresh, other].map((key) => policy.revokedAt(key as Key))).toEqual([1_000, 2_000, 0]);
  });

  test.each([
    ['made again later', 3_000],
    ['made again earlier', 500],
    ['lifted', 0],
  ])('that was %s since the table was made counts as it was last', async (_, recent) => {
    const key = await keyOf('alice');
    const table = tableOf(REVOCATION_KEY_WORDS, [[key, 1_000]]);
    const head = parseHead({ ...HEAD, revocations: { recent: { [key.id]: recent }, kinds: ['subject'] } });
    expect(createPolicy(head, { revocations: table, assignments: undefined }, BASE).revokedAt(key)).toBe(
      recent,
    );
  });

  test('is none without a table', async () => {
    const policy = createPolicy(HEAD, { revocations: undefined, assignments: undefined }, BASE);
    expect(policy.revokedAt(await keyOf('alice'))).toBe(0);
  });

  test('named like a property of every object is an ordinary one', () => {
    const policy = createPolicy(HEAD, { revocations: undefined, assignments: undefined }, BASE);
    const words = Uint32Array.of(0, 0, 0, 0);
    for (const name of ['constructor', '__proto__', 'toString']) {
      expect(policy.revokedAt({ words, id: name, hex: name })).toBe(0);
      expect(policy.assignedRoles({ words, id: name, hex: name })).toEqual([]);
    }
  });

  test('is looked for by the kinds that the head names', async () => {
    const key = await revocationKey({ kind: 'everything' });
    const head = parseHead({
      ...HEAD,
      revocations: { recent: { [key.id]: 5 }, kinds: ['everything', 'session'] },
    });
    const policy = createPolicy(head, { revocations: undefined, assignments: undefined }, BASE);
    expect([...policy.revokedKinds]).toEqual(['everything', 'session']);
  });
});

describe('assigned roles', () => {
  const NOTES = JSON.stringify([['reader'], ['editor', 'finance']]);

  test('are those of the table, by its notes, or what is recent, and none otherwise', async () => {
    const [alice, bob, carol, dave] = (await Promise.all(['alice', 'bob', 'carol', 'dave'].map(keyOf))) as [
      Key,
      Key,
      Key,
      Key,
    ];
    const table = tableOf(
      ASSIGNMENT_KEY_WORDS,
      [
        [alice, 0],
        [bob, 1],
        [carol, 1],
      ],
      NOTES,
    );
    const head = { ...HEAD, assignments: { recent: { [carol.hex]: [], [dave.hex]: ['operator'] } } };
    const policy = createPolicy(parseHead(head), { revocations: undefined, assignments: table }, BASE);
    expect(policy.assignedRoles(alice)).toEqual(['reader']);
    expect(policy.assignedRoles(bob)).toEqual(['editor', 'finance']);
    expect(policy.assignedRoles(carol)).toEqual([]);
    expect(policy.assignedRoles(dave)).toEqual(['operator']);
    expect(policy.assignedRoles(await keyOf('erin'))).toEqual([]);
  });

  test('are not found by half a key', async () => {
    const key = await keyOf('alice');
    const head = parseHead({ ...HEAD, assignments: { recent: { [key.id]: ['operator'] } } });
    const policy = createPolicy(head, { revocations: undefined, assignments: undefined }, BASE);
    expect(policy.assignedRoles(key)).toEqual([]);
  });

  test('that a table points to and its notes do not have are none', async () => {
    const key = await keyOf('alice');
    const table = tableOf(ASSIGNMENT_KEY_WORDS, [[key, 2]], NOTES);
    const policy = createPolicy(HEAD, { revocations: undefined, assignments: table }, BASE);
    expect(policy.assignedRoles(key)).toEqual([]);
  });

  const EVERYWHERE = ['subject', 'client', 'machine'];
  const IN_TENANTS = [...EVERYWHERE, 'tenant_subject', 'tenant_client', 'tenant_machine'];

  test.each<[string, Head['assignments'], boolean, string[]]>([
    ['nowhere', { recent: {} }, false, []],
    ['in a table', { recent: {} }, true, EVERYWHERE],
    ['in what is recent', { recent: { key: ['reader'] } }, false, EVERYWHERE],
    ['in one tenant', { recent: { key: ['reader'] }, inTenants: true }, false, IN_TENANTS],
    ['in one tenant, in a table', { recent: {}, inTenants: true }, true, IN_TENANTS],
  ])('are looked for only where there are any: %s', (_, given, hasTable, expected) => {
    const assignments = hasTable ? tableOf(ASSIGNMENT_KEY_WORDS, [], '[]') : undefined;
    const policy = createPolicy(
      { ...HEAD, assignments: given },
      { revocations: undefined, assignments },
      BASE,
    );
    expect(policy.assignedKinds).toEqual(expected);
  });

  test('of a table whose notes are no JSON are refused with the whole policy', () => {
    const assignments = tableOf(ASSIGNMENT_KEY_WORDS, [], '[["reader"');
    expect(() => createPolicy(HEAD, { revocations: undefined, assignments }, BASE)).toThrow(SyntaxError);
  });
});

describe('roles', () => {
  const NONE = { revocations: undefined, assignments: undefined };
  const permissions = (head: Head) =>
    [...createPolicy(head, NONE, BASE).roles.permissions].map(([role, all]) => [role, [...all]]);

  test('are those of the app while the head has none', () => {
    expect(createPolicy(HEAD, NONE, BASE).roles).toBe(BASE.roles);
    expect(createPolicy(HEAD, NONE, BASE).rolesFrom).toBe('app');
  });

  test('are those of the head and no others as soon as it has any, even none', () => {
    const roles = { editor: { permissions: ['write'] } };
    expect(permissions({ ...HEAD, roles })).toEqual([['editor', ['write']]]);
    expect(permissions({ ...HEAD, roles: {} })).toEqual([]);
    expect(createPolicy({ ...HEAD, roles: {} }, NONE, BASE).rolesFrom).toBe('registry');
  });

  test('on trial are beside those in force', () => {
    const shadowRoles = { reader: { permissions: [] } };
    const policy = createPolicy({ ...HEAD, shadowRoles }, NONE, BASE);
    expect(policy.roles).toBe(BASE.roles);
    expect(policy.shadow?.definitions).toEqual(shadowRoles);
    expect(createPolicy(HEAD, NONE, BASE).shadow).toBeUndefined();
  });

  test('that cannot be resolved are refused with the whole policy', () => {
    const head = parseHead({ ...HEAD, roles: { a: { inherits: ['b'] } } });
    expect(() => createPolicy(head, NONE, BASE)).toThrow('roles: a -> b: there is no role "b"');
  });

  test('on trial that cannot be resolved are no trial, and keep no policy from being adopted', () => {
    const head = parseHead({ ...HEAD, shadowRoles: { a: { inherits: ['b'] } } });
    const policy = createPolicy(head, NONE, BASE);
    expect([policy.version, policy.shadow]).toEqual([7, undefined]);
  });
});

test('service keys are known by hash, and which there are by id', () => {
  const head = parseHead({ ...HEAD, serviceKeys: { hash: RECORD, other: { ...RECORD, id: 'key-2' } } });
  const policy = createPolicy(head, { revocations: undefined, assignments: undefined }, BASE);
  expect(policy.serviceKeys.get('hash')).toEqual(RECORD);
  expect([...policy.serviceKeyIds]).toEqual(['key-1', 'key-2']);
});

test('the rest of a policy comes from the configuration, and its version from the head', () => {
  const policy = createPolicy(HEAD, { revocations: undefined, assignments: undefined }, BASE);
  expect(policy).toMatchObject({
    version: 7,
    defaultRoles: ['reader'],
    scopeImplications: { write: ['read'] },
    clockToleranceSeconds: 5,
  });
});
