// ONE REQUEST to the MCP endpoint, top to bottom: the steps stand in `decide` in their order, every leaf returns to it.
//
// guard -> credential -> principal -> policy -> caller -> message -> era -> authorization -> method (here, or in the
// caller's ClientSession for the older era) -> answer.
// Whatever the outcome, it becomes a response in one place and exactly one decision event is written.

import type { Outline } from '../audit/audit.ts';
import { auditSubject } from '../audit/subject.ts';
import { placeOf, traceIdOf } from '../audit/trace.ts';
import type { AccessTokenVerifier } from '../auth/access-token.ts';
import { readCredential } from '../auth/bearer.ts';
import type { Principal } from '../auth/principal.ts';
import { isServiceKey } from '../auth/service-key.ts';
import type { Context } from '../context.ts';
import { type Denial, isDenial } from '../denial.ts';
import { type DecisionEvent, describeError, log } from '../log.ts';
import { clientSession, decisionLog, policyRegistry } from '../objects.ts';
import { authorize } from '../policy/authorize.ts';
import { admit, type Caller, isSessionRevoked, shadowDenial } from '../policy/caller.ts';
import type { Policy } from '../policy/snapshot.ts';
import { eraOf } from '../protocol/era.ts';
import { checkHeaders } from '../protocol/headers.ts';
import {
  type Failure,
  failure,
  INVALID_REQUEST,
  isFailure,
  type Message,
  readMessage,
} from '../protocol/message.ts';
import { handleModern, isStream, type ModernContext } from '../protocol/modern.ts';
import { requirementOf } from '../protocol/requirement.ts';
import type { LegacyAnswer, LegacyRequest } from '../sessions/client-session.ts';
import { createNotifier, openTopics } from '../sessions/notifications.ts';
import { standing } from '../sessions/standing.ts';
import { createSessionState } from '../sessions/state.ts';
import { events, json, jsonText, rpcFailure } from './answer.ts';
import { denialResponse } from './denial-response.ts';
import { addCors, checkOrigin } from './origin.ts';

/** How far a request got: what its decision event tells. */
export interface Progress {
  principal?: Principal;
  /** As the audit has it. */
  subject?: string | undefined;
  policy?: Policy;
  message?: Message;
  isLegacy?: boolean;
  /** Of the operators' API. */
  operation?: string;
  /** What a role change on trial would have refused. */
  shadow?: readonly string[] | undefined;
}

export type Outcome = Response | Denial | Failure;

export function mcpEndpoint(request: Request, url: Readonly<URL>, context: Context): Promise<Response> {
  return answered(request, context, (progress) => decide(request, url, context, progress));
}

/** Turns an outcome into a response, and writes its decision event. */
export async function answered(
  request: Request,
  context: Context,
  decideOn: (progress: Progress) => Promise<Outcome>,
): Promise<Response> {
  const startedAt = Date.now();
  const progress: Progress = {};
  let outcome: Outcome | undefined;
  let response: Response | undefined;
  try {
    outcome = await decideOn(progress);
    response = toResponse(outcome, context, progress);
    return response;
  } finally {
    // Without an outcome there was an exception: the router answers 500 and logs it.
    const { deployment, env, waitUntil } = context;
    const status = response?.status ?? 500;
    const { principal, shadow } = progress;
    const outline: Outline = {
      decision: isAllowed(outcome) ? 'allow' : 'deny',
      principalKind: principal?.kind,
      shadow: shadow && { missingPermissions: shadow },
    };
    const latencyMs = Date.now() - startedAt;
    const describe = () => ({
      ...decisionEvent(outline, outcome, status, request, context, progress),
      latencyMs,
    });
    deployment.audit.record(outline, describe, {
      env,
      waitUntil,
      decisionLog: () => decisionLog(env, deployment.config),
      noteKeyUse: (uses) => policyRegistry(env, deployment.config).noteKeyUse(uses),
    });
  }
}

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

/** The same principal under the policy as the registry has it now: for what must not wait for KV. */
export async function readmit(
  principal: Principal,
  context: Context,
  progress: Progress,
): Promise<Caller | Denial> {
  const policy = await context.deployment.policies.renew(context, 0);
  if (isDenial(policy)) return policy;
  progress.policy = policy;
  return admit(principal, policy);
}

