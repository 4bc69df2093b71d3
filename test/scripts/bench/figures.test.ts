// What the benchmark makes of its measurements: medians and ratios, bars, the plan of a run, the profile's sums, the chart.

import { expect, test } from 'vitest';
import { planOf } from '../../../scripts/bench/arguments.ts';
import { comparisonOf, ratioOf, startVerdicts, workloadVerdicts } from '../../../scripts/bench/bars.ts';
import { chartOf, panelsOf } from '../../../scripts/bench/chart.ts';
import { against, CONTENDERS } from '../../../scripts/bench/contenders.ts';
import { summarize } from '../../../scripts/bench/profile.ts';
import { reportOf, workloadReport, workloadText } from '../../../scripts/bench/report.ts';
import type { Result } from '../../../scripts/bench/rounds.ts';
import { median, ratios, spread } from '../../../scripts/bench/statistics.ts';
import { workloadsOf } from '../../../scripts/bench/workloads.ts';

const result = (name: string, cpu: readonly number[], perSecond = [1_000]): Result => ({
  name,
  title: `${name} <of & "others">`,
  cpu,
  perSecond,
  p50Ms: 0.5,
  peakBytes: 1_048_576,
  gzipKilobytes: 10,
  fact: undefined,
});

test('medians', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
  expect(median([])).toBeNaN();
  expect(spread([10, 10, 10])).toBe(0);
});

test('a ratio is that of the rounds, not that of the medians', () => {
  // In every round one cost twice the other, while the machine got slower and slower.
  expect(ratios([2, 20, 200], [1, 10, 100])).toEqual([2, 2, 2]);
  expect(ratios([2, 6], [1])).toEqual([2]);
  expect(median(ratios([1], []))).toBeNaN();
  expect(ratioOf(result('a', [2, 20, 200, 9]), result('b', [1, 10, 100, 3]))).toBe(2);
});

test('without a figure for CPU the ratio is that of the time an exchange takes', () => {
  expect(ratioOf(result('a', [], [500]), result('b', [], [1_000]))).toBe(2);
  expect(ratioOf(result('a', [30], [500]), result('b', [10], [1_000]))).toBe(3);
});

test('a bar holds up to its figure, and is left out when a side was not measured', () => {
  const results = [result('ours', [13.5]), result('floor', [10])];
  const bars = [
    { of: 'ours', to: 'floor', most: 1.35 },
    { of: 'ours', to: 'floor', most: 1.34 },
    { of: 'ours', to: 'absent', most: 1 },
  ];
  expect(workloadVerdicts(bars, results).map(({ holds }) => holds)).toEqual([true, false]);
  const start = { name: 'ours', title: '', gzipKilobytes: 36, firstAnswerMs: 40, aboveEmptyMs: 9 };
  expect(startVerdicts([start]).map(({ holds }) => holds)).toEqual([false, true]);
});

test.each<[string, readonly number[], readonly number[], boolean, string]>([
  ['cheaper', [9, 9, 9], [10, 10, 10], true, 'at most 1.02'],
  ['the same', [10.2, 10.2, 10.2], [10, 10, 10], true, 'at most 1.02'],
  ['dearer', [10.3, 10.3, 10.3], [10, 10.2, 10], false, 'above 1.02 and above the control'],
  ['no dearer than chance', [10.3, 10.3, 10.3], [10, 10, 10.4], true, "inside the control's spread"],
])('beside another checkout, %s by the control', (_, ours, again, holds, why) => {
  const results = [result('before', [10, 10, 10]), result('before-again', again), result('ours', ours)];
  expect(comparisonOf(results)).toEqual({
    ratio: { median: median(ours) / 10, least: Math.min(...ours) / 10, most: Math.max(...ours) / 10 },
    control: { median: median(again) / 10, least: Math.min(...again) / 10, most: Math.max(...again) / 10 },
    holds,
  });
  const report = workloadReport({ name: 'call', title: 'calls', entrants: [], bars: [] }, results);
  const text = workloadText(report);
  expect(text).toMatch(
    new RegExp(`${holds ? 'ok' : 'OVER'} +ours / before = .*: ${why}\n +before-again / before = `),
  );
  expect(JSON.parse(JSON.stringify(report)).against.holds).toBe(holds);
});

test('without another checkout or its control nothing is said of it', () => {
  const results = [result('ours', [10]), result('before', [10])];
  expect(comparisonOf(results)).toBeUndefined();
  expect(
    workloadText(workloadReport({ name: 'call', title: '', entrants: [], bars: [] }, results)),
  ).not.toContain('before-again');
});

