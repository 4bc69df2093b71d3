// The streams of legacy sessions: numbered events that are remembered, the connections that carry them, and what a
// session's own stream listens to (MCP 2025-11-25, transports, "Resumability and Redelivery").
//
// A message goes to one connection only and is kept, within bounds, for a client that lost it. Connections and what they
// listen to exist in memory only; without a connection nothing is listened to. A connection lasts as long as whoever
// opened it is welcome and its token is current.
// Does not know calls or questions (session-calls.ts), and does not check whose session it is.

import type { Principal } from '../auth/principal.ts';
import type { Config } from '../config.ts';
import { type Denial, isDenial } from '../denial.ts';
import type { Requirement } from '../policy/authorize.ts';
import type { Caller } from '../policy/caller.ts';
import { EventStream, event, retryHint, supervise } from '../protocol/sse.ts';
import {
  forwardTopics,
  isSame,
  MAX_SUBSCRIPTIONS,
  notificationOf,
  resourceTopic,
  type Topic,
} from '../protocol/topics.ts';
import type { LegacyRequest } from './client-session.ts';
import type { SessionRow, SessionStore } from './session-store.ts';

/** The stream of a GET; those of calls are numbered from 1. */
export const STANDALONE = 0;
const FIRST_VERSION_WITH_PRIMING = '2025-11-25';
const RETRY_MS = 1_000;
/** A row of SQLite takes no more. */
const MAX_ROW_BYTES = 2_000_000;

/** Who opens a connection. */
type Opener = Pick<LegacyRequest, 'principal' | 'rights'>;

export interface StreamsContext {
  readonly store: SessionStore;
  readonly config: Config;
  /** What may be told to have changed for everybody. */
  readonly lists: readonly Topic[];
  /** Opens a stream of topics, one per line (notifications.ts). */
  openTopics(topics: readonly Topic[], owner: Principal): Promise<ReadableStream<Uint8Array>>;
  standing(sessionId: string, principal: Principal, requirement: Requirement): Promise<Caller | Denial>;
}

interface Hearing {
  readonly owner: Principal;
  /** With the URI, if it is one of a resource. */
  readonly topics: Map<Topic, string | undefined>;
  readonly readers: Set<ReadableStreamDefaultReader<Uint8Array>>;
}

export class SessionStreams {
  readonly #store: SessionStore;
  readonly #config: Config;
  readonly #context: StreamsContext;
  readonly #connections = new Map<string, EventStream>();
  readonly #hearing = new Map<string, Hearing>();

  constructor(context: StreamsContext) {
    this.#context = context;
    this.#store = context.store;
    this.#config = context.config;
  }

