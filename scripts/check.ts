// `npm run check`: types, lint and format, all of them before it answers. Changes nothing unless asked with --fix.

import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';

const HELP = `Usage: npm run check [-- --fix]

Checks types (tsc: src, scripts, test), and lint and format (biome).

  --fix    let biome repair what it can
  --help   this text
`;

const { values } = parseArgs({ options: { fix: { type: 'boolean' }, help: { type: 'boolean' } } });
if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}

const steps = [
  ['tsc', '-p', '.'],
  ['tsc', '-p', 'scripts'],
  ['tsc', '-p', 'test'],
  ['biome', 'check', ...(values.fix ? ['--write'] : ['--error-on-warnings'])],
] as const;

const failed = steps.filter(
  ([command, ...args]) => spawnSync(command, args, { stdio: 'inherit' }).status !== 0,
);
if (failed.length > 0) {
  process.stderr.write(`\ncheck failed: ${failed.map((step) => step.join(' ')).join(', ')}\n`);
  process.exit(1);
}
process.stdout.write('check: types, lint and format are fine\n');
