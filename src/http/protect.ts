// The same gate in front of somebody else's MCP server: for a fork that has one already, from the official SDK.
//
// Authenticates, checks what the endpoint as a whole needs, and hands the request on with who is calling. What a single
// tool needs is then up to that server; a challenge of its own for more scopes becomes one of this resource.
// What holds at the endpoint holds here: a body is bounded and read once, headers agree with it, what is going on ends
// when its caller may not have it any more, and there is not too much of it.
// No credential is handed on: not Authorization, not the headers of `tokenSource`, not cookies (a proxy that signs people
// in keeps its own there), and no other header that has the token in it as it is. MCP forbids passing tokens to anything
// else. Does not look for a token that somebody has encoded once more.
// Does not know that server's tools, and does not look at what it answers.

import { readCredential } from '../auth/bearer.ts';
import type { Principal } from '../auth/principal.ts';
import { type AppEnv, appEnv } from '../bindings.ts';
import type { Context } from '../context.ts';
import { type Denial, isDenial } from '../denial.ts';
import { authorize, type Requirement, rolesOf } from '../policy/authorize.ts';
import { type Caller, isSessionRevoked, shadowDenial } from '../policy/caller.ts';
import { checkFunction, checkMembers, checkRequirement, failing } from '../protocol/definition.ts';
import { eraOf } from '../protocol/era.ts';
import { contradiction } from '../protocol/headers.ts';
import { failure, INVALID_REQUEST, isFailure, readMessageText } from '../protocol/message.ts';
import { watch } from '../protocol/sse.ts';
import { SCOPE_TOKEN } from '../shapes.ts';
import { json } from './answer.ts';
import { identify, readmit, standingNow } from './gate.ts';
import { answered, type Outcome, type Progress } from './outcome.ts';
import type { Endpoint } from './router.ts';

/** What the server behind the gate gets besides the request. */
export interface Protected {
  readonly principal: Principal;
  /** All the caller's permissions: those of its roles, also of roles that operators gave, and those in the token. */
  readonly permissions: ReadonlySet<string>;
  /** The Worker's bindings and variables, without those of the kit. */
  readonly env: AppEnv;
  readonly requestId: string;
  waitUntil(promise: Promise<unknown>): void;
  /**
   * The caller as the official SDK wants it: `{ authInfo }` is the second argument of its handlers. The token is empty;
   * scopes have those that they imply. `extra`: issuer, subject, tenant, roles, permissions, tokenId.
   */
  readonly authInfo: {
    token: string;
    clientId: string;
    scopes: string[];
    expiresAt: number;
    resource: URL;
    extra: Record<string, unknown>;
  };
}

/** A server that stands behind the gate, and what every request to it needs. */
export interface Behind extends Requirement {
  handle(request: Request, caller: Protected): Response | Promise<Response>;
}

const MEMBERS = ['scopes', 'permissions', 'freshness', 'handle'];

/** What stands in `behind` of createServer: imported only by who uses it, so that nobody else deploys it. */
export interface Protection {
  readonly endpoint: Endpoint;
}

/** @throws {Error} naming what is wrong with the definition */
export function protect(behind: Behind): Protection {
  const fail = failing('protect', 'behind');
  checkMembers(behind, MEMBERS, fail);
  checkFunction(behind.handle, 'handle', fail);
  const requirement = checkRequirement(behind, fail);
  const endpoint: Endpoint = (request, url, context) =>
    answered(request, context, (progress) => decide(request, url, context, progress, requirement, behind));
  return { endpoint };
}

