// Whose tokens have a tenant, and what an operator can therefore say of one.
//
// Decided by the issuer's entry, as for tokens. Does not know which tenants there are: only the authorization server does.

import { SERVICE_ISSUER } from '../auth/service-key.ts';
import type { Tenant } from '../policy/keys.ts';
import type { Call } from './call.ts';
import { Refusal } from './inputs.ts';

/** `undefined` of an issuer that is not trusted: it may be one day, and nobody knows how. */
export const hasTenants = (issuer: string, { context }: Call): boolean | undefined => {
  if (issuer === SERVICE_ISSUER) return false;
  const server = context.deployment.issuers.server(issuer);
  return server && server.claims.tenant !== undefined;
};

/** What names a tenant where there are none would cover nobody, and look as if it did. @throws {Refusal} */
export function checkTenant({ issuer, tenant }: { issuer: string; tenant?: Tenant }, call: Call): void {
  if (tenant !== undefined && hasTenants(issuer, call) === false)
    throw new Refusal(400, 'invalid_request', `Tokens of ${issuer} have no tenant: leave it out.`);
}
