// A change that is asked for twice is made once: Idempotency-Key. And lists are walked to their end: cursors.

import { expect, test } from 'vitest';
import { useAdminGate } from './admin-gate.ts';

const gate = useAdminGate();
const { call } = gate;

const assignment = (subject: string, role = 'reader') => ({
  issuer: gate.issuer.issuer,
  subject,
  role,
  reason: 'a test',
});
const assign = (subject: string, key: string, token?: string) =>
  call('POST', '/admin/assignments', {
    body: assignment(subject),
    headers: { 'idempotency-key': key },
    ...(token === undefined ? {} : { token }),
  });

test('the same request with the same key is done once and gets the same answer', async () => {
  const first = await assign('ann', 'key-1');
  expect([first.status, first.headers.get('idempotency-replayed')]).toEqual([201, null]);
  await call('DELETE', `/admin/assignments?${new URLSearchParams(assignment('ann'))}`);
  const second = await assign('ann', 'key-1');
  expect([second.status, second.headers.get('idempotency-replayed')]).toEqual([201, 'true']);
  expect(second.body).toEqual(first.body);
  expect((await call('GET', '/admin/assignments?subject=ann')).body.items).toEqual([]);
});

test('ten at once are done once', async () => {
  const answers = await Promise.all(Array.from({ length: 10 }, () => assign('bea', 'key-2')));
  expect(new Set(answers.map(({ body }) => body.version)).size).toBe(1);
  expect(answers.filter(({ headers }) => headers.get('idempotency-replayed') === null)).toHaveLength(1);
});

test('another request with the same key is refused, whether body, path or query differ', async () => {
  await assign('cem', 'key-3');
  const headers = { 'idempotency-key': 'key-3' };
  const others = [
    await assign('dan', 'key-3'),
    await call('POST', '/admin/forget', {
      body: { issuer: 'x', subject: 'y', confirm: 'forget', reason: 'z' },
      headers,
    }),
    await call('DELETE', `/admin/assignments?${new URLSearchParams(assignment('cem'))}`, { headers }),
  ];
  for (const { status, body } of others) expect([status, body.error]).toEqual([422, 'idempotency_mismatch']);
  expect((await call('GET', '/admin/assignments?subject=dan')).body.items).toEqual([]);
});

test("another operator's key is another key", async () => {
  const [first, second] = [
    await assign('eva', 'key-4'),
    await assign('fay', 'key-4', await gate.sign({ claims: { sub: 'otto' } })),
  ];
  expect([first.status, second.status]).toEqual([201, 201]);
  expect(second.headers.get('idempotency-replayed')).toBe(null);
});

test('a request that was refused is not remembered', async () => {
  const body = assignment('gus', 'auditor');
  const headers = { 'idempotency-key': 'key-5' };
  const refused = await call('POST', '/admin/assignments', { body, headers });
  expect([refused.status, refused.body.error]).toEqual([422, 'unknown_role']);
  const role = { permissions: ['reports:read'], reason: 'a test' };
  await call('PUT', '/admin/roles/auditor', { body: role, headers: { 'if-none-match': '*' } });
  const again = await call('POST', '/admin/assignments', { body, headers });
  expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([201, null]);
});

test('a role change that is repeated gets its ETag again, and its warnings', async () => {
  const put = () =>
    call('PUT', '/admin/roles/novice', {
      body: { permissions: ['reports:raed'], reason: 'a test' },
      headers: { 'if-none-match': '*', 'idempotency-key': 'key-6' },
    });
  const [first, second] = [await put(), await put()];
  expect([second.status, second.headers.get('etag'), second.headers.get('idempotency-replayed')]).toEqual([
    201,
    first.headers.get('etag'),
    'true',
  ]);
  expect(second.body).toEqual(first.body);
  expect(first.body.warnings).toEqual(['No tool, resource or prompt needs the permission reports:raed.']);
});

test('a key that is none is refused', async () => {
  for (const key of ['a b', 'x'.repeat(129), 'é'])
    expect((await assign('hal', encodeURIComponent(key).replace('%20', ' '))).status, key).toBe(400);
  expect((await assign('hal', 'x'.repeat(128))).status).toBe(201);
});

test('a cursor leads through all items, each once, newest first, also while there are new ones', async () => {
  const names = Array.from({ length: 11 }, (_, number) => `walker-${number}`);
  const client = { issuer: gate.issuer.issuer, clientId: 'walked', role: 'reader', reason: 'a test' };
  const add = async (name: string) => {
    await call('POST', '/admin/assignments', { body: assignment(name, 'finance') });
    const target = { kind: 'subject', issuer: 'https://as.example.com', subject: name };
    await call('POST', '/admin/revocations', { body: { target, reason: 'a test' } });
  };
  for (const name of names) await add(name);
  await call('POST', '/admin/assignments', { body: client });

  type Item = { subject: string; target: { subject: string } };
  const walks: [path: string, nameOf: (item: Item) => string][] = [
    ['/admin/assignments?role=finance', ({ subject }) => subject],
    ['/admin/revocations?issuer=https://as.example.com', ({ target }) => target.subject],
    ['/admin/history?action=revoke&issuer=https://as.example.com', ({ target }) => target.subject],
  ];
  let late = 0;
  for (const [path, nameOf] of walks) {
    const found: string[] = [];
    let cursor: string | undefined;
    do {
      const { body } = await call('GET', `${path}&limit=3${cursor === undefined ? '' : `&cursor=${cursor}`}`);
      expect(body.items.length).toBeLessThanOrEqual(3);
      found.push(...body.items.map(nameOf));
      cursor = body.nextCursor;
      // What is newer must not push what was on this page onto the next one.
      late += 1;
      await add(`late-${late}`);
    } while (cursor !== undefined);
    expect(
      found.filter((name) => !name.startsWith('late')),
      path,
    ).toEqual([...names].reverse());
    expect(new Set(found).size).toBe(found.length);
  }
  const { body } = await call('GET', '/admin/assignments?clientId=walked');
  expect(body.items).toMatchObject([{ clientId: 'walked', role: 'reader', operator: { subject: 'olivia' } }]);
  expect(body).not.toHaveProperty('nextCursor');
});