async function decide(
  request: Request,
  url: Readonly<URL>,
  context: Context,
  progress: Progress,
  requirement: Required<Requirement>,
  { handle }: Behind,
): Promise<Outcome> {
  const { config, inProgress } = context.deployment;
  progress.isBehind = true;
  const admitted = await identify(request, url, context, progress);
  if (isDenial(admitted)) return admitted;
  const read = readCredential(request.headers, url, config);
  if (isDenial(read)) return read;
  const { method } = request;
  if (method !== 'POST' && method !== 'GET' && method !== 'DELETE')
    return json(405, { error: 'method_not_allowed' }, { allow: 'POST, GET, DELETE, OPTIONS' });

  const body = method === 'POST' ? await readMessageText(request, config) : undefined;
  if (body && isFailure(body)) return body;
  if (body) {
    progress.message = body.message;
    progress.isLegacy = eraOf(body.message, request.headers) === 'legacy';
    const mismatch = contradiction(request.headers, body.message, context.deployment.catalogue);
    if (mismatch) return mismatch;
  }
  const caller =
    requirement.freshness === 'strict'
      ? await readmit(admitted.principal, admitted, requirement, context, progress)
      : (authorize(admitted.rights, requirement) ?? admitted);
  if (isDenial(caller)) return caller;
  progress.shadow = shadowDenial(caller, requirement);
  const sessionId = request.headers.get('mcp-session-id');
  if (sessionId !== null && (await isSessionRevoked(sessionId, caller.policy)))
    return failure(404, INVALID_REQUEST, 'There is no such session; initialize a new one');

  const entry = inProgress.begin(caller.principal, method === 'GET');
  if (!entry) return { reason: 'rate_limited', retryAfterSeconds: 5 };
  return attended(
    (signal) =>
      handle(handedOn(request, read.credential, body?.text, signal, context), handedOver(caller, context)),
    { request, caller, requirement, sessionId, context, entry },
  );
}

/** The request without anything that is, or has in it, the caller's credential. */
function handedOn(
  request: Request,
  credential: string,
  body: string | undefined,
  signal: AbortSignal,
  context: Context,
): Request {
  const headers = new Headers(request.headers);
  const { authorizationServers } = context.deployment.config;
  const sources = authorizationServers.flatMap(({ tokenHeader }) => tokenHeader ?? []);
  for (const name of ['authorization', ...sources, ...NEVER_HANDED_ON]) headers.delete(name);
  // Proxies make copies of it. What else a caller calls a credential must not decide which headers go.
  for (const [name, value] of [...headers]) if (value.includes(credential)) headers.delete(name);
  return new Request(request.url, {
    method: request.method,
    headers,
    signal,
    ...(body === undefined ? {} : { body }),
  });
}

/** Cookies may be credentials; a socket could not be ended; the body's length is set anew. */
const NEVER_HANDED_ON = ['cookie', 'proxy-authorization', 'upgrade', 'content-length'];

function handedOver({ principal, assigned, policy, rights }: Caller, context: Context): Protected {
  const { env, requestId, waitUntil, deployment } = context;
  const { issuer, subject, tenant, clientId = '', tokenId, expiresAt } = principal;
  const permissions = [...rights.permissions];
  const roles = [...new Set(rolesOf(principal, assigned, policy))];
  return {
    principal,
    permissions: new Set(permissions),
    env: appEnv(env, deployment.config),
    requestId,
    waitUntil,
    authInfo: {
      token: '',
      clientId,
      scopes: [...rights.scopes],
      expiresAt,
      resource: new URL(deployment.config.resource),
      extra: { issuer, subject, ...(tenant === undefined ? {} : { tenant }), roles, permissions, tokenId },
    },
  };
}

interface Attendance {
  readonly request: Request;
  readonly caller: Caller;
  readonly requirement: Requirement;
  /** Of that server's own, in the older era. */
  readonly sessionId: string | null;
  readonly context: Context;
  readonly entry: { beat(): void; end(): void };
}

/**
 * Runs the server for as long as its caller may have it run: until the end of its answer's body. When that is over early,
 * the request's signal says so, and whoever waits gets the reason.
 */
