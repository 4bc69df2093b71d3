// Under which key is something published, and can two different things have the same one?

import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Principal } from '../../src/auth/principal.ts';
import {
  type Assignee,
  assignmentKey,
  keysOf,
  REVOCATION_KINDS,
  type RevocationTarget,
  revocationKey,
} from '../../src/policy/keys.ts';

const ISSUER = 'https://issuer.example.com';

const principal = (given: Partial<Principal> = {}): Principal => ({
  kind: 'oauth',
  issuer: ISSUER,
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

/** What is hashed, for every target. Changing one of these lifts every revocation that is in force. */
const PARTS: readonly (readonly [RevocationTarget, readonly (string | null)[]])[] = [
  [{ kind: 'token', issuer: ISSUER, tokenId: 'id' }, ['token', ISSUER, 'id']],
  [{ kind: 'subject', issuer: ISSUER, subject: 'alice' }, ['subject', ISSUER, 'alice']],
  [{ kind: 'client', issuer: ISSUER, clientId: 'client' }, ['client', ISSUER, 'client']],
  [
    { kind: 'grant', issuer: ISSUER, subject: 'alice', clientId: 'client' },
    ['grant', ISSUER, 'alice', 'client'],
  ],
  [{ kind: 'grant', issuer: ISSUER, subject: 'alice', clientId: null }, ['grant', ISSUER, 'alice', null]],
  [{ kind: 'session', sessionId: 'session' }, ['session', 'session']],
  [{ kind: 'tenant', issuer: ISSUER, tenant: 'acme' }, ['tenant', ISSUER, 'acme']],
  [{ kind: 'tenant', issuer: ISSUER, tenant: null }, ['tenant', ISSUER, null]],
  [
    { kind: 'subject', issuer: ISSUER, subject: 'alice', tenant: 'acme' },
    ['tenant_subject', ISSUER, 'alice', 'acme'],
  ],
  [
    { kind: 'client', issuer: ISSUER, clientId: 'client', tenant: null },
    ['tenant_client', ISSUER, 'client', null],
  ],
  [
    { kind: 'grant', issuer: ISSUER, subject: 'alice', clientId: null, tenant: 'acme' },
    ['tenant_grant', ISSUER, 'alice', null, 'acme'],
  ],
  [{ kind: 'issuer', issuer: ISSUER }, ['issuer', ISSUER]],
  [{ kind: 'everything' }, ['everything']],
];

test.each(PARTS)('the key of %j is the beginning of a SHA-256', async (target, parts) => {
  const { words, hex, id } = await revocationKey(target);
  const digest = createHash('sha256').update(JSON.stringify(parts)).digest('hex');
  expect(hex).toBe(digest.slice(0, 32));
  expect(id).toBe(digest.slice(0, 16));
  expect(Array.from(words, (word) => word.toString(16).padStart(8, '0')).join('')).toBe(hex);
});

test('every kind has a key, and no two kinds the same', async () => {
  expect([...new Set(PARTS.map(([{ kind }]) => kind))]).toEqual([...REVOCATION_KINDS]);
  const same = 'the same';
  const targets: RevocationTarget[] = [
    { kind: 'token', issuer: same, tokenId: same },
    { kind: 'subject', issuer: same, subject: same },
    { kind: 'client', issuer: same, clientId: same },
    { kind: 'grant', issuer: same, subject: same, clientId: same },
    { kind: 'grant', issuer: same, subject: same, clientId: null },
    { kind: 'session', sessionId: same },
    { kind: 'tenant', issuer: same, tenant: same },
    { kind: 'tenant', issuer: same, tenant: null },
    { kind: 'subject', issuer: same, subject: same, tenant: same },
    { kind: 'subject', issuer: same, subject: same, tenant: null },
    { kind: 'client', issuer: same, clientId: same, tenant: same },
    { kind: 'client', issuer: same, clientId: same, tenant: null },
    { kind: 'grant', issuer: same, subject: same, clientId: same, tenant: same },
    { kind: 'grant', issuer: same, subject: same, clientId: null, tenant: same },
    { kind: 'grant', issuer: same, subject: same, clientId: same, tenant: null },
    { kind: 'grant', issuer: same, subject: same, clientId: null, tenant: null },
    { kind: 'issuer', issuer: same },
    { kind: 'everything' },
  ];
  const ids = await Promise.all(targets.map(async (target) => (await revocationKey(target)).id));
  expect(new Set(ids).size).toBe(targets.length);
});

test.each<[string, RevocationTarget, RevocationTarget]>([
  [
    'where the issuer ends and the subject begins',
    { kind: 'subject', issuer: 'a","b', subject: 'c' },
    { kind: 'subject', issuer: 'a', subject: 'b","c' },
  ],
  [
    'no client and one called null',
    { kind: 'grant', issuer: 'a', subject: 'b', clientId: null },
    { kind: 'grant', issuer: 'a', subject: 'b', clientId: 'null' },
  ],
  [
    'no client and one without a name',
    { kind: 'grant', issuer: 'a', subject: 'b', clientId: null },
    { kind: 'grant', issuer: 'a', subject: 'b', clientId: '' },
  ],
  [
    'an issuer with and without a slash at its end',
    { kind: 'issuer', issuer: ISSUER },
    { kind: 'issuer', issuer: `${ISSUER}/` },
  ],
  [
    'letters of another case',
    { kind: 'subject', issuer: 'a', subject: 'alice' },
    { kind: 'subject', issuer: 'a', subject: 'Alice' },
  ],
  [
    'two ways to write the same letter',
    { kind: 'subject', issuer: 'a', subject: '\u00e4' },
    { kind: 'subject', issuer: 'a', subject: 'a\u0308' },
  ],
  [
    'halves of characters, which UTF-8 cannot have',
    { kind: 'subject', issuer: 'a', subject: '\ud800' },
    { kind: 'subject', issuer: 'a', subject: '\ud801' },
  ],
  [
    'half a character and what stands for it',
    { kind: 'subject', issuer: 'a', subject: '\ud800' },
    { kind: 'subject', issuer: 'a', subject: '\ufffd' },
  ],
])('keys tell apart %s', async (_, one, other) => {
  expect((await revocationKey(one)).id).not.toBe((await revocationKey(other)).id);
});

test.each<[string, Assignee, RevocationTarget]>([
  ['a subject', { issuer: ISSUER, subject: 'x' }, { kind: 'subject', issuer: ISSUER, subject: 'x' }],
  [
    'a client, with everybody who signs in with it,',
    { issuer: ISSUER, clientId: 'x', everybody: true },
    { kind: 'client', issuer: ISSUER, clientId: 'x' },
  ],
  [
    'a subject in a tenant',
    { issuer: ISSUER, subject: 'x', tenant: 'a' },
    { kind: 'subject', issuer: ISSUER, subject: 'x', tenant: 'a' },
  ],
  [
    'a client in none, with everybody,',
    { issuer: ISSUER, clientId: 'x', tenant: null, everybody: true },
    { kind: 'client', issuer: ISSUER, clientId: 'x', tenant: null },
  ],
])('%s has one key, for revocations and for roles', async (_, assignee, target) => {
  expect(await assignmentKey(assignee)).toEqual(await revocationKey(target));
});

describe('the keys of a principal', () => {
  test.each<[string, Partial<Principal>, RevocationTarget[]]>([
    [
      'are one of every kind, but of sessions',
      {},
      [
        { kind: 'token', issuer: ISSUER, tokenId: 'id' },
        { kind: 'subject', issuer: ISSUER, subject: 'alice' },
        { kind: 'client', issuer: ISSUER, clientId: 'client' },
        { kind: 'grant', issuer: ISSUER, subject: 'alice', clientId: 'client' },
        { kind: 'issuer', issuer: ISSUER },
        { kind: 'everything' },
      ],
    ],
    [
      'are none of a client when the token names none, and its grant is the one without',
      { clientId: undefined },
      [
        { kind: 'token', issuer: ISSUER, tokenId: 'id' },
        { kind: 'subject', issuer: ISSUER, subject: 'alice' },
        { kind: 'grant', issuer: ISSUER, subject: 'alice', clientId: null },
        { kind: 'issuer', issuer: ISSUER },
        { kind: 'everything' },
      ],
    ],
  ])('%s', async (_, given, targets) => {
    const keys = await keysOf(principal(given), REVOCATION_KINDS);
    const expected = await Promise.all(
      targets.map(async (target) => [target.kind, await revocationKey(target)] as const),
    );
    expect(keys).toEqual(new Map(expected as never));
  });

  test('are made of the kinds that matter only, and each once', async () => {
    const alice = principal();
    const first = await keysOf(alice, ['subject']);
    expect([...first.keys()]).toEqual(['subject']);
    const key = first.get('subject');
    const then = await keysOf(alice, ['subject', 'issuer']);
    expect([...then.keys()]).toEqual(['subject', 'issuer']);
    expect(then.get('subject')).toBe(key);
  });

  test('are its own', async () => {
    const [alice, bob] = [principal(), principal({ subject: 'bob' })];
    await keysOf(alice, ['subject']);
    expect(await keysOf(bob, ['subject'])).not.toEqual(await keysOf(alice, ['subject']));
  });
});
