// Every command explains itself.

import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const { scripts } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>;
};

test('the names that others rely on are there', () => {
  expect(Object.keys(scripts)).toEqual(
    expect.arrayContaining(['start', 'demo', 'token', 'admin', 'test', 'check', 'deploy', 'types']),
  );
});

test.each(Object.keys(scripts))('npm run %s -- --help prints help and does nothing else', async (name) => {
  const { stdout } = await promisify(execFile)('npm', ['run', '-s', name, '--', '--help'], { cwd: ROOT });
  expect(stdout).toMatch(/usage|Usage|USAGE|wrangler (deploy|types)/);
  expect(stdout).toContain('--help');
});

test.each(['start', 'demo', 'token', 'admin', 'check'])(
  'npm run %s names an option it does not know',
  async (name) => {
    const failed = await promisify(execFile)('npm', ['run', '-s', name, '--', '--no-such-option'], {
      cwd: ROOT,
    }).catch((error) => error);
    expect(failed.code).toBeGreaterThan(0);
    expect(failed.stderr).toContain('--no-such-option');
    expect(failed.stderr).not.toContain('    at ');
  },
);
