// What can sign in can be named: every subject, client and token id that passes the gate can be revoked, given a role,
// explained, found, ended and forgotten; and what an operator could not name does not sign in.

import { describe, expect, test } from 'vitest';
import { open } from '../support/legacy.ts';
import { decision, rpc } from '../support/rpc.ts';
import { useAdminGate } from './admin-gate.ts';

const gate = useAdminGate(() => ({ DECISION_LOG_ALLOWS_PER_THOUSAND: 1_000 }));
const { call, tool } = gate;

const because = { reason: 'a test, with 👩‍💻' };
const eventually = <T>(get: () => Promise<T>) => expect.poll(get, { timeout: 20_000, interval: 200 });

describe.each([
  ['an emoji that is joined from two', '👩‍💻 ana'],
  ['letters that turn the text around', 'ana\u202eeva'],
  ['characters of private use, and none', '\ue000\u{10ffff}'],
  ['spaces and line separators', ' a\u2028\u00a0b\u3000 '],
  ['a mark at the beginning', '\ufeffana'],
  ['what means something in a URL or in JSON', '"%2F&=+#/?\\{}\'.'],
  ['as many characters as there may be', '\u{1f469}'.repeat(512)],
])('a name with %s', (_, name) => {
  const sign = (claims: object = {}) =>
    gate.issuer.sign({
      claims: { sub: name, client_id: name, roles: ['finance'], scope: 'payments:refund', ...claims },
    });
  const query = (more: object = {}) =>
    new URLSearchParams({ issuer: gate.issuer.issuer, subject: name, ...more });
  const items = async (path: string) => (await call('GET', path)).body.items;

  test('signs in, is given a role, explained, found, ended and forgotten', async () => {
    const { issuer } = gate.issuer;
    const token = await sign();
    await open(gate.worker, token);
    expect((await tool(token, 'whoami')).status).toBe(200);

    const assigned = { issuer, subject: name, role: 'reader' };
    expect((await call('POST', '/admin/assignments', { body: { ...assigned, ...because } })).status).toBe(
      201,
    );
    expect(await items(`/admin/assignments?${query()}`)).toMatchObject([assigned]);
    const ofClient = { issuer, clientId: name, role: 'reader' };
    await call('POST', '/admin/assignments', { body: { ...ofClient, ...because } });
    expect(await items(`/admin/assignments?${new URLSearchParams(ofClient)}`)).toMatchObject([ofClient]);
    const without = await call(
      'DELETE',
      `/admin/assignments?${new URLSearchParams({ ...ofClient, ...because })}`,
    );
    expect(without.status).toBe(200);

    const principal = { issuer, subject: name, clientId: name, scopes: ['reports:read'] };
    const explained = await call('POST', '/admin/explain', { body: { principal, tool: 'list_reports' } });
    expect(explained.body).toMatchObject({ decision: 'allow', principal: { subject: name, clientId: name } });

    await eventually(() => items(`/admin/decisions?${query({ tool: 'whoami' })}`)).toMatchObject([
      { subject: name, clientId: name },
    ]);
    expect((await items(`/admin/history?${query({ action: 'assign' })}`)).length).toBe(1);
    await eventually(() => items(`/admin/sessions?${query()}`)).toMatchObject([{ clientId: name }]);
    const ended = await call('DELETE', `/admin/sessions?${query({ clientId: name, ...because })}`);
    expect(ended.body).toMatchObject({ ended: 1 });
    const forgotten = await call('POST', '/admin/forget', {
      body: { issuer, subject: name, confirm: 'forget', ...because },
    });
    expect([forgotten.status, forgotten.body.erased]).toMatchObject([200, { assignments: 1 }]);
    expect(forgotten.body.erased.decisions).toBeGreaterThan(0);
    expect(await items(`/admin/decisions?${query()}`)).toEqual([]);
  });

  // In an order in which none covers the token of a later one.
  test.each<[string, object, object]>([
    ['grant', { subject: name, clientId: name }, {}],
    ['subject', { subject: name }, { client_id: 'app' }],
    ['client', { clientId: name }, { sub: 'tom' }],
    ['token', { tokenId: name }, { sub: 'tom', client_id: 'app', jti: name }],
  ])('is revoked as a %s', async (kind, rest, claims) => {
    const token = await sign(claims);
    const refund = { paymentId: 'pay_1', idempotencyKey: 'key-00000001' };
    const strict = async () => (await tool(token, 'refund_payment', refund)).status;
    expect(await strict()).toBe(200);
    const target = { kind, issuer: gate.issuer.issuer, ...rest };
    const { status, body } = await call('POST', '/admin/revocations', { body: { target, ...because } });
    expect([status, body.target]).toEqual([201, target]);
    gate.decisions();
    expect(await strict()).toBe(401);
    expect(gate.decisions()).toMatchObject([{ reason: 'token_revoked', detail: kind }]);
  });
});

describe.each([
  ['a line end', 'ana\nbob'],
  ['a control character of a terminal', 'ana\u009b2J'],
  ['half a surrogate pair', 'ana\ud800'],
  ['nothing but spaces', ' \u00a0'],
  ['more characters than there may be', 'x'.repeat(1_025)],
])('a name with %s', (_, name) => {
  test('can neither sign in nor be written by an operator', async () => {
    for (const claims of [{ sub: name }, { client_id: name }]) {
      expect((await rpc(gate.worker, { token: await gate.issuer.sign({ claims }) })).status).toBe(401);
      expect(decision(gate.worker)).toMatchObject({ reason: 'token_invalid', detail: 'claim_malformed' });
    }
    const target = { kind: 'subject', issuer: gate.issuer.issuer, subject: name };
    expect((await call('POST', '/admin/revocations', { body: { target, ...because } })).status).toBe(400);
  });

  test('as the id of a token is no reason to refuse it: it is called by its hash', async () => {
    const token = await gate.issuer.sign({ claims: { jti: name } });
    expect((await rpc(gate.worker, { token })).status).toBe(200);
    const { tokenId } = decision(gate.worker) as { tokenId: string };
    expect(tokenId).toMatch(/^sha256:/);
    const body = { target: { kind: 'token', token }, ...because };
    expect((await call('POST', '/admin/revocations', { body })).body.target.tokenId).toBe(tokenId);
  });
});

test('a role can be called what people call it, and that may be an emoji', async () => {
  const path = `/admin/roles/${encodeURIComponent('👩‍💻')}`;
  const put = (name: string) =>
    call('PUT', name, { body: { permissions: [], ...because }, headers: { 'if-none-match': '*' } });
  expect((await put(path)).status).toBe(201);
  expect((await call('GET', path)).body.name).toBe('👩‍💻');
  expect((await put(`/admin/roles/${encodeURIComponent('a\u009b2J')}`)).status).toBe(400);
});
