// Does a Standard Schema describe and validate, whoever made it?

import { toStandardJsonSchema } from '@valibot/to-json-schema';
import * as v from 'valibot';
import { expect, test } from 'vitest';
import { jsonSchemaOf, type Schema, validate } from '../../src/protocol/schema.ts';

const report = toStandardJsonSchema(
  v.strictObject({
    id: v.pipe(v.string(), v.minLength(2)),
    filter: v.optional(v.object({ tags: v.array(v.string()) })),
    count: v.optional(v.pipe(v.number(), v.integer()), 10),
  }),
);

test('a schema is described in JSON Schema 2020-12, and says so', () => {
  expect(jsonSchemaOf(report, 'input')).toEqual({
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    properties: {
      id: { type: 'string', minLength: 2 },
      filter: {
        type: 'object',
        properties: { tags: { type: 'array', items: { type: 'string' } } },
        required: ['tags'],
      },
      count: { type: 'integer', default: 10 },
    },
    required: ['id'],
    additionalProperties: false,
  });
});

test('what is accepted and what is given are described apart', () => {
  const text = (type: string) => ({ type });
  const schema = {
    '~standard': {
      jsonSchema: {
        input: ({ target }: { target: string }) => ({ $schema: target, ...text('string') }),
        output: ({ target }: { target: string }) => ({ $schema: target, ...text('number') }),
      },
    },
  } as unknown as Schema<number>;
  expect([jsonSchemaOf(schema, 'input'), jsonSchemaOf(schema, 'output')]).toEqual([
    { $schema: 'draft-2020-12', ...text('string') },
    { $schema: 'draft-2020-12', ...text('number') },
  ]);
});

test.each<[string, unknown, unknown]>([
  ['a good value, with defaults filled in', { id: 'ab' }, { value: { id: 'ab', count: 10 } }],
  [
    'a good value in full',
    { id: 'ab', filter: { tags: ['x'] }, count: 1 },
    { value: { id: 'ab', filter: { tags: ['x'] }, count: 1 } },
  ],
  [
    'a problem under its path',
    { id: 'ab', filter: { tags: ['x', 5] } },
    { problems: ['filter.tags.1: Invalid type: Expected string but received 5'], paths: ['filter.tags.1'] },
  ],
  [
    'every problem',
    { id: 'a', count: 0.5 },
    {
      problems: ['id: Invalid length: Expected >=2 but received 1', 'count: Invalid integer: Received 0.5'],
      paths: ['id', 'count'],
    },
  ],
  [
    'what is missing',
    {},
    { problems: ['id: Invalid key: Expected "id" but received undefined'], paths: ['id'] },
  ],
  [
    'what does not belong',
    { id: 'ab', more: 1 },
    { problems: ['more: Invalid key: Expected never but received "more"'], paths: ['more'] },
  ],
  [
    'a problem of the whole value without a path',
    5,
    { problems: ['Invalid type: Expected Object but received 5'], paths: [''] },
  ],
])('validation gives %s', async (_, value, expected) => {
  expect(await validate(report, value)).toEqual(expected);
});

/** As another library might do it. */
const foreign = (result: unknown): Schema<string> =>
  ({
    '~standard': { version: 1, vendor: 'other', validate: async () => result },
  }) as unknown as Schema<string>;

test.each<[string, unknown, unknown]>([
  ['a value that comes later', { value: 'a' }, { value: 'a' }],
  [
    'paths of plain keys',
    { issues: [{ message: 'no', path: ['a', 0] }] },
    { problems: ['a.0: no'], paths: ['a.0'] },
  ],
  [
    'paths of objects with a key',
    { issues: [{ message: 'no', path: [{ key: 'a' }, { key: 0 }] }] },
    { problems: ['a.0: no'], paths: ['a.0'] },
  ],
  [
    'paths with symbols',
    { issues: [{ message: 'no', path: [Symbol('s')] }] },
    { problems: ['Symbol(s): no'], paths: ['Symbol(s)'] },
  ],
  [
    'empty paths',
    { issues: [{ message: 'no', path: [] }, { message: 'never' }] },
    { problems: ['no', 'never'], paths: ['', ''] },
  ],
])('a schema of another library may give %s', async (_, result, expected) => {
  expect(await validate(foreign(result), 'x')).toEqual(expected);
});
