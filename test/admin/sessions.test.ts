// What is kept for a subject: sessions and state seen, ended and erased; and a subject forgotten altogether, whose
// revocations stay in force.

import { describe, expect, test } from 'vitest';
import { eventsOf, get, open, request } from '../support/legacy.ts';
import { useAdminGate } from './admin-gate.ts';

const gate = useAdminGate(() => ({ DECISION_LOG_ALLOWS_PER_THOUSAND: 1_000 }));
const { call, tool } = gate;

const because = { reason: 'a test' };
const eventually = <T>(get: () => Promise<T>) => expect.poll(get, { timeout: 20_000, interval: 200 });
const sign = (sub: string, client_id: string | undefined = 'app-1', more: object = {}) =>
  gate.issuer.sign({ claims: { sub, client_id, ...more } });
const query = (subject: string, more: object = {}) =>
  `/admin/sessions?${new URLSearchParams({ issuer: gate.issuer.issuer, subject, ...more })}`;
const sessions = async (subject: string) => (await call('GET', query(subject))).body.items;
const end = async (subject: string, more: object = {}) =>
  (await call('DELETE', query(subject, { ...because, ...more }))).body;
const isOpen = async (token: string, sessionId: string) =>
  (await request(gate.worker, { token, sessionId }, 'ping')).status === 200;
const remember = (token: string, name: string) => tool(token, 'remember', { name, text: 'x' });
const recall = async (token: string) => (await tool(token, 'recall')).body.result.content[0].text;

describe('sessions of a subject', () => {
  test('are listed by client, with what is known about them', async () => {
    const [first, second] = [await sign('sam'), await sign('sam', 'app-2')];
    const sessionId = await open(gate.worker, first);
    await open(gate.worker, second, {}, '2025-06-18');
    await remember(second, 'note');
    const stream = await get(gate.worker, { token: first, sessionId });
    const reading = eventsOf(stream)[Symbol.asyncIterator]();
    await eventually(async () => (await sessions('sam')).length).toBe(2);
    const items = await sessions('sam');
    expect(items).toContainEqual({
      clientId: 'app-1',
      stateKeys: 0,
      sessions: [
        {
          id: sessionId,
          protocolVersion: '2025-11-25',
          client: { name: 'legacy-test', version: '1' },
          createdAt: expect.any(Number),
          usedAt: expect.any(Number),
          isConnected: true,
        },
      ],
    });
    expect(items).toContainEqual({
      clientId: 'app-2',
      stateKeys: 1,
      sessions: [expect.objectContaining({ protocolVersion: '2025-06-18', isConnected: false })],
    });
    expect(await sessions('nobody')).toEqual([]);
    await stream.body?.cancel().catch(() => {});
    await reading.return?.(undefined).catch(() => {});
  });

  test('are ended all at once, and the state of tools stays', async () => {
    const [first, second] = [await sign('tina'), await sign('tina', 'app-2')];
    const ids = [
      await open(gate.worker, first),
      await open(gate.worker, first),
      await open(gate.worker, second),
    ];
    await remember(first, 'note');
    await eventually(async () => (await sessions('tina')).length).toBe(2);
    expect(await end('tina')).toMatchObject({ ended: 3, erasedKeys: 0 });
    expect(await Promise.all(ids.map((id, index) => isOpen(index < 2 ? first : second, id)))).toEqual([
      false,
      false,
      false,
    ]);
    expect(await recall(first)).toBe('note');
    expect(await isOpen(first, await open(gate.worker, first))).toBe(true);
  });

  test('are ended one by one, or those of one client', async () => {
    const [first, second] = [await sign('uma'), await sign('uma', 'app-2')];
    const [one, two, other] = [
      await open(gate.worker, first),
      await open(gate.worker, first),
      await open(gate.worker, second),
    ];
    expect(await end('uma', { clientId: 'app-1', sessionId: one })).toMatchObject({ ended: 1 });
    expect([await isOpen(first, one), await isOpen(first, two)]).toEqual([false, true]);
    expect(await end('uma', { clientId: 'app-1' })).toMatchObject({ ended: 1 });
    expect([await isOpen(first, two), await isOpen(second, other)]).toEqual([false, true]);
    expect(await end('uma', { clientId: 'app-9' })).toMatchObject({ ended: 0 });
  });

  test('close their streams when they are ended', async () => {
    const token = await sign('vic');
    const sessionId = await open(gate.worker, token);
    const stream = await get(gate.worker, { token, sessionId });
    const ended = (async () => {
      for await (const _ of eventsOf(stream));
      return true;
    })();
    expect(await end('vic', { clientId: 'app-1' })).toMatchObject({ ended: 1 });
    expect(await ended).toBe(true);
  });

  test('and state are erased together when that is wanted', async () => {
    const token = await sign('will');
    await open(gate.worker, token);
    await remember(token, 'a');
    await remember(token, 'b');
    expect(await end('will', { clientId: 'app-1', state: 'true' })).toMatchObject({
      ended: 1,
      erasedKeys: 2,
    });
    expect(await recall(token)).toBe('There are no notes.');
  });
});

