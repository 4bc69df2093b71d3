// Is a mistake in a tool's definition found when it is defined, and does a client see what was defined?

import type { Tool as OfficialTool } from '@modelcontextprotocol/server';
import { toStandardJsonSchema } from '@valibot/to-json-schema';
import * as v from 'valibot';
import { expect, test } from 'vitest';
import type { HandlerContext } from '../../src/protocol/handler.ts';
import { defineTool, type ToolDefinition, ToolError } from '../../src/protocol/tool.ts';

const GOOD = {
  name: 'read_report',
  title: 'Read a report',
  description: 'Reads one report.',
  input: toStandardJsonSchema(v.object({ id: v.string() })),
  scopes: ['reports:read'],
  permissions: ['reports:read'],
  handler: () => 'text',
} satisfies ToolDefinition<{ id: string }>;
const define = (changed: object = {}) => defineTool({ ...GOOD, ...changed } as ToolDefinition);

test.each(['a', 'A-Z_0.9', 'n'.repeat(128)])('%s is a name', (name) => {
  expect(define({ name }).name).toBe(name);
});

const NAME = 'name must be 1 to 128 characters of A-Z a-z 0-9 _ - .';
const RIGHTS = 'scopes and permissions must be given; use [] for none';
test.each<[string, object, string, string]>([
  ['an empty name', { name: '' }, '', NAME],
  ['a name of 129 characters', { name: 'n'.repeat(129) }, 'n'.repeat(129), NAME],
  ['a name with a space', { name: 'read report' }, 'read report', NAME],
  ['a name with a slash', { name: 'a/b' }, 'a/b', NAME],
  ['a name with a line feed at its end', { name: 'a\n' }, 'a\n', NAME],
  ['a name outside of ASCII', { name: 'r\u00e9sum\u00e9' }, 'r\u00e9sum\u00e9', NAME],
  [
    'an empty description',
    { description: '' },
    GOOD.name,
    'description must say what the tool does; the model chooses by it',
  ],
  ['no scopes', { scopes: undefined }, GOOD.name, RIGHTS],
  ['no permissions', { permissions: undefined }, GOOD.name, RIGHTS],
  ['scopes in one text', { scopes: 'a b' }, GOOD.name, RIGHTS],
  [
    'a scope with a space',
    { scopes: ['a', 'a b'] },
    GOOD.name,
    '"a b" is not a scope name (RFC 6749 section 3.3)',
  ],
  ['an empty scope', { scopes: [''] }, GOOD.name, '"" is not a scope name (RFC 6749 section 3.3)'],
  [
    'a header for an argument that is not there',
    { headers: { Id: 'Id' } },
    GOOD.name,
    'headers names the argument "Id", which input does not have',
  ],
  [
    'a header for a property of every object',
    { headers: { constructor: 'Id' } },
    GOOD.name,
    'headers names the argument "constructor", which input does not have',
  ],
  ['a header without a name', { headers: { id: '' } }, GOOD.name, 'x-mcp-header must be a header name'],
  [
    'an input that is no object',
    { input: toStandardJsonSchema(v.string()) },
    GOOD.name,
    'input must be the schema of an object',
  ],
])('%s is refused and the tool is named', (_, changed, name, problem) => {
  expect(() => define(changed)).toThrow(new Error(`tool ${JSON.stringify(name)}: ${problem}`));
});

const $schema = 'https://json-schema.org/draft/2020-12/schema';
const INPUT_SCHEMA: OfficialTool['inputSchema'] = {
  $schema,
  type: 'object',
  properties: { id: { type: 'string' } },
  required: ['id'],
};

test('a client sees what is defined, and nothing of what a caller needs', () => {
  const expected: OfficialTool = {
    name: GOOD.name,
    title: GOOD.title,
    description: GOOD.description,
    inputSchema: INPUT_SCHEMA,
  };
  expect(JSON.parse(define().listed)).toEqual(expected);
});

test('a client sees output, annotations and icons where they are defined', () => {
  const annotations = { readOnlyHint: true, openWorldHint: false };
  const icons = [{ src: 'https://a.example/icon.png', mimeType: 'image/png' }];
  const output = toStandardJsonSchema(v.array(v.number()));
  const expected: OfficialTool = {
    name: GOOD.name,
    title: GOOD.title,
    description: GOOD.description,
    inputSchema: INPUT_SCHEMA,
    outputSchema: { $schema, type: 'array', items: { type: 'number' } },
    annotations,
    icons,
  };
  expect(JSON.parse(define({ annotations, icons, output }).listed)).toEqual(expected);
});

test('what a tool needs cannot be changed after it is defined', () => {
  const scopes = ['a'];
  const tool = define({ scopes });
  scopes.pop();
  expect(tool.scopes).toEqual(['a']);
  expect([tool, tool.scopes, tool.permissions].map(Object.isFrozen)).toEqual([true, true, true]);
});

test('a handler gets arguments and context, and stays a method of its definition', () => {
  const definition = {
    ...GOOD,
    handler(...given: unknown[]) {
      return [this.name, ...given];
    },
  };
  const context = {} as HandlerContext;
  const tool = defineTool(definition as unknown as ToolDefinition);
  expect(tool.handler({ id: 'a' }, context)).toEqual([GOOD.name, { id: 'a' }, context]);
});

const named = (...properties: string[]) =>
  toStandardJsonSchema(v.object(Object.fromEntries(properties.map((name) => [name, v.string()]))));

test('arguments are repeated as headers where the definition says so, and clients see where', () => {
  const tool = define({ input: named('id', 'region'), headers: { region: 'Region' } });
  expect(tool.parameterHeaders).toEqual([{ header: 'mcp-param-region', path: ['region'] }]);
  expect(JSON.parse(tool.listed).inputSchema.properties).toEqual({
    id: { type: 'string' },
    region: { type: 'string', 'x-mcp-header': 'Region' },
  });
  expect(define().parameterHeaders).toEqual([]);
});

const output = (schema: Parameters<typeof toStandardJsonSchema>[0]) => ({
  output: toStandardJsonSchema(schema),
});
test.each<[string, object, boolean, boolean]>([
  ['no output', {}, false, false],
  ['an object', output(v.object({ a: v.string() })), true, true],
  ['a list', output(v.array(v.string())), false, false],
  ['text', output(v.string()), false, false],
  ['one of several objects', output(v.union([v.object({ a: v.string() }), v.object({})])), false, false],
])('revisions before 2026 see an output of %s as they understand it', (_, changed, isRecord, isShown) => {
  const tool = define(changed);
  const { outputSchema, ...listed } = JSON.parse(tool.listed);
  expect(tool.hasObjectOutput).toBe(isRecord);
  expect(JSON.parse(tool.listedLegacy)).toEqual(isShown ? { ...listed, outputSchema } : listed);
});

test('answers serve for one call only where the definition says so', () => {
  expect(
    [define(), define({ answersOnce: false }), define({ answersOnce: true })].map((tool) => tool.answersOnce),
  ).toEqual([false, false, true]);
});

test('a ToolError is told from other errors', () => {
  const error = new ToolError('no such report');
  expect([error instanceof Error, error.name, error.message]).toEqual([true, 'ToolError', 'no such report']);
});
