// Can what a client sends be an answer to what was asked? It is somebody else's program.

import type { ElicitRequestFormParams } from '@modelcontextprotocol/server';
import { expect, test } from 'vitest';
import { isAnswerTo, isCreateMessageResult, isRootList } from '../../src/protocol/answers.ts';

type FormSchema = ElicitRequestFormParams['requestedSchema'];

const form = (properties: object, required?: readonly string[]): FormSchema =>
  ({ type: 'object', properties, ...(required ? { required } : {}) }) as FormSchema;
const accepts = (field: object, value: unknown): boolean =>
  isAnswerTo(form({ a: field }))({ action: 'accept', content: { a: value } });

const TITLED = [
  { const: 'x', title: 'X' },
  { const: 'y', title: 'Y' },
];
test.each<[string, object, readonly unknown[], readonly unknown[]]>([
  ['a boolean', { type: 'boolean' }, [true, false], ['true', 0, null, [], {}]],
  ['a number', { type: 'number' }, [0, -1.5, 1e300], ['1', true, null, [1], {}]],
  ['an integer', { type: 'integer' }, [0, -7], [0.5, '1', true, null]],
  ['a number with bounds', { type: 'number', minimum: 1, maximum: 2 }, [1, 1.5, 2], [0.99, 2.01, -1]],
  ['a number with a bound of 0', { type: 'number', minimum: 0 }, [0, 5], [-0.1]],
  ['an integer with bounds', { type: 'integer', minimum: -1, maximum: 0 }, [-1, 0], [-2, 1, -0.5]],
  ['text', { type: 'string' }, ['', 'a', 'caf\u00e9'], [0, true, null, ['a'], {}]],
  ['text with bounds', { type: 'string', minLength: 2, maxLength: 3 }, ['ab', 'abc'], ['', 'a', 'abcd']],
  [
    'text with bounds, counted in characters',
    { type: 'string', minLength: 2, maxLength: 2 },
    ['\u{1f600}\u{1f600}', 'a\u{1f600}'],
    ['\u{1f600}', '\u{1f600}\u{1f600}\u{1f600}'],
  ],
  ['a choice', { type: 'string', enum: ['x', 'y'] }, ['x', 'y'], ['z', 'X', '', 0, ['x'], null]],
  [
    'a choice with names next to it',
    { type: 'string', enum: ['x', 'y'], enumNames: ['X', 'Y'] },
    ['x'],
    ['X', 'z'],
  ],
  ['a titled choice', { type: 'string', oneOf: TITLED }, ['x', 'y'], ['X', 'z', '', null, TITLED[0]]],
  ['a choice among nothing', { type: 'string', enum: [] }, [], ['', 'x']],
  [
    'several choices',
    { type: 'array', items: { type: 'string', enum: ['x', 'y'] } },
    [[], ['x'], ['y', 'x']],
    ['x', ['z'], ['x', 'z'], [0], [null], [['x']], null, { 0: 'x' }],
  ],
  [
    'several titled choices',
    { type: 'array', items: { anyOf: TITLED } },
    [[], ['x', 'y']],
    [['X'], [TITLED[0]], 'x'],
  ],
  [
    'several choices with bounds',
    { type: 'array', items: { type: 'string', enum: ['x', 'y'] }, minItems: 1, maxItems: 2 },
    [['x'], ['x', 'y']],
    [[], ['x', 'y', 'x']],
  ],
])('a field for %s takes nothing else', (_, field, good, bad) => {
  expect(good.filter((value) => !accepts(field, value))).toEqual([]);
  expect(bad.filter((value) => accepts(field, value))).toEqual([]);
});

const NAME = form({ name: { type: 'string' }, age: { type: 'integer' } }, ['name']);
test.each<[string, FormSchema | undefined, unknown, boolean]>([
  ['accepting with all fields', NAME, { action: 'accept', content: { name: 'a', age: 1 } }, true],
  ['accepting without an optional field', NAME, { action: 'accept', content: { name: 'a' } }, true],
  ['accepting without a required field', NAME, { action: 'accept', content: { age: 1 } }, false],
  [
    'accepting with a required field that is null',
    NAME,
    { action: 'accept', content: { name: null } },
    false,
  ],
  ['accepting with one field too many', NAME, { action: 'accept', content: { name: 'a', b: 1 } }, false],
  [
    'accepting with a field named like a property of every object',
    NAME,
    { action: 'accept', content: { name: 'a', constructor: 'b' } },
    false,
  ],
  [
    'accepting without a required field named like a property of every object',
    form({ constructor: { type: 'string' } }, ['constructor']),
    { action: 'accept', content: {} },
    false,
  ],
  ['accepting nothing of an empty form', form({}), { action: 'accept', content: {} }, true],
  ['accepting without content', NAME, { action: 'accept' }, false],
  ['accepting with a list for content', NAME, { action: 'accept', content: ['a'] }, false],
  ['accepting with null for content', form({}), { action: 'accept', content: null }, false],
  ['declining', NAME, { action: 'decline' }, true],
  ['cancelling', NAME, { action: 'cancel' }, true],
  ['declining with content, which nobody looks at', NAME, { action: 'decline', content: 5 }, true],
  ['another action', NAME, { action: 'accepted', content: { name: 'a' } }, false],
  ['an action in another case', NAME, { action: 'Decline' }, false],
  ['no action', NAME, { content: { name: 'a' } }, false],
  ['the content alone', NAME, { name: 'a' }, false],
  ['text', NAME, 'accept', false],
  ['null', NAME, null, false],
  ['nothing', NAME, undefined, false],
  ['a list', NAME, [{ action: 'decline' }], false],
  ['accepting a page, without content', undefined, { action: 'accept' }, true],
  ['declining a page', undefined, { action: 'decline' }, true],
  ['another action for a page', undefined, { action: 'done' }, false],
])('%s is an answer or not', (_, schema, value, expected) => {
  expect(isAnswerTo(schema)(value)).toBe(expected);
});

const MESSAGE = { model: 'm', role: 'assistant', content: { type: 'text', text: 'a' } };
test.each<[string, unknown, boolean]>([
  ['a message', MESSAGE, true],
  ['a message with a reason to stop', { ...MESSAGE, stopReason: 'endTurn' }, true],
  ['a message of several blocks', { ...MESSAGE, content: [MESSAGE.content] }, true],
  ['no model', { ...MESSAGE, model: undefined }, false],
  ['no role', { ...MESSAGE, role: undefined }, false],
  ['no content', { ...MESSAGE, content: undefined }, false],
  ['content that is null', { ...MESSAGE, content: null }, false],
  ['content that is text', { ...MESSAGE, content: 'a' }, false],
  ['a model that is no text', { ...MESSAGE, model: 5 }, false],
  ['null', null, false],
  ['a list', [MESSAGE], false],
])("whether %s is an answer of the client's model: %j, %s", (_, value, expected) => {
  expect(isCreateMessageResult(value)).toBe(expected);
});

test.each<[unknown, boolean]>([
  [{ roots: [] }, true],
  [{ roots: [{ uri: 'file:///a' }, { uri: 'file:///b', name: 'B' }] }, true],
  [{ roots: [{ name: 'B' }] }, false],
  [{ roots: [{ uri: 5 }] }, false],
  [{ roots: ['file:///a'] }, false],
  [{ roots: [null] }, false],
  [{ roots: { uri: 'file:///a' } }, false],
  [{}, false],
  [[], false],
  [null, false],
])('whether %j is a list of folders: %s', (value, expected) => {
  expect(isRootList(value)).toBe(expected);
});
