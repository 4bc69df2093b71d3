// What a flag's text means: durations, instants, lists.

import { UsageError } from '../command.ts';

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400, w: 604_800 };

/** `90d`, `24h`, `30m`, `45s`, `2w`; or a number of seconds. */
export function secondsOf(flag: string, text: string): number {
  const [, number, unit = 's'] = /^(\d{1,10})([smhdw])?$/.exec(text) ?? [];
  if (number !== undefined) return Number(number) * (UNITS[unit] ?? 1);
  throw new UsageError(`--${flag} must be a duration like 90d, 24h or 30m, not ${JSON.stringify(text)}`);
}

/** An ISO date or time (local, unless it says otherwise), or epoch seconds. */
export function instantOf(flag: string, text: string): number {
  if (/^\d{9,11}$/.test(text)) return Number(text);
  // A date alone would be taken for UTC, and a time for local.
  const time = /^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00` : text;
  const parsed = /^\d{4}-\d{2}-\d{2}T/.test(time) ? Date.parse(time) : Number.NaN;
  if (!Number.isNaN(parsed)) return Math.floor(parsed / 1_000);
  throw new UsageError(
    `--${flag} must be a time like 2030-01-31T18:00 or 2030-01-31, not ${JSON.stringify(text)}`,
  );
}

/** An instant, or how long ago it is. */
export function sinceOf(flag: string, text: string, now: number): number {
  return /^\d+[smhdw]$/.test(text) ? now - secondsOf(flag, text) : instantOf(flag, text);
}

/** `a,b` */
export function namesOf(text: string): readonly string[] {
  return text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

/** `a,b` or `a b`: no scope has a space. */
export const scopesOf = (text: string): readonly string[] => namesOf(text.replaceAll(/\s+/g, ','));
