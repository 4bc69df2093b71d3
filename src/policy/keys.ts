// What stands in a snapshot instead of names: hashes of what was revoked and of who was given a role.
//
// A key is the beginning of SHA-256 over kind, issuer and value. Revocations use 64 bits: a collision there would refuse
// somebody, once in 10^13 callers with a million revocations. Assignments use 128 bits: a collision there would give
// roles away, and a caller who can choose its own subject could search for one.
// A principal's keys are computed once and remembered with it; a principal lives as long as its verified token is cached.

import type { Principal } from '../auth/principal.ts';
import type { SERVICE_ISSUER } from '../auth/service-key.ts';
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
  'issuer',
  'everything',
] as const;
export type RevocationKind = (typeof REVOCATION_KINDS)[number];

/** What a revocation covers, as an operator names it. */
export type RevocationTarget =
  | { readonly kind: 'token'; readonly issuer: string; readonly tokenId: string }
  | { readonly kind: 'subject'; readonly issuer: string; readonly subject: string }
  | { readonly kind: 'client'; readonly issuer: string; readonly clientId: string }
  | {
      readonly kind: 'grant';
      readonly issuer: string;
      readonly subject: string;
      /** `null` for tokens that name no client. */
      readonly clientId: string | null;
    }
  | { readonly kind: 'session'; readonly sessionId: string }
  | { readonly kind: 'issuer'; readonly issuer: string }
  | { readonly kind: 'everything' };

/** The issuer's subject or client that a role is assigned to. */
export type Assignee =
  | { readonly issuer: string; readonly subject: string }
  | { readonly issuer: string; readonly clientId: string };

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

export function revocationKey(target: RevocationTarget): Promise<Key> {
  switch (target.kind) {
    case 'token':
      return keyOf('token', target.issuer, target.tokenId);
    case 'subject':
      return keyOf('subject', target.issuer, target.subject);
    case 'client':
      return keyOf('client', target.issuer, target.clientId);
    case 'grant':
      return keyOf('grant', target.issuer, target.subject, target.clientId);
    case 'session':
      return keyOf('session', target.sessionId);
    case 'issuer':
      return keyOf('issuer', target.issuer);
    case 'everything':
      return keyOf('everything');
  }
}

export function assignmentKey(assignee: Assignee): Promise<Key> {
  return 'subject' in assignee
    ? keyOf('subject', assignee.issuer, assignee.subject)
    : keyOf('client', assignee.issuer, assignee.clientId);
}

/** What about a principal can be revoked. A session of the older era is not the principal's, but a connection's. */
export type PrincipalKind = Exclude<RevocationKind, 'session'>;
export type PrincipalKeys = ReadonlyMap<PrincipalKind, Key>;

const remembered = new WeakMap<Principal, Map<PrincipalKind, Key>>();

/** The keys of a principal, of the kinds that matter. A client that the token does not name has none. */
export async function keysOf(principal: Principal, kinds: Iterable<RevocationKind>): Promise<PrincipalKeys> {
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

function targetOf(
  { issuer, subject, clientId, tokenId }: Principal,
  kind: RevocationKind,
): RevocationTarget | undefined {
  switch (kind) {
    case 'token':
      return { kind, issuer, tokenId };
    case 'subject':
      return { kind, issuer, subject };
    case 'client':
      return clientId === undefined ? undefined : { kind, issuer, clientId };
    case 'grant':
      return { kind, issuer, subject, clientId: clientId ?? null };
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
