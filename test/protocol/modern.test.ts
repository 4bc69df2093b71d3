// The modern era: which methods there are, and what every result of the era has.

import { toStandardJsonSchema } from '@valibot/to-json-schema';
import * as v from 'valibot';
import { beforeEach, expect, test } from 'vitest';
import { createCatalogue } from '../../src/protocol/catalogue.ts';
import type { HandlerBase, HandlerContext } from '../../src/protocol/handler.ts';
import type { RequestMessage } from '../../src/protocol/message.ts';
import type { HandlerEvent } from '../../src/protocol/methods/method.ts';
import { failureJson, handleModern, isStream } from '../../src/protocol/modern.ts';
import { definePrompt } from '../../src/protocol/prompt.ts';
import { defineResource } from '../../src/protocol/resource.ts';
import { createSealer } from '../../src/protocol/seal.ts';
import { defineTool } from '../../src/protocol/tool.ts';
import { config, request } from './methods/call.ts';

const serverInfo = { name: 'test', title: 'Test', version: '1' };
const _meta = { 'io.modelcontextprotocol/serverInfo': serverInfo };
const CAPABILITIES = 'io.modelcontextprotocol/clientCapabilities';
const LOG_LEVEL = 'io.modelcontextprotocol/logLevel';

const common = { title: 'T', description: 'D', scopes: [], permissions: [] };
const tool = (name: string, handler: Parameters<typeof defineTool>[0]['handler']) =>
  defineTool({ ...common, name, input: toStandardJsonSchema(v.object({})), handler });
const form = {
  message: 'Sure?',
  requestedSchema: { type: 'object', properties: { ok: { type: 'boolean' } } },
} as const;
const CATALOGUE = createCatalogue({
  tools: [
    tool('plain', () => 'done'),
    tool('talks', (_, context) => {
      context.progress(1, 2, 'half');
      context.log('debug', 'never');
      context.log('error', { a: 1 }, 'l');
      return 'done';
    }),
    tool('asks', async (_, context) => `they ${(await context.elicit(form)).action}`),
    tool('waits', async (_, { signal, progress }) => {
      progress(1);
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      return 'aborted';
    }),
  ],
  prompts: [definePrompt({ ...common, name: 'p', get: () => 'hi' })],
  resources: [defineResource({ ...common, name: 'r', uri: 'a://b', read: () => ({ text: '' }) })],
});

let reported: HandlerEvent[];
let running: Promise<unknown>[];
beforeEach(() => {
  reported = [];
  running = [];
});

function handle(method: string, params: object = {}, meta: object = {}, changed: object = {}) {
  const message: RequestMessage = { ...request(method, params), meta: { [CAPABILITIES]: {}, ...meta } };
  const principal = { issuer: 'i', subject: 's', clientId: 'c' };
  const base = {
    principal,
    permissions: new Set(),
    env: {},
    requestId: 'r1',
    waitUntil: (promise: Promise<unknown>) => running.push(promise),
  };
  return handleModern(message, {
    config: config({ serverInfo, listTtlMs: 5_000 }),
    catalogue: CATALOGUE,
    hangUp: () => new AbortController().signal,
    principal: principal as unknown as HandlerBase['principal'],
    base: base as unknown as HandlerBase,
    sealer: createSealer('https://mcp.example.com/mcp', 'x'.repeat(32)),
    record: {},
    onCallEnd: () => {},
    now: 1_000,
    isReachable: () => true,
    viewer: {},
    mayUse: () => true,
    standing: async () => ({ rights: { scopes: new Set<string>(), permissions: new Set<string>() } }),
    isCurrent: () => true,
    isFull: () => false,
    begin: () => ({ beat: () => {}, end: () => {} }),
    open: () => Promise.reject(new Error('not here')),
    consume: async () => true,
    report: (event) => reported.push(event),
    ...changed,
  });
}

/** The result; with it everything around it is checked. */
async function result(...given: Parameters<typeof handle>): Promise<Record<string, unknown>> {
  const answer = await handle(...given);
  const { result, ...rest } = JSON.parse('json' in answer ? answer.json : '{}');
  expect(rest).toEqual({ jsonrpc: '2.0', id: 7 });
  return result;
}

