// Legacy sessions on the real Worker, in a real Durable Object: opening, using, ending, and what belongs to whom.

import { expect, test } from 'vitest';
import { useGate } from '../support/gate.ts';
import { end, get, open, request, send } from '../support/legacy.ts';

const gate = useGate({
  vars: { SESSIONS_PER_CLIENT: '4', SESSION_STATE_VALUE_BYTES: '256', SESSION_STATE_KEYS: '3' },
});

const tokenOf = (sub: string, client_id = 'test-client') => gate.issuer.sign({ claims: { sub, client_id } });
// biome-ignore lint/suspicious/noExplicitAny: the shape is what the tests are about
const jsonOf = async (response: Promise<Response>): Promise<any> => (await response).json();

test('initialize agrees on a version, names the server, and gives a session id', async () => {
  const token = await tokenOf('negotiator');
  const agreed = async (protocolVersion: string) => {
    const response = await request(gate.worker, { token, version: null }, 'initialize', {
      protocolVersion,
      capabilities: {},
      clientInfo: {},
    });
    expect(response.headers.get('mcp-session-id')).toMatch(/^[\x21-\x7e]{20,}$/);
    const { result } = (await response.json()) as { result: Record<string, unknown> };
    expect(result).toMatchObject({
      serverInfo: { name: 'reports' },
      capabilities: { tools: { listChanged: true } },
    });
    expect(result).not.toHaveProperty('resultType');
    return result.protocolVersion;
  };
  expect(await agreed('2025-11-25')).toBe('2025-11-25');
  expect(await agreed('2025-06-18')).toBe('2025-06-18');
  expect(await agreed('2025-03-26')).toBe('2025-03-26');
  expect(await agreed('2024-11-05')).toBe('2025-11-25');
  expect(await agreed('2099-01-01')).toBe('2025-11-25');
});

test('a session serves the same tools, as the older revisions write results', async () => {
  const token = await tokenOf('alice');
  const sessionId = await open(gate.worker, token);
  const { result } = await jsonOf(request(gate.worker, { token, sessionId }, 'tools/list'));
  expect(Object.keys(result)).toEqual(['tools']);
  const called = await jsonOf(
    request(gate.worker, { token, sessionId }, 'tools/call', { name: 'whoami', arguments: {} }),
  );
  expect(called.result.structuredContent).toMatchObject({ subject: 'alice' });
  expect(called.result).not.toHaveProperty('resultType');
  expect((await jsonOf(request(gate.worker, { token, sessionId }, 'ping'))).result).toEqual({});
});

test('the gate is the same: scopes and roles are checked before the session is asked', async () => {
  const token = await gate.issuer.sign({ claims: { sub: 'bob', roles: ['reader'], scope: '' } });
  const sessionId = await open(gate.worker, token);
  const read = await request(gate.worker, { token, sessionId }, 'tools/call', {
    name: 'list_reports',
    arguments: {},
  });
  expect(read.status).toBe(403);
  expect(read.headers.get('www-authenticate')).toContain('scope="reports:read"');
  const update = await jsonOf(
    request(gate.worker, { token, sessionId }, 'tools/call', { name: 'update_report', arguments: {} }),
  );
  expect(update.result.isError).toBe(true);
});

test('without a session id a request is a 400, with an unknown one a 404', async () => {
  const token = await tokenOf('alice');
  expect((await request(gate.worker, { token }, 'tools/list')).status).toBe(400);
  const sessionId = crypto.randomUUID();
  expect((await request(gate.worker, { token, sessionId }, 'tools/list')).status).toBe(404);
  expect((await get(gate.worker, { token, sessionId })).status).toBe(404);
  expect((await end(gate.worker, { token, sessionId })).status).toBe(404);
});

test('a stolen session id is unknown to everyone but its owner: another user, another client of the same user', async () => {
  const token = await tokenOf('victim');
  const sessionId = await open(gate.worker, token);
  for (const thief of [await tokenOf('mallory'), await tokenOf('victim', 'another-client')]) {
    expect((await request(gate.worker, { token: thief, sessionId }, 'tools/list')).status).toBe(404);
    expect((await get(gate.worker, { token: thief, sessionId })).status).toBe(404);
    expect((await end(gate.worker, { token: thief, sessionId })).status).toBe(404);
  }
  expect((await request(gate.worker, { token, sessionId }, 'tools/list')).status).toBe(200);
});

