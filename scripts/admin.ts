// `npm run admin -- <command>`: the operators' API of a running server, from a terminal.
//
// Uses nothing but HTTP: what it can do, any other client of the API can. The commands are in admin/commands.ts.
// Exit codes as everywhere (command.ts): 0 it was done, 1 it was not, 2 it was called wrongly.

import { createCall } from './admin/call.ts';
import { COMMANDS } from './admin/commands.ts';
import { meantBy, parseCommandLine } from './admin/given.ts';
import { help } from './admin/help.ts';
import { note, oneLine } from './admin/output.ts';
import { UsageError } from './command.ts';

async function main(args: readonly string[]): Promise<void> {
  if (args.includes('--help')) {
    process.stdout.write(help(meantBy(args, COMMANDS), COMMANDS));
    return;
  }
  const given = parseCommandLine(args, COMMANDS);
  const { command } = given;
  if ((await command.run(createCall(given))) === false) process.exitCode = 1;
}

// Nobody reads on (`... | head -1`): no reason for a stack trace, but what was to be read may not have been.
process.stdout.on('error', () => process.exit(1));

try {
  await main(process.argv.slice(2));
} catch (error) {
  note(error instanceof Error ? error.message : oneLine(String(error)));
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
