// The streams of legacy sessions: numbered events that are remembered, the connections that carry them, and what a
// session's own stream listens to (MCP 2025-11-25, transports, "Resumability and Redelivery").
//
// A message goes to one connection only and is kept, within bounds, for a client that lost it. Connections and what they
// listen to exist in memory only; without a connection nothing is listened to.
// Does not know calls or questions (client-session.ts), and does not check whose session it is.

import type { Principal } from '../auth/principal.ts';
import type { Config } from '../config.ts';
import { EventStream, event, retryHint, supervise } from '../protocol/sse.ts';
import { forwardTopics, notificationOf, resourceTopic, type Topic } from '../protocol/topics.ts';
import type { SessionRow, SessionStore } from './session-store.ts';

/** The stream of a GET; those of calls are numbered from 1. */
export const STANDALONE = 0;
/** Of one session. */
export const MAX_SUBSCRIPTIONS = 100;

const FIRST_VERSION_WITH_PRIMING = '2025-11-25';
const RETRY_MS = 1_000;

interface Hearing {
  readonly topics: Set<Topic>;
  readonly readers: Set<ReadableStreamDefaultReader<Uint8Array>>;
}

export class SessionStreams {
  readonly #store: SessionStore;
  readonly #config: Config;
  /** Opens a stream of topics, one per line (notifications.ts). */
  readonly #openTopics: (topics: readonly Topic[]) => Promise<ReadableStream<Uint8Array>>;
  readonly #connections = new Map<string, EventStream>();
  readonly #hearing = new Map<string, Hearing>();

  constructor(
    store: SessionStore,
    config: Config,
    openTopics: (topics: readonly Topic[]) => Promise<ReadableStream<Uint8Array>>,
  ) {
    this.#store = store;
    this.#config = config;
    this.#openTopics = openTopics;
  }

  isConnected(sessionId: string): boolean {
    return [...this.#connections.keys()].some((key) => key.startsWith(`${sessionId} `));
  }

  /** Starts the stream of a call: its number, and its first connection. `requestId` is JSON. */
  start(
    session: SessionRow,
    requestId: string,
    principal: Principal,
  ): { readonly id: number; readonly readable: ReadableStream<Uint8Array> } {
    const id = this.#store.addStream(session.id, requestId);
    const connection = this.connect(session, id, principal);
    if (session.protocolVersion >= FIRST_VERSION_WITH_PRIMING) {
      // Something to resume from, before there is anything to say.
      connection.write(event('', `${id}-${this.#store.addEvent(session.id, id, '')}`));
    }
    return { id, readable: connection.readable };
  }

  /** A connection for a stream; one that was there is closed. */
  connect(session: SessionRow, streamId: number, principal: Principal): EventStream {
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
    const endsAt = Math.min(principal.expiresAt, session.createdAt + this.#config.sessionMaxSeconds);
    const stop = supervise(
      connection,
      this.#config,
      () => now() < endsAt,
      () => {
        connection.write(retryHint(RETRY_MS));
        connection.close();
      },
    );
    return connection;
  }

  /** Remembers an event and sends it if somebody is connected. */
  emit(sessionId: string, streamId: number, json: string): void {
    if (!this.#store.session(sessionId)) return;
    const seq = this.#store.addEvent(sessionId, streamId, json);
    this.#store.trimEvents(sessionId, this.#config.sessionEvents, this.#config.sessionEventBytes);
    this.#connections.get(keyOf(sessionId, streamId))?.write(event(json, `${streamId}-${seq}`));
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
    if (this.#connections.has(keyOf(sessionId, STANDALONE)))
      await this.#hear(sessionId, [resourceTopic(uri)]);
    return true;
  }

  /** For a session's own stream: the lists, and what it has subscribed to. */
  async hearAll(sessionId: string): Promise<void> {
    await this.#hear(sessionId, [
      'tools',
      'prompts',
      'resources',
      ...this.#store.subscriptions(sessionId).map(resourceTopic),
    ]);
  }

  /** Passes on what is published under these topics for as long as the session's own stream is open. */
  async #hear(sessionId: string, wanted: readonly Topic[]): Promise<void> {
    const hearing: Hearing = this.#hearing.get(sessionId) ?? { topics: new Set(), readers: new Set() };
    this.#hearing.set(sessionId, hearing);
    // What has been unsubscribed from is still listened to, and not passed on.
    const topics = wanted.filter((topic) => !hearing.topics.has(topic));
    if (topics.length === 0) return;
    for (const topic of topics) hearing.topics.add(topic);
    let reader: ReadableStreamDefaultReader<Uint8Array>;
    try {
      reader = (await this.#openTopics(topics)).getReader();
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
      const isUnsubscribed =
        topic.startsWith('resource:') &&
        !this.#store.subscriptions(sessionId).map(resourceTopic).includes(topic);
      if (!isUnsubscribed)
        this.emit(sessionId, STANDALONE, JSON.stringify({ jsonrpc: '2.0', ...notificationOf(topic) }));
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
