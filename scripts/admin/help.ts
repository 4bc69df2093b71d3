// What --help prints: all commands, a group of them, or one with its flags and examples.

import {
  type AdminCommand,
  CONFIRM_FLAGS,
  type Flags,
  flagsOf,
  SERVER_FLAGS,
  WORD_FLAGS,
  WRITE_FLAGS,
} from './command.ts';

const CALL = 'npm run admin --';

const INTRODUCTION = `Who may do what on a running server: revocations, roles, service keys, sessions, audit.

Usage: ${CALL} COMMAND [ARGUMENT] [FLAGS]
       (npm run -s admin -- ... where the output is used: without -s, npm prints a banner on standard output first)
`;

const SIGNING_IN = `Signing in, the first that fits:
  --user NAME                     at the local authorization server, without a browser
  --client ID --client-secret S   client credentials
  ADMIN_TOKEN                     an access token or service key that you have
  ADMIN_CLIENT_ID, ADMIN_CLIENT_SECRET
  otherwise                       a URL to open in a browser on this machine (authorization code with PKCE);
                                  --device: a URL and a code to confirm in a browser anywhere. Confirm no code that
                                  you did not just ask for: whoever did gets your token
The caller needs the scope mcp:admin and the permission mcp:operate, or the part of it that a command needs: :read, :revoke,
:grant, :keys, :privacy. A token got by signing in is kept under .wrangler/
(or in ADMIN_TOKEN_FOLDER) until it expires; \`logout\` removes it.
`;

const EXIT_CODES = `Exit codes: 0 it was done, 1 it was not, 2 it was called wrongly.
`;

export function help(meant: readonly AdminCommand[], all: readonly AdminCommand[]): string {
  const [command] = meant;
  if (!command) return generalHelp(all);
  return meant.length === 1 ? commandHelp(command) : groupHelp(meant);
}

function generalHelp(all: readonly AdminCommand[]): string {
  return [
    INTRODUCTION,
    `Commands (each has its own --help, with examples):\n${list(all)}`,
    `Flags of every command that asks the server:\n${flagList(SERVER_FLAGS)}`,
    `Flags of every command that changes something:\n${flagList(WRITE_FLAGS)}`,
    `Flags of every command that takes something away:\n${flagList(CONFIRM_FLAGS)}`,
    SIGNING_IN,
    EXIT_CODES,
  ].join('\n');
}

function groupHelp(meant: readonly AdminCommand[]): string {
  const words = meant[0]?.name.split(' ')[0];
  const examples = meant.flatMap((command) => command.examples.slice(0, 1));
  return [
    `Usage: ${CALL} ${words} ... [FLAGS]\n`,
    `${list(meant)}`,
    `Each has its own --help: ${CALL} ${meant[0]?.name} --help\n`,
    exampleList(examples),
  ].join('\n');
}

function commandHelp(command: AdminCommand): string {
  const { name, argument, summary, details, flags, effect, word, examples } = command;
  const isFlagged = Object.keys(flagsOf(command)).length > 0;
  return [
    `${summary}.\n`,
    `Usage: ${CALL} ${[name, argument].filter(Boolean).join(' ')}${isFlagged ? ' [FLAGS]' : ''}\n`,
    ...(details === undefined ? [] : [`${details}\n`]),
    ...(Object.keys(flags).length === 0 ? [] : [flagList(flags)]),
    ...(effect === 'write' || effect === 'destructive' ? [flagList(WRITE_FLAGS)] : []),
    ...(effect === 'destructive' ? [flagList(CONFIRM_FLAGS)] : []),
    ...(word === undefined ? [] : [flagList(WORD_FLAGS)]),
    ...(effect === 'local'
      ? []
      : [`Server and signing in (more: ${CALL} --help):\n${flagList(SERVER_FLAGS)}`]),
    flagList({ help: { type: 'boolean', help: 'this text' } }),
    exampleList(examples),
  ].join('\n');
}

function list(commands: readonly AdminCommand[]): string {
  return lines(commands.map(({ name, argument = '', summary }) => [`${name} ${argument}`.trim(), summary]));
}

function flagList(flags: Flags): string {
  return lines(
    Object.entries(flags).map(([name, { value = '', help }]) => [`--${name} ${value}`.trim(), help]),
  );
}

const exampleList = (examples: readonly string[]): string =>
  `Examples:\n${examples.map((example) => `  ${CALL} ${example}\n`).join('')}`;

const WIDTH = 26;

function lines(pairs: readonly (readonly [string, string])[]): string {
  return pairs
    .map(([name, text]) =>
      name.length < WIDTH ? `  ${name.padEnd(WIDTH)}${text}\n` : `  ${name}\n  ${' '.repeat(WIDTH)}${text}\n`,
    )
    .join('');
}
