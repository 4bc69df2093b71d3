// Service keys: off until a deployment wants them, shown once, with the scopes and roles they were made with, and out of
// force when they expire, are rotated or revoked.

import { describe, expect, test } from 'vitest';
import { createServiceKey } from '../../src/auth/service-key.ts';
import { useAdminGate } from './admin-gate.ts';

const because = { reason: 'a test' };
const now = () => Math.floor(Date.now() / 1_000);
const eventually = <T>(get: () => Promise<T>) => expect.poll(get, { timeout: 20_000, interval: 200 });

describe('while the deployment has not turned them on', () => {
  const { call, tool } = useAdminGate();
  const body = {
    service: 'nightly',
    owner: 'team',
    scopes: [],
    roles: [],
    expiresInSeconds: 600,
    ...because,
  };

  test('none can be made, and the answer names the setting', async () => {
    for (const path of ['/admin/service-keys', '/admin/service-keys/key_1/rotate']) {
      const answer = await call('POST', path, { body: path.endsWith('rotate') ? because : body });
      expect([answer.status, answer.body.error], path).toEqual([409, 'conflict']);
      expect(answer.body.error_description).toContain('SERVICE_KEYS');
    }
    expect((await call('GET', '/admin/service-keys')).body).toEqual({ items: [] });
    expect((await call('GET', '/admin/status')).body.serviceKeys).toBe('off');
  });

  test('what looks like one is a token like any other that is none', async () => {
    const { key } = await createServiceKey();
    expect((await tool(key, 'whoami')).status).toBe(401);
  });
});

