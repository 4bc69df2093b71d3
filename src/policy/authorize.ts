// The decision: rights, requirement -> allowed, or a refusal. Pure.
//
// An operation is allowed when two different people agreed: the user gave the client the scopes, and the organisation gave
// the subject the permissions (through roles, or directly in the token). Roles the policy does not know give nothing.
// A missing permission is reported before a missing scope: a client must not be sent to ask for consent to something
// that consent cannot give.
// Does not check that the principal is genuine, current or unrevoked: see caller.ts.

import type { Principal } from '../auth/principal.ts';
import type { Denial } from '../denial.ts';
import { impliedScopes, type Roles } from './roles.ts';

/** What an operation needs, all of it. */
export interface Requirement {
  readonly scopes: readonly string[];
  readonly permissions: readonly string[];
  readonly freshness?: Freshness;
}

/** Of operators: each of `orAnyOf` stands for all of `permissions`. */
export interface OperatorRequirement extends Requirement {
  readonly orAnyOf?: readonly string[];
}

/** `strict`: decided by the policy as the registry has it at that moment, not by the published one. */
export type Freshness = 'published' | 'strict';

/** What a principal may do under a policy, inheritance and implication resolved. */
export interface Rights {
  readonly scopes: ReadonlySet<string>;
  readonly permissions: ReadonlySet<string>;
}

/** `undefined` allows. */
export type Decision = Extract<Denial, { reason: 'permission_missing' | 'scope_missing' }> | undefined;

export function authorize(rights: Rights, requirement: OperatorRequirement): Decision {
  const missingPermissions = requirement.permissions.filter(
    (permission) => !rights.permissions.has(permission),
  );
  if (missingPermissions.length > 0 && !requirement.orAnyOf?.some((other) => rights.permissions.has(other)))
    return { reason: 'permission_missing', missingPermissions };
  const missingScopes = requirement.scopes.filter((scope) => !rights.scopes.has(scope));
  if (missingScopes.length > 0)
    return { reason: 'scope_missing', requiredScopes: requirement.scopes, missingScopes };
  return undefined;
}

/** The part of a policy that gives rights. */
export interface RightsPolicy {
  readonly roles: Roles;
  /** Roles of a principal whose token names none. Never of a service: its roles are written in its key. */
  readonly defaultRoles: readonly string[];
  readonly scopeImplications: Readonly<Record<string, readonly string[]>>;
}

/** The names of a principal's roles: those of its token or the default ones, and those assigned to it. */
export function rolesOf(
  { kind, roles }: Principal,
  assigned: readonly string[],
  { defaultRoles }: RightsPolicy,
): readonly string[] {
  const own = roles.length > 0 || kind === 'service' ? roles : defaultRoles;
  return assigned.length === 0 ? own : [...own, ...assigned];
}

/** What a principal may do, with the roles that were assigned to it. */
export function rightsOf(principal: Principal, assigned: readonly string[], policy: RightsPolicy): Rights {
  const permissions = new Set(principal.permissions);
  for (const role of rolesOf(principal, assigned, policy)) {
    for (const permission of policy.roles.permissions.get(role) ?? []) permissions.add(permission);
  }
  return { scopes: impliedScopes(principal.scopes, policy.scopeImplications), permissions };
}
