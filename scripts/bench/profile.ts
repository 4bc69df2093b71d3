// Where our CPU goes: a sampling profile of the Worker under load, by function and by source file.
//
// Uses an unminified build, so that functions have their names, and its source map, so that places are those of the
// source. Self time only: what a function's callees take is theirs. Samples of V8's own work are under `(program)` and
// `(garbage collector)`; what workerd and the kernel do outside of the isolate is not in it.

import { once } from 'node:events';
import { SourceMap } from 'node:module';
import { builtOnce } from './builds.ts';
import type { Issuer } from './issuer.ts';
import { RESOURCE } from './issuer.ts';
import type { Load } from './load.ts';
import { run } from './running.ts';
import type { Entrant } from './workloads.ts';

export interface ProfileLine {
  readonly name: string;
  /** Microseconds of self time per exchange. */
  readonly microseconds: number;
}

export interface Profile {
  readonly exchanges: number;
  /** Of the isolate, per exchange; without the time it was idle. */
  readonly busy: number;
  readonly files: readonly ProfileLine[];
  readonly functions: readonly ProfileLine[];
}

/** As CDP gives it. */
interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly children?: readonly number[];
    readonly callFrame: {
      readonly functionName: string;
      readonly url: string;
      readonly lineNumber: number;
      readonly columnNumber: number;
    };
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** A source map, as node:module has it. Lines and columns count from 0. */
interface Places {
  findEntry(line: number, column: number): { originalSource?: string; originalLine?: number };
}

/** What the runtime does for JavaScript that calls it. */
const NATIVE = '(native)';
const SAMPLE_EVERY_US = 100;

export async function profile(
  { contender, toolCount, auditLog, seed, setUp }: Entrant,
  issuer: Issuer,
  load: Load,
  forMs: number,
): Promise<Profile> {
  const built = await builtOnce({
    entry: `scripts/bench/${contender.entry}`,
    compatibilityFlags: contender.compatibilityFlags,
    defines: { TOOL_COUNT: toolCount },
    isReadable: true,
  });
  await using running = await run({ contender, build: built, issuer, auditLog, inspectorPort: 0 });
  await seed?.(running, issuer);
  const { host, pathname } = new URL(RESOURCE);
  load.prepare({ name: 'profile', path: pathname, host, exchanges: await setUp(running, issuer) });
  const under = async (ms: number): Promise<number> => {
    const { fault, exchanges } = await load.run({
      name: 'profile',
      port: running.port,
      connections: 8,
      forMs: ms,
    });
    if (fault !== undefined) throw new Error(`${contender.name} answers wrongly: ${fault}`);
    return exchanges;
  };
  await under(forMs);

  const session = await attach(`${await running.inspector()}core:user:bench`);
  await session.send('Profiler.enable');
  await session.send('Profiler.setSamplingInterval', { interval: SAMPLE_EVERY_US });
  await session.send('Profiler.start');
  const exchanges = await under(forMs);
  const { profile: found } = (await session.send('Profiler.stop')) as { profile: CpuProfile };
  session.close();
  return summarize(found, exchanges, new SourceMap(JSON.parse(built.sourceMap)));
}

/** A Chrome DevTools Protocol session. */
async function attach(url: string) {
  const socket = new WebSocket(url);
  await once(socket, 'open');
  let last = 0;
  return {
    close: () => socket.close(),
    send(method: string, params: object = {}): Promise<unknown> {
      last += 1;
      const id = last;
      return new Promise((resolve, reject) => {
        const listen = ({ data }: MessageEvent) => {
          const message = JSON.parse(data);
          if (message.id !== id) return;
          socket.removeEventListener('message', listen);
          if (message.error) reject(new Error(`${method}: ${message.error.message}`));
          else resolve(message.result);
        };
        socket.addEventListener('message', listen);
        socket.send(JSON.stringify({ id, method, params }));
      });
    },
  };
}

/** Sums up self times. Pure. */
export function summarize(found: CpuProfile, exchanges: number, map: Places): Profile {
  const self = new Map<number, number>();
  found.samples.forEach((id, index) => {
    self.set(id, (self.get(id) ?? 0) + Math.max(0, found.timeDeltas[index] ?? 0));
  });
  const files = new Map<string, number>();
  const functions = new Map<string, number>();
  const callers = new Map(
    found.nodes.flatMap(({ children = [], callFrame }) =>
      children.map((id) => [id, callFrame.functionName || '(anonymous)'] as const),
    ),
  );
  let busy = 0;
  for (const { id, callFrame } of found.nodes) {
    const time = (self.get(id) ?? 0) / exchanges;
    const { functionName, url, lineNumber, columnNumber } = callFrame;
    if (time === 0 || functionName === '(idle)') continue;
    busy += time;
    const entry = url.endsWith('worker.js') ? map.findEntry(lineNumber, columnNumber) : {};
    const { originalSource, originalLine } = entry;
    const file = originalSource === undefined ? url || NATIVE : shortened(originalSource);
    const line = originalLine === undefined ? '' : `:${originalLine + 1}`;
    const isOfV8 = functionName.startsWith('(') && url === '';
    add(files, isOfV8 ? functionName : file, time);
    const place = file === NATIVE ? `${file} in ${callers.get(id) ?? '(nobody)'}` : `${file}${line}`;
    add(functions, isOfV8 ? functionName : `${functionName || '(anonymous)'}  ${place}`, time);
  }
  return { exchanges, busy, files: lines(files), functions: lines(functions) };
}

const shortened = (source: string): string => /(?:node_modules|src|scripts)\/.*$/.exec(source)?.[0] ?? source;

function add(sums: Map<string, number>, name: string, time: number): void {
  sums.set(name, (sums.get(name) ?? 0) + time);
}

const lines = (sums: ReadonlyMap<string, number>): ProfileLine[] =>
  [...sums]
    .map(([name, microseconds]) => ({ name, microseconds }))
    .sort((a, b) => b.microseconds - a.microseconds);

export function profileText(
  workload: string,
  { exchanges, busy, files, functions }: Profile,
  most = 30,
): string {
  const rows = (title: string, all: readonly ProfileLine[]): string => {
    const shown = all.slice(0, most).map(({ name, microseconds }) => {
      const part = `${((microseconds / busy) * 100).toFixed(1)}%`;
      return `${microseconds.toFixed(2).padStart(9)}${part.padStart(8)}  ${name}`;
    });
    return `${'us'.padStart(9)}${'part'.padStart(8)}  ${title}\n${shown.join('\n')}\n`;
  };
  return `${workload}: ${busy.toFixed(1)} us in the isolate per exchange, ${exchanges} exchanges; self time\n\n${rows('by file', files)}\n${rows('by function', functions)}`;
}
