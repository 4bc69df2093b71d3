// NotificationHub (Durable Object): carries "this has changed" from the isolate where it happens to every other.
//
// Keeps nothing: who listens has an open stream, and what is published while nobody listens is not told later. A stream
// that is not read is dropped; its client comes back. Sharded by topic (notifications.ts). Listeners are bounded, and one
// that went away without a word is forgotten when its time is over and the room is needed.
// Does not check who may hear of what: whoever opens a stream has done that.

import { DurableObject } from 'cloudflare:workers';

/** Clocks differ, and closing takes its time. */
const GRACE_SECONDS = 60;
/** Topics as they are published, one per line, that a listener may leave unread. */
const MAX_UNREAD_BYTES = 65_536;
/** About 6 KB each where all listen to as much as they may. */
const MAX_LISTENERS = 4_096;
const encoder = new TextEncoder();

interface Listener {
  /** Epoch milliseconds after which whoever opened it has surely closed it. */
  readonly until: number;
  readonly topics: ReadonlySet<string>;
  readonly controller: ReadableByteStreamController;
}

export class NotificationHub extends DurableObject<Env> {
  readonly #listeners = new Set<Listener>();

  /** A stream of those of the topics that are published from now on, one per line. */
  listen(topics: readonly string[], seconds: number): ReadableStream<Uint8Array> {
    const now = Date.now();
    if (this.#listeners.size >= MAX_LISTENERS)
      for (const listener of this.#listeners) if (listener.until < now) this.#listeners.delete(listener);
    if (this.#listeners.size >= MAX_LISTENERS) throw new Error('too many listen to this hub');
    let listener: Listener;
    return new ReadableStream({
      type: 'bytes',
      start: (controller) => {
        listener = {
          until: now + (seconds + GRACE_SECONDS) * 1_000,
          topics: new Set(topics),
          controller: controller as ReadableByteStreamController,
        };
        this.#listeners.add(listener);
        // So that the reader knows that it is listening.
        controller.enqueue(encoder.encode('\n'));
      },
      cancel: () => {
        this.#listeners.delete(listener);
      },
    });
  }

  publish(topic: string): void {
    for (const listener of this.#listeners) {
      if (!listener.topics.has(topic)) continue;
      if ((listener.controller.desiredSize ?? 0) >= -MAX_UNREAD_BYTES) {
        // A byte stream takes the buffer it is given for itself: one for each.
        listener.controller.enqueue(encoder.encode(`${topic}\n`));
      } else {
        this.#listeners.delete(listener);
        listener.controller.error(new Error('the listener does not read'));
      }
    }
  }
}
