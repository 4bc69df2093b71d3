// Streams on the real Worker, both eras: what is sent before a result, hanging up and coming back, and cancelling.

import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { expect, test } from 'vitest';
import { useGate } from '../support/gate.ts';
import { eventsOf, get, messagesOf, open, request, send } from '../support/legacy.ts';
import { META, rpc, rpcInit } from '../support/rpc.ts';
import { RESOURCE } from '../support/worker.ts';

const gate = useGate({
  main: 'test/support/streaming-worker.ts',
  vars: { SESSION_EVENTS: '20', STREAM_RECHECK_SECONDS: '1', STREAM_KEEP_ALIVE_SECONDS: '1' },
});
const tokenOf = (sub: string, claims: object = {}) => gate.issuer.sign({ claims: { sub, ...claims } });

const progress = (params: object, token = 'p') => ({ ...params, _meta: { progressToken: token } });
const modern = (params: object, meta: object = {}) => ({ ...params, _meta: { ...META, ...meta } });

/** Polls until something is so. */
async function until<T>(get: () => Promise<T | undefined | null | false>): Promise<T> {
  const giveUpAt = Date.now() + 20_000;
  for (;;) {
    const value = await get();
    if (value) return value;
    if (Date.now() > giveUpAt) throw new Error('it did not happen');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

test('modern: what a tool sends comes before its result on one stream', async () => {
  const token = await tokenOf('modern');
  const params = modern(
    { name: 'count', arguments: { times: 3 } },
    { progressToken: 7, 'io.modelcontextprotocol/logLevel': 'info' },
  );
  const response = await rpc(gate.worker, { token, method: 'tools/call', params });
  expect(response.headers.get('content-type')).toBe('text/event-stream');
  expect(response.headers.get('x-accel-buffering')).toBe('no');
  const messages = await messagesOf(response);
  expect(messages.map(({ method }) => method)).toEqual([
    ...Array(3).fill(['notifications/progress', 'notifications/message']).flat(),
    undefined,
  ]);
  expect(messages[0]?.params).toEqual({ progressToken: 7, progress: 1, total: 3, message: 'step 1' });
  expect(messages.at(-1)).toMatchObject({
    id: 1,
    result: { resultType: 'complete', content: [{ text: 'counted to 3' }] },
  });
});

test('modern: a client that asked for neither progress nor logs gets JSON', async () => {
  const token = await tokenOf('modern');
  const response = await rpc(gate.worker, {
    token,
    method: 'tools/call',
    params: modern({ name: 'count', arguments: {} }),
  });
  expect(response.headers.get('content-type')).toBe('application/json');
});

test('modern: closing the stream cancels the call', async () => {
  const token = await tokenOf('canceller');
  const params = modern({ name: 'wait', arguments: {} }, { progressToken: 1 });
  const { headers, body } = rpcInit({ token, method: 'tools/call', params });
  // Over a socket of its own, which really closes.
  const { host } = new URL(RESOURCE);
  const connection = httpRequest(new URL('/mcp', gate.worker.url).href, {
    method: 'POST',
    headers: { ...(Object.fromEntries(headers as [string, string][]) as Record<string, string>), host },
  });
  connection.end(body);
  const [response] = await once(connection, 'response');
  expect(response.statusCode).toBe(200);
  await once(response, 'data');
  connection.destroy();
  const env = await gate.worker.env();
  await until(() => env.REPORTS.get('cancelled'));
});

test('legacy: a stream starts with an event to resume from, and its events are numbered', async () => {
  const token = await tokenOf('numbered');
  const sessionId = await open(gate.worker, token);
  const response = await request(
    gate.worker,
    { token, sessionId },
    'tools/call',
    progress({ name: 'count', arguments: { times: 2 } }),
  );
  const events = [];
  for await (const event of eventsOf(response)) events.push(event);
  expect(events.map(({ id }) => id)).toEqual(['1-0', '1-1', '1-2', '1-3']);
  expect(events[0]?.data).toBe('');
});

test('legacy: a revision that does not know resumption of calls gets no empty event', async () => {
  const token = await tokenOf('older');
  const sessionId = await open(gate.worker, token, {}, '2025-06-18');
  const options = { token, sessionId, version: '2025-06-18' };
  const response = await request(
    gate.worker,
    options,
    'tools/call',
    progress({ name: 'count', arguments: { times: 1 } }),
  );
  const { value } = await eventsOf(response).next();
  expect(JSON.parse(value?.data ?? '')).toMatchObject({ method: 'notifications/progress' });
});

test('legacy: the log level of a session decides what is sent', async () => {
  const token = await tokenOf('logger');
  const sessionId = await open(gate.worker, token);
  const call = async () => {
    const response = await request(gate.worker, { token, sessionId }, 'tools/call', {
      name: 'count',
      arguments: { times: 2 },
    });
    return response.headers.get('content-type') === 'application/json' ? [] : messagesOf(response);
  };
  expect(await call()).toEqual([]);
  await request(gate.worker, { token, sessionId }, 'logging/setLevel', { level: 'warning' });
  expect(await call()).toEqual([]);
  await request(gate.worker, { token, sessionId }, 'logging/setLevel', { level: 'debug' });
  expect((await call()).filter(({ method }) => method === 'notifications/message')).toHaveLength(2);
});

test('legacy: a client that was let go comes back to its result, without loss and without duplicates', async () => {
  const token = await tokenOf('returner');
  const sessionId = await open(gate.worker, token);
  const first = await request(
    gate.worker,
    { token, sessionId },
    'tools/call',
    progress({ name: 'leave_and_return', arguments: {} }),
  );
  const seen = [];
  for await (const event of eventsOf(first)) seen.push(event);
  expect(seen.at(-1)?.retry).toBe('50');
  const last = seen.findLast(({ id }) => id !== undefined)?.id;
  expect(last).toBe('1-1');

  const rest = await messagesOf(await get(gate.worker, { token, sessionId }, last));
  expect(rest).toMatchObject([
    { params: { progress: 2 } },
    { id: 1, result: { content: [{ text: 'finished while nobody was connected' }] } },
  ]);
  // The same again: what was kept can be had again, and the stream has ended.
  expect(await messagesOf(await get(gate.worker, { token, sessionId }, last))).toEqual(rest);
  expect(await messagesOf(await get(gate.worker, { token, sessionId }, '1-2'))).toEqual(rest.slice(1));
});

test('legacy: a stream that another session opened cannot be resumed', async () => {
  const token = await tokenOf('neighbour');
  const [mine, other] = [await open(gate.worker, token), await open(gate.worker, token)];
  await (
    await request(
      gate.worker,
      { token, sessionId: other },
      'tools/call',
      progress({ name: 'count', arguments: {} }),
    )
  ).text();
  expect((await get(gate.worker, { token, sessionId: mine }, '1-0')).status).toBe(400);
  for (const id of ['x', '1', '1-', '-1-1', '1-1-1', '99999999999-1']) {
    expect((await get(gate.worker, { token, sessionId: other }, id)).status, id).toBe(400);
  }
});

test('legacy: the log of events is bounded, and the newest are kept', async () => {
  const token = await tokenOf('talker');
  const sessionId = await open(gate.worker, token);
  await (
    await request(
      gate.worker,
      { token, sessionId },
      'tools/call',
      progress({ name: 'count', arguments: { times: 60 } }),
    )
  ).text();
  const kept = await messagesOf(await get(gate.worker, { token, sessionId }, '1-0'));
  expect(kept).toHaveLength(20);
  expect(kept.at(-1)).toHaveProperty('result');
});

test('legacy: streams that have ended and of which no event is left are forgotten', async () => {
  const token = await tokenOf('frequent');
  const sessionId = await open(gate.worker, token);
  for (let count = 0; count < 15; count += 1) {
    const params = progress({ name: 'count', arguments: { times: 2 } });
    await (await request(gate.worker, { token, sessionId }, 'tools/call', params, count)).text();
  }
  const owner = { issuer: gate.issuer.issuer, subject: 'frequent', clientId: 'test-client' };
  // 20 events are kept, three of each call; and there is the stream of a GET.
  expect((await gate.worker.query(owner, 'SELECT id FROM stream')).length).toBeLessThanOrEqual(8);
});

test('legacy: one client cannot have any number of calls in progress', async () => {
  const token = await tokenOf('greedy');
  const sessionId = await open(gate.worker, token);
  const calls = Array.from({ length: 70 }, (_, id) =>
    request(
      gate.worker,
      { token, sessionId },
      'tools/call',
      { name: 'count', arguments: { times: 40 } },
      `c${id}`,
    ),
  );
  const responses = await Promise.all(calls);
  const statuses = responses.map(({ status }) => status);
  for (const { status, headers } of responses)
    expect(headers.get('retry-after')).toBe(status === 429 ? '5' : null);
  expect(statuses.filter((status) => status === 429).length).toBeGreaterThanOrEqual(1);
  expect(statuses.filter((status) => status === 200).length).toBeGreaterThanOrEqual(64);
  expect((await request(gate.worker, { token, sessionId }, 'ping')).status).toBe(200);
});

test('legacy: notifications/cancelled cancels a call, which is then not answered', async () => {
  const token = await tokenOf('stopper');
  const sessionId = await open(gate.worker, token);
  const env = await gate.worker.env();
  await env.REPORTS.delete('cancelled');
  const response = await request(
    gate.worker,
    { token, sessionId },
    'tools/call',
    progress({ name: 'wait', arguments: {} }),
    'w1',
  );
  const events = eventsOf(response);
  await events.next();
  await send(
    gate.worker,
    { token, sessionId },
    { method: 'notifications/cancelled', params: { requestId: 'w1' } },
  );
  await until(() => env.REPORTS.get('cancelled'));
  const rest = [];
  for await (const { data } of events) rest.push(data);
  expect(rest.join('')).not.toContain('"result"');
});

test('a change made in one era is heard in both, by those who asked and may read it', async () => {
  const [listener, changer] = [await tokenOf('listener'), await tokenOf('changer')];
  const sessionId = await open(gate.worker, listener);
  await request(gate.worker, { token: listener, sessionId }, 'resources/subscribe', { uri: 'test://open' });
  const legacy = eventsOf(await get(gate.worker, { token: listener, sessionId }));

  const notifications = {
    toolsListChanged: true,
    promptsListChanged: true,
    resourceSubscriptions: ['test://open', 'test://closed', 'test://none'],
  };
  const listening = await rpc(gate.worker, {
    token: listener,
    method: 'subscriptions/listen',
    params: modern({ notifications }),
  });
  const heard = eventsOf(listening);
  const next = async (events: typeof heard) => JSON.parse((await events.next()).value?.data ?? 'null');
  expect(await next(heard)).toEqual({
    jsonrpc: '2.0',
    method: 'notifications/subscriptions/acknowledged',
    params: {
      notifications: { toolsListChanged: true, resourceSubscriptions: ['test://open'] },
      _meta: { 'io.modelcontextprotocol/subscriptionId': 1 },
    },
  });

  const change = (text: string) =>
    rpc(gate.worker, {
      token: changer,
      method: 'tools/call',
      params: modern({ name: 'change', arguments: { text } }),
    });
  await change('test://closed');
  await change('test://open');
  await change('tools');
  const _meta = { 'io.modelcontextprotocol/subscriptionId': 1 };
  expect(await next(heard)).toMatchObject({
    method: 'notifications/resources/updated',
    params: { uri: 'test://open', _meta },
  });
  expect(await next(heard)).toMatchObject({ method: 'notifications/tools/list_changed', params: { _meta } });
  expect(await next(legacy)).toEqual({
    jsonrpc: '2.0',
    method: 'notifications/resources/updated',
    params: { uri: 'test://open' },
  });
  expect(await next(legacy)).toMatchObject({ method: 'notifications/tools/list_changed' });
  await heard.return(undefined);
  await legacy.return(undefined);
});

test('a subscription ends with a result when the token of its caller expires', async () => {
  const exp = Math.floor(Date.now() / 1_000) + 3;
  const token = await tokenOf('expiring', { exp });
  const listening = await rpc(gate.worker, {
    token,
    method: 'subscriptions/listen',
    params: modern({ notifications: { toolsListChanged: true } }),
  });
  const messages = await messagesOf(listening);
  expect(messages.at(-1)).toMatchObject({
    id: 1,
    result: { resultType: 'complete', _meta: { 'io.modelcontextprotocol/subscriptionId': 1 } },
  });
});

test('the stream of a session closes with a hint to come back when the token expires', async () => {
  const exp = Math.floor(Date.now() / 1_000) + 3;
  const token = await tokenOf('fading', { exp });
  const sessionId = await open(gate.worker, token);
  const events = [];
  for await (const event of eventsOf(await get(gate.worker, { token, sessionId }))) events.push(event);
  expect(events.at(-1)?.retry).toBe('1000');
});
