// The Worker as it is deployed: bundled and minified by wrangler.

import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

export interface Build extends AsyncDisposable {
  /** Has worker.js in it. */
  readonly folder: string;
}

export async function buildWorker(): Promise<Build> {
  const folder = await mkdtemp(join(tmpdir(), 'mcp-edge-build-'));
  const root = join(import.meta.dirname, '../..');
  await promisify(execFile)('npx', ['wrangler', 'deploy', '--dry-run', '--minify', '--outdir', folder], {
    cwd: root,
  });
  return { folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}
