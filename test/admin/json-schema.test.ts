// The checker of test/support/json-schema.ts, put to the proof: what must fit fits, what must not does not.

import { expect, test } from 'vitest';
import { checkSchema, problemsOf, resolve } from '../support/json-schema.ts';

const root = {
  defs: {
    named: { type: 'object', required: ['name'], properties: { name: { type: 'string' } } },
    'a/b': { const: 1 },
  },
};
const fits = (schema: unknown, value: unknown): boolean => problemsOf(schema, value, root).length === 0;
const named = { $ref: '#/defs/named' };
const object = (properties: object, required: readonly string[] = []) => ({
  type: 'object',
  properties,
  required,
  additionalProperties: false,
});

test.each<[keyword: string, schema: unknown, good: readonly unknown[], bad: readonly unknown[]]>([
  ['type', { type: 'string' }, ['', 'a'], [1, null, {}, [], true, undefined]],
  ['type: integer', { type: 'integer' }, [0, -1], [1.5, '1', null]],
  ['type: number', { type: 'number' }, [1, 1.5], ['1']],
  ['type: object', { type: 'object' }, [{}], [[], null, 'a']],
  ['type: array', { type: 'array' }, [[]], [{}, 'a']],
  ['a list of types', { type: ['string', 'null'] }, ['a', null], [1, undefined]],
  ['const', { const: 'a' }, ['a'], ['b', null]],
  ['enum', { enum: ['a', 'b'] }, ['a', 'b'], ['c', '']],
  ['required', { required: ['a'] }, [{ a: null }, 'no object'], [{}, { b: 1 }]],
  ['properties', { properties: { a: { type: 'string' } } }, [{}, { a: '', b: 1 }], [{ a: 1 }, { a: null }]],
  ['additionalProperties', object({ a: true }), [{}, { a: 1 }], [{ b: 1 }, { a: 1, b: undefined }]],
  ['items', { items: { type: 'string' } }, [[], ['a']], [['a', 1], [null]]],
  ['minimum and maximum', { minimum: 1, maximum: 2 }, [1, 2, 'text'], [0, 3]],
  ['minLength and maxLength', { minLength: 1, maxLength: 2 }, ['a', 'ab', 7], ['', 'abc']],
  ['pattern', { pattern: '^[a-z]+$' }, ['a', 7], ['A', '']],
  ['$ref', named, [{ name: 'a' }], [{}, { name: 1 }]],
  ['anyOf', { anyOf: [{ type: 'string' }, { type: 'null' }] }, ['a', null], [1, undefined]],
  [
    'oneOf',
    { oneOf: [{ required: ['a'] }, { required: ['b'] }] },
    [{ a: 1 }, { b: 1 }],
    [{}, { a: 1, b: 1 }],
  ],
  ['allOf', { allOf: [named, { required: ['b'] }] }, [{ name: 'a', b: 1 }], [{ name: 'a' }, { b: 1 }]],
  [
    'unevaluatedProperties',
    { allOf: [named, { properties: { b: true } }], unevaluatedProperties: false },
    [{ name: 'a' }, { name: 'a', b: 1 }],
    [{ name: 'a', c: 1 }],
  ],
  [
    'unevaluatedProperties, where only a part that fits counts',
    {
      anyOf: [object({ a: { const: 1 } }), { properties: { b: { const: 2 } } }],
      unevaluatedProperties: false,
    },
    [{ a: 1 }, { b: 2 }],
    [{ a: 2 }, { b: 3 }, { a: 1, c: 3 }],
  ],
])('%s', (_, schema, good, bad) => {
  for (const value of good) expect(problemsOf(schema, value, root), JSON.stringify(value)).toEqual([]);
  for (const value of bad) expect(fits(schema, value), JSON.stringify(value)).toBe(false);
});

test('a problem names its place', () => {
  const schema = object({ list: { type: 'array', items: object({ name: { type: 'string' } }, ['name']) } });
  expect(problemsOf(schema, { list: [{ name: 'a' }, { name: 1, more: 1 }, {}] }, root)).toEqual([
    '$.list[1].name: is integer, not string',
    '$.list[1].more: not known',
    '$.list[2].name: missing',
  ]);
});

test('a schema that would not be checked is an exception', () => {
  expect(() => problemsOf({ format: 'uri' }, 'a', root)).toThrow('format');
  expect(() => problemsOf({ additionalProperties: {} }, {}, root)).toThrow('additionalProperties');
  expect(() => problemsOf({ $ref: '#/defs/nobody' }, 'a', root)).toThrow('leads nowhere');
  expect(() => problemsOf({ $ref: 'other.json' }, 'a', root)).toThrow('not a local reference');
  expect(() => problemsOf(undefined, 'a', root)).toThrow('not a schema');
});

test.each([
  { format: 'uri' },
  { properties: { format: { format: 'uri' } } },
  { items: { anyOf: [{ type: 'string' }, { oneOf: [{ allOf: [{ format: 'uri' }] }] }] } },
])('such a schema is found wherever it is: %j', (schema) => {
  expect(() => checkSchema(schema)).toThrow('the keyword format is not checked here');
});

test('a property may be called like a keyword', () => {
  expect(() => checkSchema({ properties: { format: true, items: { type: 'string' } } })).not.toThrow();
});

test('a reference may have a slash in it', () => {
  expect(resolve('#/defs/a~1b', root)).toEqual({ const: 1 });
});
