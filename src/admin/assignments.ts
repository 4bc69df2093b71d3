// Assignments: roles given to a subject or a client here, besides those its tokens name.

import { SERVICE_ISSUER } from '../auth/service-key.ts';
import { type Answer, type Call, change, changed, ok } from './call.ts';
import { assigneeOf, nameIn, optionalText, pageOf, readBody, readQuery } from './inputs.ts';

export async function listAssignments({ url, registry }: Call): Promise<Answer> {
  const input = readQuery(url.searchParams, ['issuer', 'subject', 'clientId', 'role', 'limit', 'cursor']);
  const filter = {
    issuer: optionalText(input, 'issuer'),
    subject: optionalText(input, 'subject'),
    client_id: optionalText(input, 'clientId'),
    role: optionalText(input, 'role'),
  };
  return ok({ ...(await registry.list('assignments', { filter, ...pageOf(input) })) });
}

export async function assign(call: Call): Promise<Answer> {
  const { input, text } = await readBody(call.request, ['issuer', 'subject', 'clientId', 'role', 'reason']);
  const wanted = { action: 'assign', assignee: assigneeOf(input), role: nameIn(input, 'role') } as const;
  const outcome = await change(call, wanted, input, text);
  const { issuer } = wanted.assignee;
  const isTrusted = issuer === SERVICE_ISSUER || call.context.deployment.issuers.server(issuer) !== undefined;
  const warnings = isTrusted
    ? []
    : [`No token of ${issuer} is accepted here: it is not in AUTHORIZATION_SERVERS.`];
  return changed(call, outcome, { status: 201, warnings });
}

export async function unassign(call: Call): Promise<Answer> {
  const input = readQuery(call.url.searchParams, ['issuer', 'subject', 'clientId', 'role', 'reason']);
  const wanted = { action: 'unassign', assignee: assigneeOf(input), role: nameIn(input, 'role') } as const;
  return changed(call, await change(call, wanted, input, ''));
}
