// The thread that makes the load: keeps connections busy for a while and checks every answer.
//
// Exchanges are handed over once, under a name, and are gone through in turn, over all rounds: with 20,000 tokens none
// comes twice before all have come once. The first wrong answer ends the round.

import { parentPort } from 'node:worker_threads';
import { Connection } from './connection.ts';
import { type Exchange, faultOf, type Step, wire } from './exchange.ts';
import type { LoadRequest, LoadResult } from './load.ts';

interface Prepared {
  readonly path: string;
  readonly host: string;
  readonly exchanges: readonly Exchange[];
  /** Of exchanges that need nothing found: encoded once. */
  readonly encoded: (Buffer | undefined)[];
  next: number;
}

const prepared = new Map<string, Prepared>();

async function load(request: Extract<LoadRequest, { kind: 'load' }>): Promise<LoadResult> {
  const { name, port, connections, forMs, most } = request;
  const work = prepared.get(name);
  if (!work) throw new Error(`nothing is prepared under ${name}`);
  const latencies: number[] = [];
  let fault: string | undefined;
  let exchanges = 0;
  const open = await Promise.all(Array.from({ length: connections }, () => Connection.open(port)));
  const startedAt = performance.now();
  const until = startedAt + forMs;

  await Promise.all(
    open.map(async (connection) => {
      while (fault === undefined && exchanges < most && performance.now() < until) {
        const index = work.next++ % work.exchanges.length;
        exchanges += 1;
        const sentAt = performance.now();
        fault ??= await exchange(connection, work, index).catch((error: Error) => error.message);
        latencies.push(performance.now() - sentAt);
      }
    }),
  );
  const tookMs = performance.now() - startedAt;
  for (const connection of open) connection.close();
  latencies.sort((a, b) => a - b);
  return { exchanges, tookMs, p50Ms: latencies[latencies.length >> 1] ?? Number.NaN, fault };
}

/** One exchange, all its steps; what went wrong. */
async function exchange(connection: Connection, work: Prepared, index: number): Promise<string | undefined> {
  let found: string | undefined;
  for (const step of work.exchanges[index] as Exchange) {
    const answer = await connection.send(bytesOf(work, index, step, found));
    const fault = faultOf(answer, step.expect);
    if (fault !== undefined) return fault;
    if (step.find === undefined) continue;
    found = new RegExp(step.find).exec(answer.body)?.[1];
    if (found === undefined) return `${step.find} expected in ${answer.body.slice(0, 300)}`;
  }
  return undefined;
}

function bytesOf(work: Prepared, index: number, step: Step, found: string | undefined): Buffer {
  const isSingle = work.exchanges[index]?.length === 1;
  if (!isSingle) return wire(work.path, work.host, step, found);
  work.encoded[index] ??= wire(work.path, work.host, step, undefined);
  return work.encoded[index] as Buffer;
}

parentPort?.on('message', async (request: LoadRequest) => {
  if (request.kind === 'prepare') {
    const { name, path, host, exchanges } = request;
    prepared.set(name, { path, host, exchanges, encoded: [], next: 0 });
    return;
  }
  const result = await load(request).catch(
    (error: Error): LoadResult => ({ exchanges: 0, tookMs: 0, p50Ms: Number.NaN, fault: error.message }),
  );
  parentPort?.postMessage(result);
});