async function decide(
  request: Request,
  url: Readonly<URL>,
  context: Context,
  progress: Progress,
): Promise<Outcome> {
  const { config, catalogue } = context.deployment;
  const admitted = await identify(request, url, context, progress);
  if (isDenial(admitted)) return admitted;

  // From here on the caller is known. Other methods get their 405 only now, so that every client finds the issuer.
  if (request.method !== 'POST') return sessionRequest(request, admitted, context);

  const message = await readMessage(request, config);
  if (isFailure(message)) return message;
  progress.message = message;

  const isLegacy = eraOf(message, request.headers) === 'legacy';
  progress.isLegacy = isLegacy;
  if (!isLegacy && message.kind === 'request') {
    const mismatch = checkHeaders(request.headers, message, catalogue);
    if (mismatch) return mismatch;
  }

  const requirement = requirementOf(message, catalogue);
  const caller =
    requirement.freshness === 'strict' ? await readmit(admitted.principal, context, progress) : admitted;
  if (isDenial(caller)) return caller;
  const refused = authorize(caller.rights, requirement);
  if (refused) return refused;
  progress.shadow = shadowDenial(caller, requirement);

  if (isLegacy) return callSession('POST', request, caller, context, message);
  // The modern era defines no notification from clients over HTTP: one is accepted and has no effect.
  if (message.kind !== 'request') return new Response(null, { status: 202 });
  const answer = await handleModern(message, modernContext(caller, request, context));
  if (isFailure(answer)) return answer;
  return isStream(answer) ? events(answer.stream) : jsonText(answer.json);
}

function modernContext({ principal, rights }: Caller, request: Request, context: Context): ModernContext {
  const { env, requestId, waitUntil, now } = context;
  const { config, catalogue, policies, sealer } = context.deployment;
  const session = () => clientSession(env, principal, config);
  let latest = rights;
  return {
    config,
    catalogue,
    principal,
    sealer,
    now: now(),
    hangUp: () => request.signal,
    base: {
      principal,
      permissions: rights.permissions,
      env,
      requestId,
      waitUntil,
      session: () => createSessionState(session, principal),
      notify: () => createNotifier(env, config),
    },
    viewer: rights,
    isReachable: (requirement) => authorize(rights, requirement)?.reason !== 'permission_missing',
    mayUse: (requirement) => authorize(rights, requirement) === undefined,
    mayStay: async () => {
      const caller = await standing(principal, policies, context, config);
      if (isDenial(caller)) return false;
      latest = caller.rights;
      return now() < principal.expiresAt;
    },
    permissions: () => latest.permissions,
    open: (topics) => openTopics(env, topics, config),
    consume: async (nonce, expiresAt) => session().useNonce(nonce, expiresAt),
    report: (event) => log({ ...event, requestId }),
  };
}

/** GET and DELETE exist only for a session of the older era. */
async function sessionRequest(request: Request, caller: Caller, context: Context): Promise<Outcome> {
  const { method, headers } = request;
  const isOfSession = method === 'DELETE' || (method === 'GET' && mayConnect(headers, context));
  if (!isOfSession || !headers.has('mcp-session-id')) {
    return json(405, { error: 'method_not_allowed' }, { allow: 'POST, GET, DELETE, OPTIONS' });
  }
  return callSession(method, request, caller, context);
}

/** Stream 0 of a session is the one for listening; the others are of calls, and may always be resumed. */
const mayConnect = (headers: Headers, { deployment: { config } }: Context): boolean =>
  config.sessionListening || /^[1-9]/.test(headers.get('last-event-id') ?? '');

