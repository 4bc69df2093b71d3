// What an operator is asked at a terminal, and which answers let a command go on.

import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { COMMANDS } from '../../scripts/admin/commands.ts';
import { parseCommandLine } from '../../scripts/admin/given.ts';
import { createPrompt, Declined } from '../../scripts/admin/prompt.ts';

/** A terminal at which `answer` is typed; without one, its input ends. */
function terminal(answer: string | undefined) {
  const input = Object.assign(new PassThrough(), { isTTY: true });
  const output = new PassThrough();
  if (answer === undefined) input.end();
  else input.write(`${answer}\n`);
  const shown = async (): Promise<string> => {
    output.end();
    return text(output);
  };
  return { input, output, shown };
}

const prompt = (args: readonly string[], answer?: string) => {
  const { shown, ...streams } = terminal(answer);
  return { shown, ...createPrompt(parseCommandLine(args, COMMANDS), streams) };
};

const REVOKE = ['revoke', 'subject', 'alice'];
const EVERYTHING = ['revoke', 'everything'];

test.each(['y', 'Y', 'yes', ' yes '])('%j is agreement', async (answer) => {
  const { confirm, shown } = prompt(REVOKE, answer);
  await confirm('Revoke alice?');
  expect(await shown()).toBe('Revoke alice? [y/N] ');
});

test.each(['', 'n', 'no', 'yep', 'alice', undefined])('%j is none', async (answer) => {
  await expect(prompt(REVOKE, answer).confirm('Revoke alice?')).rejects.toThrow(Declined);
});

test('a word has to be written as it is', async () => {
  const { confirm, shown } = prompt(EVERYTHING, 'everything');
  await confirm('Revoke everything?');
  expect(await shown()).toBe('Revoke everything?\nWrite "everything" to do it: ');
  for (const answer of ['y', 'yes', 'Everything', 'every thing', undefined])
    await expect(prompt(EVERYTHING, answer).confirm('Revoke everything?')).rejects.toThrow(Declined);
});

test('a name in a question can neither hide a part of it nor add a line', async () => {
  const { confirm, shown } = prompt(REVOKE, 'y');
  await confirm('Revoke a\u202eb\nc?');
  expect(await shown()).toBe('Revoke a\\u{202e}b c? [y/N] ');
});

test('--yes is agreement, and nothing is asked; where a word is wanted only the word is', async () => {
  const { confirm, shown } = prompt([...REVOKE, '--yes']);
  await confirm('Revoke alice?');
  expect(await shown()).toBe('');
  await expect(prompt([...EVERYTHING, '--yes'], 'y').confirm('Revoke everything?')).rejects.toThrow(Declined);
  const worded = prompt([...EVERYTHING, '--confirm', 'everything']);
  await worded.confirm('Revoke everything?');
  expect(await worded.shown()).toBe('');
  expect(() => prompt([...EVERYTHING, '--confirm', 'issuer'])).toThrow('--confirm everything');
});

test('a reason is asked for when none was given', async () => {
  const asked = prompt(REVOKE, 'laptop stolen');
  expect(await asked.reason()).toBe('laptop stolen');
  expect(await asked.shown()).toBe('Reason, for the history: ');
  const given = prompt([...REVOKE, '--reason', 'why not']);
  expect(await given.reason()).toBe('why not');
  expect(await given.shown()).toBe('');
  for (const answer of ['', '  ', undefined])
    await expect(prompt(REVOKE, answer).reason()).rejects.toThrow(Declined);
});

test('whoever gives a token by standard input cannot answer there', () => {
  const args = ['revoke', 'token', '--token-file', '-'];
  expect(() => prompt(args, 'y')).toThrow('needs --reason');
  expect(() => prompt([...args, '--reason', 'x'], 'y')).toThrow('say --yes');
  prompt([...args, '--reason', 'x', '--yes']);
});
