// What is on its way to one sink: collected for a moment and sent in batches, off the path of every request.
//
// What must stay true:
// - nothing here is awaited by a request, and nothing is thrown at one;
// - what waits is bounded, and what got lost is counted: the log says so, and the next batch has the number with it;
// - no promise is shared between requests, and a request may be cut off at any moment (auth/issuers.ts): whether somebody
//   collects or sends is told by a deadline, which ends by itself, and whoever finds nobody does it.
// A batch that fails is sent once more. If it was the answer that got lost, the sink has it twice: it has the same id.
// What an isolate holds when the platform ends it, about a second's worth, is lost without a word.

import { type AuditSink, describeError, log } from '../log.ts';

export interface Batch<T> {
  readonly id: string;
  readonly items: readonly T[];
  /** How many got lost since the last batch that was sent. */
  readonly dropped: number;
}

export interface OutboxIo {
  waitUntil(promise: Promise<unknown>): void;
}

export interface Outbox<T, Io> {
  /** Returns at once. What is `minor` may fill only half of the room, so that a storm of it leaves some for the rest. */
  put(item: T, io: Io, isMinor: boolean): void;
}

const COLLECT_MS = 1_000;
const MAX_WAITING = 1_000;
/** A Queue takes 100 messages and 256 KB at once and 128 KB in one, with about 100 bytes of its own in each. */
const BATCH_ITEMS = 100;
const BATCH_BYTES = 250_000;
const ITEM_BYTES = 125_000;
const ITEM_OVERHEAD_BYTES = 128;
const ATTEMPT_MS = 5_000;
const RETRY_AFTER_MS = 250;
/** Beyond this nobody counts as being at it. */
const COLLECTING_MS = COLLECT_MS + 1_000;
const SENDING_MS = 2 * ATTEMPT_MS + RETRY_AFTER_MS + 1_000;
/** One request sends no longer for the others: the platform lets it go on for 30 s, and limits what it may call. */
const MAX_SHIFT_MS = 15_000;
const MAX_SHIFT_BATCHES = 10;

const encoder = new TextEncoder();

export function createOutbox<T, Io extends OutboxIo>(
  sink: AuditSink,
  send: (batch: Batch<T>, io: Io) => Promise<unknown>,
  onLost: (items: readonly T[]) => void = () => {},
): Outbox<T, Io> {
  const waiting: T[] = [];
  /** Lost, and not yet told to the sink. */
  let dropped = 0;
  /** Lost for want of room, and not yet told in the log. */
  let overflow = 0;
  /** Epoch milliseconds. */
  let collectingUntil = 0;
  let sendingUntil = 0;

  function put(item: T, io: Io, isMinor: boolean): void {
    if (waiting.length < (isMinor ? MAX_WAITING / 2 : MAX_WAITING)) waiting.push(item);
    else overflow += 1;
    const now = Date.now();
    // Who is sending looks again before it stops.
    if (sendingUntil > now) return;
    if (waiting.length >= BATCH_ITEMS) {
      sendingUntil = now + SENDING_MS;
      io.waitUntil(after(0).then(() => sendAll(io)));
    } else if (collectingUntil <= now) {
      collectingUntil = now + COLLECTING_MS;
      io.waitUntil(after(COLLECT_MS).then(() => (sendingUntil > Date.now() ? undefined : sendAll(io))));
    }
  }

  async function sendAll(io: Io): Promise<void> {
    const until = Date.now() + MAX_SHIFT_MS;
    for (let count = 0; count < MAX_SHIFT_BATCHES && waiting.length > 0 && Date.now() < until; count += 1) {
      sendingUntil = Date.now() + SENDING_MS;
      await deliver(takeItems(), io);
    }
    sendingUntil = 0;
    collectingUntil = 0;
  }

  /** The oldest, as many as fit into a batch. */
  function takeItems(): readonly T[] {
    const items: T[] = [];
    let bytes = 0;
    let taken = 0;
    for (const item of waiting) {
      const size = sizeOf(item);
      const isTooLong = size > ITEM_BYTES;
      if (items.length === BATCH_ITEMS || (!isTooLong && bytes + size > BATCH_BYTES)) break;
      taken += 1;
      if (isTooLong) {
        lose(1, 'too long');
        continue;
      }
      items.push(item);
      bytes += size;
    }
    waiting.splice(0, taken);
    return items;
  }

  async function deliver(items: readonly T[], io: Io): Promise<void> {
    if (overflow > 0) lose(overflow, 'too many at once');
    overflow = 0;
    if (items.length === 0) return;
    const batch = { id: crypto.randomUUID(), items, dropped };
    dropped = 0;
    const attempt = () => inTime(async () => send(batch, io));
    try {
      await attempt().catch(() => after(RETRY_AFTER_MS).then(attempt));
    } catch (error) {
      dropped += batch.dropped;
      lose(items.length, describeError(error));
      onLost(items);
    }
  }

  function lose(count: number, detail: string): void {
    dropped += count;
    log({ event: 'audit_failed', sink, count, detail });
  }

  return { put };
}

const after = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Bytes as JSON; what cannot be JSON is too long for anything. */
function sizeOf(item: unknown): number {
  try {
    return encoder.encode(JSON.stringify(item)).length + ITEM_OVERHEAD_BYTES;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

/** @throws {Error} when it takes longer than an attempt may */
function inTime(send: () => Promise<unknown>): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no answer in ${ATTEMPT_MS} ms`)), ATTEMPT_MS);
    send()
      .then(resolve, reject)
      .finally(() => clearTimeout(timer));
  });
}
