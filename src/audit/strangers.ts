// Refusals of callers who are not known, for the log of decisions: summed up, because anybody can cause them, and more of
// them cost more than they tell.
//
// The first of a reason is told at once, then how many there were every 20 seconds. Of the last one goes along what the
// kit says of it in its own words; nothing that the caller could have written.
// What must stay true: no request waits for it, and none is kept waiting by another that was cut off (outbox.ts).
// What an isolate holds when the platform ends it is lost without a word.

import type { AuditEvent } from '../log.ts';
import type { CountedRefusals } from './decision-log.ts';
import type { OutboxIo } from './outbox.ts';

/** Below the 30 s that the platform lets a request go on after its response. */
const SUM_MS = 20_000;

interface Sum {
  /** Not told yet. */
  count: number;
  last: CountedRefusals;
  /** Epoch milliseconds: until then nothing is told, but by whoever waits for it. */
  until: number;
}

export function createStrangers<Io extends OutboxIo>(tell: (refusals: CountedRefusals, io: Io) => void) {
  /** By reason: there are as many as denial.ts has. */
  const sums = new Map<string, Sum>();

  function tellSum(sum: Sum, io: Io): void {
    const { count, last } = sum;
    sum.count = 0;
    sum.until = Date.now() + SUM_MS;
    if (count > 0) tell({ ...last, count }, io);
  }

  return {
    /** Returns at once. `at` is epoch seconds. */
    add({ reason = 'unknown', status, detail, method, operation }: AuditEvent, at: number, io: Io): void {
      const about = { reason, status, detail, method, operation, count: 1, at };
      const last: CountedRefusals = { event: 'decision', decision: 'deny', ...about };
      const sum = sums.get(reason) ?? { count: 0, last, until: 0 };
      sums.set(reason, sum);
      sum.count += 1;
      sum.last = last;
      const ms = sum.until - Date.now();
      // Whoever waited was cut off, or there was nobody.
      if (ms <= 0) tellSum(sum, io);
      else if (sum.count === 1)
        io.waitUntil(
          new Promise<void>((resolve) => setTimeout(resolve, ms)).then(() => {
            if (sum.count > 0) tellSum(sum, io);
          }),
        );
    },
  };
}
