// ClientSession (Durable Object): what is remembered for one issuer, subject and client.
//
// The legacy sessions of that client, their streams and the questions asked in them, and the state of tools in both eras.
// Sessions, events and state are in SQLite and survive the object; running calls and open connections do not, and a
// client that resumes the stream of a call that was lost is told so.
// Gets a verified Principal, never a token, and does not check it. Messages have been authorized in the Worker, and are
// once more here, where they are carried out.
// A session without an open connection costs nothing but its rows: one alarm clears up after the last of them.

import { DurableObject } from 'cloudflare:workers';
import type { Principal } from '../auth/principal.ts';
import type { Config } from '../config.ts';
import { describeError, log } from '../log.ts';
import { authorize, type Policy } from '../policy/authorize.ts';
import type { Catalogue } from '../protocol/catalogue.ts';
import { LEGACY_VERSIONS } from '../protocol/era.ts';
import { type Channel, createHandlerContext, implementationOf, isLoggingLevel } from '../protocol/handler.ts';
import { handleLegacy, initialize, type LegacySession } from '../protocol/legacy.ts';
import {
  type Failure,
  failure,
  INTERNAL_ERROR,
  INVALID_REQUEST,
  isFailure,
  type Message,
  type RequestMessage,
} from '../protocol/message.ts';
import type { MethodContext, Result } from '../protocol/methods/method.ts';
import { failureJson } from '../protocol/modern.ts';
import { requirementOf } from '../protocol/requirement.ts';
import { createNotifier, openTopics } from './notifications.ts';
import { Questions } from './questions.ts';
import { type SessionRow, SessionStore } from './session-store.ts';
import { SessionStreams, STANDALONE } from './session-streams.ts';
import { createSessionState, type PutOutcome, type StateApi } from './state.ts';

/** One HTTP request of a legacy client, verified and authorized. */
export interface LegacyRequest {
  readonly httpMethod: 'GET' | 'POST' | 'DELETE';
  /** Of a POST. */
  readonly message?: Message;
  readonly sessionId: string | null;
  readonly protocolVersion: string | null;
  readonly lastEventId: string | null;
  readonly principal: Principal;
  readonly permissions: readonly string[];
  readonly requestId: string;
}

export type LegacyAnswer =
  | { readonly json: string; readonly sessionId?: string }
  | { readonly stream: ReadableStream<Uint8Array> }
  | { readonly emptyStatus: 202 | 204 }
  | Failure;

export interface ClientSessionApi extends StateApi {
  handle(request: LegacyRequest): Promise<LegacyAnswer>;
  /** `false` when it was used before. */
  useNonce(nonce: string, expiresAt: number): boolean | Promise<boolean>;
}

/** Requests that are being handled at once for one issuer, subject and client. */
const MAX_CALLS = 64;

