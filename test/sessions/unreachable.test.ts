// When a session's object cannot be reached: trouble of ours, which the client waits out.

import { expect, test } from 'vitest';
import { useGate } from '../support/gate.ts';
import { request } from '../support/legacy.ts';
import { rpc } from '../support/rpc.ts';

const gate = useGate({ main: 'test/support/unreachable-objects-worker.ts' });

test('a legacy request is a 503 with Retry-After; a 404 would make the client give its session up', async () => {
  const response = await request(
    gate.worker,
    { token: await gate.issuer.sign(), sessionId: 'some-session' },
    'tools/list',
  );
  expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1']);
  const lines = gate.worker.logs();
  expect(lines.filter(({ event }) => event === 'request_failed')).toHaveLength(1);
  expect(lines.filter(({ event }) => event === 'decision')).toMatchObject([
    { decision: 'deny', status: 503 },
  ]);
});

test('a modern request that needs no object does not notice', async () => {
  expect((await rpc(gate.worker, { token: await gate.issuer.sign() })).status).toBe(200);
});
