// Revocations: list, revoke, lift.

import { auditNames } from '../audit/subject.ts';
import { unverifiedTokenId } from '../auth/access-token.ts';
import { isServiceKey, SERVICE_ISSUER } from '../auth/service-key.ts';
import type { Context } from '../context.ts';
import { isDenial } from '../denial.ts';
import { decisionLog } from '../objects.ts';
import type { Change } from '../policy/change.ts';
import { REVOCATION_KINDS, type RevocationTarget } from '../policy/keys.ts';
import { grantsOf } from '../sessions/session-index.ts';
import { type Answer, type Call, change, changed, ok } from './call.ts';
import {
  checkConfirmed,
  flag,
  optionalNumber,
  optionalText,
  optionalWord,
  pageOf,
  Refusal,
  readBody,
  readQuery,
  targetOf,
  tenantFilter,
} from './inputs.ts';
import { checkMay, isListed, isOperatorTenant } from './operator.ts';
import { eraseSessions } from './sessions.ts';
import { checkTenant } from './tenants.ts';

const YEAR_SECONDS = 31_536_000;

export async function listRevocations({ url, registry }: Call): Promise<Answer> {
  const names = ['kind', 'issuer', 'subject', 'tenant', 'noTenant', 'limit', 'cursor'];
  const input = readQuery(url.searchParams, names);
  const filter = {
    kind: optionalWord(input, 'kind', REVOCATION_KINDS),
    issuer: optionalText(input, 'issuer'),
    subject: optionalText(input, 'subject'),
    tenant: tenantFilter(input),
  };
  return ok({ ...(await registry.list('revocations', { filter, ...pageOf(input) })) });
}

export async function revoke(call: Call): Promise<Answer> {
  const members = ['target', 'reason', 'until', 'eraseState', 'endKeys', 'confirm'];
  const { input, text } = await readBody(call.request, members);
  const now = call.context.now();
  const until = optionalNumber(input, 'until', now, now + YEAR_SECONDS);
  const found = targetOf(input.target);
  checkConfirmed(input, found.kind === 'issuer' || found.kind === 'everything' ? found.kind : undefined);
  const [eraseState, endKeys] = [flag(input, 'eraseState'), flag(input, 'endKeys')];
  const wanted = await changeFor(found, { until, endKeys }, call);
  const warnings: string[] = [];
  const kind = wanted.action === 'revoke' ? wanted.target.kind : 'service key';
  if (eraseState && kind !== 'grant' && kind !== 'subject')
    throw new Refusal(400, 'invalid_request', 'eraseState goes with a grant or a subject only.');
  if (endKeys && kind !== 'subject')
    throw new Refusal(400, 'invalid_request', 'endKeys goes with a subject only.');
  if (eraseState) checkMay(call, 'privacy');
  if (until !== undefined && kind === 'service key')
    throw new Refusal(
      400,
      'invalid_request',
      'until does not go with a service key: it is withdrawn for good.',
    );
  if (wanted.action === 'revoke') {
    const { target } = wanted;
    if ('issuer' in target) checkTenant(target, call);
    checkBlock(target, until, call);
    if (
      'issuer' in target &&
      target.issuer !== SERVICE_ISSUER &&
      !call.context.deployment.issuers.server(target.issuer)
    )
      warnings.push(`No token of ${target.issuer} is accepted here: it is not in AUTHORIZATION_SERVERS.`);
  }
  const outcome = await change(call, wanted, input, text);
  warnings.push(...(await doubtsAbout(outcome.result, call)));
  const erased =
    eraseState && wanted.action === 'revoke'
      ? {
          erased: await eraseSessions(
            call.context,
            wanted.target as { issuer: string; subject: string },
            true,
          ),
        }
      : {};
  return changed(call, outcome, { status: 201, more: erased, warnings });
}

/** A token that was found is revoked by its id; a service key by being withdrawn. */
async function changeFor(
  target: ReturnType<typeof targetOf>,
  { until, endKeys }: { readonly until: number | undefined; readonly endKeys: boolean },
  { context, operator }: Call,
): Promise<Extract<Change, { action: 'revoke' | 'revoke_key' }>> {
  const more = { ...(until === undefined ? {} : { until }), ...(endKeys ? { endKeys } : {}) };
  if (!('token' in target)) return { action: 'revoke', target, ...more };
  const { issuers, verifyServiceKey, config } = context.deployment;
  if (isServiceKey(target.token)) {
    const key = await verifyServiceKey(target.token, operator.policy.serviceKeys, context.now());
    if (isDenial(key)) throw new Refusal(404, 'not_found', 'There is no such service key in force.');
    return { action: 'revoke_key', id: key.tokenId };
  }
  const opaque = config.authorizationServers.find(({ introspection }) => introspection !== undefined);
  const found =
    (await unverifiedTokenId(target.token, issuers)) ??
    (opaque && (await askedTokenId(target.token, opaque.tokenHeader, context)));
  if (!found) throw new Refusal(400, 'invalid_request', 'target.token is neither a JWT nor a service key.');
  const { issuer, tokenId } = found;
  return { action: 'revoke', target: { kind: 'token', issuer, tokenId }, ...more };
}

