// NotificationHub (Durable Object): carries "this has changed" from the isolate where it happens to every other.
//
// Keeps nothing: who listens has an open stream, and what is published while nobody listens is not told later. A stream
// that is not read is dropped; its client comes back. Sharded by topic (notifications.ts).
// Whose request was cut off listens on for good as far as is known here. So listeners are bounded, of one subject and in
// all, and where there are too many the oldest is dropped: whoever is there comes back, and nobody is locked out.
// Does not check who may hear of what: whoever opens a stream has done that.

import { DurableObject } from 'cloudflare:workers';

/** Topics as they are published, one per line, that a listener may leave unread. */
const MAX_UNREAD_BYTES = 65_536;
/** About 6 KB each where all listen to as much as they may. */
const MAX_LISTENERS = 4_096;
const MAX_PER_OWNER = 128;
const encoder = new TextEncoder();

interface Listener {
  readonly owner: string;
  readonly topics: ReadonlySet<string>;
  readonly controller: ReadableByteStreamController;
}

export class NotificationHub extends DurableObject<Env> {
  /** The oldest first; the same by owner. */
  readonly #listeners = new Set<Listener>();
  readonly #byOwner = new Map<string, Set<Listener>>();

  /** A stream of those of the topics that are published from now on, one per line. `owner` stands for a subject. */
  listen(topics: readonly string[], owner: string): ReadableStream<Uint8Array> {
    const [oldest] = this.#byOwner.get(owner) ?? [];
    if (oldest && (this.#byOwner.get(owner)?.size ?? 0) >= MAX_PER_OWNER) this.#drop(oldest);
    const [first] = this.#listeners;
    if (first && this.#listeners.size >= MAX_LISTENERS) this.#drop(first);
    let listener: Listener;
    return new ReadableStream({
      type: 'bytes',
      start: (controller) => {
        listener = {
          owner,
          topics: new Set(topics),
          controller: controller as ReadableByteStreamController,
        };
        this.#listeners.add(listener);
        this.#byOwner.set(owner, (this.#byOwner.get(owner) ?? new Set()).add(listener));
        // So that the reader knows that it is listening.
        controller.enqueue(encoder.encode('\n'));
      },
      cancel: () => this.#forget(listener),
    });
  }

  publish(topic: string): void {
    for (const listener of this.#listeners) {
      if (!listener.topics.has(topic)) continue;
      try {
        if ((listener.controller.desiredSize ?? 0) < -MAX_UNREAD_BYTES) this.#drop(listener);
        // A byte stream takes the buffer it is given for itself: one for each.
        else listener.controller.enqueue(encoder.encode(`${topic}\n`));
      } catch {
        // It ended meanwhile; the others are told all the same.
        this.#forget(listener);
      }
    }
  }

  #drop(listener: Listener): void {
    this.#forget(listener);
    try {
      listener.controller.error(new Error('dropped: it does not read, or there are too many'));
    } catch {
      // It had ended already.
    }
  }

  #forget(listener: Listener): void {
    this.#listeners.delete(listener);
    const others = this.#byOwner.get(listener.owner);
    others?.delete(listener);
    if (others?.size === 0) this.#byOwner.delete(listener.owner);
  }
}
