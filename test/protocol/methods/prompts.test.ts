// prompts/list and prompts/get: what is listed to whom, and what becomes of getting one.

import type { GetPromptResult } from '@modelcontextprotocol/server';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Era } from '../../../src/protocol/era.ts';
import { MissingCapability } from '../../../src/protocol/handler.ts';
import type { HandlerEvent } from '../../../src/protocol/methods/method.ts';
import { getPrompt, listPrompts } from '../../../src/protocol/methods/prompts.ts';
import { definePrompt } from '../../../src/protocol/prompt.ts';
import { ToolError } from '../../../src/protocol/tool.ts';
import { call, invalid } from './call.ts';

const ERAS: readonly Era[] = ['modern', 'legacy'];
const common = { title: 'T', description: 'D', scopes: ['never-looked-at'] };
const FAILURES: Readonly<Record<string, unknown>> = {
  known: new ToolError('There is no such report.'),
  unknown: new TypeError('secret of the database'),
  incapable: new MissingCapability({ sampling: {} }),
};
const MESSAGES = [
  { role: 'user', content: { type: 'text', text: 'Hi' } },
  { role: 'assistant', content: { type: 'text', text: 'Ho' } },
] as const;
const PROMPTS = [
  definePrompt({
    ...common,
    name: 'sum',
    permissions: ['sum'],
    arguments: {
      id: { description: 'Which.', required: true },
      by: { description: 'By whom.', required: true },
      length: { description: 'How long.' },
    },
    get: async ({ id, by, length = 'short' }, { requestId }) => `${id} by ${by}, ${length}, for ${requestId}`,
  }),
  definePrompt({ ...common, name: 'plain', permissions: ['plain'], get: () => MESSAGES }),
  definePrompt({
    ...common,
    name: 'fail',
    permissions: ['fail'],
    arguments: { how: { description: 'How.' } },
    get: ({ how = '' }) => {
      throw FAILURES[how];
    },
  }),
];

let reported: HandlerEvent[];
beforeEach(() => {
  reported = [];
});

describe.each(ERAS)('in the %s era', (era) => {
  const given = { prompts: PROMPTS, era, handler: { requestId: 'r1' } };
  const get = (params: object) => call(getPrompt, params, { ...given, reported });
  const messages = (...texts: string[]): GetPromptResult['messages'] =>
    texts.map((text) => ({ role: 'user', content: { type: 'text', text } }));

  test('prompts are listed page by page, and what a caller may not use is not listed', async () => {
    const names = (...list: string[]) => list.map((name) => expect.objectContaining({ name }));
    expect(await call(listPrompts, {}, given)).toEqual({
      result: { prompts: names('sum', 'plain'), nextCursor: 'plain' },
      isCacheable: true,
    });
    expect(await call(listPrompts, { cursor: 'plain' }, given)).toEqual({
      result: { prompts: names('fail') },
      isCacheable: true,
    });
    expect(await call(listPrompts, {}, { ...given, hidden: ['sum'] })).toEqual({
      result: { prompts: names('plain', 'fail') },
      isCacheable: true,
    });
    expect(await call(listPrompts, { cursor: 'x' }, given)).toEqual(
      invalid('The cursor is not one of this server'),
    );
  });

  test.each<[string, object, GetPromptResult['messages']]>([
    [
      'text is a message of the user',
      { name: 'sum', arguments: { id: '1', by: 'Bo', length: 'long' } },
      messages('1 by Bo, long, for r1'),
    ],
    [
      'an optional argument may be missing',
      { name: 'sum', arguments: { id: '', by: '' } },
      messages(' by , short, for r1'),
    ],
    ['messages stay as they are', { name: 'plain' }, [...MESSAGES]],
    ['no arguments are an empty object too', { name: 'plain', arguments: {} }, [...MESSAGES]],
  ])('%s', async (_, params, expected) => {
    expect(await get(params)).toEqual({
      result: { description: 'D', messages: expected },
      isCacheable: false,
    });
    expect(reported).toEqual([]);
  });

  const NONE = 'There is no such prompt';
  const STRINGS = 'arguments must be an object of strings';
  test.each<[string, object, string]>([
    ['an unknown prompt', { name: 'x' }, NONE],
    ['a prompt in another case', { name: 'Plain' }, NONE],
    ['a prompt named like a property of every object', { name: 'constructor' }, NONE],
    ['no prompt', {}, NONE],
    ['a name that is a list', { name: ['plain'] }, NONE],
    ['arguments that are a list', { name: 'plain', arguments: [] }, STRINGS],
    ['arguments that are null', { name: 'plain', arguments: null }, STRINGS],
    ['arguments that are text', { name: 'plain', arguments: '{}' }, STRINGS],
    ['an argument that is a number', { name: 'sum', arguments: { id: 1, by: 'Bo' } }, STRINGS],
    ['an argument that is null', { name: 'sum', arguments: { id: null, by: 'Bo' } }, STRINGS],
    ['all required arguments missing', { name: 'sum' }, 'Missing: id, by'],
    ['one required argument missing', { name: 'sum', arguments: { id: '1', length: 'x' } }, 'Missing: by'],
    [
      'a missing argument before an unknown one',
      { name: 'sum', arguments: { id: '1', more: '' } },
      'Missing: by',
    ],
    [
      'an unknown argument',
      { name: 'sum', arguments: { id: '1', by: 'Bo', Length: 'x' } },
      'Only these arguments are known: id, by, length',
    ],
    [
      'an argument named like a property of every object',
      { name: 'sum', arguments: { id: '1', by: 'Bo', constructor: 'x' } },
      'Only these arguments are known: id, by, length',
    ],
    ['the text of a ToolError', { name: 'fail', arguments: { how: 'known' } }, 'There is no such report.'],
  ])('%s is told as wrong parameters', async (_, params, message) => {
    expect(await get(params)).toEqual(invalid(message));
    expect(reported).toEqual([]);
  });

  test('any other exception is reported, and the caller learns nothing of it', async () => {
    expect(await get({ name: 'fail', arguments: { how: 'unknown' } })).toEqual({
      status: 200,
      code: -32_603,
      message: 'It failed. The cause is in the log of the server.',
      id: 7,
    });
    expect(reported).toEqual([
      { event: 'handler_failed', handler: 'fail', error: 'TypeError: secret of the database' },
    ]);
  });

  test('what the client would have to declare is told in the way of the era', async () => {
    const message = 'The client does not support sampling, which this needs.';
    expect(await get({ name: 'fail', arguments: { how: 'incapable' } })).toEqual(
      era === 'modern'
        ? { status: 400, code: -32_021, message, id: 7, data: { requiredCapabilities: { sampling: {} } } }
        : invalid(message),
    );
  });
});
