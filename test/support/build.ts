// The Worker as it is deployed: bundled and minified by wrangler.

import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';

export interface Build extends AsyncDisposable {
  readonly folder: string;
  /** The bundle, in the folder. */
  readonly file: string;
}

export async function buildWorker(main = 'src/worker.ts'): Promise<Build> {
  const folder = await mkdtemp(join(tmpdir(), 'mcp-edge-build-'));
  const root = join(import.meta.dirname, '../..');
  await promisify(execFile)(
    'npx',
    ['wrangler', 'deploy', main, '--dry-run', '--minify', '--outdir', folder],
    {
      cwd: root,
    },
  );
  return {
    folder,
    file: join(folder, `${basename(main, '.ts')}.js`),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}
