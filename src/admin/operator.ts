// Who may use the operators' API: the same principal, policy and decision as everywhere, with a scope and a permission of
// its own.
//
// Operators listed in the configuration need no permission from a role, so that a bad role edit locks nobody out for good;
// they need the scope, and can be revoked, like everybody. Listed by subject only: a client is not a person.
// Where tokens have a tenant, anybody's organization can call a role `operator`: roles count from those organizations only
// that the deployment names.
// Does not check which operation it is: an operator may do all of them.

import type { Principal } from '../auth/principal.ts';
import type { Config } from '../config.ts';
import type { Denial } from '../denial.ts';
import { tenantMember } from '../grant.ts';
import type { Requirement } from '../policy/authorize.ts';
import type { Author } from '../policy/change.ts';
import type { Tenant } from '../policy/keys.ts';

type OperatorConfig = Pick<Config, 'adminScope' | 'adminPermission' | 'operators'>;
type TenantConfig = Pick<Config, 'operatorTenants' | 'authorizationServers'>;

interface OfTenant {
  readonly issuer: string;
  readonly tenant?: Tenant | undefined;
}

export const operatorRequirement = (principal: Principal, config: OperatorConfig): Requirement => ({
  scopes: [config.adminScope],
  permissions: isListed(principal, config) ? [] : [config.adminPermission],
});

/** Whether somebody is an operator by configuration; where no tenant is named, in any. */
export function isListed(
  { issuer, subject, tenant }: OfTenant & Pick<Principal, 'subject'>,
  { operators }: Pick<OperatorConfig, 'operators'>,
): boolean {
  return operators.some(
    (operator) =>
      operator.issuer === issuer &&
      operator.subject === subject &&
      (operator.tenant === undefined || tenant === undefined || operator.tenant === tenant),
  );
}

/** Whether roles of a tenant can make operators: it is named, or is the only one that is served. */
export function isOperatorTenant(
  { issuer, tenant }: OfTenant,
  { operatorTenants, authorizationServers }: TenantConfig,
): boolean {
  return (
    operatorTenants.some((named) => named.issuer === issuer && named.tenant === tenant) ||
    authorizationServers.some(({ issuers, tenants }) => issuers.includes(issuer) && tenants?.length === 1)
  );
}

/** Why somebody's roles do not count here, if they do not: whoever they come from speaks for another organization only. */
export const refuseForeign = (
  principal: Principal,
  config: OperatorConfig & TenantConfig,
): Denial | undefined =>
  principal.tenant === undefined || isListed(principal, config) || isOperatorTenant(principal, config)
    ? undefined
    : {
        reason: 'permission_missing',
        missingPermissions: [config.adminPermission],
        detail: 'operator_tenant',
      };

/** Who it is, for the history. */
export const authorOf = ({ issuer, subject, clientId, tenant }: Principal): Author => ({
  issuer,
  subject,
  clientId: clientId ?? null,
  ...tenantMember(tenant),
});