describe('turned on,', () => {
  const gate = useAdminGate(() => ({
    SERVICE_KEYS: true,
    ADMIN_SCOPE_IN_KEYS: true,
    DEFAULT_ROLES: ['reader'],
    SERVICE_KEY_MAX_SECONDS: 3_600,
  }));
  const { call, tool } = gate;

  const create = async (service: string, more: object = {}, headers: Record<string, string> = {}) =>
    call('POST', '/admin/service-keys', {
      body: {
        service,
        owner: 'team',
        scopes: ['reports:read'],
        roles: ['editor'],
        expiresInSeconds: 600,
        ...because,
        ...more,
      },
      headers,
    });
  const rotate = (id: string, more: object = {}) =>
    call('POST', `/admin/service-keys/${id}/rotate`, { body: { ...because, ...more } });
  const revoke = (id: string) => call('DELETE', `/admin/service-keys/${id}?reason=a+test`);
  const whoami = async (key: string) => {
    const { status, body } = await tool(key, 'whoami');
    return status === 200 ? body.result.structuredContent : status;
  };
  /** Strict: the registry is asked. */
  const strict = async (key: string): Promise<number> =>
    (await tool(key, 'refund_payment', { paymentId: 'pay_1', idempotencyKey: 'key-00000001' })).status;
  const good = (key: string) => eventually(async () => (await tool(key, 'whoami')).status).toBe(200);
  const list = async (service: string) =>
    (await call('GET', `/admin/service-keys?service=${service}`)).body.items;

  test('a key calls as its service, with its scopes and roles and nothing else', async () => {
    const { status, body } = await create('nightly');
    expect(status).toBe(201);
    expect(body.key).toMatch(/^mcpk_[0-9A-Za-z]{49}$/);
    // At once: an unknown key is a reason to ask the registry.
    expect(await whoami(body.key)).toMatchObject({ subject: 'nightly' });
    expect(await whoami(body.key)).toEqual({
      issuer: 'service-keys',
      subject: 'nightly',
      scopes: ['reports:read'],
      roles: ['editor'],
      permissions: ['reports:write', 'reports:read'],
      expiresAt: body.expiresAt,
    });
    expect(gate.decisions().at(-1)).toMatchObject({
      decision: 'allow',
      principalKind: 'service',
      issuer: 'service-keys',
      subject: 'nightly',
      tokenId: body.id,
    });
    const refused = await tool(body.key, 'update_report', { id: 'x', body: 'y' });
    expect([refused.status, refused.body.error]).toEqual([403, 'insufficient_scope']);
    const [item] = await list('nightly');
    const { key, version, inForceWithinSeconds, publishing, ...described } = body;
    expect(item).toMatchObject({
      ...described,
      lastUsedAt: expect.toSatisfy((at) => at === null || at % 3_600 === 0),
    });
    await eventually(async () => (await list('nightly'))[0].lastUsedAt).toSatisfy(
      (at) => at !== null && at % 3_600 === 0 && at > now() - 3_601,
    );
    for (const path of ['service-keys', 'history', 'decisions'])
      expect(JSON.stringify((await call('GET', `/admin/${path}`)).body)).not.toContain(key.slice(0, 12));
  });

  test('a key without roles has none, not even the default ones', async () => {
    const { body } = await create('bare', { roles: [], scopes: [] });
    await good(body.key);
    expect(await whoami(body.key)).toMatchObject({ roles: [], permissions: [], scopes: [] });
  });

  test('a key can be an operator where that is set, and the history names its service', async () => {
    const { body } = await create('robot', { roles: ['operator'], scopes: ['mcp:admin'] });
    await good(body.key);
    const { status } = await call('POST', '/admin/assignments', {
      token: body.key,
      body: { issuer: gate.issuer.issuer, subject: 'ann', role: 'reader', ...because },
    });
    expect(status).toBe(201);
    expect((await call('GET', '/admin/history?limit=1')).body.items[0].operator).toEqual({
      issuer: 'service-keys',
      subject: 'robot',
      clientId: null,
    });
    await revoke(body.id);
    expect((await call('GET', '/admin/status', { token: body.key })).status).toBe(401);
  });

  test('a key that nobody has made is a 401, a mistyped one a 400', async () => {
    const { key } = await createServiceKey();
    const mistyped = `${key.slice(0, 20)}${key[20] === 'a' ? 'b' : 'a'}${key.slice(21)}`;
    for (const [credential, status, reason] of [
      [key, 401, 'token_invalid'],
      [mistyped, 400, 'token_malformed'],
      [key.slice(0, -1), 400, 'token_malformed'],
      ['mcpk_', 400, 'token_malformed'],
    ] as const) {
      gate.decisions();
      expect((await tool(credential, 'whoami')).status, reason).toBe(status);
      expect(gate.decisions()).toMatchObject([{ decision: 'deny', reason }]);
    }
  });

  test('rotating gives another key of the same service, and the old one is good for a while', async () => {
    const old = (await create('backup')).body;
    await good(old.key);
    const { status, body } = await rotate(old.id, { overlapSeconds: 2, expiresInSeconds: 1_200 });
    expect(status).toBe(201);
    expect(body).toMatchObject({
      service: 'backup',
      owner: 'team',
      scopes: ['reports:read'],
      roles: ['editor'],
    });
    expect(body.expiresAt - body.createdAt).toBe(1_200);
    expect(body.previous).toEqual({ id: old.id, expiresAt: body.createdAt + 2 });
    await good(body.key);
    await eventually(() => whoami(old.key)).toBe(401);
    expect(gate.decisions().at(-1)).toMatchObject({
      reason: expect.stringMatching(/^token_(expired|invalid)$/),
    });
    expect(await whoami(body.key)).toMatchObject({ subject: 'backup' });
    expect(await list('backup')).toMatchObject([
      { id: body.id, revokedAt: null },
      { id: old.id, revokedAt: null, expiresAt: body.previous.expiresAt },
    ]);
    expect((await rotate(old.id)).status).toBe(409);
  });

  test('by default the new key lives as long as the old one, which is good for a day or as long as it had', async () => {
    const old = (await create('weekly')).body;
    const { body } = await rotate(old.id);
    expect(body.expiresAt - body.createdAt).toBe(600);
    expect(body.previous).toEqual({ id: old.id, expiresAt: old.expiresAt });
  });

  test('rotating without overlap withdraws the old key: from strict tools at once, and everywhere soon', async () => {
    const old = (await create('leaked', { roles: ['finance'], scopes: ['payments:refund'] })).body;
    await good(old.key);
    expect(await strict(old.key)).toBe(200);
    const { body } = await rotate(old.id, { overlapSeconds: 0 });
    expect(await strict(old.key)).toBe(401);
    await eventually(() => whoami(old.key)).toBe(401);
    await good(body.key);
    expect((await list('leaked'))[1]).toMatchObject({ id: old.id, revokedAt: body.createdAt });
  });

  test('a revoked key is out of strict tools at once and everywhere soon, and stays in the list', async () => {
    const { body } = await create('retired', { roles: ['finance'], scopes: ['payments:refund'] });
    await good(body.key);
    const revoked = await revoke(body.id);
    expect(revoked.body).toMatchObject({ id: body.id, service: 'retired' });
    expect(await strict(body.key)).toBe(401);
    await eventually(() => whoami(body.key)).toBe(401);
    expect(await list('retired')).toMatchObject([{ id: body.id, revokedAt: revoked.body.revokedAt }]);
    expect((await revoke(body.id)).status).toBe(409);
    expect((await rotate(body.id)).status).toBe(409);
  });

  test('a key that was found is revoked by its text', async () => {
    const { body } = await create('found');
    await good(body.key);
    const post = (more: object = {}) =>
      call('POST', '/admin/revocations', {
        body: { target: { kind: 'token', token: body.key }, ...because, ...more },
      });
    for (const more of [{ until: now() + 60 }, { eraseState: true }])
      expect((await post(more)).status).toBe(400);
    const found = await post();
    expect(found.status).toBe(201);
    expect(found.body).toMatchObject({ id: body.id, service: 'found' });
    expect(found.body).not.toHaveProperty('target');
    await eventually(() => whoami(body.key)).toBe(401);
    expect((await post()).status).toBe(404);
  });

  test('all keys of a service are revoked like any subject; one made later is good', async () => {
    const { body } = await create('fleet');
    await good(body.key);
    const target = { kind: 'subject', issuer: 'service-keys', subject: 'fleet' };
    const revoked = await call('POST', '/admin/revocations', { body: { target, ...because } });
    await eventually(() => whoami(body.key)).toBe(401);
    await expect.poll(now, { timeout: 10_000 }).toBeGreaterThanOrEqual(revoked.body.newTokensFrom);
    await good((await create('fleet')).body.key);
  });

  test('a role that there is not is refused, and so is a life that is too long', async () => {
    const unknown = await create('x', { roles: ['nobody'] });
    expect([unknown.status, unknown.body.error]).toEqual([422, 'unknown_role']);
    expect((await create('x', { expiresInSeconds: 3_601 })).body.error_description).toContain(
      'from 60 to 3600',
    );
    expect(await list('x')).toEqual([]);
  });

  test('a request that is repeated makes no second key, and does not show the first one again', async () => {
    const headers = { 'idempotency-key': 'once' };
    const [first, second] = [await create('idem', {}, headers), await create('idem', {}, headers)];
    const { key, ...rest } = first.body;
    expect(second.status).toBe(201);
    expect(second.headers.get('idempotency-replayed')).toBe('true');
    const { warnings, ...again } = second.body;
    expect(again).toEqual(rest);
    expect(warnings).toEqual([
      'The key was shown in the first answer and is not kept; rotate it if it was lost.',
    ]);
    expect(await list('idem')).toHaveLength(1);
    await good(key);
  });

  test('keys can be walked with a cursor', async () => {
    for (const _ of [1, 2, 3]) await create('walked');
    const first = (await call('GET', '/admin/service-keys?service=walked&limit=2')).body;
    const second = (
      await call('GET', `/admin/service-keys?service=walked&limit=2&cursor=${first.nextCursor}`)
    ).body;
    expect(second).not.toHaveProperty('nextCursor');
    const ids = [...first.items, ...second.items].map(({ id }) => id);
    expect(new Set(ids).size).toBe(3);
  });
});
