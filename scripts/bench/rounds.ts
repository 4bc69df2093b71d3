// One workload measured: every entrant in turn, so that what the machine does meanwhile hits all alike.
//
// A round is several short turns of each instead of a long one: how fast a processor is shared with others changes within
// seconds, and would make the first of a round look better than the last.

import type { Build } from './build.ts';
import { builtFor } from './builds.ts';
import { type Issuer, RESOURCE } from './issuer.ts';
import type { Load } from './load.ts';
import { cpuSeconds, memoryOf } from './process-cost.ts';
import { checkRefusals, Unfit } from './refusals.ts';
import { type Running, run } from './running.ts';
import { median } from './statistics.ts';
import type { Entrant, Workload } from './workloads.ts';

export interface Pace {
  readonly rounds: number;
  /** Of each entrant in a round. */
  readonly turns: number;
  readonly turnMs: number;
  readonly warmUpMs: number;
  readonly connections: number;
}

export interface Result {
  readonly name: string;
  readonly title: string;
  /** Microseconds of CPU per exchange, a round each; empty where the platform does not tell. */
  readonly cpu: readonly number[];
  readonly perSecond: readonly number[];
  /** Of an exchange at one connection. */
  readonly p50Ms: number;
  readonly peakBytes: number | undefined;
  readonly gzipKilobytes: number;
  /** What else was seen. */
  readonly fact: string | undefined;
}

interface Ready {
  readonly entrant: Entrant;
  readonly running: Running;
  readonly built: Build;
  /** Of what the load has prepared. */
  readonly key: string;
}

export type Tell = (line: string) => void;

export interface Bench {
  readonly issuer: Issuer;
  readonly load: Load;
  readonly tell: Tell;
}

/** Starts an entrant, checks what it lets in, and sets it up. @throws {Unfit} */
async function start(
  stack: AsyncDisposableStack,
  workload: Workload,
  entrant: Entrant,
  { issuer, load, tell }: Bench,
): Promise<Ready> {
  const { contender, auditLog } = entrant;
  const built = await builtFor(entrant);
  tell(`${workload.name}: starting ${entrant.name}`);
  const running = stack.use(await run({ contender, build: built, issuer, auditLog }));
  await entrant.seed?.(running, issuer);
  await checkRefusals(contender, running.port, issuer);
  const exchanges = await entrant.setUp(running, issuer);
  const { host, pathname } = new URL(RESOURCE);
  const key = `${workload.name} ${entrant.name}`;
  load.prepare({ name: key, path: pathname, host, exchanges });
  return { entrant, running, built, key };
}

/** A load on one entrant, all of its answers checked. @throws {Unfit} */
async function under(
  { entrant, running, key }: Ready,
  { load }: Bench,
  connections: number,
  forMs: number,
  most?: number,
) {
  const { pid, port } = running;
  const before = pid === undefined ? undefined : cpuSeconds(pid);
  const request = { name: key, port, connections, forMs, ...(most === undefined ? {} : { most }) };
  const result = await load.run(request);
  if (result.fault !== undefined)
    throw new Unfit(`${entrant.name} answers wrongly (${key}): ${result.fault}`);
  const after = pid === undefined ? undefined : cpuSeconds(pid);
  return { ...result, cpuSeconds: before === undefined || after === undefined ? undefined : after - before };
}

type Turn = Awaited<ReturnType<typeof under>>;

/** All turns of an entrant in a round. */
function together(turns: readonly Turn[]): { readonly cpu: number | undefined; readonly perSecond: number } {
  const sum = (of: (turn: Turn) => number): number => turns.reduce((total, turn) => total + of(turn), 0);
  const exchanges = sum((turn) => turn.exchanges);
  const seconds = sum((turn) => turn.cpuSeconds ?? Number.NaN);
  return {
    cpu: Number.isNaN(seconds) ? undefined : (seconds / exchanges) * 1e6,
    perSecond: (exchanges / sum(({ tookMs }) => tookMs)) * 1_000,
  };
}

/** Answers and refusals, and nothing timed. @throws {Unfit} */
export async function checkWorkload(
  workload: Workload,
  entrants: readonly Entrant[],
  bench: Bench,
): Promise<void> {
  for (const entrant of entrants) {
    await using stack = new AsyncDisposableStack();
    await under(await start(stack, workload, entrant, bench), bench, 4, 30_000, 64);
  }
}

/** @throws {Unfit} */
export async function measure(
  workload: Workload,
  entrants: readonly Entrant[],
  pace: Pace,
  bench: Bench,
): Promise<readonly Result[]> {
  await using stack = new AsyncDisposableStack();
  const { issuer, tell } = bench;
  const { name, title } = workload;
  const ready: Ready[] = [];
  for (const entrant of entrants) ready.push(await start(stack, workload, entrant, bench));
  const ends = ready.map(({ entrant }) => entrant.watch?.(issuer));

  for (const one of ready) {
    tell(`${name}: warming up ${one.entrant.name}`);
    await under(one, bench, pace.connections, pace.warmUpMs);
  }
  const rounds: ReturnType<typeof together>[][] = ready.map(() => []);
  const latencies: number[][] = ready.map(() => []);
  for (let round = 1; round <= pace.rounds; round += 1) {
    tell(`${name}: round ${round} of ${pace.rounds} (${title})`);
    const turns: Turn[][] = ready.map(() => []);
    for (let turn = 0; turn < pace.turns; turn += 1)
      for (const [index, one] of ready.entries())
        turns[index]?.push(await under(one, bench, pace.connections, pace.turnMs));
    for (const [index, one] of ready.entries()) {
      rounds[index]?.push(together(turns[index] ?? []));
      latencies[index]?.push((await under(one, bench, 1, pace.turnMs)).p50Ms);
    }
  }
  return ready.map(({ entrant, running, built }, index) => {
    const fact = ends[index]?.();
    if (fact?.isWrong) throw new Unfit(`${entrant.name}: ${fact.text}`);
    return {
      name: entrant.name,
      title: entrant.title,
      cpu: (rounds[index] ?? []).flatMap(({ cpu }) => (cpu === undefined ? [] : [cpu])),
      perSecond: (rounds[index] ?? []).map(({ perSecond }) => perSecond),
      p50Ms: median(latencies[index] ?? []),
      peakBytes: running.pid === undefined ? undefined : memoryOf(running.pid)?.peak,
      gzipKilobytes: built.gzipKilobytes,
      fact: fact?.text,
    };
  });
}