/** An opaque token does not say what it is called. Its server does, for as long as it is good; then there is nothing to revoke. */
async function askedTokenId(
  token: string,
  header: string | undefined,
  context: Context,
): Promise<{ readonly issuer: string; readonly tokenId: string }> {
  const principal = await context.deployment.verifyAccessToken(token, context, header);
  if (!isDenial(principal)) return principal;
  if (principal.reason === 'introspection_unavailable')
    throw new Refusal(
      503,
      'temporarily_unavailable',
      'The authorization server could not be asked about it.',
    );
  throw new Refusal(404, 'not_found', 'No such token is in force.');
}

/** A block reaches into the future, so it must not shut out those who could lift it. */
function checkBlock(
  target: RevocationTarget,
  until: number | undefined,
  { context, operator: { principal } }: Call,
): void {
  if (until === undefined || until <= context.now()) return;
  const { issuer, clientId } = principal;
  if (target.kind === 'client' && target.issuer === issuer && target.clientId === clientId)
    throw new Refusal(409, 'conflict', 'until does not go with the client you are signed in with.');
  if (target.kind === 'issuer' || target.kind === 'everything')
    throw new Refusal(
      409,
      'conflict',
      `until does not go with ${target.kind}: nobody could sign in to lift it.`,
    );
  if (target.kind === 'tenant' && isOperatorTenant(target, context.deployment.config))
    throw new Refusal(
      409,
      'conflict',
      'until does not go with a tenant of operators: they could not lift it.',
    );
  if ((target.kind === 'subject' || target.kind === 'grant') && isListed(target, context.deployment.config))
    throw new Refusal(
      409,
      'conflict',
      `${target.subject} is in OPERATORS: remove it there before you block it.`,
    );
}

/** What an operator may want to look at again, once it is done. */
async function doubtsAbout(
  { target, madeKeys }: Readonly<Record<string, unknown>>,
  call: Call,
): Promise<readonly string[]> {
  const { issuer, subject } = (target ?? {}) as { issuer?: string; subject?: string };
  if (issuer === undefined || subject === undefined) return [];
  const doubts: string[] = [];
  if (Array.isArray(madeKeys)) {
    const names = (madeKeys as readonly { id: string; service: string }[]).map(
      ({ id, service }) => `${id} (${service})`,
    );
    doubts.push(
      `Service keys that ${subject} made are still good: ${names.join(', ')}. endKeys (--end-keys) ends them.`,
    );
  }
  // What cannot be looked at does not tell that there is nothing.
  const isSeen = await wasSeen({ issuer, subject }, call).catch(() => true);
  if (!isSeen)
    doubts.push(`Nobody called ${subject} is known here: no decision, session or role. Is the name right?`);
  return doubts;
}

async function wasSeen(
  named: { readonly issuer: string; readonly subject: string },
  { context, registry }: Call,
): Promise<boolean> {
  const { issuer, subject } = named;
  const { env, kv, deployment } = context;
  const isService = issuer === SERVICE_ISSUER;
  const filter = isService ? { service: subject } : named;
  const [kept, grants, decided] = await Promise.all([
    registry.list(isService ? 'serviceKeys' : 'assignments', { filter, limit: 1 }),
    grantsOf(kv, issuer, subject),
    auditNames(named, deployment.config).then((names) =>
      decisionLog(env, deployment.config).query({ issuer, subject: names, limit: 1 }),
    ),
  ]);
  return kept.items.length + grants.length + decided.items.length > 0;
}

export async function lift(call: Call): Promise<Answer> {
  const input = readQuery(call.url.searchParams, ['reason']);
  const outcome = await change(call, { action: 'unrevoke', id: call.params.id ?? '' }, input, '');
  const warnings =
    Number(outcome.result.revokedAt) > call.context.now()
      ? [
          'A block is lifted with everything before it: what was issued earlier is good again. Revoke it again if it must not be.',
        ]
      : [];
  return changed(call, outcome, { warnings });
}
