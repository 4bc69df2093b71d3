// ONE REQUEST to the MCP endpoint, top to bottom: the steps stand in `decide` in their order, every leaf returns to it.
//
// guard -> credential -> principal -> policy -> caller -> message -> era -> authorization -> method (here, or in the
// caller's ClientSession for the older era) -> answer.
// Whatever the outcome, it becomes a response in one place and exactly one decision event is written.

import { argumentsMac } from '../audit/arguments-mac.ts';
import { appEnv } from '../bindings.ts';
import type { Context } from '../context.ts';
import { isDenial } from '../denial.ts';
import { describeError, log } from '../log.ts';
import { clientSession } from '../objects.ts';
import { authorize, type Requirement } from '../policy/authorize.ts';
import { type Caller, isSessionRevoked, shadowDenial } from '../policy/caller.ts';
import type { CallRecord } from '../protocol/call-record.ts';
import { eraOf } from '../protocol/era.ts';
import { checkHeaders, contradiction } from '../protocol/headers.ts';
import { failure, INVALID_REQUEST, isFailure, type Message, readMessage } from '../protocol/message.ts';
import { handleModern, isStream, type ModernContext } from '../protocol/modern.ts';
import { requirementOf } from '../protocol/requirement.ts';
import type { LegacyAnswer, LegacyRequest } from '../sessions/client-session.ts';
import { createNotifier, openTopics } from '../sessions/notifications.ts';
import { createSessionState } from '../sessions/state.ts';
import { events, json, jsonText } from './answer.ts';
import { identify, readmit, standingNow } from './gate.ts';
import { answered, callEnded, type Outcome, type Progress, recordEnd } from './outcome.ts';

export function mcpEndpoint(request: Request, url: Readonly<URL>, context: Context): Promise<Response> {
  return answered(request, context, (progress) => decide(request, url, context, progress));
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
  if (request.method !== 'POST') return sessionRequest(request, admitted, context, progress);

  const message = await readMessage(request, config);
  if (isFailure(message)) return message;
  progress.message = message;

  const isLegacy = eraOf(message, request.headers) === 'legacy';
  progress.isLegacy = isLegacy;
  const mismatch =
    !isLegacy && message.kind === 'request'
      ? checkHeaders(request.headers, message, catalogue)
      : contradiction(request.headers, message, catalogue);
  if (mismatch) return mismatch;

  const isAllowed = (needed: Requirement) => authorize(admitted.rights, needed) === undefined;
  const requirement = requirementOf(message, catalogue, isAllowed);
  const isStrict = requirement.freshness === 'strict';
  const caller = isStrict
    ? await readmit(admitted.principal, admitted, requirement, context, progress)
    : (authorize(admitted.rights, requirement) ?? admitted);
  if (isDenial(caller)) return caller;
  progress.shadow = shadowDenial(caller, requirement);
  if ('auditArguments' in requirement && requirement.auditArguments && message.kind === 'request')
    progress.argumentsMac = await argumentsMac(message.params.arguments, config);

  if (isLegacy)
    return callSession('POST', request, caller, context, progress, { message, isCurrent: isStrict });
  // The modern era defines no notification from clients over HTTP: one is accepted and has no effect.
  if (message.kind !== 'request') return new Response(null, { status: 202 });
  const answer = await handleModern(message, modernContext(caller, requirement, request, context, progress));
  if (isFailure(answer) || isDenial(answer)) return answer;
  return isStream(answer) ? events(answer.stream) : jsonText(answer.json);
}

function modernContext(
  { principal, rights }: Caller,
  requirement: Requirement,
  request: Request,
  context: Context,
  progress: Progress,
): ModernContext {
  const { env, requestId, waitUntil, now } = context;
  const record: CallRecord = {};
  progress.call = record;
  const { config, catalogue, sealer, inProgress } = context.deployment;
  const session = () => clientSession(env, principal, config);
  return {
    config,
    catalogue,
    principal,
    sealer,
    record,
    onCallEnd: (outcome) => recordEnd(outcome, request, context, progress),
    now: now(),
    hangUp: () => request.signal,
    base: {
      principal,
      permissions: rights.permissions,
      env: appEnv(env, config),
      requestId,
      waitUntil,
      session: () => createSessionState(session, principal),
      notify: () => createNotifier(env, config),
    },
    viewer: rights,
    isReachable: (requirement) => authorize(rights, requirement)?.reason !== 'permission_missing',
    mayUse: (requirement) => authorize(rights, requirement) === undefined,
    standing: () => standingNow(principal, requirement, context),
    isCurrent: () => now() < principal.expiresAt,
    isFull: () => inProgress.isFull(principal),
    begin: (isStream) => inProgress.begin(principal, isStream),
    open: (topics) => openTopics(env, topics, principal, config),
    consume: async (nonce, expiresAt) => session().useNonce(nonce, expiresAt),
    report: (event) => log({ ...event, requestId }),
  };
}

/** GET and DELETE exist only for a session of the older era. */
async function sessionRequest(
  request: Request,
  caller: Caller,
  context: Context,
  progress: Progress,
): Promise<Outcome> {
  const { method, headers } = request;
  const isOfSession = method === 'DELETE' || (method === 'GET' && mayConnect(headers, context));
  if (!isOfSession || !headers.has('mcp-session-id')) {
    return json(405, { error: 'method_not_allowed' }, { allow: 'POST, GET, DELETE, OPTIONS' });
  }
  return callSession(method, request, caller, context, progress);
}

/** Stream 0 of a session is the one for listening; the others are of calls, and may always be resumed. */
const mayConnect = (headers: Headers, { deployment: { config } }: Context): boolean =>
  config.sessionListening || /^[1-9]/.test(headers.get('last-event-id') ?? '');

const isToolCall = (message: Message | undefined): boolean =>
  message?.kind === 'request' && message.method === 'tools/call';

/** One call of the caller's ClientSession; it gets a principal and its rights, and never the token. */
async function callSession(
  httpMethod: 'GET' | 'POST' | 'DELETE',
  http: Request,
  { principal, policy, rights }: Caller,
  context: Context,
  progress: Progress,
  { message, isCurrent = false }: { readonly message?: Message; readonly isCurrent?: boolean } = {},
): Promise<Outcome> {
  const { headers } = http;
  const { env, requestId } = context;
  const { config } = context.deployment;
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
    ...(isToolCall(message) ? { ended: callEnded(http, context, progress) } : {}),
    sessionId,
    protocolVersion: headers.get('mcp-protocol-version'),
    lastEventId: headers.get('last-event-id'),
    principal,
    rights: { scopes: [...rights.scopes], permissions: [...rights.permissions] },
    isCurrent,
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
  if (answer.call) progress.call = answer.call;
  if ('emptyStatus' in answer) return new Response(null, { status: answer.emptyStatus });
  if ('stream' in answer) return events(answer.stream);
  if (isFailure(answer) || isDenial(answer)) return answer;
  return jsonText(
    answer.json,
    answer.sessionId === undefined ? undefined : { 'mcp-session-id': answer.sessionId },
  );
}
