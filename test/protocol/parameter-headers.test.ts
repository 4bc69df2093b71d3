// Which arguments does a tool want repeated as headers, which annotations would clients reject it for, and does a header
// say what the argument says?

import { expect, test } from 'vitest';
import {
  mismatchedHeader,
  type ParameterHeader,
  parameterHeaders,
} from '../../src/protocol/parameter-headers.ts';

const MARK = 'x-mcp-header';
const marked = (header: unknown, type: unknown = 'string') => ({ type, [MARK]: header });
const object = (properties: object) => ({ type: 'object', properties });
const found = (schema: object): readonly ParameterHeader[] =>
  parameterHeaders({ ...schema }, (problem) => {
    throw new Error(problem);
  });

test.each<[string, object, readonly [header: string, ...path: string[]][]]>([
  ['no annotation', object({ a: { type: 'string' } }), []],
  ['text', object({ a: marked('Region') }), [['mcp-param-region', 'a']]],
  ['an integer', object({ a: marked('N', 'integer') }), [['mcp-param-n', 'a']]],
  ['a boolean', object({ a: marked('B', 'boolean') }), [['mcp-param-b', 'a']]],
  [
    'several, at any depth of properties',
    object({ a: marked('A'), b: object({ c: object({ d: marked('D') }), e: marked('E') }) }),
    [
      ['mcp-param-a', 'a'],
      ['mcp-param-d', 'b', 'c', 'd'],
      ['mcp-param-e', 'b', 'e'],
    ],
  ],
  [
    'every character of a token',
    object({ a: marked("aZ09!#$%&'*+.^_`|~-") }),
    [["mcp-param-az09!#$%&'*+.^_`|~-", 'a']],
  ],
  [
    'arguments with the names of keywords',
    object({ properties: marked('P'), items: marked('I'), enum: marked('E'), default: marked('D') }),
    [
      ['mcp-param-p', 'properties'],
      ['mcp-param-i', 'items'],
      ['mcp-param-e', 'enum'],
      ['mcp-param-d', 'default'],
    ],
  ],
  ['an argument named like the annotation', object({ [MARK]: { type: 'string' } }), []],
  [
    'an argument named like the annotation, inside of a list',
    object({ a: { type: 'array', items: object({ [MARK]: { type: 'string' } }) } }),
    [],
  ],
  [
    'what looks like an annotation in a value',
    object({
      a: {
        enum: [{ [MARK]: 'A' }],
        const: { [MARK]: 'A' },
        default: { [MARK]: 'A' },
        examples: [{ [MARK]: 'A' }],
      },
    }),
    [],
  ],
])('annotations are found: %s', (_, schema, expected) => {
  expect(found(schema)).toEqual(expected.map(([header, ...path]) => ({ header, path })));
});

const PLACE = 'x-mcp-header must be at a property reached through `properties` only';
const NAME = 'x-mcp-header must be a header name';
const TYPE = 'x-mcp-header must be at a string, integer or boolean';
test.each<[string, object, string]>([
  ['an empty name', object({ a: marked('') }), NAME],
  ['a name that is no text', object({ a: marked(5) }), NAME],
  ['a name that is null', object({ a: marked(null) }), NAME],
  ...[' ', 'a b', 'a:b', 'a\tb', 'a\r\nb', 'a\n', 'a/b', 'a(b', 'a"b', 'a,b', 'a@b', 'caf\u00e9'].map(
    (name): [string, object, string] => [
      `the name ${JSON.stringify(name)}`,
      object({ a: marked(name) }),
      NAME,
    ],
  ),
  ['one name twice', object({ a: marked('A'), b: marked('A') }), 'x-mcp-header A is used twice'],
  ['one name in two cases', object({ a: marked('Ab'), b: marked('aB') }), 'x-mcp-header aB is used twice'],
  [
    'one name twice at different depths',
    object({ a: marked('A'), b: object({ c: marked('a') }) }),
    'x-mcp-header a is used twice',
  ],
  ...[
    'number',
    'object',
    'array',
    'null',
    undefined,
    ['string'],
    ['string', 'null'],
    ['integer', 'string'],
  ].map((type): [string, object, string] => [
    `the type ${JSON.stringify(type)}`,
    object({ a: { type, [MARK]: 'A' } }),
    TYPE,
  ]),
  ['one of several types', object({ a: { anyOf: [{ type: 'string' }], [MARK]: 'A' } }), TYPE],
  ['the whole of the arguments', { ...object({}), [MARK]: 'A' }, PLACE],
  ...Object.entries({
    items: object({ b: marked('A') }),
    prefixItems: [marked('A')],
    contains: marked('A'),
    additionalProperties: marked('A'),
    patternProperties: { '^b': marked('A') },
    dependentSchemas: { b: object({ c: marked('A') }) },
    propertyNames: marked('A'),
    unevaluatedProperties: marked('A'),
    oneOf: [object({ b: marked('A') })],
    anyOf: [object({ b: marked('A') })],
    allOf: [object({ b: marked('A') })],
    not: object({ b: marked('A') }),
    if: object({ b: marked('A') }),
    // biome-ignore lint/suspicious/noThenProperty: the keyword of JSON Schema
    then: object({ b: marked('A') }),
    else: object({ b: marked('A') }),
    $defs: { b: marked('A') },
    definitions: { b: object({ c: marked('A') }) },
  }).flatMap(([keyword, inner]): [string, object, string][] => [
    [`an annotation below ${keyword}`, object({ a: { [keyword]: inner } }), PLACE],
    [`an annotation below ${keyword} at the root`, { ...object({}), [keyword]: inner }, PLACE],
  ]),
  [
    'an annotation of an argument with the name of a keyword, inside of a list',
    object({ a: { type: 'array', items: object({ default: marked('A') }) } }),
    PLACE,
  ],
])('a schema with %s is refused', (_, schema, problem) => {
  expect(() => found(schema)).toThrow(new Error(problem));
});

