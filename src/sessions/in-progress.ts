// What a caller has going on in this isolate: streams, and calls that take longer than a moment; and how much it may.
//
// A caller that opens streams without end would take the memory of everybody who shares the isolate. The bound is per
// subject, so that neither a new token nor a new client is a way around it, and one for streams of all callers together.
// What was cut off by the runtime cannot say that it has ended: an entry that gives no sign of life ends by itself.
// Does not bound calls that are answered at once; nothing is counted for them.

import type { Principal } from '../auth/principal.ts';

type Subject = Pick<Principal, 'issuer' | 'subject'>;

/** Of one issuer and subject. */
export const MAX_PER_SUBJECT = 100;
/** Streams of all callers. */
export const MAX_STREAMS = 1_000;
/** So often what has died is looked for everywhere. */
const SWEEP_EVERY = 256;
/** So many signs of life may be missed. */
const MISSED = 3;

/** Something that is going on. */
export interface Entry {
  /** A sign of life. */
  beat(): void;
  /** More than once is once. */
  end(): void;
}

export interface InProgress {
  /** Whether a caller has as much going on as it may. */
  isFull(subject: Subject): boolean;
  /** Counts something; `undefined` when there is no room for it. */
  begin(subject: Subject, isStream: boolean): Entry | undefined;
}

interface Counted {
  readonly isStream: boolean;
  /** Epoch milliseconds. */
  until: number;
}

/** `beatSeconds` is how often whatever goes on gives a sign of life. */
export function createInProgress(beatSeconds: number): InProgress {
  const bySubject = new Map<string, Set<Counted>>();
  const lifeMs = (MISSED * beatSeconds + 5) * 1_000;
  let streams = 0;
  let begun = 0;

  function remove(name: string, counted: Counted): void {
    const all = bySubject.get(name);
    if (!all?.delete(counted)) return;
    if (counted.isStream) streams -= 1;
    if (all.size === 0) bySubject.delete(name);
  }

  function removeDead(name: string): void {
    for (const counted of bySubject.get(name) ?? []) if (counted.until < Date.now()) remove(name, counted);
  }

  function isFullFor(name: string): boolean {
    if ((bySubject.get(name)?.size ?? 0) < MAX_PER_SUBJECT) return false;
    removeDead(name);
    return (bySubject.get(name)?.size ?? 0) >= MAX_PER_SUBJECT;
  }

  return {
    // Most of the time nothing is going on, and then nobody's name has to be put together.
    isFull: (subject) => bySubject.size > 0 && isFullFor(nameOf(subject)),

    begin(subject, isStream) {
      const name = nameOf(subject);
      if (isFullFor(name)) return undefined;
      begun += 1;
      if (begun % SWEEP_EVERY === 0 || (isStream && streams >= MAX_STREAMS))
        for (const other of [...bySubject.keys()]) removeDead(other);
      if (isStream && streams >= MAX_STREAMS) return undefined;
      const counted: Counted = { isStream, until: Date.now() + lifeMs };
      bySubject.set(name, (bySubject.get(name) ?? new Set()).add(counted));
      if (isStream) streams += 1;
      return {
        beat: () => {
          counted.until = Date.now() + lifeMs;
        },
        end: () => remove(name, counted),
      };
    },
  };
}

const nameOf = ({ issuer, subject }: Subject): string => JSON.stringify([issuer, subject]);
