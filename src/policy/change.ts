// What operators can change about the policy, and what they are told. Data only: it crosses from the Worker to the registry.

import type { Assignee, RevocationTarget, Tenant } from './keys.ts';
import type { RoleDefinition } from './roles.ts';

/** `expected` is the version an operator has seen (If-Match); `null`: there must be no such role yet. */
export type RoleChange =
  | {
      readonly action: 'put_role' | 'put_shadow_role';
      readonly name: string;
      readonly definition: Required<RoleDefinition>;
      readonly expected: number | null;
    }
  | {
      readonly action: 'delete_role' | 'delete_shadow_role';
      readonly name: string;
      readonly expected: number;
    };

export type Change =
  /** Tokens issued up to `until` are refused; without it, those issued up to now. */
  | {
      readonly action: 'revoke';
      readonly target: RevocationTarget;
      readonly until?: number;
      /** Whether service keys that the subject has made end with it. */
      readonly endKeys?: boolean;
    }
  | { readonly action: 'unrevoke'; readonly id: string }
  | RoleChange
  /** `expected` is the version of all roles, those on trial included, that an operator has seen. */
  | { readonly action: 'apply_shadow' | 'discard_shadow' | 'reset_roles'; readonly expected: number }
  | { readonly action: 'assign' | 'unassign'; readonly assignee: Assignee; readonly role: string }
  | {
      readonly action: 'create_key';
      readonly id: string;
      readonly hash: string;
      readonly service: string;
      readonly owner: string;
      readonly scopes: readonly string[];
      readonly roles: readonly string[];
      readonly expiresInSeconds: number;
    }
  | {
      readonly action: 'rotate_key';
      /** Of the key to replace. */
      readonly id: string;
      readonly newId: string;
      readonly hash: string;
      /** How long the old key stays valid. */
      readonly overlapSeconds: number;
      /** Of the new key; as long as the old one had when it is left out. */
      readonly expiresInSeconds?: number;
    }
  | { readonly action: 'revoke_key'; readonly id: string }
  /** Happens in ClientSession objects; here it is only written down. */
  | {
      readonly action: 'end_sessions';
      readonly issuer: string;
      readonly subject: string;
      readonly clientId?: string | null;
      readonly tenant?: Tenant;
      readonly sessionId?: string;
      readonly eraseState: boolean;
    }
  | { readonly action: 'forget'; readonly issuer: string; readonly subject: string };

export type Action = Change['action'];

/** Who makes a change, and why. */
export interface ChangeBy {
  readonly operator: Author;
  /** Operator permissions of the author, by the policy that let the request in: nobody gives one that he lacks. */
  readonly may: readonly string[];
  readonly reason: string;
  /** Repeats of a request with the same key get the same answer. `fingerprint` tells a repeat from another request. */
  readonly idempotency?: { readonly key: string; readonly fingerprint: string };
}

export interface Author {
  readonly issuer: string;
  readonly subject: string;
  readonly clientId: string | null;
  /** Absent where tokens of its issuer have none. */
  readonly tenant?: Tenant;
}

export type ChangeOutcome =
  | {
      readonly isDone: true;
      readonly version: number;
      readonly result: Readonly<Record<string, unknown>>;
      /** What it was done to, as the history has it. */
      readonly target: unknown;
      /** Whether this is the answer to an earlier request with the same idempotency key. */
      readonly isReplayed: boolean;
      /** Since when KV does not take the snapshot, epoch seconds. */
      readonly failingSince: number | null;
    }
  | {
      readonly isDone: false;
      readonly problem:
        | 'not_found'
        | 'conflict'
        | 'precondition_failed'
        | 'invalid_role'
        | 'unknown_role'
        | 'idempotency_mismatch'
        | 'forbidden'
        | 'rate_limited';
      /** A sentence for the operator. */
      readonly detail: string;
      /** Members of the answer besides. */
      readonly more: { readonly currentVersion?: number; readonly retryAfterSeconds?: number };
    };

export interface RoleItem {
  readonly name: string;
  readonly permissions: readonly string[];
  readonly inherits: readonly string[];
  /** Everything it permits. */
  readonly resolved: readonly string[];
  /** Of its last change; 0 for one of the app. */
  readonly version: number;
}

export interface RoleList {
  readonly source: 'app' | 'registry';
  /** Of the last change of roles or of what is on trial; 0 before the first. */
  readonly version: number;
  readonly items: readonly RoleItem[];
  readonly shadow: readonly RoleItem[] | null;
}

export interface Page {
  readonly items: readonly Readonly<Record<string, unknown>>[];
  readonly nextCursor?: string;
}

export interface RegistryStatus {
  readonly version: number;
  readonly publishedVersion: number;
  readonly publishedAt: number | null;
  readonly failingSince: number | null;
  readonly counts: {
    readonly revocations: number;
    readonly assignments: number;
    readonly roles: number;
    readonly serviceKeys: number;
  };
}
