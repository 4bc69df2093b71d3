// What became of a request: its one response, and its one decision event; and of a tool call that goes on after it, how it
// ended.

import { type AuditIo, type Outline, REFUSED_BY_TOOL } from '../audit/audit.ts';
import { placeOf, traceIdOf } from '../audit/trace.ts';
import type { Actor, Principal } from '../auth/principal.ts';
import type { Context } from '../context.ts';
import type { Denial } from '../denial.ts';
import type { CallEnded, CallOutcome, DecisionEvent } from '../log.ts';
import { decisionLog, policyRegistry } from '../objects.ts';
import type { Policy } from '../policy/snapshot.ts';
import type { CallRecord } from '../protocol/call-record.ts';
import type { Catalogue } from '../protocol/catalogue.ts';
import { type Failure, isFailure, type Message } from '../protocol/message.ts';
import { rpcFailure } from './answer.ts';
import { denialResponse } from './denial-response.ts';
import { addCors } from './origin.ts';

/** How far a request got: what its decision event tells. */
export interface Progress {
  /** Epoch milliseconds. */
  readonly startedAt: number;
  principal?: Principal;
  /** As the audit has it. */
  subject?: string | undefined;
  act?: Actor | undefined;
  policy?: Policy;
  message?: Message;
  call?: CallRecord;
  argumentsMac?: string | undefined;
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
  const progress: Progress = { startedAt: Date.now() };
  let outcome: Outcome | undefined;
  let response: Response | undefined;
  try {
    outcome = await decideOn(progress);
    response = toResponse(outcome, context, progress);
    return response;
  } finally {
    // Without an outcome there was an exception: the router answers 500 and logs it.
    const status = response?.status ?? 500;
    const { principal, shadow, call, startedAt } = progress;
    const isRefused = call?.outcome === 'refused';
    const outline: Outline = {
      decision: isAllowed(outcome) && !isRefused ? 'allow' : 'deny',
      principalKind: principal?.kind,
      shadow: shadow && { missingPermissions: shadow },
    };
    const latencyMs = Date.now() - startedAt;
    const reasons = isRefused ? REFUSED_BY_TOOL : reasonsOf(outcome);
    const describe = (): DecisionEvent => ({
      event: 'decision',
      ...decided(outline, reasons, status, request, context, progress),
      latencyMs,
    });
    context.deployment.audit.record(outline, describe, auditIo(context));
  }
}

const auditIo = ({ env, waitUntil, deployment: { config } }: Context): AuditIo => ({
  env,
  waitUntil,
  decisionLog: () => decisionLog(env, config),
  noteKeyUse: (uses) => policyRegistry(env, config).noteKeyUse(uses),
});

/** The end of a tool call that goes on after its response, but for what only its end can tell. */
export function callEnded(request: Request, context: Context, progress: Progress): CallEnded {
  const outline: Outline = { decision: 'allow', principalKind: progress.principal?.kind, shadow: undefined };
  return { event: 'call_ended', ...decided(outline, {}, 200, request, context, progress), latencyMs: 0 };
}

/** Writes the end of a call of this era, which ends where it began. */
export function recordEnd(
  outcome: CallOutcome | undefined,
  request: Request,
  context: Context,
  progress: Progress,
): void {
  const end = { outcome, callId: progress.call?.callId, latencyMs: Date.now() - progress.startedAt };
  context.deployment.audit.recordEnd(callEnded(request, context, progress), end, auditIo(context));
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

function decided(
  { decision, principalKind, shadow }: Outline,
  reasons: Reasons,
  status: number,
  request: Request,
  { requestId, deployment, env }: Context,
  progress: Progress,
): Omit<DecisionEvent, 'event' | 'latencyMs'> {
  const { principal, subject, act, policy, message, call, argumentsMac, isLegacy, isBehind, operation } =
    progress;
  const { method, params } =
    message?.kind === 'response' || message === undefined
      ? { method: undefined, params: undefined }
      : message;
  return {
    requestId,
    traceId: traceIdOf(request.headers, message?.kind === 'request' ? message.meta : undefined),
    decision,
    ...reasons,
    status,
    issuer: principal?.issuer,
    subject,
    clientId: principal?.clientId,
    tenant: principal?.tenant,
    tokenId: principal?.tokenId,
    act,
    principalKind,
    operation,
    method: method === undefined || METHOD_NAME.test(method) ? method : 'unknown',
    tool: method === 'tools/call' ? toolOf(params?.name, deployment.catalogue, isBehind) : call?.tool,
    outcome: call?.outcome,
    callId: call?.callId,
    argumentsMac,
    era: isLegacy === undefined ? undefined : isLegacy ? 'legacy' : 'modern',
    policyVersion: policy?.version,
    version: env.CF_VERSION_METADATA?.id,
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
