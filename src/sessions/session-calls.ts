// The calls of legacy sessions that are in progress: from a request to its answer, or to the stream its answer comes on.
//
// In memory: a call does not outlive its object, and whoever resumes its stream is told so (client-session.ts). It also
// ends when the client cancels it, when its session ends, and when its caller is revoked or has lost the right to it,
// whether or not anybody is connected then.
// Does not authorize its beginning, nor answers to what it asks: client-session.ts does.

import type { Principal } from '../auth/principal.ts';
import { appEnv } from '../bindings.ts';
import type { Config } from '../config.ts';
import { type Denial, isDenial } from '../denial.ts';
import { type CallEnded, type CallOutcome, describeError, log } from '../log.ts';
import type { Requirement } from '../policy/authorize.ts';
import type { Caller } from '../policy/caller.ts';
import { type CallRecord, callIdOf, endOf } from '../protocol/call-record.ts';
import type { Catalogue } from '../protocol/catalogue.ts';
import { type Channel, createHandlerContext, implementationOf, isLoggingLevel } from '../protocol/handler.ts';
import { handleLegacy, type LegacySession } from '../protocol/legacy.ts';
import {
  type Failure,
  failure,
  INTERNAL_ERROR,
  INVALID_REQUEST,
  isFailure,
  type RequestMessage,
} from '../protocol/message.ts';
import type { MethodContext, Result } from '../protocol/methods/method.ts';
import { failureJson } from '../protocol/modern.ts';
import { watch } from '../protocol/sse.ts';
import type { LegacyAnswer, LegacyRequest } from './client-session.ts';
import { createNotifier } from './notifications.ts';
import type { AskingCall, Questions } from './questions.ts';
import type { SessionRow, SessionStore } from './session-store.ts';
import type { SessionStreams } from './session-streams.ts';
import { createSessionState, type StateApi } from './state.ts';

/** What calls use of the object they run in. */
export interface CallsContext {
  readonly env: Env;
  readonly config: Config;
  readonly catalogue: Catalogue;
  readonly store: SessionStore;
  readonly streams: SessionStreams;
  readonly questions: Questions;
  readonly state: StateApi;
  standing(sessionId: string, principal: Principal, requirement: Requirement): Promise<Caller | Denial>;
  /** Writes how a tool call ended that was answered before. */
  recordEnd(ended: CallEnded, end: Pick<CallEnded, 'outcome' | 'callId' | 'latencyMs'>): void;
  waitUntil(promise: Promise<unknown>): void;
}

/** In progress at once for one issuer, subject and client. */
const MAX_CALLS = 64;

export class SessionCalls {
  readonly #context: CallsContext;
  /** By session and id. */
  readonly #calls = new Map<string, AbortController>();

  constructor(context: CallsContext) {
    this.#context = context;
  }

  /** `requestId` is JSON. */
  isRunning(sessionId: string, requestId: string | null): boolean {
    return this.#calls.has(`${sessionId} ${requestId}`);
  }

