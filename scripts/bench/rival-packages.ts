// The packages of the rivals: installed when they are first needed, beside this file, so that they do not weigh on a fork.

import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';

const FOLDER = import.meta.dirname;

/** Whether what is installed is as new as the lock file. */
function isInstalled(): boolean {
  const installed = join(FOLDER, 'node_modules/.package-lock.json');
  return (
    existsSync(installed) &&
    statSync(installed).mtimeMs >= statSync(join(FOLDER, 'package-lock.json')).mtimeMs
  );
}

/** @throws {Error} that says what to do instead */
export function installRivals(tell: (line: string) => void): void {
  if (isInstalled()) return;
  tell('installing the packages of the rivals into scripts/bench/node_modules (once, about 90 MB)');
  const { status, error } = spawnSync('npm', ['ci', '--ignore-scripts', '--no-progress'], {
    cwd: FOLDER,
    stdio: ['ignore', 2, 2],
  });
  if (status === 0) return;
  throw new Error(
    `The packages of the rivals could not be installed${error ? ` (${error.message})` : ''}. See above for why, and try again with \`npm ci --ignore-scripts\` in scripts/bench; or leave the rivals out: npm run bench -- --only ours,floors`,
  );
}
