// What stands in a snapshot instead of names: hashes of what was revoked and of who was given a role.
//
// A key is the beginning of SHA-256 over kind, issuer and value. What counts within one tenant only is of a kind of its own,
// so that its key is never that of what counts in all of them. Revocations use 64 bits: a collision there would refuse
// somebody, once in 10^13 callers with a million revocations. Assignments use 128 bits: a collision there would give
// roles away, and a caller who can choose its own subject could search for one.
// A principal's keys are computed once and remembered with it; a principal lives as long as its verified token is cached.

import type { Principal } from '../auth/principal.ts';
import type { SERVICE_ISSUER } from '../auth/service-key.ts';
import { tenantPart } from '../grant.ts';
import { sha256 } from '../hash.ts';

/** The issuer of services; the compiler sees that it is the same. */
export const SERVICES: typeof SERVICE_ISSUER = 'service-keys';

/** What can be revoked. The values of `RevocationTarget['kind']`, in the order an answer names them. */
export const REVOCATION_KINDS = [
  'token',
  'subject',
  'client',
  'grant',
  'session',
  'tenant',
  'issuer',
  'everything',
] as const;
export type RevocationKind = (typeof REVOCATION_KINDS)[number];

/** What can also be revoked within one tenant. */
type InTenant = 'subject' | 'client' | 'grant';

/** What a key is of: the kinds above, and those within one tenant, which an answer names first. */
export const KEY_KINDS = ['tenant_subject', 'tenant_client', 'tenant_grant', ...REVOCATION_KINDS] as const;
export type KeyKind = (typeof KEY_KINDS)[number];

/** A tenant; `null` for tokens that name none though their issuer's could. */
export type Tenant = string | null;
/** Within one tenant; without it in every one. */
interface Within {
  readonly tenant?: Tenant;
}

/** What a revocation covers, as an operator names it. */
export type RevocationTarget =
  | { readonly kind: 'token'; readonly issuer: string; readonly tokenId: string }
  | (Within & { readonly kind: 'subject'; readonly issuer: string; readonly subject: string })
  | (Within & { readonly kind: 'client'; readonly issuer: string; readonly clientId: string })
  | (Within & {
      readonly kind: 'grant';
      readonly issuer: string;
      readonly subject: string;
      /** `null` for tokens that name no client. */
      readonly clientId: string | null;
    })
  | { readonly kind: 'session'; readonly sessionId: string }
  | { readonly kind: 'tenant'; readonly issuer: string; readonly tenant: Tenant }
  | { readonly kind: 'issuer'; readonly issuer: string }
  | { readonly kind: 'everything' };

/** The issuer's subject or client that a role is assigned to. */
export type Assignee = Within &
  (
    | { readonly issuer: string; readonly subject: string }
    | { readonly issuer: string; readonly clientId: string }
  );

/** 128 bits: as words for tables, as text for everything else. */
export interface Key {
  readonly words: Uint32Array;
  /** All of it: the key of an assignment. */
  readonly hex: string;
  /** The first half: the key of a revocation, and its id. */
  readonly id: string;
}

export const REVOCATION_KEY_WORDS = 2;
export const ASSIGNMENT_KEY_WORDS = 4;

/** The kind of the key of a target. */
export const keyKindOf = (target: RevocationTarget): KeyKind =>
  'tenant' in target && target.kind !== 'tenant' && target.tenant !== undefined
    ? `tenant_${target.kind}`
    : target.kind;

export function revocationKey(target: RevocationTarget): Promise<Key> {
  const kind = keyKindOf(target);
  switch (target.kind) {
    case 'token':
      return keyOf(kind, target.issuer, target.tokenId);
    case 'subject':
      return keyOf(kind, target.issuer, target.subject, ...tenantPart(target.tenant));
    case 'client':
      return keyOf(kind, target.issuer, target.clientId, ...tenantPart(target.tenant));
    case 'grant':
      return keyOf(kind, target.issuer, target.subject, target.clientId, ...tenantPart(target.tenant));
    case 'session':
      return keyOf(kind, target.sessionId);
    case 'tenant':
      return keyOf(kind, target.issuer, target.tenant);
    case 'issuer':
      return keyOf(kind, target.issuer);
    case 'everything':
      return keyOf(kind);
  }
}

/** The same as that of a revocation of whom it is given to, only longer. */
export const assignmentKey = (assignee: Assignee): Promise<Key> =>
  revocationKey('subject' in assignee ? { kind: 'subject', ...assignee } : { kind: 'client', ...assignee });

/** What about a principal can be revoked. A session of the older era is not the principal's, but a connection's. */
export type PrincipalKind = Exclude<KeyKind, 'session'>;
export type PrincipalKeys = ReadonlyMap<PrincipalKind, Key>;

const remembered = new WeakMap<Principal, Map<PrincipalKind, Key>>();

/** The keys of a principal, of the kinds that matter. A client or tenant that the token does not have has none. */
export async function keysOf(principal: Principal, kinds: Iterable<KeyKind>): Promise<PrincipalKeys> {
  const keys = remembered.get(principal) ?? new Map<PrincipalKind, Key>();
  remembered.set(principal, keys);
  await Promise.all(
    Array.from(kinds, async (kind) => {
      const target = targetOf(principal, kind);
      if (target && kind !== 'session' && !keys.has(kind)) keys.set(kind, await revocationKey(target));
    }),
  );
  return keys;
}

function targetOf(principal: Principal, kind: KeyKind): RevocationTarget | undefined {
  const { issuer, subject, clientId, tokenId, tenant } = principal;
  switch (kind) {
    case 'token':
      return { kind, issuer, tokenId };
    case 'subject':
      return { kind, issuer, subject };
    case 'client':
      return clientId === undefined ? undefined : { kind, issuer, clientId };
    case 'grant':
      return { kind, issuer, subject, clientId: clientId ?? null };
    case 'tenant':
      return tenant === undefined ? undefined : { kind, issuer, tenant };
    case 'tenant_subject':
    case 'tenant_client':
    case 'tenant_grant': {
      const everywhere = targetOf(principal, kind.slice('tenant_'.length) as InTenant);
      return everywhere && tenant !== undefined ? ({ ...everywhere, tenant } as RevocationTarget) : undefined;
    }
    case 'issuer':
      return { kind, issuer };
    case 'everything':
      return { kind };
    case 'session':
      return undefined;
  }
}

async function keyOf(...parts: readonly (string | null)[]): Promise<Key> {
  const hex = (await sha256(JSON.stringify(parts))).slice(0, 32);
  const words = Uint32Array.from([0, 8, 16, 24], (at) => Number.parseInt(hex.slice(at, at + 8), 16));
  return { words, hex, id: hex.slice(0, REVOCATION_KEY_WORDS * 8) };
}
