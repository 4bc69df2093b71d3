// What is open when its caller is revoked, on the real Worker: streams of both eras close, calls are cancelled, also those
// nobody is connected to. What others have open stays.

import { expect, test } from 'vitest';
import { useGate } from '../support/gate.ts';
import { eventsOf, get, messagesOf, open, request } from '../support/legacy.ts';
import { change, revoke } from '../support/objects.ts';
import { META, rpc } from '../support/rpc.ts';

const gate = useGate({ main: 'test/support/streaming-worker.ts', vars: { STREAM_RECHECK_SECONDS: '1' } });

const tokenOf = (sub: string, claims: object = {}) => gate.issuer.sign({ claims: { sub, ...claims } });
const ownerOf = (subject: string) => ({ issuer: gate.issuer.issuer, subject, clientId: 'test-client' });
const waiting = (text = '', meta: object = {}) => ({
  name: 'wait',
  arguments: { text },
  _meta: { ...meta, progressToken: 1 },
});

const listen = async (token: string, notifications: object) =>
  eventsOf(
    await rpc(gate.worker, {
      token,
      method: 'subscriptions/listen',
      params: { notifications, _meta: META },
    }),
  );
type Events = Awaited<ReturnType<typeof listen>>;
const next = async (events: Events) => JSON.parse((await events.next()).value?.data || 'null');

