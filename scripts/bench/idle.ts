// What ten thousand sessions cost that nobody uses: memory, and how often the process is woken up.
//
// The sessions are of the older era and belong to as many users. The same process without sessions is the comparison:
// workerd wakes up now and then by itself. It is looked at some time after the last request, when Durable Objects that
// can sleep are asleep.

import { setTimeout as sleep } from 'node:timers/promises';
import { builtFor } from './builds.ts';
import { CONTENDERS, type Contender } from './contenders.ts';
import { openingExchange } from './exchanges.ts';
import { RESOURCE } from './issuer.ts';
import { cpuSeconds, memoryOf, wakeUps } from './process-cost.ts';
import { checkRefusals, Unfit } from './refusals.ts';
import type { Bench } from './rounds.ts';
import { run } from './running.ts';

export interface IdleResult {
  readonly name: string;
  readonly title: string;
  readonly sessions: number;
  readonly bytesPerSession: number;
  /** Per minute, with sessions and without. */
  readonly wakeUps: number;
  readonly wakeUpsWithout: number;
  /** Milliseconds of CPU per minute. */
  readonly cpuMs: number;
  readonly cpuMsWithout: number;
}

export interface IdlePace {
  readonly sessions: number;
  readonly watchSeconds: number;
}

/** workerd puts an object to sleep after ten seconds. */
const ASLEEP_AFTER_MS = 15_000;

export const IDLE_CONTENDERS = CONTENDERS.filter(({ workloads }) => workloads.includes('idle'));

/** Measures nothing where the platform does not tell what a process costs. */
export async function measureIdle(
  contender: Contender,
  { sessions, watchSeconds }: IdlePace,
  { issuer, load, tell }: Bench,
): Promise<IdleResult | undefined> {
  const built = await builtFor({ contender, toolCount: 1 });
  await using running = await run({ contender, build: built, issuer });
  const { pid, port } = running;
  if (pid === undefined) return undefined;
  await checkRefusals(contender, port, issuer);

  async function watched(id: number) {
    await sleep(ASLEEP_AFTER_MS);
    const [woken, cpu] = [wakeUps(id), cpuSeconds(id)];
    await sleep(watchSeconds * 1_000);
    const perMinute = 60 / watchSeconds;
    return {
      wakeUps: ((wakeUps(id) ?? 0) - (woken ?? 0)) * perMinute,
      cpuMs: ((cpuSeconds(id) ?? 0) - (cpu ?? 0)) * 1_000 * perMinute,
      bytes: memoryOf(id)?.now ?? 0,
    };
  }

  tell(`idle: ${contender.name} without sessions`);
  const without = await watched(pid);
  tell(`idle: opening ${sessions} sessions of ${contender.name}`);
  const tokens = await Promise.all(
    Array.from({ length: sessions }, (_, index) => issuer.sign({ sub: `idle-${index}` })),
  );
  const name = `idle ${contender.name}`;
  const { host, pathname } = new URL(RESOURCE);
  load.prepare({ name, path: pathname, host, exchanges: tokens.map((token) => openingExchange(token)) });
  const opened = await load.run({ name, port, connections: 8, forMs: 600_000, most: sessions });
  if (opened.fault !== undefined) throw new Unfit(`${contender.name} opens no session: ${opened.fault}`);
  tell(`idle: ${opened.exchanges} sessions of ${contender.name}, watched for ${watchSeconds} s`);
  const withSessions = await watched(pid);
  return {
    name: contender.name,
    title: contender.title,
    sessions: opened.exchanges,
    bytesPerSession: (withSessions.bytes - without.bytes) / opened.exchanges,
    wakeUps: withSessions.wakeUps,
    wakeUpsWithout: without.wakeUps,
    cpuMs: withSessions.cpuMs,
    cpuMsWithout: without.cpuMs,
  };
}
