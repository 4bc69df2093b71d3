// What operators can read besides the rules: history, the newest decisions, and how everything stands.

import { auditNames } from '../audit/subject.ts';
import { decisionLog } from '../objects.ts';
import type { Action } from '../policy/change.ts';
import { HEAD_KEY } from '../policy/snapshot.ts';
import { type Answer, type Call, inForceWithin, ok } from './call.ts';
import { optionalNumber, optionalText, optionalWord, pageOf, readQuery, tenantFilter } from './inputs.ts';

const ACTIONS: Readonly<Record<Action, true>> = {
  revoke: true,
  unrevoke: true,
  put_role: true,
  delete_role: true,
  put_shadow_role: true,
  delete_shadow_role: true,
  apply_shadow: true,
  discard_shadow: true,
  reset_roles: true,
  assign: true,
  unassign: true,
  create_key: true,
  rotate_key: true,
  revoke_key: true,
  end_sessions: true,
  forget: true,
};

export async function history({ url, registry }: Call): Promise<Answer> {
  const names = ['action', 'issuer', 'subject', 'tenant', 'noTenant', 'limit', 'cursor'];
  const input = readQuery(url.searchParams, names);
  const filter = {
    action: optionalWord(input, 'action', Object.keys(ACTIONS)),
    issuer: optionalText(input, 'issuer'),
    subject: optionalText(input, 'subject'),
    tenant: tenantFilter(input),
  };
  return ok({ ...(await registry.list('history', { filter, ...pageOf(input) })) });
}

export async function decisions({ url, context }: Call): Promise<Answer> {
  const names = ['reason', 'issuer', 'subject', 'tool'] as const;
  const more = ['tenant', 'noTenant', 'since', 'limit', 'cursor'];
  const input = readQuery(url.searchParams, ['decision', ...names, ...more]);
  const wanted = [
    ['decision', optionalWord(input, 'decision', ['allow', 'deny'])],
    ...names.map((name) => [name, optionalText(input, name)]),
    ['tenant', tenantFilter(input)],
  ];
  const filter = Object.fromEntries(wanted.filter(([, value]) => value !== undefined));
  const { issuer, subject } = filter;
  // Pseudonyms are per issuer; whoever knows both names may ask by them.
  if (issuer !== undefined && subject !== undefined && !subject.startsWith('hmac:'))
    filter.subject = await auditNames({ issuer, subject }, context.deployment.config);
  const since = optionalNumber(input, 'since', 0, Number.MAX_SAFE_INTEGER);
  const { limit, cursor } = pageOf(input);
  const log = decisionLog(context.env, context.deployment.config);
  const page = await log.query({
    ...filter,
    limit,
    ...(since === undefined ? {} : { since }),
    ...(cursor === undefined ? {} : { cursor: String(cursor) }),
  });
  return ok({ ...page });
}

export async function status(call: Call): Promise<Answer> {
  const { context, registry, operator } = call;
  const { config, policies } = context.deployment;
  readQuery(call.url.searchParams, []);
  const [{ failingSince, ...registered }, published] = await Promise.all([
    registry.status(),
    context.kv.get<{ version?: number }>(HEAD_KEY, 'json').catch(() => null),
  ]);
  const { policy } = operator;
  const isPublished = registered.publishedVersion === registered.version;
  const publishing = failingSince !== null ? 'failing' : isPublished ? 'done' : 'pending';
  return ok({
    version: registered.version,
    registry: { ...registered, publishing, failingSince },
    isolate: policies.age(context.now()) ?? null,
    kv: { version: published?.version ?? null },
    roles: { source: policy.rolesFrom, shadow: policy.shadow !== undefined },
    serviceKeys: config.serviceKeys ? 'on' : 'off',
    inForceWithinSeconds: inForceWithin(call),
    now: context.now(),
  });
}
