// Sessions that nobody uses: clients rarely say goodbye, so they end by themselves and leave nothing behind.

import { expect, test } from 'vitest';
import { grantsOf } from '../../src/sessions/session-index.ts';
import { useGate } from '../support/gate.ts';
import { get, open, request } from '../support/legacy.ts';

const gate = useGate({
  vars: { SESSION_IDLE_SECONDS: '5', STREAM_RECHECK_SECONDS: '1', STREAM_MAX_AGE_SECONDS: '5' },
});

/** Polls until something is so. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  const giveUpAt = Date.now() + 40_000;
  while (!(await isSo())) {
    if (Date.now() > giveUpAt) throw new Error('it did not happen');
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

test('an idle session is unknown after its time, and an alarm leaves nothing of what it stored, not even a table', async () => {
  const token = await gate.issuer.sign({ claims: { sub: 'idler' } });
  const owner = { issuer: gate.issuer.issuer, subject: 'idler', clientId: 'test-client' };
  const sessionId = await open(gate.worker, token);
  expect(await gate.worker.query(owner, 'SELECT id FROM session')).toHaveLength(1);
  await until(async () => (await gate.worker.query(owner, 'SELECT name FROM sqlite_master')).length === 0);
  const { KIT_KV } = await gate.worker.env();
  expect(await grantsOf(KIT_KV, owner.issuer, owner.subject)).toEqual([]);
  expect((await request(gate.worker, { token, sessionId }, 'ping')).status).toBe(404);
  expect(await gate.worker.query(owner, 'SELECT name FROM sqlite_master')).toEqual([]);
  // It can be used again.
  await open(gate.worker, token);
});

test('a stream ends after its maximum age, with a hint to come back, and its session stays', async () => {
  const token = await gate.issuer.sign({ claims: { sub: 'listener' } });
  const sessionId = await open(gate.worker, token);
  const text = await (await get(gate.worker, { token, sessionId })).text();
  expect(text).toContain('retry: 1000');
  expect((await request(gate.worker, { token, sessionId }, 'ping')).status).toBe(200);
});
