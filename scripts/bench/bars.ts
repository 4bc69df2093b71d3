// Whether the bars that this project has set itself hold. Pure; what does not hold is marked, and nothing else happens.

import { BEFORE, CONTROL } from './contenders.ts';
import type { Result } from './rounds.ts';
import type { StartResult } from './start.ts';
import { median, ratios } from './statistics.ts';
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

/** What one costs as a part of another, in each round: CPU where it is known, else time per exchange. */
const ratiosOf = (one: Result, other: Result): readonly number[] =>
  one.cpu.length > 0 && other.cpu.length > 0
    ? ratios(one.cpu, other.cpu)
    : ratios(other.perSecond, one.perSecond);

export const ratioOf = (one: Result, other: Result): number => median(ratiosOf(one, other));

/** A median, and how far its rounds go. */
export interface Range {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

/** This checkout beside another (`--against`), and that one beside itself: how much is chance. */
export interface Comparison {
  readonly ratio: Range;
  readonly control: Range;
  /** No dearer than the bar says, or than chance alone can make it look. */
  readonly holds: boolean;
}

/** The most that a change may cost in any workload. */
export const MOST_AGAINST = 1.02;

/** Nothing where one of the three was not measured. */
export function comparisonOf(results: readonly Result[]): Comparison | undefined {
  const [ours, before, again] = ['ours', BEFORE, CONTROL].map((name) =>
    results.find((result) => result.name === name),
  );
  if (!ours || !before || !again) return undefined;
  const [ratio, control] = [rangeOf(ratiosOf(ours, before)), rangeOf(ratiosOf(again, before))];
  return { ratio, control, holds: ratio.median <= Math.max(MOST_AGAINST, control.most) };
}

const rangeOf = (values: readonly number[]): Range => ({
  median: median(values),
  least: Math.min(...values),
  most: Math.max(...values),
});

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
