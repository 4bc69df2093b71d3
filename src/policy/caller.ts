// A principal under a policy: whether it may enter at all, and what it may do.
//
// Asked for every request, also when its token is in the cache of verified tokens. The verdict depends on nothing but the
// principal and the policy, so it is remembered for as long as both are the same, and a newer policy asks again.
// Does not check that the principal is genuine or that its token is current (auth), or how old the policy is (policies.ts).

import type { Principal } from '../auth/principal.ts';
import type { Denial } from '../denial.ts';
import { authorize, type Requirement, type Rights, rightsOf } from './authorize.ts';
import { KEY_KINDS, type KeyKind, keysOf, type PrincipalKeys, revocationKey } from './keys.ts';
import type { Policy } from './snapshot.ts';

export interface Caller {
  readonly principal: Principal;
  readonly policy: Policy;
  /** Roles assigned to it, besides those of its token. */
  readonly assigned: readonly string[];
  readonly rights: Rights;
  /** Under the role change on trial, if there is one. */
  readonly shadowRights: Rights | undefined;
}

const remembered = new WeakMap<Principal, { readonly policy: Policy; readonly verdict: Caller | Denial }>();

/** The caller, or `token_revoked`. At once when nothing has changed since it was last asked. */
export function admit(principal: Principal, policy: Policy): Caller | Denial | Promise<Caller | Denial> {
  const known = remembered.get(principal);
  if (known?.policy === policy) return known.verdict;
  const kinds = kindsOf(policy);
  return kinds.size > 0
    ? keysOf(principal, kinds).then((keys) => decide(principal, policy, keys))
    : decide(principal, policy, NO_KEYS);
}

const NO_KEYS: PrincipalKeys = new Map();

/** The keys without which a policy cannot be applied; hashing the others would be in vain. */
export const kindsOf = ({ revokedKinds, assignedKinds }: Policy): ReadonlySet<KeyKind> =>
  assignedKinds.length > 0 ? new Set([...revokedKinds, ...assignedKinds]) : revokedKinds;

function decide(principal: Principal, policy: Policy, keys: PrincipalKeys): Caller | Denial {
  const revocation =
    principal.kind === 'service' && !policy.serviceKeyIds.has(principal.tokenId)
      ? { kind: 'service_key' }
      : revocationOf(principal, policy, keys);
  const assigned = assignedTo(policy, keys);
  const verdict: Caller | Denial = revocation
    ? { reason: 'token_revoked', detail: revocation.kind }
    : {
        principal,
        policy,
        assigned,
        rights: rightsOf(principal, assigned, policy),
        shadowRights: policy.shadow && rightsOf(principal, assigned, { ...policy, roles: policy.shadow }),
      };
  remembered.set(principal, { policy, verdict });
  return verdict;
}

/**
 * What revokes a principal, if anything. The issuer's clock may run ahead of the registry's by the clock tolerance (its
 * tokens would be refused if it did by more), so a token counts as issued that much earlier than it says.
 */
export function revocationOf(
  { issuedAt }: Principal,
  policy: Policy,
  keys: PrincipalKeys,
): { readonly id: string; readonly kind: KeyKind; readonly revokedAt: number } | undefined {
  for (const kind of KEY_KINDS) {
    const key = kind === 'session' ? undefined : keys.get(kind);
    if (!key || !policy.revokedKinds.has(kind)) continue;
    const revokedAt = policy.revokedAt(key);
    if (revokedAt > 0 && issuedAt <= revokedAt + policy.clockToleranceSeconds)
      return { id: key.id, kind, revokedAt };
  }
  return undefined;
}

export function assignedTo(policy: Policy, keys: PrincipalKeys): readonly string[] {
  return policy.assignedKinds.flatMap((kind) => {
    const key = keys.get(kind);
    return key ? policy.assignedRoles(key) : [];
  });
}

/** Whether a session of the older era was ended by an operator. Session ids are random: one that was revoked stays so. */
export async function isSessionRevoked(sessionId: string, policy: Policy): Promise<boolean> {
  if (!policy.revokedKinds.has('session')) return false;
  return policy.revokedAt(await revocationKey({ kind: 'session', sessionId })) > 0;
}

/** What a role change on trial would refuse and the roles in force do not. */
export function shadowDenial(
  { rights, shadowRights }: Caller,
  requirement: Requirement,
): readonly string[] | undefined {
  if (!shadowRights || authorize(rights, requirement)) return undefined;
  const denial = authorize(shadowRights, { scopes: [], permissions: requirement.permissions });
  return denial?.reason === 'permission_missing' ? denial.missingPermissions : undefined;
}
