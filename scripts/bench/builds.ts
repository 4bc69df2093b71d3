// Every build is made once, however many workloads want it, and no more of them at a time than there are processors.

import { availableParallelism } from 'node:os';
import { isAbsolute } from 'node:path';
import { type Build, type BuildOptions, build } from './build.ts';
import type { Entrant } from './workloads.ts';

const builds = new Map<string, Promise<Build>>();
let running = 0;
const waiting: (() => void)[] = [];

export function builtOnce(options: BuildOptions): Promise<Build> {
  const key = JSON.stringify(options);
  const made = builds.get(key) ?? inTurn(() => build(options));
  builds.set(key, made);
  // Whoever asks for it gets the error; made ahead, nobody may have asked yet.
  made.catch(() => {});
  return made;
}

/** An entrant's Worker. */
export const builtFor = ({
  contender,
  toolCount,
}: Pick<Entrant, 'contender' | 'toolCount'>): Promise<Build> =>
  builtOnce({
    entry: isAbsolute(contender.entry) ? contender.entry : `scripts/bench/${contender.entry}`,
    compatibilityFlags: contender.compatibilityFlags,
    defines: { TOOL_COUNT: toolCount },
    ...(contender.checkout === undefined ? {} : { checkout: contender.checkout }),
  });

async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  while (running >= availableParallelism()) await new Promise<void>((resolve) => waiting.push(resolve));
  running += 1;
  try {
    return await work();
  } finally {
    running -= 1;
    waiting.shift()?.();
  }
}
