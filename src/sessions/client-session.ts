// ClientSession (Durable Object): what is remembered for one issuer, subject and client.
//
// The legacy sessions of that client, their streams and the questions asked in them, and the state of tools in both eras.
// Sessions, events and state are in SQLite and survive the object; running calls and open connections do not, and a
// client that resumes the stream of a call that was lost is told so.
// Gets a verified Principal, never a token, and does not check it. Messages have been authorized in the Worker, and are
// once more here, where they are carried out: by the rights that the Worker found, and what this version requires. What
// goes on with an earlier call (an answer to its question, its stream again) is held against what that call needs, which
// only this object knows: by the registry's policy of this moment where the call is `strict`.
// A session without an open connection costs nothing but its rows: one alarm clears up after the last of them, and an
// object that keeps nothing has no rows, no tables and no alarm.

import { DurableObject } from 'cloudflare:workers';
import type { Audit } from '../audit/audit.ts';
import type { Principal } from '../auth/principal.ts';
import type { Config } from '../config.ts';
import { type Denial, isDenial } from '../denial.ts';
import type { Grant } from '../grant.ts';
import type { CallEnded } from '../log.ts';
import { decisionLog, policyRegistry } from '../objects.ts';
import { authorize, type Requirement, type Rights } from '../policy/authorize.ts';
import { admit, type Caller, isSessionRevoked } from '../policy/caller.ts';
import type { Policies, PolicyIo } from '../policy/policies.ts';
import type { CallRecord } from '../protocol/call-record.ts';
import { type Catalogue, findResource } from '../protocol/catalogue.ts';
import { LEGACY_VERSIONS } from '../protocol/era.ts';
import { implementationOf } from '../protocol/handler.ts';
import { initialize } from '../protocol/legacy.ts';
import {
  type Failure,
  failure,
  INTERNAL_ERROR,
  INVALID_REQUEST,
  isFailure,
  type Message,
  type RequestMessage,
  type ResponseMessage,
} from '../protocol/message.ts';
import { failureJson } from '../protocol/modern.ts';
import { NOTHING, requirementOf, strictest } from '../protocol/requirement.ts';
import { listTopics } from '../protocol/topics.ts';
import { Housekeeping } from './housekeeping.ts';
import { openTopics } from './notifications.ts';
import { Questions } from './questions.ts';
import { type CallsContext, isRightsGone, responseJson, SessionCalls } from './session-calls.ts';
import { type SessionRow, SessionStore } from './session-store.ts';
import { SessionStreams, STANDALONE } from './session-streams.ts';
import { standing } from './standing.ts';
import { type PutOutcome, putState, type StateApi } from './state.ts';

/** One HTTP request of a legacy client, verified and authorized. */
export interface LegacyRequest {
  readonly httpMethod: 'GET' | 'POST' | 'DELETE';
  /** Of a POST. */
  readonly message?: Message;
  readonly sessionId: string | null;
  readonly protocolVersion: string | null;
  readonly lastEventId: string | null;
  readonly principal: Principal;
  /** As the Worker resolved them, under the policy it decided by. */
  readonly rights: { readonly scopes: readonly string[]; readonly permissions: readonly string[] };
  /** Whether those are the rights that the registry gave for this very request. */
  readonly isCurrent: boolean;
  readonly requestId: string;
  /** Of a tool call: what is to be written should it end after its answer. */
  readonly ended?: CallEnded;
}

export type LegacyAnswer = (
  | { readonly json: string; readonly sessionId?: string }
  | { readonly stream: ReadableStream<Uint8Array> }
  | { readonly emptyStatus: 202 | 204 }
  | Failure
  | Denial
) & {
  /** Which call it is about, and what became of it so far. */
  readonly call?: CallRecord;
};

/** For operators. */
export interface SessionDescription {
  readonly sessions: readonly {
    readonly id: string;
    readonly protocolVersion: string;
    /** What the client says it is. */
    readonly client: { readonly name: string; readonly version: string } | null;
    /** Epoch seconds. */
    readonly createdAt: number;
    readonly usedAt: number;
    readonly isConnected: boolean;
  }[];
  readonly stateKeys: number;
}