  isConnected(sessionId: string): boolean {
    return [...this.#connections.keys()].some((key) => key.startsWith(`${sessionId} `));
  }

  /** Starts the stream of a call: its number, and its first connection. `requestId` is JSON. */
  start(
    session: SessionRow,
    requestId: string,
    { scopes, permissions, freshness }: Requirement,
    opener: Opener,
  ): { readonly id: number; readonly readable: ReadableStream<Uint8Array> } {
    const requirement = { scopes, permissions, ...(freshness ? { freshness } : {}) };
    const id = this.#store.addStream(session.id, requestId, JSON.stringify(requirement));
    const connection = this.connect(session, id, requirement, opener);
    if (session.protocolVersion >= FIRST_VERSION_WITH_PRIMING) {
      // Something to resume from, before there is anything to say.
      connection.write(event('', `${id}-${this.#store.addEvent(session.id, id, '')}`));
    }
    return { id, readable: connection.readable };
  }

  /** A connection for a stream that needs something; one that was there is closed. */
  connect(session: SessionRow, streamId: number, requirement: Requirement, opener: Opener): EventStream {
    const key = keyOf(session.id, streamId);
    this.#connections.get(key)?.close();
    const connection = new EventStream(() => {
      stop();
      if (this.#connections.get(key) !== connection) return;
      this.#connections.delete(key);
      if (streamId === STANDALONE) this.#stopHearing(session.id);
      this.#store.touchSession(session.id, now());
    });
    this.#connections.set(key, connection);
    const stop = supervise(
      connection,
      this.#config,
      this.#mayStay(session, streamId, requirement, opener),
      () => {
        connection.write(retryHint(RETRY_MS));
        connection.close();
      },
    );
    return connection;
  }

  #mayStay(
    session: SessionRow,
    streamId: number,
    requirement: Requirement,
    { principal, rights }: Opener,
  ): () => Promise<boolean> {
    const endsAt = Math.min(principal.expiresAt, session.createdAt + this.#config.sessionMaxSeconds);
    let told: ReadonlySet<string> = new Set(rights.permissions);
    return async () => {
      if (now() >= endsAt) return false;
      const caller = await this.#context.standing(session.id, principal, requirement);
      if (isDenial(caller)) return false;
      const { permissions } = caller.rights;
      if (streamId !== STANDALONE || isSame(told, permissions)) return true;
      told = permissions;
      for (const topic of this.#context.lists) this.#tell(session.id, topic);
      // Which resources the caller may hear of has to be decided anew, when the client comes back.
      return this.#store.subscriptions(session.id).length === 0;
    };
  }

  /**
   * Remembers an event and sends it if somebody is connected. One that is too large to remember is only sent; whoever
   * comes back gets `instead`, or nothing. `false` when nobody can get it any more.
   */
  emit(sessionId: string, streamId: number, json: string, instead = ''): boolean {
    if (!this.#store.session(sessionId)) return false;
    const { sessionEvents, sessionEventBytes } = this.#config;
    const isTooLarge = new TextEncoder().encode(json).byteLength > Math.min(sessionEventBytes, MAX_ROW_BYTES);
    const seq = this.#store.addEvent(sessionId, streamId, isTooLarge ? instead : json);
    this.#store.trimEvents(sessionId, sessionEvents, sessionEventBytes);
    const connection = this.#connections.get(keyOf(sessionId, streamId));
    const isSent = connection?.write(event(json, `${streamId}-${seq}`)) === true;
    return isSent || !isTooLarge;
  }

  #tell(sessionId: string, topic: Topic, uri?: string): void {
    this.emit(sessionId, STANDALONE, JSON.stringify({ jsonrpc: '2.0', ...notificationOf(topic, uri) }));
  }

  /** What came after an event, as far as it is still known. */
  replay(sessionId: string, streamId: number, after: number): void {
    const connection = this.#connections.get(keyOf(sessionId, streamId));
    for (const { seq, json } of this.#store.eventsAfter(sessionId, streamId, after))
      connection?.write(event(json, `${streamId}-${seq}`));
  }

  /** Nothing will be added to the stream. */
  finish(sessionId: string, streamId: number): void {
    this.#store.finishStream(sessionId, streamId);
    this.#connections.get(keyOf(sessionId, streamId))?.close();
  }

  /** Lets the client go; the stream goes on. */
  release(sessionId: string, streamId: number, retryMs: number = RETRY_MS): void {
    const connection = this.#connections.get(keyOf(sessionId, streamId));
    connection?.write(retryHint(retryMs));
    connection?.close();
  }

  closeAll(sessionId: string): void {
    for (const [key, connection] of this.#connections)
      if (key.startsWith(`${sessionId} `)) connection.close();
  }

  /** `false` when the session has too many. Returns when the resource is listened to: what happens after that is heard. */
  async subscribe(sessionId: string, uri: string): Promise<boolean> {
    const uris = this.#store.subscriptions(sessionId);
    if (!uris.includes(uri) && uris.length >= MAX_SUBSCRIPTIONS) return false;
    this.#store.addSubscription(sessionId, uri);
    const hearing = this.#hearing.get(sessionId);
    if (hearing) await this.#hear(sessionId, hearing, [], [uri]);
    return true;
  }

  /** For a session's own stream: the lists, and what it has subscribed to and may still read. */
  async hearAll(sessionId: string, owner: Principal, mayRead: (uri: string) => boolean): Promise<void> {
    const uris = this.#store.subscriptions(sessionId).filter(mayRead);
    const hearing: Hearing = { owner, topics: new Map(), readers: new Set() };
    this.#hearing.set(sessionId, hearing);
    try {
      await this.#hear(sessionId, hearing, this.#context.lists, uris);
    } catch (error) {
      // A stream on which nothing is heard is none: nobody would read it.
      this.#connections.get(keyOf(sessionId, STANDALONE))?.close();
      throw error;
    }
  }

  /** Passes on what is published under these topics for as long as the session's own stream is open. */
  async #hear(
    sessionId: string,
    hearing: Hearing,
    lists: readonly Topic[],
    uris: readonly string[],
  ): Promise<void> {
    const resources = await Promise.all(uris.map(async (uri) => [await resourceTopic(uri), uri] as const));
    const wanted = new Map<Topic, string | undefined>([
      ...lists.map((list) => [list, undefined] as const),
      ...resources,
    ]);
    // What has been unsubscribed from is still listened to, and not passed on.
    const topics = [...wanted.keys()].filter((topic) => !hearing.topics.has(topic));
    if (topics.length === 0) return;
    for (const topic of topics) hearing.topics.set(topic, wanted.get(topic));
    let reader: ReadableStreamDefaultReader<Uint8Array>;
    try {
      reader = (await this.#context.openTopics(topics, hearing.owner)).getReader();
    } catch (error) {
      // Not heard after all: whoever tries again has to get another chance.
      for (const topic of topics) hearing.topics.delete(topic);
      throw error;
    }
    const isOver = () => this.#hearing.get(sessionId) !== hearing;
    if (isOver()) return void reader.cancel().catch(() => {});
    hearing.readers.add(reader);
    const close = () => this.#connections.get(keyOf(sessionId, STANDALONE))?.close();
    // Too much that is not wanted any more: when the client comes back, only the rest is listened to.
    if (hearing.topics.size > 2 * MAX_SUBSCRIPTIONS) return close();
    void forwardTopics(reader, (topic) => {
      const uri = hearing.topics.get(topic);
      const isUnsubscribed = uri !== undefined && !this.#store.subscriptions(sessionId).includes(uri);
      if (!isUnsubscribed) this.#tell(sessionId, topic, uri);
    }).then(() => {
      // A hub is gone: when the client comes back, it is listened to anew.
      if (!isOver()) close();
    });
  }

  #stopHearing(sessionId: string): void {
    for (const reader of this.#hearing.get(sessionId)?.readers ?? []) void reader.cancel().catch(() => {});
    this.#hearing.delete(sessionId);
  }
}

const now = (): number => Math.floor(Date.now() / 1_000);
const keyOf = (sessionId: string, streamId: number): string => `${sessionId} ${streamId}`;
