// What an app's code gets, and what it cannot do with it.

import { expect, test } from 'vitest';
import {
  type Channel,
  createHandlerContext,
  type HandlerBase,
  implementationOf,
} from '../../src/protocol/handler.ts';

const sent: [method: string, params: unknown][] = [];
const hungUp = new AbortController();
const channel: Channel = {
  client: { info: undefined, capabilities: {} },
  record: {},
  send: (method, params) => sent.push([method, params]),
  ask: async () => ({}),
  logLevel: () => 'warning',
  releaseStream: () => {},
  signal: () => hungUp.signal,
};
const remembered = new Set(['reports:read']);
const base = { permissions: remembered } as unknown as HandlerBase;

test('a tool cannot change what its caller may do next time', () => {
  const { permissions } = createHandlerContext(base, channel, {});
  (permissions as Set<string>).add('payments:refund');
  expect([...remembered]).toEqual(['reports:read']);
});

test('progress is sent only under the token that the client gave, and logs from the level it wants', () => {
  const silent = createHandlerContext(base, channel, { progressToken: {} });
  silent.progress(1);
  silent.log('info', 'x');
  createHandlerContext(base, channel, { progressToken: 'x'.repeat(257) }).progress(1);
  expect(sent).toEqual([]);
  const heard = createHandlerContext(base, channel, { progressToken: 0 });
  heard.progress(1, 2, 'half');
  heard.log('error', { a: 1 }, 'name');
  expect(sent).toEqual([
    ['notifications/progress', { progressToken: 0, progress: 1, total: 2, message: 'half' }],
    ['notifications/message', { level: 'error', logger: 'name', data: { a: 1 } }],
  ]);
});

test('what a handler takes out of its context works by itself', async () => {
  const { progress, log, elicit, sample, listRoots, releaseStream, signal } = createHandlerContext(
    base,
    { ...channel, client: { info: undefined, capabilities: { elicitation: {}, sampling: {}, roots: {} } } },
    { progressToken: 'p' },
  );
  sent.length = 0;
  progress(1);
  log('error', 'x');
  releaseStream();
  await elicit({ message: '?', requestedSchema: { type: 'object', properties: {} } });
  await sample({ messages: [], maxTokens: 1 });
  expect(await listRoots()).toBeUndefined();
  expect(sent.map(([method]) => method)).toEqual(['notifications/progress', 'notifications/message']);
  expect(signal).toBe(hungUp.signal);
});

test('what the client has not declared is never asked', async () => {
  const context = createHandlerContext(base, channel, {});
  const requestedSchema = { type: 'object' as const, properties: {} };
  await expect(context.elicit({ message: '?', requestedSchema })).rejects.toMatchObject({
    required: { elicitation: { form: {} } },
  });
  await expect(context.sample({ messages: [], maxTokens: 1 })).rejects.toMatchObject({
    required: { sampling: {} },
  });
  await expect(context.listRoots()).rejects.toMatchObject({ required: { roots: {} } });
});

test('trace context is text or not there, and a client is what has a name and a version', () => {
  const { trace } = createHandlerContext(base, channel, { traceparent: '00-a-b-01', tracestate: 7 });
  expect(trace).toEqual({ traceparent: '00-a-b-01' });
  expect(implementationOf({ name: 'c', version: '1', title: 'C' })).toEqual({
    name: 'c',
    version: '1',
    title: 'C',
  });
  for (const odd of [undefined, null, 'c', [], { name: 'c' }, { name: 1, version: '1' }])
    expect(implementationOf(odd)).toBeUndefined();
});
