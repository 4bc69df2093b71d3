// What operators see of a client's sessions and state, and can end and erase: the methods behind the operators' API. And
// the index in which they find it.

import { expect, test } from 'vitest';
import type { Grant } from '../../src/grant.ts';
import { grantsOf } from '../../src/sessions/session-index.ts';
import { useGate } from '../support/gate.ts';
import { end, get, open, request } from '../support/legacy.ts';
import { objectOf as objectIn } from '../support/objects.ts';

const gate = useGate({ main: 'test/support/streaming-worker.ts' });

const CLIENT = 'test-client';
const tokenOf = (sub: string, client_id: string | null = CLIENT) =>
  gate.issuer.sign({ claims: { sub, client_id: client_id ?? undefined } });
const grantOf = (subject: string, clientId: string | null = CLIENT): Grant => ({
  issuer: gate.issuer.issuer,
  subject,
  clientId: clientId ?? undefined,
});
const objectOf = (...grant: Parameters<typeof grantOf>) => objectIn(gate.worker, grantOf(...grant));
const tables = (subject: string) =>
  gate.worker.query({ ...grantOf(subject), clientId: CLIENT }, 'SELECT name FROM sqlite_master');
const found = async (subject: string) => {
  const grants = await grantsOf((await gate.worker.env()).KIT_KV, gate.issuer.issuer, subject);
  return grants.map(({ clientId }) => clientId).sort();
};

/** Polls until something is so. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  const giveUpAt = Date.now() + 20_000;
  while (!(await isSo())) {
    if (Date.now() > giveUpAt) throw new Error('it did not happen');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

test('sessions are described: who the client says it is, since when, and whether it is connected', async () => {
  const token = await tokenOf('described');
  const object = await objectOf('described');
  expect(await object.describe()).toEqual({ sessions: [], stateKeys: 0 });
  const connected = await open(gate.worker, token);
  const nameless = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 5 } };
  await request(gate.worker, { token, version: null }, 'initialize', nameless);
  const stream = await get(gate.worker, { token, sessionId: connected });
  await object.statePut('a', '1', false, grantOf('described'));
  const { sessions, stateKeys } = await object.describe();
  expect(stateKeys).toBe(1);
  const now = Math.floor(Date.now() / 1_000);
  for (const { createdAt, usedAt } of sessions) {
    expect([createdAt, usedAt].every((at) => at > now - 60 && at <= now)).toBe(true);
  }
  const common = { createdAt: expect.any(Number), usedAt: expect.any(Number) };
  expect([...sessions].sort((a) => (a.id === connected ? -1 : 1))).toEqual([
    {
      id: connected,
      protocolVersion: '2025-11-25',
      client: { name: 'legacy-test', version: '1' },
      isConnected: true,
      ...common,
    },
    { id: expect.any(String), protocolVersion: '2025-06-18', client: null, isConnected: false, ...common },
  ]);
  await stream.body?.cancel();
});

test('ending one session closes its stream and cancels its call; ending all leaves none', async () => {
  const token = await tokenOf('ended');
  const object = await objectOf('ended');
  const [sessionId, other] = [await open(gate.worker, token), await open(gate.worker, token)];
  const own = await get(gate.worker, { token, sessionId });
  const params = { name: 'wait', arguments: {}, _meta: { progressToken: 1 } };
  const call = await request(gate.worker, { token, sessionId }, 'tools/call', params);
  const { REPORTS } = await gate.worker.env();
  expect(await object.endSessions('nobody-has-this')).toBe(0);
  expect(await object.endSessions(sessionId)).toBe(1);
  await own.text();
  expect(await call.text()).not.toContain('result');
  await until(async () => (await REPORTS.get('cancelled')) !== null);
  expect((await request(gate.worker, { token, sessionId }, 'ping')).status).toBe(404);
  expect((await request(gate.worker, { token, sessionId: other }, 'ping')).status).toBe(200);
  await open(gate.worker, token);
  expect(await object.endSessions()).toBe(2);
  expect((await request(gate.worker, { token, sessionId: other }, 'ping')).status).toBe(404);
});

test('erasing state leaves sessions, and an answer that was used stays used', async () => {
  const token = await tokenOf('erased');
  const object = await objectOf('erased');
  const sessionId = await open(gate.worker, token);
  const expiresAt = Math.floor(Date.now() / 1_000) + 600;
  expect(await object.useNonce('n', expiresAt)).toBe(true);
  for (const key of ['a', 'b']) await object.statePut(key, '1', false, grantOf('erased'));
  expect(await object.eraseState()).toBe(2);
  expect(await object.stateList('')).toEqual([]);
  expect((await request(gate.worker, { token, sessionId }, 'ping')).status).toBe(200);
  expect(await object.endSessions()).toBe(1);
  expect(await object.useNonce('n', expiresAt)).toBe(false);
});

test('a grant is found while it has sessions or state, and not when operators have ended and erased them', async () => {
  for (const clientId of [null, 'of-sessions', CLIENT])
    await open(gate.worker, await tokenOf('found', clientId));
  const stateful = await objectOf('found', 'of-state');
  await stateful.statePut('a', '1', false, grantOf('found', 'of-state'));
  await open(gate.worker, await tokenOf('found-too'));
  await until(async () => (await found('found')).length === 4);
  expect(await found('found')).toEqual([null, 'of-sessions', 'of-state', CLIENT]);
  for (const clientId of [null, 'of-sessions', CLIENT]) {
    await (await objectOf('found', clientId)).endSessions();
  }
  await until(async () => (await found('found')).length === 1);
  expect(await stateful.endSessions()).toBe(0);
  expect(await found('found')).toEqual(['of-state']);
  await stateful.eraseState();
  await until(async () => (await found('found')).length === 0);
  expect(await found('found-too')).toEqual(['test-client']);
});

test('names as long as they may be are found', async () => {
  const [subject, clientId] = ['s'.repeat(1_024), `https://client.example.com/${'c'.repeat(990)}`];
  await open(gate.worker, await tokenOf(subject, clientId));
  await until(async () => (await found(subject)).length === 1);
  expect(await found(subject)).toEqual([clientId]);
});

test('an object that keeps nothing has no tables: before anything was kept, and after all of it is gone', async () => {
  const token = await tokenOf('empty');
  const object = await objectOf('empty');
  const sessionId = crypto.randomUUID();
  expect((await request(gate.worker, { token, sessionId }, 'ping')).status).toBe(404);
  await end(gate.worker, { token, sessionId });
  expect([await object.stateGet('a'), await object.stateList(''), await object.endSessions()]).toEqual([
    undefined,
    [],
    0,
  ]);
  await object.stateDelete('a');
  expect(await tables('empty')).toEqual([]);
  await open(gate.worker, token);
  await object.statePut('a', '1', false, grantOf('empty'));
  expect(await object.endSessions()).toBe(1);
  expect(await object.stateGet('a')).toBe('1');
  expect(await object.eraseState()).toBe(1);
  await until(async () => (await tables('empty')).length === 0);
  await object.statePut('a', '2', false, grantOf('empty'));
  expect(await object.stateGet('a')).toBe('2');
});
