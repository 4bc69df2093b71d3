// Who may use the operators' API, and for what: the same principal, policy and decision as everywhere, with a scope and
// permissions of its own, one for everything and one for each part of it (policy/operator-permissions.ts).
//
// Operators listed in the configuration need no permission from a role, so that a bad role edit locks nobody out for good;
// they need the scope, and can be revoked, like everybody. Listed by subject only: a client is not a person.
// Where tokens have a tenant, anybody's organization can call a role `operator`: roles count from those organizations only
// that the deployment names.
// An operator's token is held to more than anybody's, because whoever gets at one gets at everything: which client it was
// issued to, how long it lives, how long ago its person signed in. Service keys are nobody's signing in, and have bounds of
// their own.
// Does not decide what an operation needs: routes.ts.

import type { Principal } from '../auth/principal.ts';
import type { Config } from '../config.ts';
import type { Context } from '../context.ts';
import type { Denial } from '../denial.ts';
import { tenantMember } from '../grant.ts';
import type { OperatorRequirement } from '../policy/authorize.ts';
import type { Caller } from '../policy/caller.ts';
import type { Author } from '../policy/change.ts';
import type { Tenant } from '../policy/keys.ts';
import { heldPermissions, type OperatorPart, operatorPermissions } from '../policy/operator-permissions.ts';
import { Refusal } from './inputs.ts';

type OperatorConfig = Pick<Config, 'adminScope' | 'adminPermission' | 'operators'>;
type TenantConfig = Pick<Config, 'operatorTenants' | 'authorizationServers'>;

interface OfTenant {
  readonly issuer: string;
  readonly tenant?: Tenant | undefined;
}

/** What an operation needs of a part; without one, any of them will do: there is nothing to be had. */
export function operatorRequirement(
  principal: Principal,
  part: OperatorPart | undefined,
  config: OperatorConfig,
): OperatorRequirement {
  const { adminScope, adminPermission } = config;
  return {
    scopes: [adminScope],
    permissions: isListed(principal, config)
      ? []
      : [part === undefined ? adminPermission : `${adminPermission}:${part}`],
    orAnyOf: part === undefined ? operatorPermissions(adminPermission) : [adminPermission],
  };
}

/** The operator permissions somebody has. */
export const permissionsOf = ({ principal, rights }: Caller, config: OperatorConfig): readonly string[] =>
  isListed(principal, config)
    ? operatorPermissions(config.adminPermission)
    : heldPermissions(rights, config.adminPermission);

/** For what an operation does besides, and needs another permission for. @throws {Refusal} */
export function checkMay(
  {
    operator,
    context: { deployment },
  }: { readonly operator: Caller; readonly context: Pick<Context, 'deployment'> },
  part: OperatorPart,
): void {
  const permission = `${deployment.config.adminPermission}:${part}`;
  if (permissionsOf(operator, deployment.config).includes(permission)) return;
  throw new Refusal(403, 'forbidden', `Your account lacks the permission ${permission} for that.`);
}

type TokenConfig = Pick<
  Config,
  'adminClients' | 'adminTokenSeconds' | 'adminMaxAuthAgeSeconds' | 'clockToleranceSeconds'
>;

/**
 * Why nobody is an operator with this token. Told before what is missing, since neither another scope nor signing in again
 * helps: a person who can be made to confirm a code at a client of somebody else's is not sent to consent there.
 */
export function unfitToken(
  { kind, clientId, issuedAt, expiresAt }: Principal,
  { adminClients, adminTokenSeconds }: TokenConfig,
): Denial | undefined {
  if (kind === 'service') return undefined;
  if (adminClients && !adminClients.includes(clientId ?? '')) return { reason: 'client_not_allowed' };
  // Without iat it counts as issued at 0, and lives too long.
  return expiresAt - issuedAt > adminTokenSeconds ? { reason: 'token_too_long_lived' } : undefined;
}

/** Why an operator has to sign in again: it was too long ago, or nobody knows when. Told to operators only. */
export function oldAuthentication(
  { kind, authenticatedAt }: Principal,
  { adminMaxAuthAgeSeconds: most, clockToleranceSeconds }: TokenConfig,
  now: number,
): Denial | undefined {
  if (kind === 'service' || most === 0) return undefined;
  const age = now - (authenticatedAt ?? 0);
  // One in the future (in milliseconds, say) would never get old.
  return age > most || age < -clockToleranceSeconds ? { reason: 'authentication_too_old' } : undefined;
}

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
