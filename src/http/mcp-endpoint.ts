// ONE REQUEST to the MCP endpoint, top to bottom: the steps stand in `decide` in their order, every leaf returns to it.
//
// guard -> credential -> principal -> message -> era -> authorization -> method (here, or in the caller's ClientSession
// for the older era) -> answer.
// Whatever the outcome, it becomes a response in one place and exactly one decision event is written.

import { readCredential } from '../auth/bearer.ts';
import type { Principal } from '../auth/principal.ts';
import type { Context } from '../context.ts';
import { type Denial, isDenial } from '../denial.ts';
import { type DecisionEvent, describeError, log } from '../log.ts';
import { authorize, rightsOf } from '../policy/authorize.ts';
import { eraOf } from '../protocol/era.ts';
import { checkHeaders } from '../protocol/headers.ts';
import { type Failure, isFailure, type Message, readMessage } from '../protocol/message.ts';
import { handleModern, isStream, type ModernContext } from '../protocol/modern.ts';
import { requirementOf } from '../protocol/requirement.ts';
import { clientSession } from '../sessions/address.ts';
import type { LegacyAnswer, LegacyRequest } from '../sessions/client-session.ts';
import { createNotifier, openTopics } from '../sessions/notifications.ts';
import { createSessionState } from '../sessions/state.ts';
import { events, json, jsonText, rpcFailure } from './answer.ts';
import { denialResponse } from './denial-response.ts';
import { addCors, checkOrigin } from './origin.ts';

/** How far a request got: what its decision event tells. */
export interface Progress {
  principal?: Principal;
  message?: Message;
  isLegacy?: boolean;
}

export type Outcome = Response | Denial | Failure;

export function mcpEndpoint(request: Request, url: URL, context: Context): Promise<Response> {
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
    response = toResponse(outcome, request, context, progress);
    return response;
  } finally {
    // Without an outcome there was an exception: the router answers 500 and logs it.
    log(decisionEvent(outcome, response?.status ?? 500, context, progress, Date.now() - startedAt));
  }
}

/** Who is calling: guard, credential, principal. Does not check what the caller may do. */
export async function identify(
  request: Request,
  url: URL,
  context: Context,
  progress: Progress,
): Promise<Principal | Denial> {
  const { config, verifyAccessToken } = context.deployment;
  const forbidden = checkOrigin(request, url, config);
  if (forbidden) return forbidden;
  const credential = readCredential(request.headers, url, config);
  if (isDenial(credential)) return credential;
  const principal = await verifyAccessToken(credential.credential, context);
  if (!isDenial(principal)) progress.principal = principal;
  return principal;
}

async function decide(request: Request, url: URL, context: Context, progress: Progress): Promise<Outcome> {
  const { config, catalogue, policy } = context.deployment;
  const principal = await identify(request, url, context, progress);
  if (isDenial(principal)) return principal;

  // From here on the caller is known. Other methods get their 405 only now, so that every client finds the issuer.
  if (request.method !== 'POST') return sessionRequest(request, principal, context);

  const message = await readMessage(request, config);
  if (isFailure(message)) return message;
  progress.message = message;

  const isLegacy = eraOf(message, request.headers.get('mcp-protocol-version')) === 'legacy';
  progress.isLegacy = isLegacy;
  if (!isLegacy && message.kind === 'request') {
    const mismatch = checkHeaders(request.headers, message, catalogue);
    if (mismatch) return mismatch;
  }

  const refused = authorize(principal, requirementOf(message, catalogue), policy);
  if (refused) return refused;

  if (isLegacy) return callSession('POST', request, principal, context, message);
  // The modern era defines no notification from clients over HTTP: one is accepted and has no effect.
  if (message.kind !== 'request') return new Response(null, { status: 202 });
  const answer = await handleModern(message, modernContext(principal, request, context));
  if (isFailure(answer)) return answer;
  return isStream(answer) ? events(answer.stream) : jsonText(answer.json);
}

