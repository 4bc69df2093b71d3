// Whom a deployment makes operators, and whose roles can: OPERATORS and OPERATOR_TENANTS.
//
// What is named must exist: an operator whom no token can be would be missed on the day everybody is locked out.
// Does not decide about a request: that is admin/operator.ts.

import type { AuthorizationServer, Fail } from './authorization-servers.ts';
import { isRecord, unknownMember } from './shapes.ts';

/** A person or a machine, as its tokens name it. Not a client: whoever signs in with it would be an operator. */
export interface Operator {
  readonly issuer: string;
  readonly subject: string;
  /** Needed where the issuer's tokens have one and more than one is served; `null` for tokens that name none. */
  readonly tenant?: string | null;
}

/** A tenant whose roles can make operators; `null` for tokens that name none. */
export interface OperatorTenant {
  readonly issuer: string;
  readonly tenant: string | null;
}

export const checkOperators = (value: unknown, fail: Fail): readonly Operator[] | undefined =>
  isListOf(value, ['issuer', 'subject'], ['tenant'])
    ? (value as readonly Operator[])
    : fail('must be a list of {"issuer":"…","subject":"…"}, with "tenant":"…" where tokens have one');

export const checkOperatorTenants = (value: unknown, fail: Fail): readonly OperatorTenant[] | undefined =>
  isListOf(value, ['issuer', 'tenant'])
    ? (value as readonly OperatorTenant[])
    : fail('must be a list of {"issuer":"…","tenant":"…"}');

const isListOf = (value: unknown, needed: readonly string[], optional: readonly string[] = []): boolean =>
  Array.isArray(value) &&
  value.every(
    (entry) =>
      isRecord(entry) &&
      unknownMember(entry, [...needed, ...optional]) === undefined &&
      needed.every((name) => entry[name] !== undefined) &&
      Object.entries(entry).every(
        ([name, part]) => (typeof part === 'string' && part !== '') || (name === 'tenant' && part === null),
      ),
  );

/** What one of them cannot be, as the end of a sentence. */
export function operatorProblem(
  { issuer, tenant }: Pick<Operator, 'issuer' | 'tenant'>,
  servers: readonly AuthorizationServer[],
): string | undefined {
  const server = servers.find(({ issuers }) => issuers.includes(issuer));
  if (!server) return `${issuer} is not an issuer in AUTHORIZATION_SERVERS`;
  const { claims, tenants } = server;
  if (tenant === undefined)
    return !claims.tenant || tenants?.length === 1
      ? undefined
      : `tokens of ${issuer} have a tenant, and more than one is served: give "tenant" as well`;
  if (!claims.tenant) return `tokens of ${issuer} have no tenant: leave "tenant" out`;
  return tenants && !tenants.includes(tenant ?? '')
    ? `${issuer} has the tenant ${JSON.stringify(tenant)} not among its tenant.values`
    : undefined;
}