/** The class, for an app. `deploymentOf` is called once per object. */
export function createClientSession(
  deploymentOf: (env: Env) => {
    readonly config: Config;
    readonly catalogue: Catalogue;
    readonly policy: Policy;
  },
) {
  return class ClientSession extends DurableObject<Env> implements ClientSessionApi {
    readonly #store: SessionStore;
    readonly #config: Config;
    readonly #catalogue: Catalogue;
    readonly #policy: Policy;
    readonly #streams: SessionStreams;
    readonly #questions: Questions;
    /** Running calls, by session and id. */
    readonly #calls = new Map<string, AbortController>();

    constructor(ctx: DurableObjectState, env: Env) {
      super(ctx, env);
      this.#store = new SessionStore(ctx.storage);
      ({ config: this.#config, catalogue: this.#catalogue, policy: this.#policy } = deploymentOf(env));
      this.#questions = new Questions(this.#config.answerTimeoutSeconds * 1_000);
      this.#streams = new SessionStreams(this.#store, this.#config, (topics) =>
        openTopics(env, topics, this.#config),
      );
    }

    async handle(request: LegacyRequest): Promise<LegacyAnswer> {
      const { httpMethod, message, sessionId, protocolVersion } = request;
      const id = message?.kind === 'request' ? message.id : undefined;
      if (protocolVersion !== null && !LEGACY_VERSIONS.includes(protocolVersion)) {
        return failure(
          400,
          INVALID_REQUEST,
          `MCP-Protocol-Version must be one of ${LEGACY_VERSIONS.join(', ')}`,
          id,
        );
      }
      if (message?.kind === 'request' && message.method === 'initialize') return this.#initialize(message);
      if (sessionId === null)
        return failure(400, INVALID_REQUEST, 'Mcp-Session-Id is missing; initialize gives one', id);
      const session = this.#store.session(sessionId);
      if (!session || this.#isExpired(session)) {
        return failure(404, INVALID_REQUEST, 'There is no such session; initialize a new one', id);
      }
      this.#store.touchSession(session.id, now());

      if (httpMethod === 'DELETE') {
        this.#end(session.id);
        return { emptyStatus: 204 };
      }
      if (httpMethod === 'GET') return this.#connect(session, request);
      switch (message?.kind) {
        case 'request':
          // Worker and object can run different versions while one is rolled out: what counts is what runs here.
          if (authorize(request.principal, requirementOf(message, this.#catalogue), this.#policy)) {
            return failure(
              200,
              INVALID_REQUEST,
              'This is not allowed; a new version may be on its way',
              message.id,
            );
          }
          return this.#call(session, message, request);
        case 'response':
          return this.#questions.answer(session.id, message)
            ? { emptyStatus: 202 }
            : failure(400, INVALID_REQUEST, 'Nothing with this id was asked in this session');
        case 'notification':
          if (message.method === 'notifications/cancelled')
            this.#calls.get(keyOf(session.id, message.params.requestId))?.abort();
          return { emptyStatus: 202 };
        default:
          return failure(400, INVALID_REQUEST, 'A message is missing');
      }
    }

    // ---- sessions ----

    async #initialize(message: RequestMessage): Promise<LegacyAnswer> {
      const initialized = initialize(message, { config: this.#config, catalogue: this.#catalogue });
      if (isFailure(initialized)) return initialized;
      if (!this.#makeRoom())
        return failure(429, INVALID_REQUEST, 'This client has too many sessions in use', message.id);
      const { protocolVersion, clientInfo, capabilities, json } = initialized;
      const id = crypto.randomUUID();
      this.#store.addSession({
        id,
        protocolVersion,
        clientInfo,
        capabilities,
        createdAt: now(),
        usedAt: now(),
      });
      await this.#ensureAlarm();
      return { json: responseJson(message, { json }), sessionId: id };
    }

    /** Ends expired sessions and, if there are still too many, the one idle for the longest time. */
    #makeRoom(): boolean {
      for (const session of this.#store.sessions()) if (this.#isExpired(session)) this.#end(session.id);
      const sessions = this.#store.sessions();
      if (sessions.length < this.#config.sessionsPerClient) return true;
      const idle = sessions.find(({ id }) => !this.#isInUse(id));
      if (idle) this.#end(idle.id);
      return idle !== undefined;
    }

    #isInUse(sessionId: string): boolean {
      return (
        this.#streams.isConnected(sessionId) ||
        [...this.#calls.keys()].some((key) => key.startsWith(`${sessionId} `))
      );
    }

    #isExpired(session: SessionRow): boolean {
      const { sessionIdleSeconds, sessionMaxSeconds } = this.#config;
      if (now() >= session.createdAt + sessionMaxSeconds) return true;
      return now() >= session.usedAt + sessionIdleSeconds && !this.#isInUse(session.id);
    }

    #end(sessionId: string): void {
      this.#store.deleteSession(sessionId);
      this.#streams.closeAll(sessionId);
      for (const [key, call] of this.#calls) if (key.startsWith(`${sessionId} `)) call.abort();
    }

    async #ensureAlarm(): Promise<void> {
      if ((await this.ctx.storage.getAlarm()) !== null) return;
      await this.ctx.storage.setAlarm(Date.now() + this.#config.sessionIdleSeconds * 1_000);
    }

    override async alarm(): Promise<void> {
      for (const session of this.#store.sessions()) if (this.#isExpired(session)) this.#end(session.id);
      this.#store.deleteNonces(now());
      if (this.#store.hasExpiring()) await this.#ensureAlarm();
    }

    // ---- calls ----

    async #call(session: SessionRow, message: RequestMessage, request: LegacyRequest): Promise<LegacyAnswer> {
      const key = keyOf(session.id, message.id);
      if (this.#calls.has(key))
        return failure(400, INVALID_REQUEST, 'A request with this id is being handled', message.id);
      if (this.#calls.size >= MAX_CALLS) {
        return failure(429, INVALID_REQUEST, 'This client has too many requests in progress', message.id);
      }
      const cancellation = new AbortController();
      this.#calls.set(key, cancellation);

      let stream: { readonly id: number; readonly readable: ReadableStream<Uint8Array> } | undefined;
      let started: () => void = () => {};
      const hasStarted = new Promise<undefined>((resolve) => {
        started = () => resolve(undefined);
      });
      const openStream = () => {
        if (!stream) {
          stream = this.#streams.start(session, JSON.stringify(message.id), request.principal);
          started();
        }
        return stream;
      };
      const channel = this.#channel(session, cancellation.signal, openStream);
      const finished = this.#run(message, session, request, channel, cancellation.signal).finally(() =>
        this.#calls.delete(key),
      );
      const first = await Promise.race([finished, hasStarted]);
      if (first !== undefined)
        return isFailure(first) ? { ...first, status: 200 } : { json: responseJson(message, first) };

      const { id, readable } = openStream();
      this.ctx.waitUntil(
        finished.then((outcome) => {
          // What was cancelled is not answered.
          if (!cancellation.signal.aborted) {
            this.#streams.emit(
              session.id,
              id,
              isFailure(outcome) ? failureJson(outcome) : responseJson(message, outcome),
            );
          }
          this.#streams.finish(session.id, id);
        }),
      );
      return { stream: readable };
    }

    /** Never rejects. */
    async #run(
      message: RequestMessage,
      session: SessionRow,
      request: LegacyRequest,
      channel: Channel,
      signal: AbortSignal,
    ): Promise<Result | Failure> {
      const { principal, requestId } = request;
      const permissions = new Set(request.permissions);
      const base = {
        principal,
        permissions,
        env: this.env,
        requestId,
        signal,
        waitUntil: (promise: Promise<unknown>) => this.ctx.waitUntil(promise),
        session: createSessionState(() => this),
        notify: createNotifier(this.env, this.#config),
      };
      const context: MethodContext = {
        config: this.#config,
        catalogue: this.#catalogue,
        era: 'legacy',
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

    #sessionOf(session: SessionRow): LegacySession {
      return {
        setLogLevel: (level) => this.#store.setLogLevel(session.id, level),
        subscribe: (uri) => this.#streams.subscribe(session.id, uri),
        unsubscribe: (uri) => this.#store.deleteSubscription(session.id, uri),
      };
    }

    #channel(session: SessionRow, signal: AbortSignal, openStream: () => { readonly id: number }): Channel {
      const send = (message: object): void => {
        if (!signal.aborted)
          this.#streams.emit(session.id, openStream().id, JSON.stringify({ jsonrpc: '2.0', ...message }));
      };
      return {
        client: { info: implementationOf(session.clientInfo), capabilities: session.capabilities },
        send: (method, params) => send({ method, params }),
        logLevel: () => {
          const { logLevel } = this.#store.session(session.id) ?? session;
          return isLoggingLevel(logLevel) ? logLevel : undefined;
        },
        releaseStream: (retryMs) => this.#streams.release(session.id, openStream().id, retryMs),
        ask: (question) => this.#questions.ask(session.id, question, signal, send),
      };
    }

    // ---- streams ----

    /** GET: the session's own stream, or any stream again from where it broke off. */
    async #connect(session: SessionRow, { lastEventId, principal }: LegacyRequest): Promise<LegacyAnswer> {
      const [, streamText, seqText] = /^(\d{1,9})-(\d{1,9})$/.exec(lastEventId ?? '') ?? [];
      if (lastEventId !== null && streamText === undefined)
        return failure(400, INVALID_REQUEST, 'Last-Event-ID is not one of this server');
      const streamId = Number(streamText ?? STANDALONE);
      const row = this.#store.stream(session.id, streamId);
      if (!row) return failure(400, INVALID_REQUEST, 'Last-Event-ID is not one of this session');

      const { readable } = this.#streams.connect(session, streamId, principal);
      if (seqText !== undefined) this.#streams.replay(session.id, streamId, Number(seqText));
      if (streamId === STANDALONE) await this.#streams.hearAll(session.id);
      else if (row.isDone) this.#streams.finish(session.id, streamId);
      else if (!this.#calls.has(`${session.id} ${row.requestId}`)) {
        // The object was restarted while it handled this request: nobody will answer it any more.
        const id = JSON.parse(row.requestId ?? '0');
        this.#streams.emit(
          session.id,
          streamId,
          failureJson(failure(200, INTERNAL_ERROR, 'The request was interrupted; send it again', id)),
        );
        this.#streams.finish(session.id, streamId);
      }
      return { stream: readable };
    }

    // ---- state for tools ----

    stateGet(key: string): string | undefined {
      return this.#store.state(key);
    }

    statePut(key: string, json: string, ifAbsent: boolean): PutOutcome {
      const present = ifAbsent ? this.#store.state(key) : undefined;
      if (present !== undefined) return { json: present, isNew: false };
      const { sessionStateKeys, sessionStateBytes, sessionStateValueBytes } = this.#config;
      const bytes = new TextEncoder().encode(json).byteLength;
      const besides = this.#store.stateBesides(key);
      if (key === '' || key.length > 256) return { tooMuch: 'A key must have 1 to 256 characters.' };
      if (bytes > sessionStateValueBytes)
        return { tooMuch: `A value must not be longer than ${sessionStateValueBytes} bytes.` };
      if (besides.count >= sessionStateKeys)
        return { tooMuch: `No more than ${sessionStateKeys} values can be kept; delete some.` };
      if (besides.bytes + bytes > sessionStateBytes)
        return {
          tooMuch: `All values together must not be longer than ${sessionStateBytes} bytes; delete some.`,
        };
      this.#store.putState(key, json);
      return { json, isNew: true };
    }

    stateDelete(key: string): void {
      this.#store.deleteState(key);
    }

    stateList(prefix: string): readonly string[] {
      return this.#store.stateKeys(prefix);
    }

    async useNonce(nonce: string, expiresAt: number): Promise<boolean> {
      const isNew = this.#store.useNonce(nonce, expiresAt);
      await this.#ensureAlarm();
      return isNew;
    }
  };
}

const now = (): number => Math.floor(Date.now() / 1_000);

const keyOf = (sessionId: string, id: unknown): string => `${sessionId} ${JSON.stringify(id)}`;

const responseJson = ({ id }: RequestMessage, { json }: Result): string =>
  `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":${json}}`;
