// How large the Worker is as it is deployed, and how much later than an empty one it answers first.
//
// Measured on the real Worker, src/worker.ts with the example app, not on the benchmark's app.

import type { Build } from './build.ts';
import { builtFor, builtOnce } from './builds.ts';
import { coldStarts, type Starter } from './cold-start.ts';
import type { Contender } from './contenders.ts';
import type { Step } from './exchange.ts';
import { callExchange, openingExchange, refusedExchange } from './exchanges.ts';
import { rpc } from './requests.ts';
import type { Bench } from './rounds.ts';
import { median } from './statistics.ts';

export interface StartResult {
  readonly name: string;
  readonly title: string;
  readonly gzipKilobytes: number;
  /** From starting the process to the first answer. */
  readonly firstAnswerMs: number;
  readonly aboveEmptyMs: number;
}

interface Candidate extends Starter {
  readonly title: string;
}

/** The empty Worker, which all are compared with, has to be among the contenders. */
export const EMPTY = 'floor-empty';

export async function measureStart(
  contenders: readonly Contender[],
  times: number,
  { issuer, tell }: Bench,
): Promise<readonly StartResult[]> {
  const token = await issuer.sign();
  const starters: Candidate[] = [];
  for (const contender of contenders) {
    tell(`start: building ${contender.name}`);
    const build = await (contender.group === 'ours'
      ? realWorker(contender)
      : builtFor({ contender, toolCount: 1 }));
    const { name, title } = contender;
    starters.push({ name, title, contender, build, step: firstStep(contender, token) });
    if (contender.group === 'ours')
      starters.push({
        name: `${name}-refusal`,
        title: `${title}, until its first 401`,
        contender,
        build,
        step: only(refusedExchange(undefined)),
      });
  }
  const found = await coldStarts(starters, times, issuer, tell);
  const empty = median(found.get(EMPTY) ?? []);
  return starters.map(({ name, title, build }) => {
    const firstAnswerMs = median(found.get(name) ?? []);
    return {
      name,
      title,
      gzipKilobytes: build.gzipKilobytes,
      firstAnswerMs,
      aboveEmptyMs: firstAnswerMs - empty,
    };
  });
}

const realWorker = ({ compatibilityFlags }: Contender): Promise<Build> =>
  builtOnce({ entry: 'src/worker.ts', compatibilityFlags });

function firstStep({ dialect, group, needsSession, checksToken }: Contender, token: string): Step {
  if (needsSession) return only(openingExchange(token));
  if (group === 'ours') {
    const params = { name: 'whoami', arguments: {} };
    return {
      ...rpc({ dialect, token, method: 'tools/call', params }),
      expect: { status: 200, contains: ['"subject":"user-0"'] },
    };
  }
  const step = only(callExchange(dialect, token, 1));
  return checksToken ? step : { ...step, expect: { status: 204, contains: [] } };
}

const only = ([step]: readonly Step[]): Step => step as Step;
