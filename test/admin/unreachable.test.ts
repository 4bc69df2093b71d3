// The operators' API while the registry or KV cannot be reached: nobody is let in on a guess, and a change can be repeated.

import { expect, test } from 'vitest';
import { RESOURCE } from '../support/worker.ts';
import { useAdminGate } from './admin-gate.ts';

const gate = useAdminGate(() => ({}), 'test/admin/out-of-reach-worker.ts');
const { call, tool } = gate;
const without = (method: string) => ({ 'x-out-of-reach': method });

test('an isolate that has never read KV lets nobody in but operators while KV is out of reach', async () => {
  const headers = without('KV');
  const token = await gate.issuer.sign();
  const init = { method: 'POST', headers: { ...headers, authorization: `Bearer ${token}` } };
  expect((await gate.worker.fetch(RESOURCE, init)).status).toBe(503);
  const { status, body } = await call('GET', '/admin/status', { headers });
  expect([status, body.kv.version, body.isolate.source]).toEqual([200, null, 'registry']);
  const target = { kind: 'client', issuer: gate.issuer.issuer, clientId: 'stolen' };
  const revoked = await call('POST', '/admin/revocations', { body: { target, reason: 'a test' }, headers });
  expect(revoked.status).toBe(201);
  expect(
    (await call('GET', '/admin/status', { headers, token: await gate.sign({ claims: { roles: [] } }) }))
      .status,
  ).toBe(403);
});

test('while it cannot be asked who is an operator, nobody is: 503', async () => {
  expect((await call('GET', '/admin/status')).status).toBe(200);
  gate.decisions();
  const { status, body, headers } = await call('GET', '/admin/status', { headers: without('head') });
  expect([status, body.error, headers.get('retry-after')]).toEqual([503, 'temporarily_unavailable', '5']);
  expect(gate.decisions()).toMatchObject([
    { decision: 'deny', reason: 'policy_unavailable', detail: 'registry', operation: 'status' },
  ]);
  expect((await tool(await gate.issuer.sign(), 'whoami')).status).toBe(200);
});

test('a change that may not have been made can be repeated with its key, and says so', async () => {
  const change = (headers: object) =>
    call('POST', '/admin/assignments', {
      body: { issuer: gate.issuer.issuer, subject: 'ann', role: 'reader', reason: 'a test' },
      headers: { 'idempotency-key': 'again', ...headers },
    });
  const failed = await change(without('change'));
  expect([failed.status, failed.body.error, failed.headers.get('retry-after')]).toEqual([
    503,
    'registry_unavailable',
    '1',
  ]);
  expect(failed.body.error_description).toContain('the same Idempotency-Key');
  expect(gate.worker.logs().filter(({ event }) => event === 'request_failed')).toHaveLength(1);
  const again = await change({});
  expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([201, null]);
});

test('what cannot be read is a 503, not an empty list', async () => {
  for (const [path, method] of [
    ['/admin/assignments', 'list'],
    ['/admin/history', 'list'],
    ['/admin/roles', 'roles'],
    ['/admin/status', 'status'],
  ] as const)
    expect((await call('GET', path, { headers: without(method) })).body.error, path).toBe(
      'registry_unavailable',
    );
});
