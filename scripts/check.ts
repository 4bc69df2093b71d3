// `npm run check`: types, lint and format, all of them before it answers. Changes nothing unless asked with --fix.

import { spawnSync } from 'node:child_process';
import { runCommand } from './command.ts';

const HELP = `Usage: npm run check [-- --fix]

Checks types (tsc: src, scripts, test), that the types of the bindings are those of wrangler.toml, and lint and format
(biome).

  --fix    repair what can be repaired
  --help   this text
`;

await runCommand({
  help: HELP,
  options: { fix: { type: 'boolean' } },
  async run({ fix }) {
    const steps = [
      ['tsc', '-p', '.'],
      ['tsc', '-p', 'scripts'],
      ['tsc', '-p', 'scripts/bench/workers'],
      ['tsc', '-p', 'test'],
      ['wrangler', 'types', '--include-runtime=false', ...(fix ? [] : ['--check'])],
      ['biome', 'check', fix ? '--write' : '--error-on-warnings'],
    ] as const;
    const failed = steps.filter(
      ([name, ...args]) => spawnSync(name, args, { stdio: 'inherit' }).status !== 0,
    );
    if (failed.length > 0)
      throw new Error(`check failed: ${failed.map((step) => step.join(' ')).join(', ')}`);
    process.stdout.write('check: types, lint and format are fine\n');
    return true;
  },
});
