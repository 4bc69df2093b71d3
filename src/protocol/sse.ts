// Event streams to a client (text/event-stream): framing, keep-alive, and when one ends.
//
// A stream is bounded: it ends when the client goes away, when the client does not read, when whoever opened it may no
// longer have it, and in any case after its maximum age. Clients come back; that is what retry hints are for.

import type { Config } from '../config.ts';

export const SSE_HEADERS = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-store',
  // Proxies in between must not collect events.
  'x-accel-buffering': 'no',
  'x-content-type-options': 'nosniff',
};

/** One event. `json` has no line breaks: JSON.stringify writes none. */
export const event = (json: string, id?: string): string =>
  `${id === undefined ? '' : `id: ${id}\n`}data: ${json}\n\n`;

/** Asks the client to wait this long before it comes back. */
export const retryHint = (ms: number): string => `retry: ${ms}\n\n`;

const KEEP_ALIVE = ':\n\n';
/** What a client that does not read may leave lying around. */
const MAX_UNREAD_BYTES = 4_194_304;
const encoder = new TextEncoder();

export class EventStream {
  readonly readable: ReadableStream<Uint8Array>;
  #controller: ReadableByteStreamController | undefined;
  readonly #onEnd: () => void;
  readonly #maxUnreadBytes: number;

  /** `onEnd` is called once, whoever ends the stream. */
  constructor(onEnd: () => void, maxUnreadBytes: number = MAX_UNREAD_BYTES) {
    this.#onEnd = onEnd;
    this.#maxUnreadBytes = maxUnreadBytes;
    this.readable = new ReadableStream({
      // Only byte streams can cross from a Durable Object to a Worker.
      type: 'bytes',
      start: (controller) => {
        this.#controller = controller as ReadableByteStreamController;
      },
      cancel: () => this.#end(),
    });
  }

  get isOpen(): boolean {
    return this.#controller !== undefined;
  }

  /** Gives whether the text is on its way. */
  write(text: string): boolean {
    const controller = this.#controller;
    if (!controller) return false;
    if ((controller.desiredSize ?? 0) < -this.#maxUnreadBytes) {
      this.close();
      return false;
    }
    controller.enqueue(encoder.encode(text));
    return true;
  }

  close(): void {
    const controller = this.#controller;
    this.#end();
    controller?.close();
  }

  #end(): void {
    if (!this.#controller) return;
    this.#controller = undefined;
    this.#onEnd();
  }
}

export type StreamLimits = Pick<
  Config,
  'streamRecheckSeconds' | 'streamKeepAliveSeconds' | 'streamMaxAgeSeconds'
>;

/**
 * Asks every so many seconds whether something may go on, one question at a time, and calls `end` once it may not. A
 * question that fails is answered with no. Gives a function that stops this.
 */
export function watch(
  seconds: number,
  mayGoOn: () => boolean | Promise<boolean>,
  end: () => void,
): () => void {
  let isAsking = false;
  let isStopped = false;
  const timer = setInterval(async () => {
    if (isAsking) return;
    isAsking = true;
    let isYes = false;
    try {
      isYes = await mayGoOn();
    } catch {
      // Not known to be welcome: clients come back and are checked anew.
    }
    isAsking = false;
    if (isYes || isStopped) return;
    stop();
    end();
  }, seconds * 1_000);
  const stop = () => {
    isStopped = true;
    clearInterval(timer);
  };
  return stop;
}

/** Keeps a stream alive and ends it in time: `end` is called while it is still open. Gives a function that stops this. */
export function supervise(
  stream: EventStream,
  limits: StreamLimits,
  mayStay: () => boolean | Promise<boolean>,
  end: () => void,
): () => void {
  let age = 0;
  let silence = 0;
  const step = limits.streamRecheckSeconds;
  const finish = () => {
    stop();
    if (stream.isOpen) end();
  };
  const stopWatching = watch(step, mayStay, finish);
  const timer = setInterval(() => {
    age += step;
    silence += step;
    if (!stream.isOpen) return stop();
    if (age >= limits.streamMaxAgeSeconds) return finish();
    if (silence >= limits.streamKeepAliveSeconds) {
      silence = 0;
      stream.write(KEEP_ALIVE);
    }
  }, step * 1_000);
  const stop = () => {
    stopWatching();
    clearInterval(timer);
  };
  return stop;
}
