// Sessions and state of a subject: see, end, erase; and forgetting a subject altogether.
//
// They live in one object per grant; which grants a subject has is known from an index that may be a minute behind.

import { auditNames } from '../audit/subject.ts';
import type { Context } from '../context.ts';
import { type Grant, grantName, tenantMember } from '../grant.ts';
import { clientSession, decisionLog } from '../objects.ts';
import type { Tenant } from '../policy/keys.ts';
import { grantsOf } from '../sessions/session-index.ts';
import { type Answer, type Call, change, changed, ok } from './call.ts';
import {
  checkConfirmed,
  flag,
  optionalText,
  readBody,
  readQuery,
  tenantIn,
  text as textIn,
} from './inputs.ts';
import { checkTenant } from './tenants.ts';

export async function listSessions({ url, context }: Call): Promise<Answer> {
  const input = readQuery(url.searchParams, ['issuer', 'subject', 'tenant', 'noTenant']);
  const [issuer, subject, tenant] = [textIn(input, 'issuer'), textIn(input, 'subject'), tenantIn(input)];
  const grants = await grantsOf(context.kv, issuer, subject);
  const items = await Promise.all(
    grants.filter(within(tenant)).map(async (grant) => ({
      clientId: grant.clientId,
      ...tenantMember(grant.tenant),
      ...(await clientSession(context.env, grant, context.deployment.config).describe()),
    })),
  );
  return ok({ items });
}

/** Whether something belongs to a tenant, or to any when none is meant. */
const within =
  (tenant: Tenant | undefined) =>
  (grant: Grant): boolean =>
    tenant === undefined || grant.tenant === tenant;

/** Ends the sessions of a subject, or of one of its grants, and erases what tools keep for it if that is wanted. */
export async function eraseSessions(
  { env, kv, deployment: { config } }: Context,
  wanted: {
    readonly issuer: string;
    readonly subject: string;
    readonly clientId?: string | null;
    readonly tenant?: Tenant;
    readonly sessionId?: string;
  },
  eraseState: boolean,
): Promise<{ readonly sessions: number; readonly stateKeys: number }> {
  const { issuer, subject, clientId, tenant, sessionId } = wanted;
  const indexed = (await grantsOf(kv, issuer, subject))
    .filter(within(tenant))
    .filter((grant) => clientId === undefined || grant.clientId === clientId);
  // One that is named need not have been found: the index may be behind.
  const named = clientId === undefined ? [] : [{ issuer, subject, clientId, tenant }];
  const grants = new Map([...indexed, ...named].map((grant) => [grantName(grant), grant]));
  const counts = await Promise.all(
    Array.from(grants.values(), async (grant) => {
      const object = clientSession(env, grant, config);
      const sessions = await object.endSessions(sessionId);
      return { sessions, stateKeys: eraseState ? await object.eraseState() : 0 };
    }),
  );
  const sum = (name: 'sessions' | 'stateKeys'): number =>
    counts.reduce((total, count) => total + count[name], 0);
  return { sessions: sum('sessions'), stateKeys: sum('stateKeys') };
}

export async function endSessions(call: Call): Promise<Answer> {
  const members = ['issuer', 'subject', 'clientId', 'sessionId', 'tenant', 'noTenant', 'state', 'reason'];
  const input = readQuery(call.url.searchParams, members);
  const [clientId, sessionId] = [optionalText(input, 'clientId'), optionalText(input, 'sessionId')];
  const wanted = {
    issuer: textIn(input, 'issuer'),
    subject: textIn(input, 'subject'),
    ...(clientId === undefined ? {} : { clientId }),
    ...tenantMember(tenantIn(input)),
    ...(sessionId === undefined ? {} : { sessionId }),
  };
  checkTenant(wanted, call);
  const eraseState = flag(input, 'state');
  const outcome = await change(call, { action: 'end_sessions', ...wanted, eraseState }, input, '');
  const { sessions, stateKeys } = await eraseSessions(call.context, wanted, eraseState);
  return changed(call, outcome, { more: { ended: sessions, erasedKeys: stateKeys } });
}

export async function forget(call: Call): Promise<Answer> {
  const { context } = call;
  const { input, text } = await readBody(call.request, ['issuer', 'subject', 'confirm', 'reason']);
  checkConfirmed(input, 'forget');
  const wanted = { issuer: textIn(input, 'issuer'), subject: textIn(input, 'subject') };
  const outcome = await change(call, { action: 'forget', ...wanted }, input, text);
  const sessions = await eraseSessions(context, wanted, true);
  const { config } = context.deployment;
  const names = await auditNames(wanted, config);
  const log = decisionLog(context.env, config);
  let decisions = 0;
  for (const name of names) decisions += await log.forget(wanted.issuer, name);
  const erased = { ...(outcome.result.erased as object), ...sessions, decisions };
  return changed(call, outcome, { more: { erased } });
}