test('another checkout is measured by its own Worker and settings, twice, in the workloads of every day', () => {
  const contenders = against('/somewhere');
  expect(contenders.map(({ name }) => name)).toEqual(['before', 'before-again']);
  for (const one of contenders) {
    expect(one).toMatchObject({ entry: '/somewhere/scripts/bench/workers/ours.ts', checkout: '/somewhere' });
    expect(one.workloads).toEqual(['call', 'list', 'session']);
  }
  const everybody = [...contenders, ...CONTENDERS];
  const names = (only: string) =>
    everybody.filter(planOf({ quick: true, only }, everybody).isChosen).map(({ name }) => name);
  expect(names('ours,before')).toEqual(['before', 'before-again', 'ours']);
  expect(names('ours')).toEqual(['ours']);
  const taking = workloadsOf(everybody).filter(({ entrants }) =>
    entrants.some(({ name }) => name === 'before'),
  );
  expect(taking.map(({ name }) => name)).toEqual(['call', 'list', 'session']);
});

test('a run without options does everything with everybody', () => {
  const plan = planOf({ quick: false }, CONTENDERS);
  expect(plan.workloads).toContain('idle');
  expect(plan.pace.rounds).toBeGreaterThanOrEqual(5);
  expect(plan.starts).toBeGreaterThanOrEqual(9);
  expect(CONTENDERS.every(plan.isChosen)).toBe(true);
});

test('contenders are chosen by name or by group, workloads by name', () => {
  const plan = planOf({ quick: true, only: 'ours, floor-cached', workload: 'session,call' }, CONTENDERS);
  expect(CONTENDERS.filter(plan.isChosen).map(({ name }) => name)).toEqual(['ours', 'floor-cached']);
  expect(plan.workloads).toEqual(['call', 'session']);
  expect(planOf({ quick: true }, CONTENDERS).workloads).toEqual(['call', 'policy', 'list', 'session']);
});

test.each([
  [{ quick: false, workload: 'calls' }, '--workload: there is no "calls"'],
  [{ quick: false, only: ',' }, '--only: name one or more of'],
  [{ quick: false, rounds: '0' }, '--rounds must be a whole number from 1'],
])('%j is refused', (given, message) => {
  expect(() => planOf(given, CONTENDERS)).toThrow(message);
});

test('a profile sums self time by file and function, without the time nothing was done', () => {
  const frame = (functionName: string, url = '', lineNumber = -1) => ({
    functionName,
    url,
    lineNumber,
    columnNumber: 0,
  });
  const found = summarize(
    {
      nodes: [
        { id: 1, callFrame: frame('(idle)') },
        { id: 2, callFrame: frame('(garbage collector)') },
        { id: 3, callFrame: frame('verify', 'worker.js', 7) },
        { id: 4, callFrame: frame('log') },
      ],
      samples: [1, 2, 3, 3, 4],
      timeDeltas: [1_000, 10, 20, 30, 40],
    },
    10,
    {
      findEntry: (line) => (line === 7 ? { originalSource: '../../../src/auth/x.ts', originalLine: 41 } : {}),
    },
  );
  expect(found.busy).toBe(10);
  expect(found.files).toEqual([
    { name: 'src/auth/x.ts', microseconds: 5 },
    { name: '(native)', microseconds: 4 },
    { name: '(garbage collector)', microseconds: 1 },
  ]);
  expect(found.functions[0]?.name).toBe('verify  src/auth/x.ts:42');
});

const report = reportOf(
  [
    workloadReport(
      { name: 'call', title: 'calls', entrants: [], bars: [{ of: 'ours', to: 'floor', most: 1 }] },
      [result('ours', [20]), result('floor', [10])],
    ),
  ],
  [],
  [{ name: 'ours', title: 'ours', gzipKilobytes: 30, firstAnswerMs: 40, aboveEmptyMs: Number.NaN }],
);

test('a table marks what does not hold', () => {
  const text = report.workloads.map(workloadText).join('');
  expect(text).toMatch(/ours .*20/);
  expect(text).toContain('OVER  ours / floor = 2.00, at most 1');
});

test('the chart is well-formed, whatever is in the names', () => {
  const svg = chartOf(report);
  expect(panelsOf(report).map(({ title }) => title)).toContain('call: calls');
  expect(svg).toContain('prefers-color-scheme: dark');
  expect(svg).not.toContain('NaN');
  expect(openElements(svg)).toEqual([]);
});

/** Elements that are never closed; throws on what no XML may have. */
function openElements(xml: string): string[] {
  const open: string[] = [];
  for (const [, text = '', tag = ''] of xml.matchAll(/([^<]*)<([^>]*)>/g)) {
    if (/&(?!(amp|lt|gt|quot);)/.test(text)) throw new Error(`a bare & in ${text}`);
    if (!/^\/?[a-z]+( [\w:-]+="[^"<]*")*\/?$/.test(tag)) throw new Error(`not a tag: <${tag}>`);
    const [name = ''] = tag.replace('/', '').split(' ');
    if (tag.startsWith('/')) {
      if (open.pop() !== name) throw new Error(`</${name}> closes nothing`);
    } else if (!tag.endsWith('/')) open.push(name);
  }
  return open;
}
