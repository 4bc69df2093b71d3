// What was allowed, as lines of the log that have many decisions each (`auditLog` is `batched`): a line costs, in CPU and
// on the bill, what the decision itself hardly does.
//
// A line is written when it is full, by the request that fills it, or after a second. It stays below the 16,384 characters
// that Logpush takes of one invocation. What must stay true: no request waits for it, and none is kept waiting by another
// that was cut off (outbox.ts).
// What an isolate holds when the platform ends it, about a second's worth, is lost without a word.

import { type AuditEvent, logDecisions } from '../log.ts';

const COLLECT_MS = 1_000;
/** Beyond this nobody counts as collecting. */
const COLLECTING_MS = 2 * COLLECT_MS;
const LINE_CHARACTERS = 12_000;

export interface LogBatch {
  /** Returns at once. `at` is epoch seconds. */
  put(event: AuditEvent, at: number, waitUntil: (promise: Promise<unknown>) => void): void;
}

export function createLogBatch(): LogBatch {
  let decisions: string[] = [];
  let characters = 0;
  /** Epoch milliseconds. */
  let collectingUntil = 0;

  function flush(): void {
    if (decisions.length > 0) logDecisions(decisions);
    decisions = [];
    characters = 0;
  }

  return {
    put(event, at, waitUntil) {
      const text = JSON.stringify({ at, ...event });
      if (characters + text.length > LINE_CHARACTERS) flush();
      decisions.push(text);
      characters += text.length;
      const now = Date.now();
      if (collectingUntil > now) return;
      collectingUntil = now + COLLECTING_MS;
      waitUntil(
        new Promise<void>((resolve) => setTimeout(resolve, COLLECT_MS)).then(() => {
          collectingUntil = 0;
          flush();
        }),
      );
    },
  };
}