function modernContext(principal: Principal, request: Request, context: Context): ModernContext {
  const { env, requestId, waitUntil, now } = context;
  const { config, catalogue, policy, sealer } = context.deployment;
  const session = () => clientSession(env, principal, config);
  return {
    config,
    catalogue,
    principal,
    sealer,
    now: now(),
    base: {
      principal,
      permissions: rightsOf(principal, policy).permissions,
      env,
      requestId,
      signal: request.signal,
      waitUntil,
      session: createSessionState(session),
      notify: createNotifier(env, config),
    },
    isReachable: (requirement) => authorize(principal, requirement, policy)?.reason !== 'permission_missing',
    mayUse: (requirement) => authorize(principal, requirement, policy) === undefined,
    mayStay: () => now() < principal.expiresAt,
    open: (topics) => openTopics(env, topics, config),
    consume: async (nonce, expiresAt) => session().useNonce(nonce, expiresAt),
    report: (event) => log({ ...event, requestId }),
  };
}

/** GET and DELETE exist only for a session of the older era. */
async function sessionRequest(request: Request, principal: Principal, context: Context): Promise<Outcome> {
  const { method, headers } = request;
  if ((method !== 'GET' && method !== 'DELETE') || !headers.has('mcp-session-id')) {
    return json(405, { error: 'method_not_allowed' }, { allow: 'POST, GET, DELETE, OPTIONS' });
  }
  return callSession(method, request, principal, context);
}

/** One call of the caller's ClientSession; it gets a principal and never the token. */
async function callSession(
  httpMethod: 'GET' | 'POST' | 'DELETE',
  { headers }: Request,
  principal: Principal,
  { env, requestId, deployment: { config, policy } }: Context,
  message?: Message,
): Promise<Outcome> {
  const request: LegacyRequest = {
    httpMethod,
    ...(message === undefined ? {} : { message }),
    sessionId: headers.get('mcp-session-id'),
    protocolVersion: headers.get('mcp-protocol-version'),
    lastEventId: headers.get('last-event-id'),
    principal,
    permissions: [...rightsOf(principal, policy).permissions],
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
  return jsonText(answer.json, answer.sessionId === undefined ? {} : { 'mcp-session-id': answer.sessionId });
}

function toResponse(
  outcome: Outcome,
  request: Request,
  context: Context,
  { message, isLegacy }: Progress,
): Response {
  if (outcome instanceof Response) return addCors(outcome, request);
  if (isFailure(outcome)) return addCors(rpcFailure(outcome), request);
  const response = denialResponse(
    outcome,
    context.deployment,
    message?.kind === 'request' ? message : undefined,
    isLegacy,
  );
  const isForbidden = outcome.reason === 'host_forbidden' || outcome.reason === 'origin_forbidden';
  return isForbidden ? response : addCors(response, request);
}

function decisionEvent(
  outcome: Outcome | undefined,
  status: number,
  { requestId, deployment }: Context,
  { principal, message }: Progress,
  latencyMs: number,
): DecisionEvent {
  const { method, params } =
    message?.kind === 'response' || message === undefined
      ? { method: undefined, params: undefined }
      : message;
  return {
    event: 'decision',
    requestId,
    ...verdict(outcome),
    status,
    issuer: principal?.issuer,
    subject: principal?.subject,
    clientId: principal?.clientId,
    tokenId: principal?.tokenId,
    method: method === undefined || METHOD_NAME.test(method) ? method : 'unknown',
    tool:
      method === 'tools/call'
        ? (deployment.catalogue.toolByName.get(params?.name as string)?.name ?? 'unknown')
        : undefined,
    latencyMs,
  };
}

/** Callers can send any text as a method, a token by mistake: what does not look like a method is not written down. */
const METHOD_NAME = /^[a-zA-Z]{1,32}(?:\/[a-zA-Z_]{1,32}){0,2}$/;

type Verdict = Pick<
  DecisionEvent,
  'decision' | 'reason' | 'detail' | 'requiredScopes' | 'missingScopes' | 'missingPermissions'
>;

function verdict(outcome: Outcome | undefined): Verdict {
  if (outcome === undefined) return { decision: 'deny', reason: 'internal_error' };
  if (outcome instanceof Response)
    return outcome.ok
      ? { decision: 'allow' }
      : { decision: 'deny', reason: 'protocol', detail: String(outcome.status) };
  if (isFailure(outcome)) return { decision: 'deny', reason: 'protocol', detail: String(outcome.code) };
  return { decision: 'deny', ...outcome };
}
