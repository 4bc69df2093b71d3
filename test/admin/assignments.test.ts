// Roles given to a subject or a client: in force besides those of its tokens, and listed with who gave them and why.

import { expect, test } from 'vitest';
import { useAdminGate } from './admin-gate.ts';

const gate = useAdminGate();
const { call, tool } = gate;

const because = { reason: 'a test' };
const assign = (assignee: object, role: string, issuer = gate.issuer.issuer) =>
  call('POST', '/admin/assignments', { body: { issuer, ...assignee, role, ...because } });
const unassign = (assignee: object, role: string) =>
  call(
    'DELETE',
    `/admin/assignments?${new URLSearchParams({ issuer: gate.issuer.issuer, ...assignee, role, ...because })}`,
  );
const list = async (query: string) => (await call('GET', `/admin/assignments?${query}`)).body.items;
const permissions = (token: string) =>
  expect.poll(async () => (await tool(token, 'whoami')).body.result.structuredContent.permissions, {
    timeout: 20_000,
    interval: 200,
  });

test.each([
  ['subject', { subject: 'ann' }, { sub: 'ann' }, { sub: 'bob' }],
  [
    'client that acts for itself',
    { clientId: 'bot' },
    { sub: 'bot', client_id: 'bot' },
    { client_id: 'bot' },
  ],
  [
    'client and everybody who signs in with it',
    { clientId: 'cli', everybody: true },
    { client_id: 'cli' },
    { sub: 'cli' },
  ],
])(
  'a role given to a %s is in force besides those of the token, until it is taken away',
  async (_, assignee, claims, others) => {
    const [token, other] = [await gate.issuer.sign({ claims }), await gate.issuer.sign({ claims: others })];
    const { status, body } = await assign(assignee, 'finance');
    expect([status, body.role, body.issuer]).toEqual([201, 'finance', gate.issuer.issuer]);
    await permissions(token).toEqual(['reports:write', 'reports:read', 'payments:refund']);
    await permissions(other).toEqual(['reports:write', 'reports:read']);
    const { everybody, ...named } = { everybody: undefined, ...assignee };
    expect((await unassign(named, 'finance')).body).toMatchObject({ ...named, role: 'finance' });
    await permissions(token).toEqual(['reports:write', 'reports:read']);
    expect((await unassign(named, 'finance')).status).toBe(404);
  },
);

test('a role that there is not cannot be given', async () => {
  const { status, body } = await assign({ subject: 'carl' }, 'nobody');
  expect([status, body.error, body.error_description]).toEqual([
    422,
    'unknown_role',
    'There is no role "nobody"; define it first.',
  ]);
});

test('giving a role twice gives it once', async () => {
  await assign({ subject: 'dora' }, 'finance');
  expect((await assign({ subject: 'dora' }, 'finance')).status).toBe(201);
  expect(await list('subject=dora')).toHaveLength(1);
  await unassign({ subject: 'dora' }, 'finance');
  expect(await list('subject=dora')).toEqual([]);
});

test('an issuer that is not trusted is a warning, most likely a typing error', async () => {
  const { body } = await assign({ subject: 'emil' }, 'finance', 'https://as.example.com');
  expect(body.warnings).toEqual([
    'No token of https://as.example.com is accepted here: it is not in AUTHORIZATION_SERVERS.',
  ]);
});

test('a role of everybody who signs in with a client is said to be that, and both kinds are taken away together', async () => {
  const wide = await assign({ clientId: 'both', everybody: true }, 'reader');
  expect(wide.body).toMatchObject({
    everybody: true,
    warnings: ['Everybody who signs in with the client both has the role now.'],
  });
  const narrow = await assign({ clientId: 'both' }, 'reader');
  expect(narrow.body).toMatchObject({ everybody: false });
  expect(narrow.body).not.toHaveProperty('warnings');
  expect(await list('clientId=both')).toMatchObject([{ everybody: false }, { everybody: true }]);
  expect((await unassign({ clientId: 'both' }, 'reader')).status).toBe(200);
  expect(await list('clientId=both')).toEqual([]);
});

test('one of a client from before there was a difference is of everybody', async () => {
  await assign({ clientId: 'old', everybody: true }, 'finance');
  // As the row was: the column came later.
  await gate.worker.registry.query('ALTER TABLE assignment DROP COLUMN is_machine');
  await gate.worker.registry.query('ALTER TABLE service_key DROP COLUMN operator');
  await gate.worker.registry.query(
    'DELETE FROM migration WHERE version = (SELECT MAX(version) FROM migration)',
  );
  await gate.worker.registry.evict();
  expect(await list('clientId=old')).toMatchObject([{ everybody: true }]);
  await permissions(await gate.issuer.sign({ claims: { client_id: 'old' } })).toContain('payments:refund');
  expect((await unassign({ clientId: 'old' }, 'finance')).status).toBe(200);
});

test('the list can be asked by issuer, subject, client and role', async () => {
  const issuer = 'https://list.example.com';
  await assign({ subject: 'fred' }, 'finance', issuer);
  await assign({ subject: 'fred' }, 'reader', issuer);
  await assign({ clientId: 'fred' }, 'reader', issuer);
  const short = async (query: string) =>
    (await list(`issuer=${issuer}&${query}`)).map(
      ({ subject, clientId, role }: Record<string, string>) => `${subject ?? `client ${clientId}`}: ${role}`,
    );
  expect(await short('')).toEqual(['client fred: reader', 'fred: reader', 'fred: finance']);
  expect(await short('subject=fred')).toEqual(['fred: reader', 'fred: finance']);
  expect(await short('clientId=fred')).toEqual(['client fred: reader']);
  expect(await short('role=reader')).toEqual(['client fred: reader', 'fred: reader']);
  const [item] = await list(`issuer=${issuer}&role=finance`);
  expect(item).toMatchObject({ ...because, operator: { issuer: gate.issuer.issuer, subject: 'olivia' } });
});
