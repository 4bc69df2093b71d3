// Whoever has something open, asked again: by what policy, what that costs, and what counts when nobody can be asked.

import { beforeEach, expect, test, vi } from 'vitest';
import type { Principal } from '../../src/auth/principal.ts';
import { isDenial } from '../../src/denial.ts';
import type { Requirement } from '../../src/policy/authorize.ts';
import { revocationKey } from '../../src/policy/keys.ts';
import { createPolicies, type PolicyIo } from '../../src/policy/policies.ts';
import { resolveRoles } from '../../src/policy/roles.ts';
import type { Head } from '../../src/policy/snapshot.ts';
import { standing } from '../../src/sessions/standing.ts';

const BASE = {
  roles: resolveRoles({ reader: { permissions: ['read'] } }),
  defaultRoles: [],
  scopeImplications: {},
  clockToleranceSeconds: 5,
};
const LIMITS = { policyFreshSeconds: 30, policyHardLimitSeconds: 300 };
const PACE = { streamRecheckSeconds: 5 };
const EMPTY: Head = {
  format: 1,
  version: 1,
  revocations: { recent: {}, kinds: [] },
  assignments: { recent: {} },
  serviceKeys: {},
};

const principalOf = (subject: string): Principal => ({
  kind: 'oauth',
  issuer: 'https://issuer.example.com',
  subject,
  clientId: 'c',
  tenant: undefined,
  scopes: [],
  roles: ['reader'],
  permissions: [],
  tokenId: subject,
  issuedAt: 1_000,
  expiresAt: 9_999,
  authenticatedAt: undefined,
});
const [alice, mallory] = [principalOf('alice'), principalOf('mallory')];

async function revoking({ issuer, subject }: Principal, version: number): Promise<Head> {
  const { hex } = await revocationKey({ kind: 'subject', issuer, subject });
  const recent = { [hex.slice(0, 16)]: 1_000 };
  return { ...EMPTY, version, revocations: { recent, kinds: ['subject'] } };
}

let now: number;
let registry: Head | Error;
let published: Head | Error;
let asked: number;
let policies: ReturnType<typeof createPolicies>;
beforeEach(() => {
  vi.spyOn(console, 'log').mockImplementation(() => {});
  now = 1_000;
  registry = EMPTY;
  published = EMPTY;
  asked = 0;
  policies = createPolicies(BASE, LIMITS);
});

const answer = async (value: Head | Error): Promise<Head> => {
  if (value instanceof Error) throw value;
  return value;
};
const io: PolicyIo = {
  kv: { get: () => answer(published) } as unknown as KVNamespace,
  registry: () => ({
    head: async (known) => {
      asked += 1;
      const head = await answer(registry);
      return head.version === known ? null : head;
    },
  }),
  now: () => now,
  waitUntil: () => {},
};
const NOTHING: Requirement = { scopes: [], permissions: [] };

/** Its permissions, or why it is not welcome. */
async function of(principal: Principal, requirement = NOTHING): Promise<readonly string[] | string> {
  const caller = await standing(principal, requirement, policies, io, PACE);
  return isDenial(caller) ? caller.reason : [...caller.rights.permissions];
}

test('a revocation counts at the next question after the registry has it, whatever is published', async () => {
  expect(await of(mallory)).toEqual(['read']);
  registry = await revoking(mallory, 2);
  now += 5;
  expect(await of(mallory)).toBe('token_revoked');
  expect(await of(alice)).toEqual(['read']);
});

test('the registry is asked once for all that is open, every so many seconds', async () => {
  for (let second = 0; second < 10; second += 1) {
    now = 1_000 + second;
    for (let stream = 0; stream < 100; stream += 1) await of(stream % 2 === 0 ? alice : mallory);
  }
  expect(asked).toBe(2);
});

test('who is welcome but has lost what it needs is told so', async () => {
  expect(await of(alice, { scopes: [], permissions: ['read'] })).toEqual(['read']);
  expect(await of(alice, { scopes: [], permissions: ['write'] })).toBe('permission_missing');
  expect(await of(alice, { scopes: ['write'], permissions: [] })).toBe('scope_missing');
});

test('while the registry does not answer the published policy counts', async () => {
  expect(await of(mallory)).toEqual(['read']);
  registry = new Error('overloaded');
  published = await revoking(mallory, 2);
  now += 31;
  expect(await of(mallory)).toBe('token_revoked');
  expect(await of(alice)).toEqual(['read']);
});

test('while neither answers the policy at hand counts up to its hard limit, and beyond it nobody is welcome', async () => {
  expect(await of(alice)).toEqual(['read']);
  [registry, published] = [new Error('overloaded'), new Error('overloaded')];
  now += 299;
  expect(await of(alice)).toEqual(['read']);
  now += 1;
  expect(await of(alice)).toBe('policy_unavailable');
  registry = EMPTY;
  now += 5;
  expect(await of(alice)).toEqual(['read']);
});
