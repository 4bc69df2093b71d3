// How every command of this repository starts: flags, --help, and errors as one line instead of a stack.
//
// Exit codes: 0 it worked, 1 it did not, 2 it was called wrongly.

import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';

/** The command was called wrongly; `message` names the flag. */
export class UsageError extends Error {}

type Values<Options extends ParseArgsOptionsConfig> = ReturnType<
  typeof parseArgs<{ options: Options }>
>['values'];

export interface Command<Options extends ParseArgsOptionsConfig> {
  /** Printed by --help, which every command has. */
  readonly help: string;
  readonly options: Options;
  /** Does the work; `false` when it failed and has said so. */
  run(values: Values<Options>): Promise<boolean | undefined>;
}

/** Runs a command to its end. Leaves the process running as long as something keeps it alive. */
export async function runCommand<const Options extends ParseArgsOptionsConfig>(
  command: Command<Options>,
): Promise<void> {
  try {
    if (process.argv.includes('--help')) {
      process.stdout.write(command.help);
      return;
    }
    if ((await command.run(parse(command.options))) === false) process.exitCode = 1;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = error instanceof UsageError ? 2 : 1;
  }
}

function parse<const Options extends ParseArgsOptionsConfig>(options: Options): Values<Options> {
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/** A flag's value as a whole number. */
export function wholeNumber(flag: string, value: string, least: number, most: number): number {
  const number = /^\d+$/.test(value) ? Number(value) : Number.NaN;
  if (number >= least && number <= most) return number;
  throw new UsageError(
    `--${flag} must be a whole number from ${least} to ${most}, not ${JSON.stringify(value)}`,
  );
}
