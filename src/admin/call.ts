// One call of the operators' API: what its handler gets, and how a change is made and answered.
//
// Every change goes through `change`: a reason, an idempotency key, an event for the audit, and an answer that says when it
// is in force.

import type { Context } from '../context.ts';
import { sha256 } from '../hash.ts';
import { policyRegistry } from '../objects.ts';
import type { Caller } from '../policy/caller.ts';
import type { Change, ChangeOutcome } from '../policy/change.ts';
import type { RegistryApi } from '../policy/policy-registry.ts';
import { type Input, Refusal, reasonOf } from './inputs.ts';
import { authorOf, permissionsOf } from './operator.ts';
import { tellChange } from './telling.ts';

export interface Call {
  readonly request: Request;
  readonly url: URL;
  /** Of the path. */
  readonly params: Readonly<Record<string, string>>;
  readonly operator: Caller;
  readonly context: Context;
  readonly registry: RegistryApi;
}

/** A handler's answer; `body` becomes JSON. */
export interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
}

export const createCall = (
  request: Request,
  url: URL,
  params: Readonly<Record<string, string>>,
  operator: Caller,
  context: Context,
): Call => ({
  request,
  url,
  params,
  operator,
  context,
  registry: policyRegistry(context.env, context.deployment.config),
});

export const ok = (body: Readonly<Record<string, unknown>>): Answer => ({ status: 200, body });

/** Publishing takes up to this: KV takes one write a second. */
const PUBLISH_SECONDS = 2;
/** How long KV says that a write may take to be seen everywhere. */
const KV_SECONDS = 60;

/** When a change is in force, at worst, while KV and the registry work. */
export function inForceWithin({ context }: Pick<Call, 'context'>) {
  const { policyFreshSeconds, streamRecheckSeconds } = context.deployment.config;
  return {
    strictTools: 0,
    openStreams: 2 * streamRecheckSeconds,
    requests: PUBLISH_SECONDS + KV_SECONDS + policyFreshSeconds,
  };
}

const PROBLEM_STATUS: Readonly<Record<Extract<ChangeOutcome, { isDone: false }>['problem'], number>> = {
  not_found: 404,
  conflict: 409,
  precondition_failed: 412,
  invalid_role: 422,
  unknown_role: 422,
  idempotency_mismatch: 422,
  forbidden: 403,
  rate_limited: 429,
};

/** Makes a change. `text` is the body, which tells a repeated request from another one. @throws {Refusal} */
export async function change(
  call: Call,
  wanted: Change,
  input: Input,
  text: string,
): Promise<Extract<ChangeOutcome, { isDone: true }>> {
  const { request, url, operator, registry, context } = call;
  const key = request.headers.get('idempotency-key');
  if (key !== null && !/^[\w-]{1,128}$/.test(key))
    throw new Refusal(400, 'invalid_request', 'Idempotency-Key must be 1 to 128 of A-Z a-z 0-9 _ -');
  const match = request.headers.get('if-match') ?? '';
  const fingerprint = await sha256(`${request.method} ${url.pathname}${url.search}\n${match}\n${text}`);
  const outcome = await registry.change(wanted, {
    operator: authorOf(operator.principal),
    may: permissionsOf(operator, context.deployment.config),
    reason: reasonOf(input),
    ...(key === null ? {} : { idempotency: { key, fingerprint } }),
  });
  if (outcome.isDone) {
    await tellChange(wanted.action, outcome, operator, context);
    return outcome;
  }
  const { problem, detail, more } = outcome;
  throw new Refusal(PROBLEM_STATUS[problem], problem, detail, more);
}

/** The answer to a change that was made. */
export function changed(
  call: Call,
  outcome: Extract<ChangeOutcome, { isDone: true }>,
  {
    status = 200,
    more = {},
    headers = {},
    warnings = [],
  }: {
    status?: number;
    more?: Readonly<Record<string, unknown>>;
    headers?: Readonly<Record<string, string>>;
    warnings?: readonly string[];
  } = {},
): Answer {
  const { version, result, isReplayed, failingSince } = outcome;
  return {
    status,
    headers: { ...headers, ...(isReplayed ? { 'idempotency-replayed': 'true' } : {}) },
    body: {
      ...result,
      ...more,
      version,
      inForceWithinSeconds: inForceWithin(call),
      publishing: failingSince === null ? 'pending' : 'failing',
      ...(warnings.length > 0 ? { warnings } : {}),
    },
  };
}
