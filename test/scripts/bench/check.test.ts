// The benchmark on the real thing, without timing: answers and refusals of ours and the floors are right, and a contender
// that lets a bad token in ends the run.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../../..');
const PATIENCE_MS = 240_000;

function bench(...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/bench/main.ts', ...args], {
    cwd: ROOT,
    encoding: 'utf8',
    timeout: PATIENCE_MS,
  });
  return { status, stdout, stderr };
}

test(
  'ours and the floors answer and refuse as they should',
  () => {
    const workloads = ['call', 'list', 'session', 'stream', 'elicit'];
    const { status, stdout, stderr } = bench(
      '--check',
      '--only',
      'ours,floors',
      '--workload',
      workloads.join(','),
    );
    expect(status, stderr).toBe(0);
    const lines = stdout.trim().split('\n');
    expect(lines.map((line) => line.split(':')[0])).toEqual(workloads);
    expect(lines[0]).toContain('ours, floor-empty, floor-cached, floor-verifying, floor-object');
  },
  PATIENCE_MS,
);

test(
  'a contender that lets strangers in is not timed: exit code 1, and it says which',
  () => {
    const file = join(import.meta.dirname, 'lenient-worker.ts');
    const { status, stdout, stderr } = bench('--add', file, '--only', 'added', '--workload', 'call');
    expect(status).toBe(1);
    expect(stderr).toContain('added accepts no token');
    expect(stdout).toBe('');
  },
  PATIENCE_MS,
);

test('another checkout that is none is a usage error that says what it has to have', () => {
  const { status, stderr } = bench('--against', '/nowhere', '--check');
  expect(status).toBe(2);
  expect(stderr).toContain('--against: there is no /nowhere/scripts/bench/workers/ours.ts');
});

test('a name that does not exist is a usage error that says what there is', () => {
  const { status, stderr } = bench('--only', 'nobody');
  expect(status).toBe(2);
  expect(stderr).toContain('there is no "nobody"; there are ours, floor-empty, floors');
});
