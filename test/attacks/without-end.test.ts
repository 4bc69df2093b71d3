// What one caller can have going on at once is bounded, and what is kept of it too.

import { expect, test } from 'vitest';
import { useGate } from '../support/gate.ts';
import { eventsOf, open, request } from '../support/legacy.ts';
import { META, rpc } from '../support/rpc.ts';

const gate = useGate({
  main: 'test/support/streaming-worker.ts',
  // A client that has gone is noticed by a sign of life that nobody takes.
  vars: { STREAM_RECHECK_SECONDS: '1', STREAM_KEEP_ALIVE_SECONDS: '1' },
});
const MOST = 100;

const listen = (token: string, notifications: object = { toolsListChanged: true }) =>
  rpc(gate.worker, { token, method: 'subscriptions/listen', params: { notifications, _meta: META } });
const close = (responses: readonly Response[]) => Promise.all(responses.map(({ body }) => body?.cancel()));

test('attack: a caller without any right opens no more than so many streams; others are served meanwhile', async () => {
  const token = await gate.issuer.sign({ claims: { sub: 'mallory', scope: '', roles: [] } });
  const opened = await Promise.all(Array.from({ length: 500 }, () => listen(token)));
  const refused = opened.filter(({ status }) => status === 429);
  expect(refused).toHaveLength(500 - MOST);
  expect(refused[0]?.headers.get('retry-after')).toBe('5');
  const reasons = gate.worker.logs().filter(({ reason }) => reason === 'rate_limited');
  expect(reasons).toHaveLength(500 - MOST);
  expect(reasons[0]).toMatchObject({ event: 'decision', decision: 'deny', status: 429, subject: 'mallory' });

  const another = await gate.issuer.sign({ claims: { sub: 'mallory', scope: '', roles: [] } });
  expect((await listen(another)).status, 'a new token is no way around it').toBe(429);
  const call = { token, method: 'tools/call', params: { name: 'change', arguments: {}, _meta: META } };
  expect((await rpc(gate.worker, call)).status, 'nor is a call').toBe(429);
  const alice = await listen(await gate.issuer.sign());
  expect(alice.status).toBe(200);

  await close([...opened, alice]);
  const giveUpAt = Date.now() + 30_000;
  for (;;) {
    const again = await listen(token);
    await again.body?.cancel();
    if (again.status === 200) break;
    if (Date.now() > giveUpAt) throw new Error('there is no room again');
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
});

test('attack: a caller has no more than so many calls waiting, whether or not they stream', async () => {
  const token = await gate.issuer.sign({ claims: { sub: 'patient' } });
  const meta = { ...META, progressToken: 1 };
  const wait = (text: string) =>
    rpc(gate.worker, {
      token,
      method: 'tools/call',
      params: { name: 'wait', arguments: { text }, _meta: meta },
    });
  const streaming = await Promise.all(Array.from({ length: MOST }, () => wait('loudly')));
  expect(streaming.map(({ status }) => status)).toEqual(Array(MOST).fill(200));
  expect((await wait('silently')).status).toBe(429);
  await close(streaming);
});

test('attack: long URIs are listened to as far as they fit, and the rest is not kept', async () => {
  const uris = Array.from(
    { length: 100 },
    (_, index) => `test://strict/${String(index).padStart(1_900, 'x')}`,
  );
  const token = await gate.issuer.sign({ claims: { roles: ['keeper'], scope: 'secrets:read' } });
  const response = await listen(token, { resourceSubscriptions: [...uris, 'test://open'] });
  const { value } = await eventsOf(response).next();
  const { resourceSubscriptions } = JSON.parse(value?.data ?? '').params.notifications;
  expect(resourceSubscriptions).toEqual(uris.slice(0, 8));
});

test('what a listener asked for is told under its URI, however long', async () => {
  const uri = `test://strict/${'x'.repeat(1_900)}`;
  const token = await gate.issuer.sign({ claims: { roles: ['keeper'], scope: 'secrets:read' } });
  const events = eventsOf(await listen(token, { resourceSubscriptions: [uri] }));
  await events.next();
  const change = { name: 'change', arguments: { text: uri }, _meta: META };
  await rpc(gate.worker, { token, method: 'tools/call', params: change });
  const { value } = await events.next();
  expect(JSON.parse(value?.data ?? '')).toMatchObject({
    method: 'notifications/resources/updated',
    params: { uri },
  });
  await events.return(undefined);
});

test('attack: what a client says of itself is kept in a session only as far as it names it', async () => {
  const token = await gate.issuer.sign({ claims: { sub: 'talkative' } });
  const clientInfo = {
    name: 'n'.repeat(100_000),
    version: '1',
    icons: [{ src: `data:image/png;base64,${'A'.repeat(100_000)}` }],
  };
  const initialize = (params: object) =>
    request(gate.worker, { token, version: null }, 'initialize', {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo,
      ...params,
    });
  expect((await initialize({})).status).toBe(200);
  const owner = { issuer: gate.issuer.issuer, subject: 'talkative', clientId: 'test-client' };
  const kept = 'SELECT client_info FROM session';
  expect(await gate.worker.query(owner, kept)).toEqual([
    { client_info: JSON.stringify({ name: 'n'.repeat(256), version: '1' }) },
  ]);
  const capabilities = { experimental: { large: { text: 'x'.repeat(20_000) } } };
  expect((await initialize({ capabilities })).status).toBe(400);
  expect(await open(gate.worker, token)).toEqual(expect.any(String));
});