test('two clients of one user have sessions and state of their own', async () => {
  const [one, other] = [await tokenOf('carol', 'one'), await tokenOf('carol', 'other')];
  const sessions = { one: await open(gate.worker, one), other: await open(gate.worker, other) };
  const remember = { name: 'remember', arguments: { name: 'n', text: 'of one' } };
  await request(gate.worker, { token: one, sessionId: sessions.one }, 'tools/call', remember);
  const recall = { name: 'recall', arguments: { name: 'n' } };
  expect(
    (await jsonOf(request(gate.worker, { token: one, sessionId: sessions.one }, 'tools/call', recall))).result
      .content[0].text,
  ).toBe('of one');
  expect(
    (await jsonOf(request(gate.worker, { token: other, sessionId: sessions.other }, 'tools/call', recall)))
      .result.isError,
  ).toBe(true);
});

test('DELETE ends a session for good', async () => {
  const token = await tokenOf('leaver');
  const sessionId = await open(gate.worker, token);
  expect((await end(gate.worker, { token, sessionId })).status).toBe(204);
  expect((await request(gate.worker, { token, sessionId }, 'tools/list')).status).toBe(404);
});

test('one session too many ends the one that was idle for the longest time', async () => {
  const token = await tokenOf('hoarder');
  const ids: string[] = [];
  for (let count = 0; count < 4; count += 1) ids.push(await open(gate.worker, token));
  // The clock has a resolution of a second: make sure that the first is not the oldest any more.
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  const [first = '', second = ''] = ids;
  expect((await request(gate.worker, { token, sessionId: first }, 'ping')).status).toBe(200);
  await open(gate.worker, token);
  expect((await request(gate.worker, { token, sessionId: second }, 'ping')).status).toBe(404);
  expect((await request(gate.worker, { token, sessionId: first }, 'ping')).status).toBe(200);
});

test('a session that is connected is not ended for a new one', async () => {
  const token = await tokenOf('busy');
  const ids: string[] = [];
  const streams: Response[] = [];
  for (let count = 0; count < 4; count += 1) {
    const sessionId = await open(gate.worker, token);
    ids.push(sessionId);
    streams.push(await get(gate.worker, { token, sessionId }));
  }
  const refused = await request(gate.worker, { token, version: null }, 'initialize', {
    protocolVersion: '2025-11-25',
    capabilities: {},
  });
  expect(refused.status).toBe(429);
  for (const stream of streams) await stream.body?.cancel();
});

test('a session survives that its object is evicted', async () => {
  const token = await tokenOf('survivor');
  const sessionId = await open(gate.worker, token);
  await request(gate.worker, { token, sessionId }, 'tools/call', {
    name: 'remember',
    arguments: { name: 'n', text: 'still here' },
  });
  await gate.worker.evict({ issuer: gate.issuer.issuer, subject: 'survivor', clientId: 'test-client' });
  const recalled = await jsonOf(
    request(gate.worker, { token, sessionId }, 'tools/call', { name: 'recall', arguments: { name: 'n' } }),
  );
  expect(recalled.result.content[0].text).toBe('still here');
});

test('state is bounded, and says so in words', async () => {
  const token = await tokenOf('collector');
  const sessionId = await open(gate.worker, token);
  const remember = async (name: string, text: string) =>
    (
      await jsonOf(
        request(gate.worker, { token, sessionId }, 'tools/call', {
          name: 'remember',
          arguments: { name, text },
        }),
      )
    ).result;
  expect(await remember('big', 'x'.repeat(300))).toMatchObject({
    isError: true,
    content: [{ text: expect.stringContaining('256 bytes') }],
  });
  for (const name of ['a', 'b', 'c']) expect((await remember(name, 'x')).isError).toBeUndefined();
  expect(await remember('d', 'x')).toMatchObject({
    isError: true,
    content: [{ text: expect.stringContaining('3 values') }],
  });
  expect((await remember('a', 'replaced')).isError).toBeUndefined();
});

test('notifications are accepted, an answer to nothing is not', async () => {
  const token = await tokenOf('alice');
  const sessionId = await open(gate.worker, token);
  expect(
    (await send(gate.worker, { token, sessionId }, { method: 'notifications/roots/list_changed' })).status,
  ).toBe(202);
  expect((await send(gate.worker, { token, sessionId }, { id: 'made-up', result: {} })).status).toBe(400);
});

test('a version that is not spoken here is a 400', async () => {
  const token = await tokenOf('alice');
  const sessionId = await open(gate.worker, token);
  const { status } = await request(gate.worker, { token, sessionId, version: '2024-11-05' }, 'tools/list');
  expect(status).toBe(400);
});
