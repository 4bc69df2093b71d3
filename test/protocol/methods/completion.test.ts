// completion/complete: what is suggested, and for what nothing is.

import { beforeEach, expect, test } from 'vitest';
import { complete } from '../../../src/protocol/methods/completion.ts';
import type { HandlerEvent } from '../../../src/protocol/methods/method.ts';
import { definePrompt } from '../../../src/protocol/prompt.ts';
import { defineResource } from '../../../src/protocol/resource.ts';
import { ToolError } from '../../../src/protocol/tool.ts';
import { call, invalid } from './call.ts';

const numbers = (count: number) => Array.from({ length: count }, (_, index) => String(index));
const common = { description: 'D', scopes: [], permissions: ['never-looked-at'] };
const PROMPT = definePrompt({
  ...common,
  name: 'p',
  title: 'P',
  arguments: {
    count: { description: 'How many.', complete: (value) => numbers(Number(value)) },
    who: { description: 'Who.', complete: async (value, { requestId }) => [`${value} of ${requestId}`] },
    bare: { description: 'Nothing is suggested.' },
    fail: {
      description: 'Fails.',
      complete: (value) => {
        throw value === 'known' ? new ToolError('Not now.') : new TypeError('secret');
      },
    },
  },
  get: () => '',
});
const TEMPLATE = defineResource({
  ...common,
  name: 't',
  uriTemplate: 'a:///{id}/{part}',
  read: () => undefined,
  complete: { id: (value) => [`${value}1`, `${value}2`] },
});
const BARE = defineResource({ ...common, name: 'b', uriTemplate: 'b:///{id}', read: () => undefined });
const FIXED = defineResource({ ...common, name: 'f', uri: 'f:///1', read: () => ({ text: '' }) });

let reported: HandlerEvent[];
beforeEach(() => {
  reported = [];
});
const ask = (params: object) =>
  call(complete, params, {
    prompts: [PROMPT],
    resources: [TEMPLATE, BARE, FIXED],
    handler: { requestId: 'r1' },
    reported,
  });
const prompt = { type: 'ref/prompt', name: 'p' };
const template = (uri: string) => ({ type: 'ref/resource', uri });

test.each<[string, object, string, string, readonly string[]]>([
  ['an argument of a prompt', prompt, 'count', '2', ['0', '1']],
  ['an argument, with context', prompt, 'who', 'Bo', ['Bo of r1']],
  ['an argument without suggestions of its own', prompt, 'bare', 'x', []],
  ['an argument that there is not', prompt, 'none', 'x', []],
  ['an argument named like a property of every object', prompt, 'constructor', 'x', []],
  ['a variable of a template', template('a:///{id}/{part}'), 'id', 'x', ['x1', 'x2']],
  ['a variable of which nothing is typed yet', template('a:///{id}/{part}'), 'id', '', ['1', '2']],
  ['a variable without suggestions of its own', template('a:///{id}/{part}'), 'part', 'x', []],
  ['a variable named like a property of every object', template('a:///{id}/{part}'), 'toString', 'x', []],
  ['a template without suggestions', template('b:///{id}'), 'id', 'x', []],
])('suggestions for %s', async (_, ref, name, value, values) => {
  expect(await ask({ ref, argument: { name, value } })).toEqual({
    result: { completion: { values, total: values.length, hasMore: false } },
    isCacheable: false,
  });
});

test.each<[number, number, boolean]>([
  [99, 99, false],
  [100, 100, false],
  [101, 100, true],
  [1_000, 100, true],
])(
  'of %i suggestions %i are given, and whether there are more is told: %s',
  async (total, given, hasMore) => {
    expect(await ask({ ref: prompt, argument: { name: 'count', value: String(total) } })).toMatchObject({
      result: { completion: { values: numbers(given), total, hasMore } },
    });
  },
);

const GOOD = { name: 'count', value: '1' };
const SHAPE = 'ref and argument with name and value must be given';
const NONE = 'There is no such prompt or resource template';
test.each<[string, object, string]>([
  ['no reference', { argument: GOOD }, SHAPE],
  ['a reference that is text', { ref: 'p', argument: GOOD }, SHAPE],
  ['no argument', { ref: prompt }, SHAPE],
  ['an argument that is text', { ref: prompt, argument: 'count' }, SHAPE],
  ['an argument without a name', { ref: prompt, argument: { value: '1' } }, SHAPE],
  ['an argument without a value', { ref: prompt, argument: { name: 'count' } }, SHAPE],
  ['a value that is no text', { ref: prompt, argument: { name: 'count', value: 1 } }, SHAPE],
  ['an unknown prompt', { ref: { ...prompt, name: 'x' }, argument: GOOD }, NONE],
  [
    'a prompt named like a property of every object',
    { ref: { ...prompt, name: 'constructor' }, argument: GOOD },
    NONE,
  ],
  ['an unknown template', { ref: template('a:///{id}'), argument: GOOD }, NONE],
  ['a URI of a template', { ref: template('b:///1'), argument: GOOD }, NONE],
  ['a fixed resource', { ref: template('f:///1'), argument: GOOD }, NONE],
  ['an unknown kind of reference', { ref: { ...prompt, type: 'ref/tool' }, argument: GOOD }, NONE],
  ['the text of a ToolError', { ref: prompt, argument: { name: 'fail', value: 'known' } }, 'Not now.'],
])('%s is told as wrong parameters', async (_, params, message) => {
  expect(await ask(params)).toEqual(invalid(message));
  expect(reported).toEqual([]);
});

test('any other exception is reported, and the caller learns nothing of it', async () => {
  const outcome = await ask({ ref: prompt, argument: { name: 'fail', value: 'x' } });
  expect(outcome).toMatchObject({ status: 200, code: -32_603, id: 7 });
  expect(JSON.stringify(outcome)).not.toContain('secret');
  expect(reported).toEqual([{ event: 'handler_failed', handler: 'p', error: 'TypeError: secret' }]);
});