const base64 = (text: string) => `=?base64?${Buffer.from(text).toString('base64')}?=`;
test.each<[string, unknown, string | null, boolean]>([
  ['text', 'eu', 'eu', true],
  ['other text', 'eu', 'us', false],
  ['text in another case', 'eu', 'EU', false],
  ['no text', '', '', true],
  ['no text, in base64', '', base64(''), true],
  ['text in base64', 'caf\u00e9', base64('caf\u00e9'), true],
  ['text in base64 without need', 'eu', base64('eu'), true],
  ['text with spaces around it, in base64', ' eu ', base64(' eu '), true],
  ['text with spaces around it, which a header loses', ' eu ', ' eu ', false],
  ['text that looks like base64, in base64', base64('x'), base64(base64('x')), true],
  ['text that looks like base64, as it is', base64('x'), base64('x'), false],
  ['other text in base64', 'eu', base64('us'), false],
  ['broken base64', 'eu', '=?base64?ZXU?=', false],
  ['what is not UTF-8', '\ufffd', '=?base64?/w==?=', false],
  ['text of digits, which is no number', '42', '42.0', false],
  ['a number', 42, '42', true],
  ['a number of the same value', 42, '42.0', true],
  ['a number with an exponent', 42, '4.2e1', true],
  ['a number below zero', -1, '-1', true],
  ['zero', 0, '0', true],
  ['a number in base64', 42, base64('42'), true],
  ['another number', 42, '43', false],
  ['no number', 42, 'x', false],
  ['nothing for zero', 0, '', false],
  ['spaces for zero', 0, base64(' '), false],
  ['a number in hexadecimal, which no proxy would read as one', 42, '0x2a', false],
  ['true', true, 'true', true],
  ['false', false, 'false', true],
  ['true for false', false, 'true', false],
  ['true in another case', true, 'True', false],
  ['1 for true', true, '1', false],
  ['an argument that is null, without a header', null, null, true],
  ['an argument that is null, with a header', null, 'null', false],
  ['an argument that is not given, without a header', undefined, null, true],
  ['an argument that is not given, with a header', undefined, '', false],
  ['an argument without its header', 'eu', null, false],
  ['false without its header', false, null, false],
  ['zero without its header', 0, null, false],
  ['a list', ['eu'], 'eu', false],
  ['an object', {}, '[object Object]', false],
])('whether a header says what an argument says: %s', (_, value, header, expected) => {
  const parameters = [{ header: 'mcp-param-a', path: ['a'] }];
  const headers = new Headers(header === null ? {} : { 'Mcp-Param-A': header });
  expect(mismatchedHeader(headers, parameters, { a: value }) === undefined).toBe(expected);
});

test.each<[string, unknown]>([
  ['no arguments', undefined],
  ['arguments that are null', null],
  ['arguments that are a list', [{ b: 'eu' }]],
  ['a list on the way', { a: [{ b: 'eu' }] }],
  ['text on the way', { a: 'eu' }],
  ['null on the way', { a: null }],
])('an argument is not given where the way to it ends: %s', (_, args) => {
  const parameters = [{ header: 'mcp-param-b', path: ['a', 'b'] }];
  expect(mismatchedHeader(new Headers(), parameters, args)).toBeUndefined();
  expect(mismatchedHeader(new Headers({ 'mcp-param-b': 'eu' }), parameters, args)).toBe('mcp-param-b');
});

test('a property of every object is no argument, and no way to one', () => {
  for (const path of [['constructor'], ['constructor', 'name'], ['a', 'length']]) {
    expect(mismatchedHeader(new Headers(), [{ header: 'mcp-param-a', path }], { a: 'eu' })).toBeUndefined();
  }
});

test('the first header that differs is named, and headers nobody asked for are not looked at', () => {
  const parameters = ['a', 'b', 'c'].map((name) => ({ header: `mcp-param-${name}`, path: [name] }));
  const headers = new Headers({ 'mcp-param-a': '1', 'mcp-param-b': '2', 'mcp-param-z': 'z' });
  expect(mismatchedHeader(headers, parameters, { a: 1, b: 2 })).toBeUndefined();
  expect(mismatchedHeader(headers, parameters, { a: 1, b: 3, c: 4 })).toBe('mcp-param-b');
  expect(mismatchedHeader(headers, [], { a: 5 })).toBeUndefined();
});
