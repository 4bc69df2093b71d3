// What was measured, as it is printed: a table per workload, and one JSON object.

import { cpus } from 'node:os';
import {
  type Comparison,
  comparisonOf,
  cpuOf,
  MOST_AGAINST,
  type Range,
  ratioOf,
  startVerdicts,
  type Verdict,
  workloadVerdicts,
} from './bars.ts';
import { BEFORE, CONTROL } from './contenders.ts';
import type { IdleResult } from './idle.ts';
import { hasProcessCost } from './process-cost.ts';
import type { Result } from './rounds.ts';
import type { StartResult } from './start.ts';
import { median, spread } from './statistics.ts';
import type { Workload } from './workloads.ts';

export interface Report {
  readonly machine: { readonly platform: string; readonly processors: string; readonly node: string };
  readonly workloads: readonly WorkloadReport[];
  readonly idle: readonly IdleResult[];
  readonly start: readonly StartResult[];
  readonly startBars: readonly Verdict[];
}

export interface WorkloadReport {
  readonly name: string;
  readonly title: string;
  readonly results: readonly Result[];
  readonly bars: readonly Verdict[];
  /** With `--against`. */
  readonly against: Comparison | undefined;
}

export const workloadReport = (
  { name, title, bars }: Workload,
  results: readonly Result[],
): WorkloadReport => ({
  name,
  title,
  results,
  bars: workloadVerdicts(bars, results),
  against: comparisonOf(results),
});

export function reportOf(
  workloads: readonly WorkloadReport[],
  idle: readonly IdleResult[],
  start: readonly StartResult[],
): Report {
  const [first] = cpus();
  return {
    machine: {
      platform: `${process.platform} ${process.arch}`,
      processors: `${cpus().length} x ${first?.model.trim() ?? 'unknown'}`,
      node: process.version,
    },
    workloads,
    idle,
    start,
    startBars: startVerdicts(start),
  };
}

const fixed = (value: number | undefined, digits: number): string =>
  value === undefined || Number.isNaN(value) ? '-' : value.toFixed(digits);

/** Rows in columns, all but the first to the right. */
function columns(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, index) => Math.max(...rows.map((row) => row[index]?.length ?? 0)));
  const lines = rows.map((row) =>
    row
      .map((cell, index) => (index === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[index] ?? 0)))
      .join('  '),
  );
  return `${lines.map((line) => `  ${line}`.trimEnd()).join('\n')}\n`;
}

const marks = (verdicts: readonly Verdict[]): string =>
  verdicts
    .map(
      ({ text, value, most, holds }) =>
        `  ${holds ? 'ok  ' : 'OVER'}  ${text} = ${value.toFixed(2)}, at most ${most}\n`,
    )
    .join('');

const rangeText = ({ median: middle, least, most }: Range): string =>
  `${fixed(middle, 3)} (${fixed(least, 3)}..${fixed(most, 3)})`;

function againstText(against: Comparison | undefined): string {
  if (!against) return '';
  const { ratio, control, holds } = against;
  const why = !holds
    ? `above ${MOST_AGAINST} and above the control`
    : ratio.median <= MOST_AGAINST
      ? `at most ${MOST_AGAINST}`
      : "inside the control's spread";
  return `  ${holds ? 'ok  ' : 'OVER'}  ours / ${BEFORE} = ${rangeText(ratio)}: ${why}\n        ${CONTROL} / ${BEFORE} = ${rangeText(control)}\n`;
}

export function workloadText({ name, title, results, bars, against }: WorkloadReport): string {
  const base = results.find((result) => result.name === 'ours');
  const rows = results.map((result) => [
    `${result.name}  (${result.title})`,
    fixed(cpuOf(result), 0),
    result.cpu.length === 0 ? '-' : `${fixed(spread(result.cpu) * 100, 0)}%`,
    base === undefined || result === base ? '' : fixed(ratioOf(base, result), 2),
    fixed(median(result.perSecond), 0),
    fixed(result.p50Ms, 2),
    result.peakBytes === undefined ? '-' : fixed(result.peakBytes / 1_048_576, 0),
  ]);
  const facts = results.flatMap(({ name: whose, fact }) =>
    fact === undefined ? [] : [`  ${whose}: ${fact}\n`],
  );
  const head = ['', 'CPU us', 'spread', 'ours / it', 'per s', 'p50 ms', 'peak MiB'];
  return `${name}: ${title}\n${columns([head, ...rows])}${facts.join('')}${marks(bars)}${againstText(against)}`;
}

export function startText(results: readonly StartResult[], bars: readonly Verdict[]): string {
  const rows = results.map(({ name, title, gzipKilobytes, firstAnswerMs, aboveEmptyMs }) => [
    `${name}  (${title})`,
    fixed(gzipKilobytes, 1),
    fixed(firstAnswerMs, 1),
    fixed(aboveEmptyMs, 1),
  ]);
  const head = ['', 'gzip KiB', 'first answer ms', 'above empty ms'];
  return `start: size, and a process's first correct answer\n${columns([head, ...rows])}${marks(bars)}`;
}

export function idleText(results: readonly IdleResult[]): string {
  if (results.length === 0) return '';
  const rows = results.map((result) => [
    `${result.name}  (${result.title})`,
    String(result.sessions),
    fixed(result.bytesPerSession / 1_024, 1),
    `${fixed(result.wakeUps, 0)} (${fixed(result.wakeUpsWithout, 0)})`,
    `${fixed(result.cpuMs, 0)} (${fixed(result.cpuMsWithout, 0)})`,
  ]);
  const head = ['', 'sessions', 'KiB each', 'wake-ups/min (without)', 'CPU ms/min (without)'];
  return `idle: sessions that nobody uses\n${columns([head, ...rows])}`;
}

export const COST_NOTE = hasProcessCost
  ? ''
  : `This platform (${process.platform}) does not tell what CPU a running process has used: ratios are of throughput.\n`;
