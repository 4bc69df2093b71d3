// Assignments: roles given to a subject or a client here, besides those its tokens name. To a client: where it acts for
// itself; to everybody who signs in with it only if that is said.

import { SERVICE_ISSUER } from '../auth/service-key.ts';
import { type Answer, type Call, change, changed, ok } from './call.ts';
import {
  assigneeOf,
  flag,
  nameIn,
  optionalText,
  pageOf,
  Refusal,
  readBody,
  readQuery,
  tenantFilter,
} from './inputs.ts';
import { checkTenant, hasTenants } from './tenants.ts';

const MEMBERS = ['issuer', 'subject', 'clientId', 'role', 'tenant'];

export async function listAssignments({ url, registry }: Call): Promise<Answer> {
  const input = readQuery(url.searchParams, [...MEMBERS, 'noTenant', 'limit', 'cursor']);
  const filter = {
    issuer: optionalText(input, 'issuer'),
    subject: optionalText(input, 'subject'),
    client_id: optionalText(input, 'clientId'),
    role: optionalText(input, 'role'),
    tenant: tenantFilter(input),
  };
  return ok({ ...(await registry.list('assignments', { filter, ...pageOf(input) })) });
}

export async function assign(call: Call): Promise<Answer> {
  const { input, text } = await readBody(call.request, [...MEMBERS, 'everybody', 'allTenants', 'reason']);
  const wanted = { action: 'assign', assignee: assigneeOf(input), role: nameIn(input, 'role') } as const;
  const { issuer, tenant } = wanted.assignee;
  checkTenant(wanted.assignee, call);
  if (tenant === undefined && !flag(input, 'allTenants') && hasTenants(issuer, call))
    throw new Refusal(
      400,
      'invalid_request',
      `Tokens of ${issuer} have a tenant: give tenant (null for those that name none), or allTenants: true.`,
    );
  const outcome = await change(call, wanted, input, text);
  const { assignee } = wanted;
  const isTrusted = issuer === SERVICE_ISSUER || call.context.deployment.issuers.server(issuer) !== undefined;
  const warnings = isTrusted
    ? []
    : [`No token of ${issuer} is accepted here: it is not in AUTHORIZATION_SERVERS.`];
  if ('everybody' in assignee && assignee.everybody)
    warnings.push(`Everybody who signs in with the client ${assignee.clientId} has the role now.`);
  return changed(call, outcome, { status: 201, warnings });
}

export async function unassign(call: Call): Promise<Answer> {
  const input = readQuery(call.url.searchParams, [...MEMBERS, 'noTenant', 'allTenants', 'reason']);
  const wanted = { action: 'unassign', assignee: assigneeOf(input), role: nameIn(input, 'role') } as const;
  return changed(call, await change(call, wanted, input, ''));
}
