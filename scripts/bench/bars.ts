// Whether the bars that this project has set itself hold. Pure; what does not hold is marked, and nothing else happens.

import type { Result } from './rounds.ts';
import type { StartResult } from './start.ts';
import { median, medianRatio } from './statistics.ts';
import type { Bar } from './workloads.ts';

export interface Verdict {
  /** What is compared, in words. */
  readonly text: string;
  readonly value: number;
  readonly most: number;
  readonly holds: boolean;
}

/** The most that src/worker.ts may weigh and take. */
const MOST_KILOBYTES = 35;
const MOST_COLD_MS = 10;

const verdict = (text: string, value: number, most: number): Verdict => ({
  text,
  value,
  most,
  holds: value <= most,
});

/** What one costs as a part of another, round by round: CPU where it is known, else time per exchange. */
export function ratioOf(one: Result, other: Result): number {
  if (one.cpu.length > 0 && other.cpu.length > 0) return medianRatio(one.cpu, other.cpu);
  return medianRatio(other.perSecond, one.perSecond);
}

/** Those bars whose both sides were measured. */
export const workloadVerdicts = (bars: readonly Bar[], results: readonly Result[]): readonly Verdict[] =>
  bars.flatMap(({ of, to, most }) => {
    const [one, other] = [of, to].map((name) => results.find((result) => result.name === name));
    return one && other ? [verdict(`${of} / ${to}`, ratioOf(one, other), most)] : [];
  });

export const startVerdicts = (results: readonly StartResult[]): readonly Verdict[] =>
  results
    .filter(({ name }) => name === 'ours')
    .flatMap(({ gzipKilobytes, aboveEmptyMs }) => [
      verdict('bundle, KiB gzipped', gzipKilobytes, MOST_KILOBYTES),
      ...(Number.isNaN(aboveEmptyMs)
        ? []
        : [verdict('cold start above an empty Worker, ms', aboveEmptyMs, MOST_COLD_MS)]),
    ]);

/** Microseconds, or nothing. */
export const cpuOf = ({ cpu }: Result): number | undefined => (cpu.length === 0 ? undefined : median(cpu));
