// tools/list and tools/call: what is listed to whom, page by page, and what becomes of a call.

import type { CallToolResult, ListToolsResult } from '@modelcontextprotocol/server';
import { toStandardJsonSchema } from '@valibot/to-json-schema';
import * as v from 'valibot';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Era } from '../../../src/protocol/era.ts';
import { MissingCapability } from '../../../src/protocol/handler.ts';
import type { HandlerEvent } from '../../../src/protocol/methods/method.ts';
import { callTool, listTools } from '../../../src/protocol/methods/tools.ts';
import { defineTool, ToolError } from '../../../src/protocol/tool.ts';
import { call as callMethod, type Given, invalid } from './call.ts';

/** A result as the methods give it; what one era adds to it is in modern.test.ts. */
type Bare<Result> = Omit<Result, 'resultType' | '_meta' | 'ttlMs' | 'cacheScope'>;

const $schema = 'https://json-schema.org/draft/2020-12/schema';
const object = <const Entries extends v.ObjectEntries>(entries: Entries) =>
  toStandardJsonSchema(v.strictObject(entries));

let reported: HandlerEvent[];
beforeEach(() => {
  reported = [];
});

describe('tools/list', () => {
  /** One needs a permission of the same name to be seen. */
  const named = (name: string) =>
    defineTool({
      name,
      title: name,
      description: name,
      input: object({}),
      scopes: ['never-looked-at'],
      permissions: [name],
      handler: () => '',
    });
  const TOOLS = ['e', 'b', 'a', 'd', 'c'].map(named);

  async function list(given: Omit<Given, 'tools'>, cursor?: unknown) {
    const params = cursor === undefined ? {} : { cursor };
    const outcome = await callMethod(listTools, params, { tools: TOOLS, ...given });
    const { tools, nextCursor } = ('result' in outcome ? outcome.result : {}) as ListToolsResult;
    return { names: tools.map(({ name }) => name), nextCursor };
  }

  test('a list has what clients see of a tool, and may be kept for a while', async () => {
    const inputSchema = {
      $schema,
      type: 'object' as const,
      properties: {},
      required: [],
      additionalProperties: false,
    };
    const expected: Bare<ListToolsResult> = {
      tools: [{ name: 'e', title: 'e', description: 'e', inputSchema }],
    };
    expect(await callMethod(listTools, {}, { tools: TOOLS.slice(0, 1) })).toEqual({
      result: expected,
      isCacheable: true,
    });
    expect(await callMethod(listTools, {}, { tools: [] })).toEqual({
      result: { tools: [] },
      isCacheable: true,
    });
  });

  test.each<[Era, object]>([
    ['modern', { $schema, type: 'array', items: { type: 'number' } }],
    ['legacy', {}],
  ])('an output that is no object is described to clients that know such: %s', async (era, outputSchema) => {
    const tool = defineTool({
      name: 'n',
      title: 'n',
      description: 'n',
      input: object({}),
      output: toStandardJsonSchema(v.array(v.number())),
      scopes: [],
      permissions: [],
      handler: () => [],
    });
    const outcome = await callMethod(listTools, {}, { tools: [tool], era });
    const { tools } = ('result' in outcome ? outcome.result : {}) as ListToolsResult;
    expect(tools[0]?.outputSchema ?? {}).toEqual(outputSchema);
  });

  test('tools are listed in the order they are defined, page by page, each once', async () => {
    const pages: string[][] = [];
    let cursor: string | undefined;
    do {
      const { names, nextCursor } = await list({}, cursor);
      pages.push(names);
      cursor = nextCursor;
    } while (cursor !== undefined);
    expect(pages).toEqual([['e', 'b'], ['a', 'd'], ['c']]);
    const { nextCursor } = await list({ pageSize: 1 });
    expect((await list({ pageSize: 1 }, nextCursor)).names).toEqual(['b']);
  });

  test.each<[string, number, readonly string[], string[], boolean]>([
    ['a page that is exactly full is the last', 5, [], ['e', 'b', 'a', 'd', 'c'], false],
    ['a page that is not full is the last', 6, [], ['e', 'b', 'a', 'd', 'c'], false],
    ['hidden tools are not listed and do not count', 3, ['e', 'a'], ['b', 'd', 'c'], false],
    ['hidden tools at the end need no further page', 3, ['c', 'd'], ['e', 'b', 'a'], false],
    ['a caller that may see nothing gets an empty list', 2, ['a', 'b', 'c', 'd', 'e'], [], false],
    ['a further page is announced when there is something on it', 2, ['d', 'c'], ['e', 'b'], true],
  ])('%s', async (_, pageSize, hidden, names, more) => {
    const page = await list({ pageSize, hidden });
    expect(page.names).toEqual(names);
    expect(typeof page.nextCursor).toBe(more ? 'string' : 'undefined');
  });

  test('a cursor stays good when other tools become visible or hidden', async () => {
    const { nextCursor } = await list({});
    expect((await list({}, nextCursor)).names).toEqual(['a', 'd']);
    expect((await list({ hidden: ['b'] }, nextCursor)).names).toEqual(['a', 'd']);
    expect((await list({ hidden: ['e', 'a'] }, nextCursor)).names).toEqual(['d', 'c']);
    expect((await list({ hidden: ['a', 'c', 'd'] }, nextCursor)).names).toEqual([]);
    const { nextCursor: afterD } = await list({ hidden: ['e', 'a'] });
    expect((await list({}, afterD)).names).toEqual(['c']);
  });

  test.each([[''], ['x'], ['B'], ['b '], [btoa('b')], ['%62'], ['constructor'], [null], [0], [['b']], [{}]])(
    'a cursor that is not of this server is refused: %j',
    async (cursor) => {
      const expected = invalid('The cursor is not one of this server');
      expect(await callMethod(listTools, { cursor }, { tools: TOOLS })).toEqual(expected);
    },
  );
});

