// What became of a request: its one response, and its one decision event.

import type { Outline } from '../audit/audit.ts';
import { placeOf, traceIdOf } from '../audit/trace.ts';
import type { Principal } from '../auth/principal.ts';
import type { Context } from '../context.ts';
import type { Denial } from '../denial.ts';
import type { DecisionEvent } from '../log.ts';
import { decisionLog, policyRegistry } from '../objects.ts';
import type { Policy } from '../policy/snapshot.ts';
import type { Catalogue } from '../protocol/catalogue.ts';
import { type Failure, isFailure, type Message } from '../protocol/message.ts';
import { rpcFailure } from './answer.ts';
import { denialResponse } from './denial-response.ts';
import { addCors } from './origin.ts';

/** How far a request got: what its decision event tells. */
export interface Progress {
  principal?: Principal;
  /** As the audit has it. */
  subject?: string | undefined;
  policy?: Policy;
  message?: Message;
  isLegacy?: boolean;
  /** It is for a server behind the gate, which has tools of its own and no results of ours. */
  isBehind?: boolean;
  /** Of the operators' API. */
  operation?: string;
  /** What a role change on trial would have refused. */
  shadow?: readonly string[] | undefined;
}

export type Outcome = Response | Denial | Failure;

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

function toResponse(outcome: Outcome, context: Context, { message, isLegacy, isBehind }: Progress): Response {
  const { origin } = context;
  if (outcome instanceof Response) return addCors(outcome, origin);
  if (isFailure(outcome)) return addCors(rpcFailure(outcome), origin);
  const response = denialResponse(
    outcome,
    context.deployment,
    message?.kind === 'request' && !isBehind ? message : undefined,
    isLegacy,
  );
  return NOT_FOR_PAGES.has(outcome.reason) ? response : addCors(response, origin);
}

/** Refused by checkOrigin: whether the origin is allowed is then not known, or it is not. */
const NOT_FOR_PAGES: ReadonlySet<Denial['reason']> = new Set([
  'host_forbidden',
  'insecure_transport',
  'origin_forbidden',
]);

const isAllowed = (outcome: Outcome | undefined): boolean => outcome instanceof Response && outcome.ok;

function decisionEvent(
  { decision, principalKind, shadow }: Outline,
  outcome: Outcome | undefined,
  status: number,
  request: Request,
  { requestId, deployment }: Context,
  { principal, subject, policy, message, isLegacy, isBehind, operation }: Progress,
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
    tool: method === 'tools/call' ? toolOf(params?.name, deployment.catalogue, isBehind) : undefined,
    era: isLegacy === undefined ? undefined : isLegacy ? 'legacy' : 'modern',
    policyVersion: policy?.version,
    shadow,
    ...placeOf(request),
  };
}

/** Callers can send any text as a method, a token by mistake: what does not look like a method is not written down. */
const METHOD_NAME = /^[a-zA-Z]{1,32}(?:\/[a-zA-Z_]{1,32}){0,2}$/;

/** The tools of a server behind the gate are not known here: what looks like a name is one, unless it looks like a credential. */
const TOOL_NAME = /^(?!mcpk_|eyJ)[a-zA-Z][\w./-]{0,63}$/;

function toolOf(name: unknown, { toolByName }: Pick<Catalogue, 'toolByName'>, isBehind = false): string {
  if (typeof name !== 'string') return 'unknown';
  return isBehind && TOOL_NAME.test(name) ? name : (toolByName.get(name)?.name ?? 'unknown');
}

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