const CACHED = { resultType: 'complete', ttlMs: 5_000, cacheScope: 'private', _meta };
test.each<[string, object, string]>([
  ['server/discover', {}, 'supportedVersions'],
  ['tools/list', {}, 'tools'],
  ['resources/list', {}, 'resources'],
  ['resources/templates/list', {}, 'resourceTemplates'],
  ['resources/read', { uri: 'a://b' }, 'contents'],
  ['prompts/list', {}, 'prompts'],
])(
  'the result of %s is complete, private, says how long it is fresh, and who answers',
  async (method, params, field) => {
    const found = await result(method, params);
    expect(found).toMatchObject(CACHED);
    expect(Array.isArray(found[field])).toBe(true);
  },
);

test.each<[string, object, object]>([
  ['tools/call', { name: 'plain' }, { content: [{ type: 'text', text: 'done' }] }],
  [
    'prompts/get',
    { name: 'p' },
    { description: 'D', messages: [{ role: 'user', content: { type: 'text', text: 'hi' } }] },
  ],
  [
    'completion/complete',
    { ref: { type: 'ref/prompt', name: 'p' }, argument: { name: 'x', value: '' } },
    { completion: { values: [], total: 0, hasMore: false } },
  ],
])('the result of %s is complete, is not kept, and says who answers', async (method, params, expected) => {
  expect(await result(method, params)).toEqual({ resultType: 'complete', ...expected, _meta });
});

test('an id of any text stays what it is', async () => {
  const message = { ...request('tools/list'), id: '"},{\u2028' };
  const plain = { config: config(), catalogue: CATALOGUE, isReachable: () => true, viewer: {} } as unknown;
  const answer = await handleModern(message, plain as Parameters<typeof handleModern>[1]);
  expect(JSON.parse('json' in answer ? answer.json : '').id).toBe(message.id);
});

test.each([
  'initialize',
  'ping',
  'logging/setLevel',
  'resources/subscribe',
  'resources/unsubscribe',
  'Tools/List',
  'constructor',
  '__proto__',
  '',
])('there is no method %j', async (method) => {
  expect(await handle(method)).toEqual({ status: 404, code: -32_601, message: 'Method not found', id: 7 });
});

test('a failure stays one', async () => {
  expect(await handle('tools/call', { name: 'x' })).toMatchObject({ status: 200, code: -32_602 });
});

/** Every message of a stream, to its end. */
async function streamed(...given: Parameters<typeof handle>): Promise<object[]> {
  const answer = await handle(...given);
  if (!isStream(answer)) throw new Error('no stream');
  const text = await new Response(answer.stream).text();
  return text.split('\n\n').flatMap((part) => (part === '' ? [] : [JSON.parse(part.replace(/^data: /, ''))]));
}

test('what a handler sends comes before its result, on one stream that then ends', async () => {
  const meta = { progressToken: 't', [LOG_LEVEL]: 'warning' };
  expect(await streamed('tools/call', { name: 'talks' }, meta)).toEqual([
    {
      jsonrpc: '2.0',
      method: 'notifications/progress',
      params: { progressToken: 't', progress: 1, total: 2, message: 'half' },
    },
    {
      jsonrpc: '2.0',
      method: 'notifications/message',
      params: { level: 'error', logger: 'l', data: { a: 1 } },
    },
    {
      jsonrpc: '2.0',
      id: 7,
      result: { resultType: 'complete', content: [{ type: 'text', text: 'done' }], _meta },
    },
  ]);
});

test.each<[string, object]>([
  ['nothing', {}],
  ['a level that is none', { [LOG_LEVEL]: 'warn' }],
  ['a token that is no text', { progressToken: {} }],
])('nothing is sent to a client that asked for %s', async (_, meta) => {
  expect(await result('tools/call', { name: 'talks' }, meta)).toMatchObject({ resultType: 'complete' });
});

test('a client that closes the stream cancels its request', async () => {
  const answer = await handle('tools/call', { name: 'waits' }, { progressToken: 1 });
  if (!isStream(answer)) throw new Error('no stream');
  await answer.stream.cancel();
  await Promise.all(running);
  expect(running.length).toBe(1);
  expect(reported).toEqual([]);
});

test('a call that has sent nothing goes on to its end when its client hangs up, and what became of it is known', async () => {
  const hangUp = new AbortController();
  const record: { outcome?: string } = {};
  const answer = handle('tools/call', { name: 'waits' }, {}, { hangUp: () => hangUp.signal, record });
  await expect.poll(() => running.length).toBe(1);
  hangUp.abort();
  await Promise.all([answer, ...running]);
  expect(record.outcome).toBe('completed');
});