export interface ClientSessionApi extends StateApi {
  handle(request: LegacyRequest): Promise<LegacyAnswer>;
  /** `false` when it was used before. */
  useNonce(nonce: string, expiresAt: number): boolean | Promise<boolean>;
  describe(): Promise<SessionDescription>;
  /** Ends one session or all, with their streams and calls. Gives how many there were. */
  endSessions(sessionId?: string): Promise<number>;
  /** Gives how many keys there were. Answers that were used stay known, so that none serves again. */
  eraseState(): Promise<number>;
}

/** The class, for an app. `deploymentOf` is called once per object. */
export function createClientSession(
  deploymentOf: (env: Env) => {
    readonly config: Config;
    readonly catalogue: Catalogue;
    readonly policies: Policies;
    readonly audit: Audit;
  },
) {
  return class ClientSession extends DurableObject<Env> implements ClientSessionApi {
    readonly #store: SessionStore;
    readonly #config: Config;
    readonly #catalogue: Catalogue;
    readonly #policies: Policies;
    readonly #policyIo: PolicyIo;
    readonly #streams: SessionStreams;
    readonly #questions: Questions;
    readonly #calls: SessionCalls;
    readonly #housekeeping: Housekeeping;

    constructor(ctx: DurableObjectState, env: Env) {
      super(ctx, env);
      const { config, catalogue, policies, audit } = deploymentOf(env);
      // When its object was restarted, a session may be idle for so much less: a little of what it may be idle.
      const store = new SessionStore(ctx.storage, Math.min(60, Math.floor(config.sessionIdleSeconds / 10)));
      this.#store = store;
      this.#housekeeping = new Housekeeping(ctx, env.KIT_KV, store, config.sessionIdleSeconds);
      this.#config = config;
      this.#catalogue = catalogue;
      this.#policies = policies;
      const waitUntil = (promise: Promise<unknown>) => ctx.waitUntil(promise);
      this.#policyIo = { kv: env.KIT_KV, registry: () => policyRegistry(env, config), now, waitUntil };
      const questions = new Questions(config.answerTimeoutSeconds * 1_000);
      this.#questions = questions;
      const standing: CallsContext['standing'] = (...of) => this.#standing(...of);
      const streams = new SessionStreams({
        store,
        config,
        lists: listTopics(catalogue),
        openTopics: (topics, owner) => openTopics(env, topics, owner, config),
        standing,
      });
      this.#streams = streams;
      const auditIo = { env, waitUntil, decisionLog: () => decisionLog(env, config) };
      const recordEnd: CallsContext['recordEnd'] = (...of) => audit.recordEnd(...of, auditIo);
      const calling = { env, config, catalogue, store, streams, questions, standing, recordEnd, waitUntil };
      this.#calls = new SessionCalls({ ...calling, state: this });
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
      if (message?.kind === 'request' && message.method === 'initialize')
        return this.#initialize(message, request);
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
        case 'request': {
          // Worker and object can run different versions while one is rolled out: both have to allow it.
          const requirement = requirementOf(message, this.#catalogue);
          const refused = await this.#refusal(request, requirement);
          return refused ?? this.#calls.start(session, message, request, requirement);
        }
        case 'response':
          return this.#answer(session, message, request);
        case 'notification':
          if (message.method === 'notifications/cancelled')
            this.#calls.cancel(session.id, message.params.requestId);
          return { emptyStatus: 202 };
        default:
          return failure(400, INVALID_REQUEST, 'A message is missing');
      }
    }

    /**
     * An answer makes a call go on, so it needs what the call needs, now. Who has lost it for good has the call cancelled;
     * who only lacks a scope, or cannot be checked, may answer again.
     */
    async #answer(
      session: SessionRow,
      message: ResponseMessage,
      request: LegacyRequest,
    ): Promise<LegacyAnswer> {
      const call = this.#questions.askedBy(session.id, message);
      const refused = call && (await this.#refusal(request, call.requirement));
      const about = call && { call: { tool: call.record.tool, callId: call.record.callId } };
      if (refused && isRightsGone(refused)) call.cancel();
      if (refused) return { ...refused, ...about };
      return this.#questions.answer(session.id, message)
        ? { emptyStatus: 202, ...about }
        : failure(400, INVALID_REQUEST, 'Nothing with this id was asked in this session');
    }

    /** Why a request may not do something, if it may not. */
    async #refusal(request: LegacyRequest, requirement: Requirement): Promise<Denial | undefined> {
      const refused = authorize(rightsOf(request), requirement);
      // No policy gives a scope, so the registry is not asked about one.
      if (refused?.reason === 'scope_missing') return refused;
      const rights = await this.#rightsNow(request, requirement);
      return isDenial(rights) ? rights : authorize(rights, requirement);
    }

    /** The rights of a request: as the Worker found them, or as the registry has them where that must not wait. */
    async #rightsNow(request: LegacyRequest, { freshness }: Pick<Requirement, 'freshness'>) {
      if (freshness !== 'strict' || request.isCurrent) return rightsOf(request);
      const policy = await this.#policies.renew(this.#policyIo, 0);
      if (isDenial(policy)) return policy;
      const caller = await admit(request.principal, policy);
      return isDenial(caller) ? caller : caller.rights;
    }

    /** Of whoever has something open in a session that needs something. A session that was revoked ends. */
    async #standing(
      sessionId: string,
      principal: Principal,
      requirement: Requirement,
    ): Promise<Caller | Denial> {
      const caller = await standing(principal, requirement, this.#policies, this.#policyIo, this.#config);
      if (isDenial(caller) || !(await isSessionRevoked(sessionId, caller.policy))) return caller;
      this.#end(sessionId);
      return { reason: 'token_revoked', detail: 'session' };
    }

    // ---- sessions ----

    async #initialize(message: RequestMessage, { principal }: LegacyRequest): Promise<LegacyAnswer> {
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
      await this.#housekeeping.keep(principal);
      await this.#housekeeping.ensureAlarm();
      return { json: responseJson(message, { json }), sessionId: id };
    }

    /** Ends expired sessions and, if there are still too many, the one idle for the longest time. */
    #makeRoom(): boolean {
      this.#endExpired();
      const sessions = this.#store.sessions();
      if (sessions.length < this.#config.sessionsPerClient) return true;
      const idle = sessions.find(({ id }) => !this.#isInUse(id));
      if (idle) this.#end(idle.id);
      return idle !== undefined;
    }

    #isInUse(sessionId: string): boolean {
      return this.#streams.isConnected(sessionId) || this.#calls.isBusy(sessionId);
    }

    #isExpired(session: SessionRow): boolean {
      const { sessionIdleSeconds, sessionMaxSeconds } = this.#config;
      if (now() >= session.createdAt + sessionMaxSeconds) return true;
      return now() >= session.usedAt + sessionIdleSeconds && !this.#isInUse(session.id);
    }

    #endExpired(): void {
      for (const session of this.#store.sessions()) if (this.#isExpired(session)) this.#end(session.id);
    }

    #end(sessionId: string): void {
      this.#store.deleteSession(sessionId);
      this.#streams.closeAll(sessionId);
      this.#calls.cancelAll(sessionId);
    }

    override async alarm(): Promise<void> {
      this.#endExpired();
      this.#store.deleteNonces(now());
      await this.#housekeeping.tidy();
      if (this.#store.hasExpiring()) await this.#housekeeping.ensureAlarm();
    }

    // ---- streams ----

    /** GET: the session's own stream, or any stream again from where it broke off. */
    async #connect(session: SessionRow, request: LegacyRequest): Promise<LegacyAnswer> {
      const { lastEventId } = request;
      const [, streamText, seqText] = /^(\d{1,9})-(\d{1,9})$/.exec(lastEventId ?? '') ?? [];
      if (lastEventId !== null && streamText === undefined)
        return failure(400, INVALID_REQUEST, 'Last-Event-ID is not one of this server');
      const streamId = Number(streamText ?? STANDALONE);
      const row = this.#store.stream(session.id, streamId);
      if (!row) return failure(400, INVALID_REQUEST, 'Last-Event-ID is not one of this session');
      const requirement: Requirement = row.requirement === null ? NOTHING : JSON.parse(row.requirement);
      const refused = await this.#refusal(request, requirement);
      if (refused) return refused;
      const hearing =
        streamId === STANDALONE
          ? await this.#rightsNow(request, this.#subscribed(session, request))
          : undefined;
      if (hearing && isDenial(hearing)) return hearing;

      const { readable } = this.#streams.connect(session, streamId, requirement, request);
      if (seqText !== undefined) this.#streams.replay(session.id, streamId, Number(seqText));
      if (hearing)
        await this.#streams.hearAll(session.id, request.principal, (uri) => this.#mayRead(hearing, uri));
      else if (row.isDone) this.#streams.finish(session.id, streamId);
      else if (!this.#calls.isRunning(session.id, row.requestId)) {
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

    #mayRead(rights: Rights, uri: string): boolean {
      const found = findResource(this.#catalogue, uri);
      return found !== undefined && authorize(rights, found.resource) === undefined;
    }

    /** How fresh the decision has to be which of its subscriptions a session may hear of: of those that it may at all. */
    #subscribed({ id }: SessionRow, request: LegacyRequest): Pick<Requirement, 'freshness'> {
      const rights = rightsOf(request);
      const isAllowed = (requirement: Requirement) => authorize(rights, requirement) === undefined;
      return strictest(this.#store.subscriptions(id), this.#catalogue, isAllowed);
    }

    // ---- state for tools ----

    stateGet(key: string): string | undefined {
      return this.#store.state(key);
    }

    async statePut(key: string, json: string, ifAbsent: boolean, owner: Grant): Promise<PutOutcome> {
      const outcome = putState(this.#store, this.#config, key, json, ifAbsent);
      if ('isNew' in outcome && outcome.isNew) await this.#housekeeping.keep(owner);
      return outcome;
    }

    async stateDelete(key: string): Promise<void> {
      const isLast = this.#store.deleteState(key) && !this.#store.isKeeping();
      if (isLast) await this.#housekeeping.ensureAlarm();
    }

    stateList(prefix: string): readonly string[] {
      return this.#store.stateKeys(prefix);
    }

    async useNonce(nonce: string, expiresAt: number): Promise<boolean> {
      const isNew = this.#store.useNonce(nonce, expiresAt);
      await this.#housekeeping.ensureAlarm();
      return isNew;
    }

    // ---- for operators ----

    async describe(): Promise<SessionDescription> {
      const sessions = this.#store.sessions().filter((session) => !this.#isExpired(session));
      const stateKeys = this.#store.stateKeys('').length;
      return {
        sessions: sessions.map(({ id, protocolVersion, clientInfo, createdAt, usedAt }) => {
          const client = implementationOf(clientInfo);
          return {
            id,
            protocolVersion,
            client: client ? { name: client.name, version: client.version } : null,
            createdAt,
            usedAt,
            isConnected: this.#streams.isConnected(id),
          };
        }),
        stateKeys,
      };
    }

    async endSessions(sessionId?: string): Promise<number> {
      const ended = this.#store.sessions().filter(({ id }) => sessionId === undefined || id === sessionId);
      for (const { id } of ended) this.#end(id);
      this.ctx.waitUntil(this.#housekeeping.tidy());
      return ended.length;
    }

    async eraseState(): Promise<number> {
      const erased = this.#store.deleteAllState();
      this.ctx.waitUntil(this.#housekeeping.tidy());
      return erased;
    }
  };
}

const now = (): number => Math.floor(Date.now() / 1_000);

const rightsOf = ({ rights: { scopes, permissions } }: LegacyRequest): Rights => ({
  scopes: new Set(scopes),
  permissions: new Set(permissions),
});