describe('revoking with eraseState', () => {
  test.each([
    ['subject', { subject: 'xena' }],
    ['grant', { subject: 'yuri', clientId: 'app-1' }],
  ])('a %s also ends its sessions and erases its state', async (kind, rest) => {
    const token = await sign(rest.subject);
    await open(gate.worker, token);
    await remember(token, 'note');
    await eventually(async () => (await sessions(rest.subject)).length).toBe(1);
    const target = { kind, issuer: gate.issuer.issuer, ...rest };
    const { status, body } = await call('POST', '/admin/revocations', {
      body: { target, eraseState: true, ...because },
    });
    expect([status, body.erased]).toEqual([201, { sessions: 1, stateKeys: 1 }]);
    await call('DELETE', `/admin/revocations/${body.id}?reason=x`);
    await eventually(async () => (await tool(token, 'whoami')).status).toBe(200);
    expect(await recall(token)).toBe('There are no notes.');
  });
});

describe('forgetting a subject', () => {
  const everything = async () =>
    JSON.stringify(
      await Promise.all(
        ['revocations', 'assignments', 'history', 'decisions'].map(
          async (list) => (await call('GET', `/admin/${list}?limit=500`)).body,
        ),
      ),
    );

  test('takes its name out of everything, and what was revoked stays revoked', async () => {
    const { issuer } = gate.issuer;
    const name = 'zachary-quinn';
    const token = await sign(name, 'app-1', { roles: ['operator'], scope: 'mcp:admin' });
    const other = await sign(name, 'app-2');
    // As an operator, as a subject with roles, sessions and state, and as one who is revoked.
    const assignment = { issuer, subject: name, role: 'finance', ...because };
    await call('POST', '/admin/assignments', {
      token,
      body: assignment,
      headers: { 'idempotency-key': 'once' },
    });
    await call('POST', '/admin/assignments', { token, body: { ...assignment, subject: 'somebody-else' } });
    await open(gate.worker, token);
    await remember(token, 'note');
    const targets = [
      { kind: 'grant', issuer, subject: name, clientId: 'app-2' },
      { kind: 'subject', issuer, subject: name },
    ];
    const ids: string[] = [];
    for (const target of targets) {
      const reason = `${name} has left`;
      ids.push((await call('POST', '/admin/revocations', { body: { target, reason } })).body.id);
    }
    // Decisions are collected for a moment: what comes in later would have the name.
    const last = `/admin/decisions?subject=${name}&tool=remember`;
    await eventually(async () => (await call('GET', last)).body.items.length).toBe(1);
    await eventually(async () => (await sessions(name)).length).toBe(1);

    const { status, body } = await call('POST', '/admin/forget', {
      body: { issuer, subject: name, confirm: 'forget', reason: 'she asked for it' },
    });
    expect(status).toBe(200);
    expect(body.erased).toMatchObject({
      sessions: 1,
      stateKeys: 1,
      assignments: 1,
      revocations: 2,
      historyEntries: 4,
    });
    expect(body.erased.decisions).toBeGreaterThan(0);
    await eventually(everything).not.toContain(name);

    for (const good of [token, other]) expect((await tool(good, 'whoami')).status).toBe(401);
    const { items } = (await call('GET', '/admin/revocations')).body;
    expect(items.map(({ id }: { id: string }) => id)).toEqual(expect.arrayContaining(ids));
    expect(await sessions(name)).toEqual([]);
    const [entry] = (await call('GET', '/admin/history?limit=1')).body.items;
    expect(entry).toMatchObject({
      action: 'forget',
      target: { issuer, subject: null },
      reason: 'she asked for it',
    });
    const { items: assigned } = (await call('GET', '/admin/assignments?subject=somebody-else')).body;
    expect(assigned).toMatchObject([{ operator: { issuer, subject: null } }]);
    for (const id of ids) {
      const lifted = await call('DELETE', `/admin/revocations/${id}?reason=x`);
      expect(lifted.body.target).toMatchObject({ issuer, subject: null });
    }
  });

  test('does not touch a subject of the same name of another issuer', async () => {
    const issuer = 'https://as.example.com';
    await call('POST', '/admin/assignments', {
      body: { issuer, subject: 'twin', role: 'reader', ...because },
    });
    const { body } = await call('POST', '/admin/forget', {
      body: { issuer: gate.issuer.issuer, subject: 'twin', confirm: 'forget', ...because },
    });
    expect(body.erased).toEqual({
      sessions: 0,
      stateKeys: 0,
      assignments: 0,
      historyEntries: 0,
      revocations: 0,
      decisions: 0,
    });
    expect((await call('GET', '/admin/assignments?subject=twin')).body.items).toMatchObject([{ issuer }]);
  });
});