const FORMS = { [CAPABILITIES]: { elicitation: {} } };

test('a question is a result of its own, and its answer completes the repeated request', async () => {
  const asked = await result('tools/call', { name: 'asks' }, FORMS);
  expect(asked).toEqual({
    resultType: 'input_required',
    inputRequests: { input_1: { method: 'elicitation/create', params: { mode: 'form', ...form } } },
    requestState: expect.any(String),
    _meta,
  });
  const again = {
    name: 'asks',
    requestState: asked.requestState,
    inputResponses: { input_1: { action: 'accept', content: { ok: true } } },
  };
  expect(await result('tools/call', again, FORMS)).toMatchObject({
    resultType: 'complete',
    content: [{ type: 'text', text: 'they accept' }],
  });
});

test('a question is not asked of a client that cannot answer it', async () => {
  expect(await handle('tools/call', { name: 'asks' })).toMatchObject({ status: 400, code: -32_021 });
});

test('a completion cannot ask', async () => {
  const complete = async (_: string, context: HandlerContext) => [(await context.elicit(form)).action];
  const prompts = [
    definePrompt({ ...common, name: 'p', arguments: { x: { description: 'X', complete } }, get: () => '' }),
  ];
  const params = { ref: { type: 'ref/prompt', name: 'p' }, argument: { name: 'x', value: '' } };
  const catalogue = createCatalogue({ tools: [], prompts });
  expect(await handle('completion/complete', params, FORMS, { catalogue })).toEqual({
    status: 200,
    code: -32_602,
    message: 'A completion cannot ask.',
    id: 7,
  });
  expect(reported).toEqual([]);
});

const STATE = 'requestState is not valid for this request';
test.each<[string, object, object]>([
  ['garbage', { requestState: 'x' }, {}],
  ['no text', { requestState: 5 }, {}],
  ['of another tool', { name: 'plain' }, {}],
  ['of other arguments', { arguments: { a: 1 } }, {}],
  ['of another caller', {}, { principal: { issuer: 'i', subject: 's', clientId: 'other' } }],
  ['too old', {}, { now: 1_600 }],
  ['without a secret', {}, { sealer: undefined }],
  ['of another secret', {}, { sealer: createSealer('https://mcp.example.com/mcp', 'y'.repeat(32)) }],
  ['of another resource', {}, { sealer: createSealer('https://mcp.example.com', 'x'.repeat(32)) }],
])('a state that is %s is refused', async (_, params, changed) => {
  const { requestState } = await result('tools/call', { name: 'asks' }, FORMS);
  const again = { name: 'asks', requestState, inputResponses: { input_1: { action: 'decline' } } };
  expect(await handle('tools/call', { ...again, ...params }, FORMS, changed)).toEqual({
    status: 200,
    code: -32_602,
    message: STATE,
    id: 7,
  });
});

test.each<[string, object | undefined]>([
  ['no answers', undefined],
  ['the answer to another question', { input_2: { action: 'decline' } }],
  ['an answer of the wrong shape', { input_1: { action: 'accept', content: { ok: 'yes' } } }],
])('a question is asked again after %s', async (_, inputResponses) => {
  const { requestState } = await result('tools/call', { name: 'asks' }, FORMS);
  const again = await result('tools/call', { name: 'asks', requestState, inputResponses }, FORMS);
  expect(again).toMatchObject({ resultType: 'input_required', inputRequests: { input_1: {} } });
});

test('an answer to what was never asked does not count', async () => {
  const inputResponses = { input_1: { action: 'accept', content: { ok: true } } };
  expect(await result('tools/call', { name: 'asks', inputResponses }, FORMS)).toMatchObject({
    resultType: 'input_required',
  });
});

test('a failure is JSON-RPC without what it does not have', () => {
  expect(JSON.parse(failureJson({ status: 400, code: 1, message: 'm' }))).toEqual({
    jsonrpc: '2.0',
    error: { code: 1, message: 'm' },
  });
  expect(JSON.parse(failureJson({ status: 400, code: 1, message: 'm', id: '', data: { a: 1 } }))).toEqual({
    jsonrpc: '2.0',
    id: '',
    error: { code: 1, message: 'm', data: { a: 1 } },
  });
});
