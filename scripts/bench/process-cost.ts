// What a process has cost so far: CPU time and the most memory it ever had, as Linux tells.
//
// Elsewhere there is no such figure for a running process that is exact enough; `undefined` then, and only throughput is
// compared. Does not count child processes: workerd has none.

import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** Whether this platform tells what a process costs. */
export const hasProcessCost = existsSync('/proc/self/stat');

const ticksPerSecond = hasProcessCost
  ? Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }).trim())
  : Number.NaN;

/** Seconds of CPU that all threads of a process have used, in the kernel and outside. */
export function cpuSeconds(pid: number): number | undefined {
  if (!hasProcessCost) return undefined;
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The second field is a name in parentheses and may have anything in it.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [user, system] = [Number(fields[11]), Number(fields[12])];
  return (user + system) / ticksPerSecond;
}

/** Bytes. `peak` is the most there ever were. */
export function memoryOf(pid: number): { readonly now: number; readonly peak: number } | undefined {
  if (!hasProcessCost) return undefined;
  const text = readFileSync(`/proc/${pid}/status`, 'utf8');
  const kilobytes = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1] ?? Number.NaN);
  return { now: kilobytes('VmRSS') * 1_024, peak: kilobytes('VmHWM') * 1_024 };
}

/** How often threads of a process were woken up: each of them first had to give the processor away. */
export function wakeUps(pid: number): number | undefined {
  if (!hasProcessCost) return undefined;
  const counts = readdirSync(`/proc/${pid}/task`).map((thread) => {
    const text = readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8');
    return Number(/^voluntary_ctxt_switches:\s+(\d+)$/m.exec(text)?.[1] ?? 0);
  });
  return counts.reduce((sum, count) => sum + count, 0);
}

/** The children of this process that run a program of this name, by id. */
export function children(program: string): ReadonlySet<number> {
  if (!hasProcessCost) return new Set();
  const threads = readdirSync('/proc/self/task');
  const lists = threads.map((thread) => readFileSync(`/proc/self/task/${thread}/children`, 'utf8'));
  const ids = lists.flatMap((list) => list.split(' ').filter(Boolean).map(Number));
  return new Set(ids.filter((id) => nameOf(id) === program));
}

/** A child may be gone by now. */
function nameOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return undefined;
  }
}
