// authorize(principal, requirement, policy) -> Decision. Pure: data in, decision out.
//
// A caller may do what both sides allow: the user gave the client the scopes, and the organisation gave the subject the
// permissions (through roles, or directly in the token). Roles the policy does not know give nothing.
// A missing permission is reported before a missing scope: a client must not be sent to ask for consent to something
// that consent cannot give.
// Does not check that the principal is genuine, current or unrevoked; that has happened before there is a Principal.

import type { Principal } from '../auth/principal.ts';
import type { Denial } from '../denial.ts';
import { impliedScopes, type Roles } from './roles.ts';

/** What an operation needs, all of it. */
export interface Requirement {
  readonly scopes: readonly string[];
  readonly permissions: readonly string[];
}

export interface Policy {
  readonly roles: Roles;
  /** Roles of a principal whose token names none. */
  readonly defaultRoles: readonly string[];
  readonly scopeImplications: Readonly<Record<string, readonly string[]>>;
}

/** What a principal may do under a policy, inheritance and implication resolved. */
export interface Rights {
  readonly scopes: ReadonlySet<string>;
  readonly permissions: ReadonlySet<string>;
}

/** `undefined` allows. */
export type Decision = Extract<Denial, { reason: 'permission_missing' | 'scope_missing' }> | undefined;

export function authorize(principal: Principal, requirement: Requirement, policy: Policy): Decision {
  if (requirement.permissions.length === 0 && requirement.scopes.length === 0) return undefined;
  const rights = rightsOf(principal, policy);
  const missingPermissions = requirement.permissions.filter(
    (permission) => !rights.permissions.has(permission),
  );
  if (missingPermissions.length > 0) return { reason: 'permission_missing', missingPermissions };
  const missingScopes = requirement.scopes.filter((scope) => !rights.scopes.has(scope));
  if (missingScopes.length > 0)
    return { reason: 'scope_missing', requiredScopes: requirement.scopes, missingScopes };
  return undefined;
}

/** Resolved rights, remembered for as long as the same principal meets the same policy. */
const remembered = new WeakMap<Principal, { readonly policy: Policy; readonly rights: Rights }>();

export function rightsOf(principal: Principal, policy: Policy): Rights {
  const known = remembered.get(principal);
  if (known?.policy === policy) return known.rights;
  const permissions = new Set(principal.permissions);
  for (const role of principal.roles.length > 0 ? principal.roles : policy.defaultRoles) {
    for (const permission of policy.roles.get(role) ?? []) permissions.add(permission);
  }
  const rights = { scopes: impliedScopes(principal.scopes, policy.scopeImplications), permissions };
  remembered.set(principal, { policy, rights });
  return rights;
}