  isBusy(sessionId: string): boolean {
    return [...this.#calls.keys()].some((key) => key.startsWith(`${sessionId} `));
  }

  cancel(sessionId: string, requestId: unknown): void {
    this.#calls.get(keyOf(sessionId, requestId))?.abort();
  }

  cancelAll(sessionId: string): void {
    for (const [key, call] of this.#calls) if (key.startsWith(`${sessionId} `)) call.abort();
  }

  /** `requirement` is what the message needs: whoever answers its questions or comes back for its result needs it as well. */
  async start(
    session: SessionRow,
    message: RequestMessage,
    request: LegacyRequest,
    requirement: Requirement,
  ): Promise<LegacyAnswer> {
    const { config, streams, standing, recordEnd, waitUntil } = this.#context;
    const startedAt = Date.now();
    const key = keyOf(session.id, message.id);
    if (this.#calls.has(key))
      return failure(400, INVALID_REQUEST, 'A request with this id is being handled', message.id);
    if (this.#calls.size >= MAX_CALLS) {
      return failure(429, INVALID_REQUEST, 'This client has too many requests in progress', message.id);
    }
    const cancellation = new AbortController();
    this.#calls.set(key, cancellation);

    const refused = Promise.withResolvers<Denial>();
    let denial: Denial | undefined;
    const stopWatching = watch(
      config.streamRecheckSeconds,
      async () => {
        const now = await standing(session.id, request.principal, requirement);
        // Where the policy cannot be read nobody is known to be revoked: connections are closed, and the call goes on.
        if (isDenial(now) && isRightsGone(now)) denial = now;
        return !denial;
      },
      () => {
        cancellation.abort();
        if (denial) refused.resolve(denial);
      },
    );
    let stream: { readonly id: number; readonly readable: ReadableStream<Uint8Array> } | undefined;
    let started: () => void = () => {};
    const hasStarted = new Promise<undefined>((resolve) => {
      started = () => resolve(undefined);
    });
    const openStream = () => {
      if (!stream) {
        stream = streams.start(session, JSON.stringify(message.id), requirement, request);
        started();
      }
      return stream;
    };
    const { ended } = request;
    // By the name that the Worker found: callers can send any text.
    const record: CallRecord = { tool: ended?.tool };
    const call = { requirement, record, cancel: () => cancellation.abort() };
    const channel = this.#channel(session, call, cancellation.signal, openStream);
    const finished = this.#run(message, session, request, channel).finally(() => {
      stopWatching();
      this.#calls.delete(key);
    });
    const outcomeOf = (result: Result | Failure): CallOutcome | undefined =>
      endOf(result, record, () => cancellation.signal.aborted);
    /** What the answer says of the call, if it is one of a tool; without an outcome it goes on. */
    const about = (outcome: CallOutcome | undefined) =>
      ended ? { call: { tool: record.tool, callId: record.callId, outcome } } : {};
    const end = (outcome: CallOutcome | undefined): void => {
      if (ended) recordEnd(ended, { outcome, callId: record.callId, latencyMs: Date.now() - startedAt });
    };
    const first = await Promise.race([finished, hasStarted, refused.promise]);
    const denied = first === undefined ? undefined : (denial ?? (isDenial(first) ? first : undefined));
    if (denied) {
      callIdOf(record);
      waitUntil(finished.then((result) => end(outcomeOf(result))));
      return { ...denied, ...about('running') };
    }
    if (first !== undefined && !isDenial(first)) {
      const told = about(outcomeOf(first));
      return isFailure(first)
        ? { ...first, status: 200, ...told }
        : { json: responseJson(message, first), ...told };
    }

    const { id, readable } = openStream();
    callIdOf(record);
    waitUntil(
      finished.then((result) => {
        let outcome = outcomeOf(result);
        try {
          // What was cancelled is not answered.
          if (!cancellation.signal.aborted) {
            const json = isFailure(result) ? failureJson(result) : responseJson(message, result);
            const why = 'The result was too large to keep; send the request again';
            const instead = failureJson(failure(200, INTERNAL_ERROR, why, message.id));
            const isTold = streams.emit(session.id, id, json, instead);
            if (!isTold && outcome === 'completed') outcome = 'too_large';
          }
          streams.finish(session.id, id);
        } finally {
          end(outcome);
        }
      }),
    );
    return { stream: readable, ...about(record.outcome ?? 'running') };
  }

  /** Never rejects. */
  async #run(
    message: RequestMessage,
    session: SessionRow,
    { principal, rights, requestId }: LegacyRequest,
    channel: Channel,
  ): Promise<Result | Failure> {
    const { config, catalogue, env, waitUntil, state } = this.#context;
    const permissions = new Set(rights.permissions);
    const base = {
      principal,
      permissions,
      env: appEnv(env, config),
      requestId,
      waitUntil,
      session: () => createSessionState(() => state, principal),
      notify: () => createNotifier(env, config),
    };
    const context: MethodContext = {
      config,
      catalogue,
      era: 'legacy',
      viewer: rights,
      isReachable: (requirement) =>
        requirement.permissions.every((permission) => permissions.has(permission)),
      handler: createHandlerContext(base, channel, message.meta),
      report: (problem) => log({ ...problem, requestId }),
    };
    try {
      return await handleLegacy(message, context, this.#sessionOf(session));
    } catch (error) {
      log({ event: 'request_failed', requestId, error: describeError(error) });
      return failure(200, INTERNAL_ERROR, 'The server could not handle the request', message.id);
    }
  }

  #sessionOf({ id }: SessionRow): LegacySession {
    const { store, streams } = this.#context;
    return {
      setLogLevel: (level) => store.setLogLevel(id, level),
      subscribe: (uri) => streams.subscribe(id, uri),
      unsubscribe: (uri) => store.deleteSubscription(id, uri),
    };
  }

  #channel(
    session: SessionRow,
    call: AskingCall,
    signal: AbortSignal,
    openStream: () => { readonly id: number },
  ): Channel {
    const { store, streams, questions } = this.#context;
    const send = (message: object): void => {
      if (!signal.aborted)
        streams.emit(session.id, openStream().id, JSON.stringify({ jsonrpc: '2.0', ...message }));
    };
    return {
      client: { info: implementationOf(session.clientInfo), capabilities: session.capabilities },
      record: call.record,
      signal: () => signal,
      send: (method, params) => send({ method, params }),
      logLevel: () => {
        const { logLevel } = store.session(session.id) ?? session;
        return isLoggingLevel(logLevel) ? logLevel : undefined;
      },
      releaseStream: (retryMs) => {
        if (!signal.aborted) streams.release(session.id, openStream().id, retryMs);
      },
      ask: (question) => {
        call.record.outcome = 'asked';
        callIdOf(call.record);
        return questions.ask(session.id, call, question, signal, send);
      },
    };
  }
}

/** Whether a caller has lost what a call needs, for good. */
export const isRightsGone = ({ reason }: Denial): boolean =>
  reason === 'token_revoked' || reason === 'permission_missing';

const keyOf = (sessionId: string, id: unknown): string => `${sessionId} ${JSON.stringify(id)}`;

export const responseJson = ({ id }: RequestMessage, { json }: Result): string =>
  `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":${json}}`;