/** Does something, and waits until the tool that waits has noticed that it is cancelled. */
async function cancels(act: () => Promise<void>): Promise<void> {
  const { REPORTS } = await gate.worker.env();
  await REPORTS.delete('cancelled');
  await act();
  const giveUpAt = Date.now() + 30_000;
  while ((await REPORTS.get('cancelled')) === null) {
    if (Date.now() > giveUpAt) throw new Error('it was not cancelled');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

test('modern: a subscription of a revoked subject ends with a result, and that of another goes on', async () => {
  const [mallory, alice] = [await tokenOf('mallory'), await tokenOf('alice')];
  const filter = { toolsListChanged: true };
  const [ending, staying] = [await listen(mallory, filter), await listen(alice, filter)];
  await next(ending);
  await next(staying);
  await revoke(gate.worker, { kind: 'subject', issuer: gate.issuer.issuer, subject: 'mallory' });
  expect(await next(ending)).toMatchObject({ id: 1, result: { resultType: 'complete' } });
  expect((await ending.next()).done).toBe(true);
  await rpc(gate.worker, {
    token: alice,
    method: 'tools/call',
    params: { name: 'change', arguments: { text: 'tools' }, _meta: META },
  });
  expect(await next(staying)).toMatchObject({ method: 'notifications/tools/list_changed' });
  await staying.return(undefined);
});

test('modern: the call of a revoked token is cancelled', async () => {
  const token = await tokenOf('modern-caller', { jti: 'modern-call' });
  const events = eventsOf(await rpc(gate.worker, { token, method: 'tools/call', params: waiting('', META) }));
  await next(events);
  await cancels(() =>
    revoke(gate.worker, { kind: 'token', issuer: gate.issuer.issuer, tokenId: 'modern-call' }),
  );
  for await (const { data } of events) expect(data).not.toContain('result');
});

test('legacy: the stream of a session closes when its grant is revoked, and the call on another is cancelled', async () => {
  const token = await tokenOf('legacy-caller');
  const sessionId = await open(gate.worker, token);
  const own = await get(gate.worker, { token, sessionId });
  const call = await request(gate.worker, { token, sessionId }, 'tools/call', waiting(), 'w');
  await cancels(() => revoke(gate.worker, { kind: 'grant', ...ownerOf('legacy-caller') }));
  expect((await messagesOf(call)).filter((message) => 'id' in message)).toEqual([]);
  expect(await messagesOf(own)).toEqual([]);
});

test('legacy: a call that nobody is connected to is cancelled as well', async () => {
  const token = await tokenOf('left');
  const sessionId = await open(gate.worker, token);
  await messagesOf(await request(gate.worker, { token, sessionId }, 'tools/call', waiting('alone'), 'w'));
  await cancels(() => revoke(gate.worker, { kind: 'subject', ...ownerOf('left') }));
});

test('legacy: a call that has sent nothing yet is cancelled, and not answered', async () => {
  const token = await tokenOf('silent');
  const sessionId = await open(gate.worker, token);
  const answer = request(gate.worker, { token, sessionId }, 'tools/call', waiting('silently'), 'w');
  await cancels(() => revoke(gate.worker, { kind: 'subject', ...ownerOf('silent') }));
  // As the gate would answer it: signing in again helps.
  const { status } = await answer;
  expect(status).toBe(401);
});

test('legacy: a revoked session is gone, with its stream and its call; its neighbour stays', async () => {
  const token = await tokenOf('neighbours');
  const [revoked, other] = [await open(gate.worker, token), await open(gate.worker, token)];
  const streams = [await get(gate.worker, { token, sessionId: revoked })];
  const staying = eventsOf(await get(gate.worker, { token, sessionId: other }));
  streams.push(await request(gate.worker, { token, sessionId: revoked }, 'tools/call', waiting(), 'w'));
  await cancels(() => revoke(gate.worker, { kind: 'session', sessionId: revoked }));
  for (const stream of streams) await stream.text();
  expect(await gate.worker.query(ownerOf('neighbours'), 'SELECT id FROM session')).toEqual([{ id: other }]);
  expect((await request(gate.worker, { token, sessionId: revoked }, 'ping')).status).toBe(404);
  const params = { name: 'change', arguments: { text: 'tools' } };
  await request(gate.worker, { token, sessionId: other }, 'tools/call', params);
  expect(await next(staying)).toMatchObject({ method: 'notifications/tools/list_changed' });
  await staying.return(undefined);
});

test('a role that was assigned is told as changed lists, in both eras, to whom it was assigned', async () => {
  const [promoted, other] = [await tokenOf('promoted'), await tokenOf('other')];
  const sessionId = await open(gate.worker, promoted);
  const lists = { toolsListChanged: true, promptsListChanged: true, resourcesListChanged: true };
  const modern = await listen(promoted, lists);
  const others = await listen(other, lists);
  const own = eventsOf(await get(gate.worker, { token: promoted, sessionId }));
  expect(await next(modern)).toMatchObject({
    params: { notifications: { toolsListChanged: true, resourcesListChanged: true } },
  });
  await next(others);
  const names = async () => {
    const response = await request(gate.worker, { token: promoted, sessionId }, 'tools/list');
    const { result } = (await response.json()) as { result: { tools: { name: string }[] } };
    return result.tools.map(({ name }) => name);
  };
  expect(await names()).not.toContain('guarded');

  const assignee = { issuer: gate.issuer.issuer, subject: 'promoted' };
  await change(gate.worker, { action: 'assign', assignee, role: 'keeper' });
  for (const events of [modern, own]) {
    expect(await next(events)).toMatchObject({ method: 'notifications/tools/list_changed' });
    expect(await next(events)).toMatchObject({ method: 'notifications/resources/list_changed' });
  }
  expect(await names()).toContain('guarded');
  // The next thing the other hears is this, and no list that changed for somebody else.
  await revoke(gate.worker, { kind: 'subject', issuer: gate.issuer.issuer, subject: 'other' });
  expect(await next(others)).toMatchObject({ id: 1, result: {} });
  await modern.return(undefined);
  await own.return(undefined);
});

test('a resource that may not be read any more is not told of any more, in both eras', async () => {
  const assignee = { issuer: gate.issuer.issuer, subject: 'demoted' };
  await change(gate.worker, { action: 'assign', assignee, role: 'keeper' });
  const token = await tokenOf('demoted', { roles: [] });
  const sessionId = await open(gate.worker, token);
  const subscribed = async () => {
    const response = await request(gate.worker, { token, sessionId }, 'resources/subscribe', {
      uri: 'test://kept',
    });
    return Object.hasOwn((await response.json()) as object, 'result');
  };
  // Until the policy of the Worker is as new as the assignment.
  while (!(await subscribed())) await new Promise((resolve) => setTimeout(resolve, 250));
  const own = eventsOf(await get(gate.worker, { token, sessionId }));
  const wanted = { resourceSubscriptions: ['test://kept', 'test://open'] };
  const modern = await listen(token, wanted);
  expect(await next(modern)).toMatchObject({ params: { notifications: wanted } });

  await change(gate.worker, { action: 'unassign', assignee, role: 'keeper' });
  expect(await next(modern)).toMatchObject({ id: 1, result: {} });
  for await (const event of own) if (event.retry !== undefined) break;

  const again = eventsOf(await get(gate.worker, { token, sessionId }));
  const modernAgain = await listen(token, wanted);
  expect(await next(modernAgain)).toMatchObject({
    params: { notifications: { resourceSubscriptions: ['test://open'] } },
  });
  for (const text of ['test://kept', 'test://open', 'tools']) {
    await request(gate.worker, { token, sessionId }, 'tools/call', { name: 'change', arguments: { text } });
  }
  expect(await next(modernAgain)).toMatchObject({ params: { uri: 'test://open' } });
  expect(await next(again)).toMatchObject({ method: 'notifications/tools/list_changed' });
  await again.return(undefined);
  await modernAgain.return(undefined);
});
