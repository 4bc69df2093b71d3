// Coming back to a stream: what was too large to keep, and who may have the rest.

import { expect, test } from 'vitest';
import { useGate } from '../support/gate.ts';
import { eventsOf, get, messagesOf, open, request } from '../support/legacy.ts';
import { change } from '../support/objects.ts';

const main = 'test/support/streaming-worker.ts';
const gates = {
  'the log of events': {
    gate: useGate({ main, vars: { SESSION_EVENT_BYTES: '4096', POLICY_FRESH_SECONDS: '1' } }),
    length: 5_000,
  },
  'a row of the database': {
    gate: useGate({ main, vars: { SESSION_EVENT_BYTES: '67108864' } }),
    length: 3_000_000,
  },
};

test.each(Object.entries(gates))(
  'an answer too large for %s is an error for whoever comes back, and what came before it is kept',
  async (_, { gate, length }) => {
    const token = await gate.issuer.sign();
    const sessionId = await open(gate.worker, token);
    await request(gate.worker, { token, sessionId }, 'logging/setLevel', { level: 'debug' });
    const params = { name: 'large', arguments: { times: length }, _meta: { progressToken: 1 } };
    await messagesOf(await request(gate.worker, { token, sessionId }, 'tools/call', params, 'large'));
    const owner = { issuer: gate.issuer.issuer, subject: 'alice', clientId: 'test-client' };
    const isDone = 'SELECT 1 FROM stream WHERE id = 1 AND is_done = 1';
    while ((await gate.worker.query(owner, isDone)).length === 0)
      await new Promise((resolve) => setTimeout(resolve, 50));
    const events = [];
    for await (const event of eventsOf(await get(gate.worker, { token, sessionId }, '1-0')))
      events.push(event);
    const kept = events.filter(({ data }) => data !== '').map(({ id, data }) => [id, JSON.parse(data)]);
    // Between them was a notification as large, which nobody got.
    expect(kept).toEqual([
      ['1-1', expect.objectContaining({ method: 'notifications/progress' })],
      [
        '1-3',
        {
          jsonrpc: '2.0',
          id: 'large',
          error: { code: -32_603, message: 'The result was too large to keep; send the request again' },
        },
      ],
    ]);
  },
);

test('an answer too large to keep reaches whoever is connected', async () => {
  const { gate } = gates['the log of events'];
  const token = await gate.issuer.sign();
  const sessionId = await open(gate.worker, token);
  const params = { name: 'large', arguments: { times: 5_000 }, _meta: { progressToken: 1 } };
  await messagesOf(await request(gate.worker, { token, sessionId }, 'tools/call', params));
  // The answer comes a while after the client was let go.
  const [answer] = await messagesOf(await get(gate.worker, { token, sessionId }, '1-1'));
  const text = 'x'.repeat(5_000);
  expect(answer).toMatchObject({ id: 1, result: { content: [{ text }] } });
});

test('a stream is resumed only by who may make the request it answers: not with fewer scopes, not without the role', async () => {
  const { gate } = gates['the log of events'];
  const sign = (scope: string) => gate.issuer.sign({ claims: { sub: 'keeper', scope } });
  const assignee = { issuer: gate.issuer.issuer, subject: 'keeper' };
  const [token, weaker] = [await sign('secrets:read'), await sign('reports:read')];
  const sessionId = await open(gate.worker, token);
  const params = { name: 'guarded', arguments: {}, _meta: { progressToken: 1 } };
  await change(gate.worker, { action: 'assign', assignee, role: 'keeper' });
  let response: Response;
  // Until the policy of the Worker is as new as the assignment.
  do response = await request(gate.worker, { token, sessionId }, 'tools/call', params);
  while (response.headers.get('content-type') === 'application/json');
  await messagesOf(response);

  const resumed = (by: string) => get(gate.worker, { token: by, sessionId }, '1-1');
  expect((await resumed(weaker)).status).toBe(403);
  expect(await messagesOf(await resumed(token))).toMatchObject([
    { result: { content: [{ text: 'a secret' }] } },
  ]);
  // The session's own stream needs nothing.
  const own = await get(gate.worker, { token: weaker, sessionId });
  expect(own.status).toBe(200);
  await own.body?.cancel();

  await change(gate.worker, { action: 'unassign', assignee, role: 'keeper' });
  let status = 200;
  while (status === 200) {
    await new Promise((resolve) => setTimeout(resolve, 250));
    const again = await resumed(token);
    ({ status } = again);
    await again.body?.cancel();
  }
  expect(status).toBe(403);
});