/** One call of the caller's ClientSession; it gets a principal and its rights, and never the token. */
async function callSession(
  httpMethod: 'GET' | 'POST' | 'DELETE',
  { headers }: Request,
  { principal, policy, rights }: Caller,
  { env, requestId, deployment: { config } }: Context,
  message?: Message,
): Promise<Outcome> {
  const sessionId = headers.get('mcp-session-id');
  // Whoever opens a new one may still name the old one: it is not looked at.
  const isOpening = message?.kind === 'request' && message.method === 'initialize';
  if (sessionId !== null && !isOpening && (await isSessionRevoked(sessionId, policy))) {
    const id = message?.kind === 'request' ? message.id : undefined;
    return failure(404, INVALID_REQUEST, 'There is no such session; initialize a new one', id);
  }
  const request: LegacyRequest = {
    httpMethod,
    ...(message === undefined ? {} : { message }),
    sessionId,
    protocolVersion: headers.get('mcp-protocol-version'),
    lastEventId: headers.get('last-event-id'),
    principal,
    rights: { scopes: [...rights.scopes], permissions: [...rights.permissions] },
    requestId,
  };
  let answer: LegacyAnswer;
  try {
    answer = await clientSession(env, principal, config).handle(request);
  } catch (error) {
    // Overloaded, restarted for a new version, out of reach: the session is still there when the client comes back.
    log({ event: 'request_failed', requestId, error: describeError(error) });
    return json(503, { error: 'temporarily_unavailable' }, { 'retry-after': '1' });
  }
  if ('emptyStatus' in answer) return new Response(null, { status: answer.emptyStatus });
  if ('stream' in answer) return events(answer.stream);
  if (isFailure(answer)) return answer;
  return jsonText(
    answer.json,
    answer.sessionId === undefined ? undefined : { 'mcp-session-id': answer.sessionId },
  );
}

function toResponse(outcome: Outcome, context: Context, { message, isLegacy }: Progress): Response {
  const { origin } = context;
  if (outcome instanceof Response) return addCors(outcome, origin);
  if (isFailure(outcome)) return addCors(rpcFailure(outcome), origin);
  const response = denialResponse(
    outcome,
    context.deployment,
    message?.kind === 'request' ? message : undefined,
    isLegacy,
  );
  const isForbidden = outcome.reason === 'host_forbidden' || outcome.reason === 'origin_forbidden';
  return isForbidden ? response : addCors(response, origin);
}

const isAllowed = (outcome: Outcome | undefined): boolean => outcome instanceof Response && outcome.ok;

function decisionEvent(
  { decision, principalKind, shadow }: Outline,
  outcome: Outcome | undefined,
  status: number,
  request: Request,
  { requestId, deployment }: Context,
  { principal, subject, policy, message, isLegacy, operation }: Progress,
): Omit<DecisionEvent, 'latencyMs'> {
  const { method, params } =
    message?.kind === 'response' || message === undefined
      ? { method: undefined, params: undefined }
      : message;
  return {
    event: 'decision',
    requestId,
    traceId: traceIdOf(request.headers, message?.kind === 'request' ? message.meta : undefined),
    decision,
    ...reasonsOf(outcome),
    status,
    issuer: principal?.issuer,
    subject,
    clientId: principal?.clientId,
    tenant: principal?.tenant,
    tokenId: principal?.tokenId,
    principalKind,
    operation,
    method: method === undefined || METHOD_NAME.test(method) ? method : 'unknown',
    tool:
      method === 'tools/call'
        ? (deployment.catalogue.toolByName.get(params?.name as string)?.name ?? 'unknown')
        : undefined,
    era: isLegacy === undefined ? undefined : isLegacy ? 'legacy' : 'modern',
    policyVersion: policy?.version,
    shadow,
    ...placeOf(request),
  };
}

/** Callers can send any text as a method, a token by mistake: what does not look like a method is not written down. */
const METHOD_NAME = /^[a-zA-Z]{1,32}(?:\/[a-zA-Z_]{1,32}){0,2}$/;

type Reasons = Pick<
  DecisionEvent,
  'reason' | 'detail' | 'requiredScopes' | 'missingScopes' | 'missingPermissions'
>;

/** Why it was refused; nothing when it was not. */
function reasonsOf(outcome: Outcome | undefined): Reasons {
  if (outcome === undefined) return { reason: 'internal_error' };
  if (isAllowed(outcome)) return {};
  if (outcome instanceof Response) return { reason: 'protocol', detail: String(outcome.status) };
  if (isFailure(outcome)) return { reason: 'protocol', detail: String(outcome.code) };
  const { reason, ...rest } = outcome;
  const { detail, requiredScopes, missingScopes, missingPermissions } = rest as Partial<Reasons>;
  return {
    reason,
    detail,
    ...(requiredScopes && missingScopes ? { requiredScopes, missingScopes } : {}),
    ...(missingPermissions ? { missingPermissions } : {}),
  };
}
