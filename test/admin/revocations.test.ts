// Revocations of every kind: what they cover and what they do not, in strict tools at once and everywhere soon, and that
// they can be lifted.

import { describe, expect, test } from 'vitest';
import { open, request } from '../support/legacy.ts';
import { useAdminGate } from './admin-gate.ts';

const gate = useAdminGate();
const { call } = gate;

const because = { reason: 'a test' };
const revoke = (target: object, more: object = {}) =>
  call('POST', '/admin/revocations', { body: { target, ...because, ...more } });
const lift = (id: string) => call('DELETE', `/admin/revocations/${id}?reason=a+test`);
const now = () => Math.floor(Date.now() / 1_000);

const sign = (claims: object) =>
  gate.issuer.sign({ claims: { roles: ['finance'], scope: 'payments:refund', ...claims } });
const strict = async (token: string): Promise<number> =>
  (await gate.tool(token, 'refund_payment', { paymentId: 'pay_1', idempotencyKey: 'key-00000001' })).status;
const ordinary = async (token: string): Promise<number> => (await gate.tool(token, 'whoami')).status;
const eventually = <T>(get: () => Promise<T>) => expect.poll(get, { timeout: 20_000, interval: 200 });

/** Tokens that are issued from then on. */
const from = (newTokensFrom: number) =>
  expect.poll(now, { timeout: 10_000, interval: 100 }).toBeGreaterThanOrEqual(newTokensFrom);

type Claims = Readonly<Record<string, unknown>>;

describe.each<[kind: string, target: object, covered: Claims, spared: readonly Claims[]]>([
  ['token', { tokenId: 'jti-1' }, { sub: 'tom', jti: 'jti-1' }, [{ sub: 'tom', jti: 'jti-2' }]],
  ['subject', { subject: 'sue' }, { sub: 'sue' }, [{ sub: 'sue2', client_id: 'sue' }]],
  ['client', { clientId: 'app-1' }, { sub: 'carl', client_id: 'app-1' }, [{ sub: 'carl' }, { sub: 'app-1' }]],
  [
    'grant',
    { subject: 'gus', clientId: 'app-2' },
    { sub: 'gus', client_id: 'app-2' },
    [{ sub: 'gus' }, { sub: 'gil', client_id: 'app-2' }, { sub: 'gus', client_id: undefined }],
  ],
  [
    'grant',
    { subject: 'gwen', clientId: null },
    { sub: 'gwen', client_id: undefined },
    [{ sub: 'gwen', client_id: 'null' }, { sub: 'gwen' }],
  ],
])('a revoked %s %j', (kind, rest, covered, spared) => {
  test('is refused by strict tools at once and everywhere soon; others and later tokens are not', async () => {
    const target = { kind, issuer: gate.issuer.issuer, ...rest };
    const token = await sign(covered);
    const others = await Promise.all(spared.map(sign));
    for (const good of [token, ...others])
      expect([await strict(good), await ordinary(good)]).toEqual([200, 200]);

    const { status, body } = await revoke(target);
    expect([status, body.target]).toEqual([201, target]);
    expect(Math.abs(now() - body.revokedAt)).toBeLessThan(30);
    expect(body.newTokensFrom).toBe(body.revokedAt + 1);
    gate.decisions();
    expect(await strict(token)).toBe(401);
    expect(gate.decisions()).toMatchObject([
      { decision: 'deny', reason: 'token_revoked', detail: kind, policyVersion: body.version },
    ]);
    await eventually(() => ordinary(token)).toBe(401);
    for (const good of others) expect([await strict(good), await ordinary(good)]).toEqual([200, 200]);
    const listed = (await call('GET', `/admin/revocations?kind=${kind}`)).body.items;
    expect(listed).toContainEqual(expect.objectContaining({ id: body.id, target, ...because }));

    if (kind !== 'token') {
      await from(body.newTokensFrom);
      expect(await strict(await sign(covered))).toBe(200);
    }
    expect((await lift(body.id)).body).toMatchObject({ id: body.id, target });
    await eventually(() => strict(token)).toBe(200);
    await eventually(() => ordinary(token)).toBe(200);
    expect((await lift(body.id)).status).toBe(404);
  });
});

test('a revoked session is gone for its owner, who opens another one', async () => {
  const token = await sign({ sub: 'lena' });
  const sessionId = await open(gate.worker, token);
  const ping = async () => (await request(gate.worker, { token, sessionId }, 'ping')).status;
  expect(await ping()).toBe(200);
  const { body } = await revoke({ kind: 'session', sessionId });
  await eventually(ping).toBe(404);
  expect(await open(gate.worker, token)).not.toBe(sessionId);
  await lift(body.id);
});