describe('tools/call', () => {
  const common = { title: 'T', description: 'D', scopes: [], permissions: [] };
  const FAILURES: Readonly<Record<string, unknown>> = {
    known: new ToolError('There is no report "x".'),
    unknown: new TypeError('secret of the database'),
    incapable: new MissingCapability({ sampling: {} }),
    text: 'secret text',
  };
  const CIRCLE = { type: 'text', text: 'block' } as const;
  const TOOLS = [
    defineTool({
      ...common,
      name: 'greet',
      input: object({ name: v.optional(v.string(), 'you') }),
      handler: ({ name }) => `Hello ${name}`,
    }),
    defineTool({ ...common, name: 'blocks', input: object({}), handler: async () => [CIRCLE, CIRCLE] }),
    defineTool({ ...common, name: 'who', input: object({}), handler: (_, { requestId }) => requestId }),
    defineTool({
      ...common,
      name: 'sum',
      input: object({ a: v.number(), b: v.number() }),
      output: object({ sum: v.pipe(v.number(), v.maxValue(10)) }),
      handler: async ({ a, b }) => ({ sum: a + b }),
    }),
    defineTool({
      ...common,
      name: 'numbers',
      input: object({}),
      output: toStandardJsonSchema(v.array(v.number())),
      handler: () => [1, 2],
    }),
    defineTool({
      ...common,
      name: 'fail',
      input: object({ how: v.string() }),
      handler: ({ how }) => {
        throw FAILURES[how];
      },
    }),
    defineTool({
      ...common,
      name: 'fail_later',
      input: object({}),
      output: object({}),
      handler: () => Promise.reject(FAILURES.unknown),
    }),
  ];
  const call = (params: object, era: Era = 'modern') =>
    callMethod(callTool, params, { tools: TOOLS, handler: { requestId: 'r1' }, reported, era });
  const text = (...texts: string[]) => texts.map((one) => ({ type: 'text' as const, text: one }));

  test.each<[string, object, Bare<CallToolResult>]>([
    [
      'text becomes a content block',
      { name: 'greet', arguments: { name: 'Bo' } },
      { content: text('Hello Bo') },
    ],
    [
      'arguments may be missing, and defaults are filled in',
      { name: 'greet' },
      { content: text('Hello you') },
    ],
    ['content blocks stay as they are', { name: 'blocks' }, { content: text('block', 'block') }],
    ['a handler gets its context', { name: 'who' }, { content: text('r1') }],
    [
      'a structured result is given as text too',
      { name: 'sum', arguments: { a: 1, b: 2 } },
      { content: text('{"sum":3}'), structuredContent: { sum: 3 } },
    ],
    [
      'a structured result need not be an object',
      { name: 'numbers' },
      { content: text('[1,2]'), structuredContent: [1, 2] },
    ],
    [
      'arguments that do not fit are told to the model',
      { name: 'sum', arguments: { a: 'x', c: 1 } },
      {
        content: text(
          'The arguments do not fit: a: Invalid type: Expected number but received "x"; b: Invalid key: Expected "b" but received undefined; c: Invalid key: Expected never but received "c"',
        ),
        isError: true,
      },
    ],
    [
      'missing arguments do not fit either',
      { name: 'fail' },
      {
        content: text('The arguments do not fit: how: Invalid key: Expected "how" but received undefined'),
        isError: true,
      },
    ],
    [
      'the text of a ToolError is told to the model',
      { name: 'fail', arguments: { how: 'known' } },
      { content: text('There is no report "x".'), isError: true },
    ],
  ])('%s', async (_, params, expected) => {
    expect(await call(params)).toEqual({ result: expected, isCacheable: false });
    expect(reported).toEqual([]);
  });

  test('a structured result that is no object is only text for revisions before 2026', async () => {
    expect(await call({ name: 'numbers' }, 'legacy')).toMatchObject({ result: { content: text('[1,2]') } });
    expect(await call({ name: 'numbers' }, 'legacy')).not.toHaveProperty('result.structuredContent');
    const sum = { name: 'sum', arguments: { a: 1, b: 2 } };
    expect(await call(sum, 'legacy')).toEqual(await call(sum));
  });

  test('what a client would have to declare is an error of its own, and words for the model before 2026', async () => {
    const params = { name: 'fail', arguments: { how: 'incapable' } };
    const message = 'The client does not support sampling, which this needs.';
    expect(await call(params)).toEqual({
      status: 400,
      code: -32_021,
      message,
      id: 7,
      data: { requiredCapabilities: { sampling: {} } },
    });
    expect(await call(params, 'legacy')).toEqual({
      result: { content: text(message), isError: true },
      isCacheable: false,
    });
    expect(reported).toEqual([]);
  });

  const FAILED = 'The tool failed. The cause is in the log of the server.';
  const UNFIT = 'The tool gave a result that does not fit its own description.';
  test.each<[string, object, string, object]>([
    [
      'an exception',
      { name: 'fail', arguments: { how: 'unknown' } },
      FAILED,
      { event: 'handler_failed', handler: 'fail', error: 'TypeError: secret of the database' },
    ],
    [
      'a rejection',
      { name: 'fail_later' },
      FAILED,
      { event: 'handler_failed', handler: 'fail_later', error: 'TypeError: secret of the database' },
    ],
    [
      'a thrown value that is no Error',
      { name: 'fail', arguments: { how: 'text' } },
      FAILED,
      { event: 'handler_failed', handler: 'fail', error: 'a value that is not an Error was thrown' },
    ],
    [
      'a result that does not fit',
      { name: 'sum', arguments: { a: 5, b: 6 } },
      UNFIT,
      {
        event: 'tool_output_invalid',
        handler: 'sum',
        at: ['sum'],
      },
    ],
  ])('%s is reported, and the model learns nothing of it', async (_, params, told, event) => {
    for (const era of ['modern', 'legacy'] as const) {
      const outcome = await call(params, era);
      expect(outcome).toEqual({ result: { content: text(told), isError: true }, isCacheable: false });
      expect(reported.splice(0)).toEqual([event]);
      expect(JSON.stringify(outcome)).not.toContain('secret');
    }
  });

  test.each<[string, object, string]>([
    ['an unknown tool', { name: 'x' }, 'There is no such tool'],
    ['a tool in another case', { name: 'Greet' }, 'There is no such tool'],
    ['a tool named like a property of every object', { name: 'constructor' }, 'There is no such tool'],
    ['no tool', {}, 'There is no such tool'],
    ['a name that is a list', { name: ['greet'] }, 'There is no such tool'],
    ['arguments that are a list', { name: 'greet', arguments: [] }, 'arguments must be an object'],
    ['arguments that are text', { name: 'greet', arguments: '{}' }, 'arguments must be an object'],
    ['arguments that are null', { name: 'greet', arguments: null }, 'arguments must be an object'],
  ])('%s is a protocol error', async (_, params, message) => {
    expect(await call(params)).toEqual(invalid(message));
  });
});
