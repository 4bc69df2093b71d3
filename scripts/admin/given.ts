// The command line -> the command that is meant, and what was given to it.
//
// Every flag means the same wherever it stands, so flags may come before, between and after the words of a command.
// Does not check what the server checks.

import { parseArgs } from 'node:util';
import { UsageError } from '../command.ts';
import { type AdminCommand, type Flags, flagsOf } from './command.ts';

export interface Given {
  readonly command: AdminCommand;
  /** What stands after the command's words. */
  readonly argument: string | undefined;
  /** A flag's value, if it was given. An empty one is most likely a variable that was not set, and is refused. */
  text(flag: string): string | undefined;
  /** A flag's value, which must be there. */
  need(flag: string): string;
  /** A flag's value, which may be empty. */
  raw(flag: string): string | undefined;
  is(flag: string): boolean;
}

type Values = Readonly<Record<string, string | boolean | undefined>>;

/** @throws {UsageError} that says what is wrong, and where the help is */
export function parseCommandLine(args: readonly string[], commands: readonly AdminCommand[]): Given {
  const { values, positionals } = parse(args, commands);
  const command = findCommand(positionals, commands);
  const help = `npm run admin -- ${command.name} --help`;

  const known = flagsOf(command);
  const stranger = Object.keys(values).find((flag) => !Object.hasOwn(known, flag));
  if (stranger !== undefined)
    throw new UsageError(`--${stranger} does not go with \`${command.name}\`; see ${help}`);

  const [argument, ...rest] = positionals.slice(wordsOf(command).length);
  const surplus = command.argument === undefined ? argument : rest[0];
  if (surplus !== undefined)
    throw new UsageError(`${JSON.stringify(surplus)} is too much for \`${command.name}\`; see ${help}`);
  const isNeeded = command.argument !== undefined && !command.argument.startsWith('[');
  if (isNeeded && (argument === undefined || argument.trim() === ''))
    throw new UsageError(`\`${command.name}\` needs ${command.argument}; see ${help}`);

  const raw = (flag: string): string | undefined => {
    const value = values[flag];
    return typeof value === 'string' ? value : undefined;
  };
  const text = (flag: string): string | undefined => {
    const value = raw(flag);
    if (value?.trim() === '') throw new UsageError(`--${flag} is empty`);
    return value;
  };
  const need = (flag: string): string => {
    const value = text(flag);
    if (value === undefined) throw new UsageError(`\`${command.name}\` needs --${flag}; see ${help}`);
    return value;
  };
  return { command, argument, raw, text, need, is: (flag) => values[flag] === true };
}

/** The command that is meant, or a group of them (`roles`), by the words of a command line. */
export function meantBy(args: readonly string[], commands: readonly AdminCommand[]): readonly AdminCommand[] {
  const { positionals } = parseArgs({
    args: [...args],
    options: allFlags(commands),
    strict: false,
    allowPositionals: true,
  });
  const exact = longestMatch(positionals, commands);
  if (exact) return [exact];
  for (let length = positionals.length; length > 0; length -= 1) {
    const group = startingWith(positionals.slice(0, length), commands);
    if (group.length > 0) return group;
  }
  return [];
}

function parse(args: readonly string[], commands: readonly AdminCommand[]) {
  try {
    const parsed = parseArgs({ args: [...args], options: allFlags(commands), allowPositionals: true });
    return { positionals: parsed.positionals, values: parsed.values as Values };
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function allFlags(commands: readonly AdminCommand[]) {
  const flags: Flags = Object.assign({}, ...commands.map(flagsOf));
  return Object.fromEntries(Object.entries(flags).map(([name, { type }]) => [name, { type }]));
}

const wordsOf = ({ name }: AdminCommand): readonly string[] => name.split(' ');

function findCommand(words: readonly string[], commands: readonly AdminCommand[]): AdminCommand {
  const command = longestMatch(words, commands);
  if (command) return command;
  const [first] = words;
  if (first === undefined) throw new UsageError('which command? See npm run admin -- --help');
  const group = startingWith([first], commands);
  if (group.length === 0)
    throw new UsageError(`there is no command ${JSON.stringify(first)}; see npm run admin -- --help`);
  throw new UsageError(`\`${first}\` needs another word: ${group.map(({ name }) => name).join(', ')}`);
}

function longestMatch(words: readonly string[], commands: readonly AdminCommand[]): AdminCommand | undefined {
  return commands
    .filter((command) => wordsOf(command).every((word, index) => words[index] === word))
    .sort((one, other) => other.name.length - one.name.length)[0];
}

const startingWith = (words: readonly string[], commands: readonly AdminCommand[]): readonly AdminCommand[] =>
  commands.filter((command) => words.every((word, index) => wordsOf(command)[index] === word));
