// A contender's Worker as wrangler builds it for a deployment: one minified file, and how large it is.
//
// With BENCH_SOURCE the kit's source comes from another checkout, so that one copy of the benchmark measures several
// states of the code.

import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { unstable_readConfig } from 'wrangler';

const ROOT = join(import.meta.dirname, '../..');
/** Whose src is measured. */
export const SOURCE = resolve(process.env.BENCH_SOURCE ?? ROOT);

export interface Build {
  /** The bundle. */
  readonly code: string;
  readonly sourceMap: string;
  readonly gzipKilobytes: number;
  readonly compatibilityDate: string;
}

export interface BuildOptions {
  /** Path in the repository, or an absolute one. */
  readonly entry: string;
  readonly compatibilityFlags: readonly string[];
  readonly defines?: Readonly<Record<string, number>>;
  /** Whose wrangler.toml counts, if not that of SOURCE. */
  readonly checkout?: string;
  /** Unminified, for reading a profile. */
  readonly isReadable?: boolean;
}

/** @throws {Error} with what wrangler said */
export async function build({
  entry,
  compatibilityFlags,
  defines = {},
  checkout = SOURCE,
  isReadable = false,
}: BuildOptions): Promise<Build> {
  const { compatibility_date = '', keep_names } = unstable_readConfig({
    config: join(checkout, 'wrangler.toml'),
  });
  const folder = await mkdtemp(join(tmpdir(), 'mcp-edge-bench-'));
  try {
    const root = SOURCE === ROOT ? ROOT : await graft(folder);
    const config = join(folder, 'wrangler.json');
    await writeFile(
      config,
      JSON.stringify({
        name: 'bench',
        main: resolve(root, entry),
        compatibility_date,
        compatibility_flags: compatibilityFlags,
        keep_names,
        minify: !isReadable,
        define: Object.fromEntries(Object.entries(defines).map(([name, value]) => [name, String(value)])),
      }),
    );
    const output = join(folder, 'out');
    const wrangler = join(ROOT, 'node_modules/.bin/wrangler');
    const { stdout } = await promisify(execFile)(
      wrangler,
      ['deploy', '-c', config, '--dry-run', '--outdir', output],
      {
        cwd: root,
      },
    );
    const [, kilobytes] = /gzip: ([\d.]+) KiB/.exec(stdout) ?? [];
    const file = join(output, `${basename(entry, '.ts')}.js`);
    return {
      code: await readFile(file, 'utf8'),
      sourceMap: await readFile(`${file}.map`, 'utf8'),
      gzipKilobytes: Number(kilobytes),
      compatibilityDate: compatibility_date,
    };
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(`${entry} cannot be built:\n${stdout}${stderr}${stdout || stderr ? '' : error}`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** This benchmark's Workers beside another checkout's source. */
async function graft(folder: string): Promise<string> {
  const root = join(folder, 'graft');
  await mkdir(join(root, 'scripts/bench'), { recursive: true });
  for (const name of ['src', 'node_modules']) await symlink(join(SOURCE, name), join(root, name));
  for (const name of ['workers', 'rivals', 'node_modules']) {
    const own = join(import.meta.dirname, name);
    const to = join(root, 'scripts/bench', name);
    if (name === 'node_modules') await symlink(own, to);
    else await cp(own, to, { recursive: true }).catch(() => undefined);
  }
  return root;
}
