// Findings -> what is printed, with the fault first. The last place where a token could get out: it is taken out here
// once more, whole and by its parts, whatever anyone wrote into a finding.

import type { Finding, Level } from './finding.ts';

const ORDER: readonly Level[] = ['error', 'warning', 'ok'];

export interface Report {
  readonly errors: number;
  readonly warnings: number;
  /** In the order in which they were looked at. */
  readonly findings: readonly Finding[];
}

export function reportOf(findings: readonly Finding[], token?: string): Report {
  const count = (level: Level): number => findings.filter((finding) => finding.level === level).length;
  return {
    errors: count('error'),
    warnings: count('warning'),
    findings: findings.map(({ id, level, what, why, fix }) => ({
      id,
      level,
      what: without(token, what),
      why: without(token, why),
      fix: without(token, fix),
    })),
  };
}

/** Errors first, then warnings, then what is fine. Its first line names the first fault. */
export function reportText({ errors, warnings, findings }: Report): string {
  const faults = errors + warnings;
  const parts = ORDER.flatMap((level) => findings.filter((finding) => finding.level === level)).map(
    ({ id, level, what, why, fix }) =>
      level === 'ok' ? `ok: ${what}` : `${level}: ${what} [${id}]\n    why  ${why}\n    fix  ${fix}\n`,
  );
  const summary =
    faults === 0
      ? `ok: nothing is wrong (${findings.length} checks)`
      : `${counted(errors, 'error')}, ${counted(warnings, 'warning')}, ${findings.length - faults} fine`;
  return `${(faults === 0 ? [summary, ...parts] : [...parts, summary]).join('\n')}\n`;
}

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

/** Shorter parts than this are words that could stand anywhere. */
const SHORTEST_PART = 12;

function without(token: string | undefined, text: string): string {
  if (token === undefined) return text;
  const parts = [token, ...token.split('.')].filter((part) => part.length >= SHORTEST_PART);
  return parts.reduce((rest, part) => rest.replaceAll(part, '[token]'), text);
}
