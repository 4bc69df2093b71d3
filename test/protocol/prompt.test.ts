// Is a mistake in a prompt's definition found when it is defined, and does a client see what was defined?

import type { Prompt as OfficialPrompt } from '@modelcontextprotocol/server';
import { expect, test } from 'vitest';
import type { HandlerContext } from '../../src/protocol/handler.ts';
import { definePrompt, type PromptDefinition } from '../../src/protocol/prompt.ts';

const GOOD: PromptDefinition = {
  name: 'summary',
  title: 'Summary',
  description: 'Sums up a report.',
  scopes: ['reports:read'],
  permissions: ['p'],
  get: () => 'text',
};
const define = (changed: object = {}) => definePrompt<string>({ ...GOOD, ...changed });

const RIGHTS = 'prompt "summary": scopes and permissions must be given; use [] for none';
test.each<[string, object, string]>([
  ['an empty name', { name: '' }, 'a prompt needs a name'],
  ['no scopes', { scopes: undefined }, RIGHTS],
  ['no permissions', { permissions: undefined }, RIGHTS],
  ['permissions in one text', { permissions: 'a' }, RIGHTS],
])('%s is refused and the prompt is named', (_, changed, problem) => {
  expect(() => define(changed)).toThrow(new Error(problem));
});

test('a scope that is none is refused by name', () => {
  expect(() => define({ scopes: ['a b'] })).toThrow(/prompt "summary": .*"a b"/);
});

test('a client sees what is defined, and nothing of what a caller needs', () => {
  const expected: OfficialPrompt = {
    name: 'summary',
    title: 'Summary',
    description: 'Sums up a report.',
    arguments: [],
  };
  expect(JSON.parse(define().listed)).toEqual(expected);
});

test('a client sees arguments in their order, icons, and nothing of suggestions', () => {
  const icons = [{ src: 'https://a.example/icon.png' }];
  const prompt = define({
    icons,
    arguments: {
      id: { title: 'Id', description: 'Which.', required: true, complete: () => ['a'] },
      length: { description: 'How long.' },
    },
  });
  const expected = {
    icons,
    arguments: [
      { name: 'id', title: 'Id', description: 'Which.', required: true },
      { name: 'length', description: 'How long.' },
    ],
  };
  expect(JSON.parse(prompt.listed)).toMatchObject(expected);
  expect(prompt.listed).not.toContain('complete');
});

test('what a prompt needs cannot be changed after it is defined', () => {
  const permissions = ['a'];
  const prompt = define({ permissions });
  permissions.pop();
  expect(prompt.permissions).toEqual(['a']);
  expect([prompt, prompt.scopes, prompt.permissions].map(Object.isFrozen)).toEqual([true, true, true]);
});

test('a prompt gets arguments and context, and stays a method of its definition', () => {
  const own = {
    name: 'own',
    get(...given: unknown[]) {
      return [this.name, ...given];
    },
  };
  const context = {} as HandlerContext;
  expect(define(own).get({ id: 'a' }, context)).toEqual(['own', { id: 'a' }, context]);
});
