// What the command line asks for: which workloads, whom, how thoroughly. Pure.

import { UsageError, wholeNumber } from '../command.ts';
import type { Contender, WorkloadName } from './contenders.ts';
import type { IdlePace } from './idle.ts';
import type { Pace } from './rounds.ts';

/** Everything `--workload` can name, in the order it is done. `start` is size and cold start. */
export const WORKLOAD_NAMES = [
  'call',
  'policy',
  'tokens',
  'list',
  'session',
  'stream',
  'elicit',
  'storm',
  'idle',
  'start',
] as const satisfies readonly (WorkloadName | 'start')[];
export type Measured = (typeof WORKLOAD_NAMES)[number];

const QUICK: readonly Measured[] = ['call', 'policy', 'list', 'session'];

export const OPTIONS = {
  workload: { type: 'string' },
  only: { type: 'string' },
  add: { type: 'string' },
  against: { type: 'string' },
  rounds: { type: 'string' },
  quick: { type: 'boolean', default: false },
  check: { type: 'boolean', default: false },
  profile: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  chart: { type: 'string' },
} as const;

export interface Given {
  readonly workload?: string | undefined;
  readonly only?: string | undefined;
  readonly rounds?: string | undefined;
  readonly quick: boolean;
}

export interface Plan {
  readonly workloads: readonly Measured[];
  readonly pace: Pace;
  readonly idle: IdlePace;
  readonly starts: number;
  isChosen(contender: Pick<Contender, 'name' | 'group'>): boolean;
}

/** @throws {UsageError} naming what there is instead */
export function planOf({ workload, only, rounds, quick }: Given, contenders: readonly Contender[]): Plan {
  const workloads = chosen('workload', workload, WORKLOAD_NAMES) ?? (quick ? QUICK : WORKLOAD_NAMES);
  const known = [...new Set(contenders.flatMap(({ name, group }) => [name, group]))];
  const names = chosen('only', only, known);
  const count = wholeNumber('rounds', rounds ?? (quick ? '3' : '7'), 1, 1_000);
  return {
    workloads: WORKLOAD_NAMES.filter((name) => workloads.includes(name)),
    pace: quick
      ? { rounds: count, turns: 2, turnMs: 250, warmUpMs: 900, connections: 8 }
      : { rounds: count, turns: 5, turnMs: 300, warmUpMs: 4_000, connections: 8 },
    idle: quick ? { sessions: 1_000, watchSeconds: 15 } : { sessions: 10_000, watchSeconds: 30 },
    starts: quick ? 5 : 11,
    isChosen: ({ name, group }) => names === undefined || names.includes(name) || names.includes(group),
  };
}

function chosen<Name extends string>(
  flag: string,
  given: string | undefined,
  known: readonly Name[],
): readonly Name[] | undefined {
  const names = given
    ?.split(',')
    .map((name) => name.trim())
    .filter(Boolean);
  const unknown = names?.find((name) => !known.includes(name as Name));
  if (unknown !== undefined)
    throw new UsageError(`--${flag}: there is no ${JSON.stringify(unknown)}; there are ${known.join(', ')}`);
  if (names?.length === 0) throw new UsageError(`--${flag}: name one or more of ${known.join(', ')}`);
  return names as readonly Name[] | undefined;
}
