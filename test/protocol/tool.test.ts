// Is a mistake in a tool's definition found when it is defined, and does a client see what was defined?

import type { Tool as OfficialTool } from '@modelcontextprotocol/server';
import { toStandardJsonSchema } from '@valibot/to-json-schema';
import * as v from 'valibot';
import { expect, test } from 'vitest';
import {
  defineTool,
  defineTools,
  type ToolContext,
  type ToolDefinition,
  ToolError,
} from '../../src/protocol/tool.ts';

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
    'an input that is no object',
    { input: toStandardJsonSchema(v.string()) },
    GOOD.name,
    'input must be the schema of an object',
  ],
])('%s is refused and the tool is named', (_, changed, name, problem) => {
  expect(() => define(changed)).toThrow(new Error(`tool ${JSON.stringify(name)}: ${problem}`));
});

const INPUT_SCHEMA: OfficialTool['inputSchema'] = {
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
    outputSchema: { type: 'array', items: { type: 'number' } },
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
    secret: 'own',
    handler(...given: unknown[]) {
      return [this.secret, ...given];
    },
  };
  const context = {} as ToolContext;
  const tool = defineTool(definition as unknown as ToolDefinition);
  expect(tool.handler({ id: 'a' }, context)).toEqual(['own', { id: 'a' }, context]);
});

test('tools are kept in their order and found by name', () => {
  const tools = ['b', 'a', 'c'].map((name) => define({ name }));
  const catalogue = defineTools(tools);
  expect(catalogue.tools).toEqual(tools);
  expect(catalogue.byName.get('a')).toBe(tools[1]);
  expect(['constructor', '__proto__', 'B'].map((name) => catalogue.byName.get(name))).toEqual(
    Array(3).fill(undefined),
  );
  expect([catalogue, catalogue.tools].map(Object.isFrozen)).toEqual([true, true]);
});

test('two tools of the same name are refused, also when they are the same tool', () => {
  const twice = new Error('tool "read_report" is defined twice');
  expect(() => defineTools([define({ name: 'a' }), define(), define()])).toThrow(twice);
  const tool = define();
  expect(() => defineTools([tool, tool])).toThrow(twice);
});

test('a ToolError is told from other errors', () => {
  const error = new ToolError('no such report');
  expect([error instanceof Error, error.name, error.message]).toEqual([true, 'ToolError', 'no such report']);
});
