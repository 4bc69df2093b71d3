// What the audit is told of a change: who did what to whom, and which version came of it. Not why: the reason is what
// somebody wrote, and stays in the history.
//
// The author and the subject it was done to have the names that the audit has for them (audit/subject.ts). What was
// forgotten has none.

import { auditSubject } from '../audit/subject.ts';
import type { Context } from '../context.ts';
import type { Caller } from '../policy/caller.ts';
import type { Action, ChangeOutcome } from '../policy/change.ts';
import { isRecord } from '../shapes.ts';

/** Of all roles that a trial has, say; the history has them all. */
const LONGEST_LIST = 50;

export async function tellChange(
  action: Action,
  { version, target, isReplayed }: Extract<ChangeOutcome, { isDone: true }>,
  { principal }: Caller,
  context: Context,
): Promise<void> {
  const { env, waitUntil, requestId, deployment } = context;
  const { config, audit } = deployment;
  const { issuer, clientId } = principal;
  audit.tell(
    {
      event: 'policy_changed',
      requestId,
      version,
      action,
      target: await named(target, config),
      issuer,
      subject: await auditSubject(principal, config),
      clientId,
      ...(isReplayed ? { isRepeated: true } : {}),
    },
    { env, waitUntil },
  );
}

async function named(
  target: unknown,
  config: Context['deployment']['config'],
): Promise<Readonly<Record<string, unknown>>> {
  if (!isRecord(target)) return {};
  const { issuer, subject, roles } = target;
  return {
    ...target,
    ...(typeof issuer === 'string' && typeof subject === 'string'
      ? { subject: await auditSubject({ issuer, subject }, config) }
      : {}),
    ...(Array.isArray(roles) ? { roles: roles.slice(0, LONGEST_LIST) } : {}),
  };
}