async function attended(
  run: (signal: AbortSignal) => Response | Promise<Response>,
  { request, caller: { principal, rights }, requirement, sessionId, context, entry }: Attendance,
): Promise<Outcome> {
  const { streamRecheckSeconds, streamMaxAgeSeconds } = context.deployment.config;
  const cancellation = new AbortController();
  const refused = Promise.withResolvers<Denial>();
  const startedAt = context.now();
  let endBody: (() => void) | undefined;
  let denial: Denial = { reason: 'policy_unavailable', detail: 'exception', retryAfterSeconds: 5 };

  const mayGoOn = async (): Promise<boolean> => {
    entry.beat();
    const now = context.now();
    if (endBody && (now >= principal.expiresAt || now - startedAt >= streamMaxAgeSeconds)) return false;
    const standing = await standingNow(principal, requirement, context);
    if (isDenial(standing)) denial = standing;
    else if (sessionId !== null && (await isSessionRevoked(sessionId, standing.policy)))
      denial = { reason: 'token_revoked', detail: 'session' };
    else return true;
    return false;
  };
  const stopWatching = watch(streamRecheckSeconds, mayGoOn, () => {
    cancellation.abort();
    refused.resolve(denial);
    endBody?.();
  });
  const finish = () => {
    stopWatching();
    entry.end();
  };

  try {
    const running = Promise.resolve(run(AbortSignal.any([request.signal, cancellation.signal])));
    const answer = await Promise.race([running, refused.promise]);
    const outcome = answer instanceof Response ? (scopesAskedFor(answer, rights.scopes) ?? answer) : answer;
    // Nobody reads an answer that came too late, or that is told in other words.
    if (!(outcome instanceof Response)) running.then(({ body }) => body?.cancel()).catch(() => {});
    if (!(outcome instanceof Response) || outcome.body === null) {
      finish();
      return outcome instanceof Response ? rebuilt(outcome, null) : outcome;
    }
    const { readable, end } = attendedBody(outcome, finish);
    endBody = end;
    return rebuilt(outcome, readable);
  } catch (error) {
    finish();
    throw error;
  }
}

/** Headers are added to a response, which one that comes from elsewhere may not allow. */
const rebuilt = ({ status, statusText, headers }: Response, body: ReadableStream | null): Response =>
  new Response(body, { status, statusText, headers });

/** A body that can be ended early: a stream of events like one that is over, anything else like one that broke off. */
function attendedBody(
  { body, headers }: Response,
  onEnd: () => void,
): { readonly readable: ReadableStream; end(): void } {
  const isEvents = headers.get('content-type')?.startsWith('text/event-stream');
  const reader = (body as ReadableStream<Uint8Array>).getReader();
  let end = (): void => {};
  const readable = new ReadableStream<Uint8Array>({
    start(controller) {
      end = () => {
        onEnd();
        void reader.cancel().catch(() => {});
        try {
          if (isEvents) controller.close();
          else controller.error(new Error('the caller may not have the rest'));
        } catch {
          // It had come to its end already.
        }
      };
    },
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (!done) return controller.enqueue(value);
        onEnd();
        controller.close();
      } catch (error) {
        onEnd();
        controller.error(error);
      }
    },
    cancel: (why) => {
      onEnd();
      return reader.cancel(why);
    },
  });
  return { readable, end: () => end() };
}

/** A challenge for more scopes, as the official SDK makes one: told and written down as one of this resource. */
function scopesAskedFor(response: Response, scopes: ReadonlySet<string>): Denial | undefined {
  const text = response.status === 403 ? response.headers.get('www-authenticate') : null;
  if (text === null || !/\berror="?insufficient_scope\b/.test(text)) return undefined;
  const [, list = ''] = /\bscope="([^"]*)"/.exec(text) ?? [];
  const requiredScopes = list.split(' ').filter((scope) => SCOPE_TOKEN.test(scope));
  const missingScopes = requiredScopes.filter((scope) => !scopes.has(scope));
  return missingScopes.length === 0 ? undefined : { reason: 'scope_missing', requiredScopes, missingScopes };
}
