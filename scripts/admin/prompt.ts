// What is asked at the terminal: a reason, a confirmation. Where nobody can be asked, the command line must say it.

import { createInterface } from 'node:readline/promises';
import { UsageError } from '../command.ts';
import type { Given } from './given.ts';
import { oneLine, printable } from './output.ts';

/** The operator does not want to. */
export class Declined extends Error {
  constructor() {
    super('nothing was done');
  }
}

export interface Terminal {
  readonly input: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly output: NodeJS.WritableStream;
}

/** Questions go where the notes go, so that a redirected result has none. */
const TERMINAL: Terminal = { input: process.stdin, output: process.stderr };

export interface Prompt {
  /** Why something is done. */
  reason(): Promise<string>;
  /** Lets the operator agree; where the command has a word, by writing it. @throws {Declined} */
  confirm(question: string): Promise<void>;
}

/** @throws {UsageError} at once, when something is missing that nobody can be asked for */
export function createPrompt(given: Given, terminal: Terminal = TERMINAL): Prompt {
  const { command } = given;
  // A token that comes from standard input leaves nothing there to answer with.
  const canAsk = terminal.input.isTTY === true && given.raw('token-file') !== '-';
  const isWrite = command.effect === 'write' || command.effect === 'destructive';
  const isList = given.is('list');
  const reason = isWrite ? given.text('reason') : undefined;
  const { word } = command;
  const written = word === undefined ? undefined : given.text('confirm');
  if (written !== undefined && written !== word)
    throw new UsageError(`\`${command.name}\` is confirmed by --confirm ${word}`);
  const needsYes =
    command.effect === 'destructive' && (word === undefined ? !given.is('yes') : written === undefined);
  if (!canAsk && isWrite && !isList && reason === undefined)
    throw new UsageError(`\`${command.name}\` needs --reason TEXT: it goes into the history`);
  if (!canAsk && needsYes)
    throw new UsageError(
      `\`${command.name}\` takes something away and nobody can be asked here (standard input is not a terminal): say ${word === undefined ? '--yes' : `--confirm ${word}`}`,
    );

  return {
    async reason() {
      const text = reason ?? (await ask('Reason, for the history: ', terminal));
      if (text.trim() === '') throw new Declined();
      return text;
    },
    async confirm(text) {
      if (!needsYes) return;
      // A name that was pasted must not change what is agreed to.
      const question = printable(oneLine(text));
      const answer = await ask(
        word === undefined ? `${question} [y/N] ` : `${question}\nWrite "${word}" to do it: `,
        terminal,
      );
      const isAgreed = word === undefined ? /^y(es)?$/i.test(answer.trim()) : answer.trim() === word;
      if (!isAgreed) throw new Declined();
    },
  };
}

async function ask(question: string, { input, output }: Terminal): Promise<string> {
  const reader = createInterface({ input, output, terminal: false });
  // Whoever closes the terminal, or ends its input, has not agreed.
  const closed = new Promise<never>((_resolve, reject) => reader.once('close', () => reject(new Declined())));
  try {
    return await Promise.race([reader.question(question), closed]);
  } finally {
    closed.catch(() => {});
    reader.close();
  }
}
