// What stands in a snapshot instead of names: hashes of what was revoked and of who was given a role.
//
// A key is the beginning of SHA-256 over kind, issuer and value. What counts within one tenant only is of a kind of its own,
// so that its key is never that of what counts in all of them. Revocations use 64 bits: a collision there would refuse
// somebody, once in 10^13 callers with a million revocations. Assignments use 128 bits: a collision there would give
// roles away, and a caller who can choose its own subject could search for one.
// A principal's keys are computed once and remembered with it; a principal lives as long as its verified token is cached.

import type { Principal } from '../auth/principal.ts';
import type { SERVICE_ISSUER } from '../auth/service-key.ts';
import { sha256 } from '../hash.ts';

/** The issuer of services; the compiler sees that it is the same. */
export const SERVICES: typeof SERVICE_ISSUER = 'service-keys';

/**
 * What a key of each kind is of besides its kind, in this order: changing one lifts every revocation that is in force. What
 * can be revoked, and what can be within one tenant only, which an answer names first.
 */
const PARTS = {
  tenant_subject: ['issuer', 'subject', 'tenant'],
  tenant_client: ['issuer', 'clientId', 'tenant'],
  tenant_grant: ['issuer', 'subject', 'clientId', 'tenant'],
  token: ['issuer', 'tokenId'],
  subject: ['issuer', 'subject'],
  client: ['issuer', 'clientId'],
  grant: ['issuer', 'subject', 'clientId'],
  session: ['sessionId'],
  tenant: ['issuer', 'tenant'],
  // A client that is the subject as well; only ever assigned to.
  machine: ['issuer', 'clientId'],
  tenant_machine: ['issuer', 'clientId', 'tenant'],
  issuer: ['issuer'],
  everything: [],
} as const;
export type KeyKind = keyof typeof PARTS;
export const KEY_KINDS = Object.keys(PARTS) as readonly KeyKind[];

/** The values of `RevocationTarget['kind']`. */
export type RevocationKind = Exclude<KeyKind, `tenant_${string}` | 'machine'>;
export const REVOCATION_KINDS = KEY_KINDS.filter(
  (kind) => !/_|^machine/.test(kind),
) as readonly RevocationKind[];

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

/**
 * The issuer's subject or client that a role is assigned to. A client's role counts where the client acts for itself, and is
 * the subject of its token; for people who sign in with it only if it was given to everybody.
 */
export type Assignee = Within &
  (
    | { readonly issuer: string; readonly subject: string }
    | { readonly issuer: string; readonly clientId: string; readonly everybody?: boolean }
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

export const revocationKey = (target: RevocationTarget): Promise<Key> => {
  const kind = keyKindOf(target);
  return keyOf(kind, partsOf(target, kind) ?? []);
};

/** Of a subject, and of a client with everybody: the same as that of their revocation, only longer. */
export function assignmentKey(assignee: Assignee): Promise<Key> {
  if ('subject' in assignee) return revocationKey({ kind: 'subject', ...assignee });
  if (assignee.everybody) return revocationKey({ kind: 'client', ...assignee });
  const kind = assignee.tenant === undefined ? 'machine' : 'tenant_machine';
  return keyOf(kind, partsOf(assignee, kind) ?? []);
}

/** What about a principal can be revoked, or given a role. A session of the older era is not the principal's, but a connection's. */
export type PrincipalKind = Exclude<KeyKind, 'session'>;
export type PrincipalKeys = ReadonlyMap<PrincipalKind, Key>;

const remembered = new WeakMap<Principal, Map<PrincipalKind, Key>>();

/** The keys of a principal, of the kinds that matter. A client or tenant that the token does not have has none. */
export async function keysOf(principal: Principal, kinds: Iterable<KeyKind>): Promise<PrincipalKeys> {
  const keys = remembered.get(principal) ?? new Map<PrincipalKind, Key>();
  remembered.set(principal, keys);
  await Promise.all(
    Array.from(kinds, async (kind) => {
      const parts = principalParts(principal, kind);
      if (parts && kind !== 'session' && !keys.has(kind)) keys.set(kind, await keyOf(kind, parts));
    }),
  );
  return keys;
}

type Part = string | null;

/** What a key of a kind is of; `undefined` when a part is lacking, or the kind is one that only a newer version knows. */
function partsOf(named: object, kind: KeyKind): readonly Part[] | undefined {
  const values = named as Readonly<Record<string, Part | undefined>>;
  const parts = (PARTS[kind] as readonly string[] | undefined)?.map((name) => values[name]);
  return parts?.every((part) => part !== undefined) ? parts : undefined;
}

/** The parts of a principal. A grant may be one without a client; a machine is one where both are the same. */
function principalParts(principal: Principal, kind: KeyKind): readonly Part[] | undefined {
  const { subject, clientId = null } = principal;
  if (kind.endsWith('machine') && subject !== clientId) return undefined;
  return partsOf(kind.endsWith('grant') ? { ...principal, clientId } : principal, kind);
}

async function keyOf(kind: KeyKind, parts: readonly Part[]): Promise<Key> {
  const hex = (await sha256(JSON.stringify([kind, ...parts]))).slice(0, 32);
  const words = Uint32Array.from([0, 8, 16, 24], (at) => Number.parseInt(hex.slice(at, at + 8), 16));
  return { words, hex, id: hex.slice(0, REVOCATION_KEY_WORDS * 8) };
}
