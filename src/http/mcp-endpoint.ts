// ONE REQUEST to the MCP endpoint, top to bottom: the steps stand in `decide` in their order, every leaf returns to it.
//
// guard -> credential -> principal -> message -> era and headers -> authorization -> method -> answer.
// Whatever the outcome, it becomes a response in one place and exactly one decision event is written.

import { readCredential } from '../auth/bearer.ts';
import type { Principal } from '../auth/principal.ts';
import type { Context } from '../context.ts';
import { type Denial, isDenial } from '../denial.ts';
import { type DecisionEvent, log } from '../log.ts';
import { authorize, rightsOf } from '../policy/authorize.ts';
import { eraOf, legacyVersionOf } from '../protocol/era.ts';
import { checkHeaders, unsupportedVersion } from '../protocol/headers.ts';
import { type Failure, isFailure, type Message, readMessage } from '../protocol/message.ts';
import type { MethodContext } from '../protocol/methods/method.ts';
import { handleModern } from '../protocol/modern.ts';
import { requirementOf } from '../protocol/requirement.ts';
import { json, rpcFailure, rpcResult } from './answer.ts';
import { denialResponse } from './denial-response.ts';
import { addCors, checkOrigin } from './origin.ts';

/** How far a request got: what its decision event tells. */
interface Progress {
  principal?: Principal;
  message?: Message;
}

type Outcome = Response | Denial | Failure;

export async function mcpEndpoint(request: Request, url: URL, context: Context): Promise<Response> {
  const startedAt = Date.now();
  const progress: Progress = {};
  let outcome: Outcome | undefined;
  let response: Response | undefined;
  try {
    outcome = await decide(request, url, context, progress);
    response = toResponse(outcome, request, context, progress);
    return response;
  } finally {
    // Without an outcome there was an exception: the router answers 500 and logs it.
    log(decisionEvent(outcome, response?.status ?? 500, context, progress, Date.now() - startedAt));
  }
}

async function decide(request: Request, url: URL, context: Context, progress: Progress): Promise<Outcome> {
  const { config, catalogue, policy, verifyAccessToken } = context.deployment;

  const forbidden = checkOrigin(request, url, config);
  if (forbidden) return forbidden;

  const credential = readCredential(request.headers, url, config);
  if (isDenial(credential)) return credential;
  const principal = await verifyAccessToken(credential.credential, context);
  if (isDenial(principal)) return principal;
  progress.principal = principal;

  // From here on the caller is known. Other methods get their 405 only now, so that every client finds the issuer.
  if (request.method !== 'POST')
    return json(405, { error: 'method_not_allowed' }, { allow: 'POST, OPTIONS' });

  const message = await readMessage(request, config);
  if (isFailure(message)) return message;
  progress.message = message;

  const version = request.headers.get('mcp-protocol-version');
  const id = message.kind === 'request' ? message.id : undefined;
  if (eraOf(message, version) === 'legacy') return unsupportedVersion(legacyVersionOf(message, version), id);
  // This revision defines no notification from clients over HTTP: one is accepted and has no effect.
  if (message.kind === 'notification') return new Response(null, { status: 202 });
  const mismatch = checkHeaders(request.headers, message);
  if (mismatch) return mismatch;

  const refused = authorize(principal, requirementOf(message, catalogue), policy);
  if (refused) return refused;

  const result = await handleModern(message, methodContext(principal, request, context));
  return isFailure(result) ? result : rpcResult(message.id, result);
}

function methodContext(principal: Principal, request: Request, context: Context): MethodContext {
  const { env, requestId, waitUntil } = context;
  const { config, catalogue, policy } = context.deployment;
  return {
    config,
    catalogue,
    isReachable: (requirement) => authorize(principal, requirement, policy)?.reason !== 'permission_missing',
    tool: {
      principal,
      permissions: rightsOf(principal, policy).permissions,
      env,
      requestId,
      signal: request.signal,
      waitUntil,
    },
    report: (event) => log({ ...event, requestId }),
  };
}

function toResponse(outcome: Outcome, request: Request, context: Context, { message }: Progress): Response {
  if (outcome instanceof Response) return addCors(outcome, request);
  if (isFailure(outcome)) return addCors(rpcFailure(outcome), request);
  const response = denialResponse(
    outcome,
    context.deployment,
    message?.kind === 'request' ? message.id : undefined,
  );
  const isForbidden = outcome.reason === 'host_forbidden' || outcome.reason === 'origin_forbidden';
  return isForbidden ? response : addCors(response, request);
}

function decisionEvent(
  outcome: Outcome | undefined,
  status: number,
  { requestId }: Context,
  { principal, message }: Progress,
  latencyMs: number,
): DecisionEvent {
  return {
    event: 'decision',
    requestId,
    ...verdict(outcome),
    status,
    issuer: principal?.issuer,
    subject: principal?.subject,
    clientId: principal?.clientId,
    tokenId: principal?.tokenId,
    method: message?.method.slice(0, 128),
    tool: message?.method === 'tools/call' ? toolName(message) : undefined,
    latencyMs,
  };
}

/** Only text: String() of an object from a message can throw, and then there would be no decision event. */
function toolName({ params: { name } }: Message): string | undefined {
  return typeof name === 'string' ? name.slice(0, 128) : undefined;
}

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
