// The figures as one SVG: a group of bars per workload, this template's in the accent colour. Pure.
//
// Readable on light and on dark ground: its own background stays clear, and the colours follow the reader's setting.

import { cpuOf } from './bars.ts';
import type { Report } from './report.ts';

interface Panel {
  readonly title: string;
  readonly unit: string;
  readonly bars: readonly { readonly label: string; readonly value: number; readonly isOurs: boolean }[];
}

const WIDTH = 860;
const LABELS = 400;
const VALUES = 100;
const ROW = 22;
const TITLE = 34;

export function panelsOf({ workloads, start }: Report): readonly Panel[] {
  const isOurs = (name: string): boolean => name === 'ours' || name.startsWith('ours-');
  const loads = workloads.map(({ name, title, results }) => {
    const hasCpu = results.every((result) => cpuOf(result) !== undefined);
    return {
      title: `${name}: ${title}`,
      unit: hasCpu ? 'µs CPU' : 'ms',
      bars: results.map((result) => ({
        label: result.title,
        value: hasCpu ? (cpuOf(result) ?? 0) : result.p50Ms,
        isOurs: isOurs(result.name),
      })),
    };
  });
  const starting = (title: string, unit: string, of: (one: (typeof start)[number]) => number): Panel => ({
    title,
    unit,
    bars: start
      .filter((one) => one.name !== 'ours-refusal' && Number.isFinite(of(one)))
      .map((one) => ({ label: one.title, value: Math.max(0, of(one)), isOurs: isOurs(one.name) })),
  });
  const starts = [
    starting('cold start, above an empty Worker', 'ms', ({ aboveEmptyMs }) => aboveEmptyMs),
    starting('bundle, gzipped', 'KiB', ({ gzipKilobytes }) => gzipKilobytes),
  ];
  return [...loads, ...starts].filter(({ bars }) => bars.length > 0);
}

export function chartOf(report: Report): string {
  let top = 10;
  const drawn = panelsOf(report).map(({ title, unit, bars }) => {
    const most = Math.max(...bars.map(({ value }) => value), Number.MIN_VALUE);
    const startsAt = top;
    const rows = bars
      .toSorted((a, b) => a.value - b.value)
      .map(({ label, value, isOurs }, index) => {
        const y = startsAt + TITLE + index * ROW;
        const width = Math.max(1, (value / most) * (WIDTH - LABELS - VALUES));
        const kind = isOurs ? ' ours' : '';
        return `<text class="label${kind}" x="${LABELS - 8}" y="${y + 14}">${escaped(shortened(label))}</text>
<rect class="bar${kind}" x="${LABELS}" y="${y + 3}" width="${width.toFixed(1)}" height="${ROW - 8}" rx="2"/>
<text class="value" x="${(LABELS + width + 6).toFixed(1)}" y="${y + 14}">${value.toFixed(value < 10 ? 1 : 0)} ${escaped(unit)}</text>`;
      });
    top += TITLE + bars.length * ROW + 14;
    return `<text class="title" x="8" y="${startsAt + 22}">${escaped(title)}</text>\n${rows.join('\n')}`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${top}" width="${WIDTH}" height="${top}" role="img" aria-label="Benchmark">
<style>
text { font: 12px system-ui, sans-serif; fill: #424a53 }
.title { font-size: 14px; font-weight: 600; fill: #1f2328 }
.label { text-anchor: end }
.label.ours { font-weight: 600; fill: #1f2328 }
.bar { fill: #afb8c1 }
.bar.ours { fill: #bc4c00 }
@media (prefers-color-scheme: dark) {
text { fill: #b1bac4 }
.title, .label.ours { fill: #f0f6fc }
.bar { fill: #484f58 }
.bar.ours { fill: #f0883e }
}
</style>
${drawn.join('\n')}
</svg>
`;
}

const shortened = (label: string): string => (label.length > 54 ? `${label.slice(0, 53)}…` : label);
const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
