// The gate in front of everything: guard, credential, principal, policy, caller; the same for both eras, for operators and
// for a server behind it.
//
// Does not know what a request is about: what it needs is given as a requirement.

import { auditActor, auditSubject } from '../audit/subject.ts';
import type { AccessTokenVerifier } from '../auth/access-token.ts';
import { readCredential } from '../auth/bearer.ts';
import type { Principal } from '../auth/principal.ts';
import { isServiceKey } from '../auth/service-key.ts';
import type { Context } from '../context.ts';
import { type Denial, isDenial } from '../denial.ts';
import { authorize, type Requirement } from '../policy/authorize.ts';
import { admit, type Caller } from '../policy/caller.ts';
import { impliedScopes } from '../policy/roles.ts';
import type { Policy } from '../policy/snapshot.ts';
import { standing } from '../sessions/standing.ts';
import { checkOrigin } from './origin.ts';
import type { Progress } from './outcome.ts';

/** Who is calling, and may it enter: guard, credential, principal, policy, caller. Does not check what it may do. */
export async function identify(
  request: Request,
  url: Readonly<URL>,
  context: Context,
  progress: Progress,
): Promise<Caller | Denial> {
  const { config, verifyAccessToken } = context.deployment;
  const forbidden = checkOrigin(context.origin, url, config);
  if (forbidden) return forbidden;
  const read = readCredential(request.headers, url, config);
  if (isDenial(read)) return read;
  const { credential, header } = read;
  const verified =
    config.serviceKeys && header === undefined && isServiceKey(credential)
      ? verifyServiceKey(credential, context)
      : readingPolicy(verifyAccessToken(credential, context, header), context);
  const principal = verified instanceof Promise ? await verified : verified;
  if (isDenial(principal)) return principal;
  progress.principal = principal;
  const subject = auditSubject(principal, config);
  progress.subject = subject instanceof Promise ? await subject : subject;
  if (principal.act) progress.act = await auditActor(principal, config);

  const current = policyOf(context);
  const policy = current instanceof Promise ? await current : current;
  if (isDenial(policy)) return policy;
  progress.policy = policy;
  return admit(principal, policy);
}

/** A new isolate has neither keys nor a policy, and waits for both at once. A refusal does not wait for the policy. */
function readingPolicy(
  verified: ReturnType<AccessTokenVerifier>,
  context: Context,
): ReturnType<AccessTokenVerifier> {
  const { policies } = context.deployment;
  if (!(verified instanceof Promise) || policies.age(context.now())) return verified;
  const reading = policies.read(context);
  return verified.then((principal) => (isDenial(principal) ? principal : reading.then(() => principal)));
}

const policyOf = (context: Context): Policy | Denial | Promise<Policy | Denial> =>
  context.deployment.policies.young(context.now()) ?? context.deployment.policies.read(context);

async function verifyServiceKey(credential: string, context: Context): Promise<Principal | Denial> {
  const { policies, verifyServiceKey: verify } = context.deployment;
  const policy = await policyOf(context);
  if (isDenial(policy)) return policy;
  return verify(credential, policy.serviceKeys, context.now(), async () => {
    const newer = await policies.renew(context, 0);
    return isDenial(newer) ? newer : newer.serviceKeys;
  });
}

/**
 * The caller of something `strict`, by the policy as the registry has it now, or why it may not do it.
 *
 * The registry is one object for all, so not everybody gets it asked as often as it likes: who lacks a scope is refused
 * here, for no policy gives one; and whom the policy here refuses, and who hopes for a newer one, is let through only so
 * often in a second. Nobody is answered by an older policy.
 */
export async function readmit(
  principal: Principal,
  admitted: Caller | Denial,
  requirement: Requirement,
  context: Context,
  progress: Progress,
): Promise<Caller | Denial> {
  const { deployment } = context;
  const before = isDenial(admitted) ? admitted : authorize(admitted.rights, requirement);
  if (before) {
    const scopes = impliedScopes(principal.scopes, deployment.config.scopeImplications);
    if (!requirement.scopes.every((scope) => scopes.has(scope))) return before;
    const subject = JSON.stringify([principal.issuer, principal.subject]);
    if (deployment.isTooMuchRefused(subject, context.now()))
      return { reason: 'rate_limited', retryAfterSeconds: 1 };
  }
  const policy = await deployment.policies.renew(context, 0);
  if (isDenial(policy)) return policy;
  progress.policy = policy;
  const caller = await admit(principal, policy);
  return isDenial(caller) ? caller : (authorize(caller.rights, requirement) ?? caller);
}

/**
 * The caller of something that was allowed earlier and is still going on, or why it may not go on. Does not check that the
 * token is still current: whoever keeps it going knows when it expires.
 */
export function standingNow(
  principal: Principal,
  requirement: Requirement,
  context: Context,
): Promise<Caller | Denial> {
  const { config, policies } = context.deployment;
  return standing(principal, requirement, policies, context, config);
}