describe('a block', () => {
  test('also refuses tokens issued later, and is not shortened by revoking again', async () => {
    const target = { kind: 'subject', issuer: gate.issuer.issuer, subject: 'ben' };
    const until = now() + 3_600;
    const { body } = await revoke(target, { until });
    expect(body).toMatchObject({ revokedAt: until, newTokensFrom: until + 1 });
    const again = await revoke(target);
    expect(again.body).toMatchObject({ id: body.id, revokedAt: until });
    expect(await strict(await sign({ sub: 'ben' }))).toBe(401);
    expect((await revoke(target, { until: until + 60 })).body.revokedAt).toBe(until + 60);
    await lift(body.id);
    const token = await sign({ sub: 'ben' });
    await eventually(() => strict(token)).toBe(200);
  });
});

describe('a token that was found', () => {
  test('is revoked by its text, which is not kept', async () => {
    const token = await sign({ sub: 'fred', jti: 'found-1' });
    const { status, body } = await revoke({ kind: 'token', token });
    expect(status).toBe(201);
    expect(body.target).toEqual({ kind: 'token', issuer: gate.issuer.issuer, tokenId: 'found-1' });
    expect(body).not.toHaveProperty('warnings');
    expect(await strict(token)).toBe(401);
    for (const list of ['revocations', 'history'])
      expect(JSON.stringify((await call('GET', `/admin/${list}`)).body)).not.toContain(token.slice(0, 40));
  });

  test('is found also without an id of its own, however its signature is written', async () => {
    const token = await sign({ sub: 'fred', jti: undefined });
    const { body } = await revoke({
      kind: 'token',
      token: `${token.slice(0, token.lastIndexOf('.'))}.c2lnbmF0dXJl`,
    });
    expect(body.target.tokenId).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(await strict(token)).toBe(401);
    expect(await strict(await sign({ sub: 'fred', jti: undefined, scope: 'payments:refund more' }))).toBe(
      200,
    );
  });

  test('may have expired', async () => {
    const token = await sign({ jti: 'old-1', iat: now() - 900, exp: now() - 300 });
    expect((await revoke({ kind: 'token', token })).body.target.tokenId).toBe('old-1');
  });
});

test('an issuer that is not trusted is a warning, most likely a typing error', async () => {
  const { status, body } = await revoke({
    kind: 'subject',
    issuer: 'https://as.example.com/',
    subject: 'alice',
  });
  expect(status).toBe(201);
  expect(body.warnings).toContain(
    'No token of https://as.example.com/ is accepted here: it is not in AUTHORIZATION_SERVERS.',
  );
  const services = await revoke({ kind: 'subject', issuer: 'service-keys', subject: 'nightly' });
  expect(services.body.warnings).toEqual([expect.stringContaining('Nobody called nightly is known here')]);
});

test('the list can be asked by kind, issuer and subject, and says who, why and for how long', async () => {
  const issuer = 'https://as.example.com';
  const targets = [
    { kind: 'subject', issuer, subject: 'ida' },
    { kind: 'grant', issuer, subject: 'ida', clientId: 'app-3' },
    { kind: 'client', issuer, clientId: 'app-3' },
    { kind: 'issuer', issuer },
  ];
  for (const target of targets) await revoke(target, target.kind === 'issuer' ? { confirm: 'issuer' } : {});
  const kinds = async (query: string) =>
    (await call('GET', `/admin/revocations?${query}`)).body.items.map(
      (item: { target: object }) => item.target,
    );
  expect(await kinds(`issuer=${issuer}`)).toEqual([...targets].reverse());
  expect(await kinds(`issuer=${issuer}&subject=ida`)).toEqual([targets[1], targets[0]]);
  expect(await kinds(`kind=client&issuer=${issuer}`)).toEqual([targets[2]]);
  expect(await kinds('issuer=https://nobody.example.com')).toEqual([]);
  const [item] = (await call('GET', `/admin/revocations?kind=issuer&issuer=${issuer}`)).body.items;
  expect(item).toMatchObject({
    ...because,
    operator: { issuer: gate.issuer.issuer, subject: 'olivia', clientId: 'test-client' },
    expiresAt: item.revokedAt + 2_678_400,
  });
});

// Last: from here on older tokens are refused, also those of operators.
describe.each(['issuer', 'everything'])('revoking %s', (kind) => {
  test('refuses every token there is, also of who did it; later ones are good', async () => {
    const [own, token] = [await gate.sign(), await sign({ sub: 'zoe' })];
    // As if the one before were a minute ago.
    await gate.worker.registry.query("DELETE FROM meta WHERE name = 'swept_at'");
    const target = kind === 'issuer' ? { kind, issuer: gate.issuer.issuer } : { kind };
    const { status, body } = await call('POST', '/admin/revocations', {
      token: own,
      body: { target, confirm: kind, ...because },
    });
    expect(status).toBe(201);
    expect(await strict(token)).toBe(401);
    expect((await call('GET', '/admin/status', { token: own })).status).toBe(401);
    await eventually(() => ordinary(token)).toBe(401);
    await from(body.newTokensFrom);
    expect(await strict(await sign({ sub: 'zoe' }))).toBe(200);
    const later = await gate.sign();
    const path = `/admin/revocations/${body.id}?reason=a+test`;
    expect((await call('DELETE', path, { token: later })).status).toBe(200);
  });
});
