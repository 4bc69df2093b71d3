// What a tool call leaves for the audit: filled in while it goes on, by whoever learns something of it.
//
// What counts is whether the tool did what it was called for, not whether anybody heard of it: a tool that gives a result
// has completed, also after its caller has hung up or said no. Only one that ends with an error is asked why.
// Does not write anything down.

import type { CallOutcome } from '../log.ts';
import { type Failure, INTERNAL_ERROR, isFailure, MISSING_CLIENT_CAPABILITY } from './message.ts';
import type { Result } from './methods/method.ts';

export interface CallRecord {
  /** What a request is about whose message does not name it: the answer to a question of this tool. */
  tool?: string | undefined;
  /** Made when there is something to join. */
  callId?: string | undefined;
  /** What is known when its request is answered. */
  outcome?: CallOutcome | undefined;
  /** Why the last thing it asked has no answer that it could go on with. */
  unanswered?: 'declined' | 'timed_out' | undefined;
}

export function callIdOf(record: CallRecord): string {
  record.callId ??= crypto.randomUUID();
  return record.callId;
}

/** What became of a call that has ended; `undefined` when it did not get as far as a tool. */
export function endOf(
  result: Result | Failure,
  { unanswered }: CallRecord,
  isCancelled: () => boolean,
): CallOutcome | undefined {
  const outcome = isFailure(result) ? OF_FAILURES[result.code] : result.outcome;
  if (outcome !== 'tool_error' && outcome !== 'failed') return outcome;
  return isCancelled() ? 'cancelled' : (unanswered ?? outcome);
}

const OF_FAILURES: Readonly<Record<number, CallOutcome>> = {
  [INTERNAL_ERROR]: 'failed',
  [MISSING_CLIENT_CAPABILITY]: 'tool_error',
};
