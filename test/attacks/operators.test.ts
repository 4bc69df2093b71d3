// An operator who means it badly: outlives his own revocation by a key, keeps everybody out, takes his name out of the
// history, and does it unseen.

import { describe, expect, test } from 'vitest';
import { type Answer, useAdminGate } from '../admin/admin-gate.ts';

const because = { reason: 'a secret plan' };
const now = () => Math.floor(Date.now() / 1_000);
const problem = ({ status, body }: Answer) => [status, body.error];

describe('a service key', () => {
  const gate = useAdminGate((issuer) => ({ SERVICE_KEYS: true, OPERATORS: [{ issuer, subject: 'root' }] }));
  const { call } = gate;
  const create = (more: object = {}, token?: string) =>
    call('POST', '/admin/service-keys', {
      ...(token === undefined ? {} : { token }),
      body: {
        service: 'helper',
        owner: 'nobody in particular',
        scopes: ['reports:read'],
        roles: ['reader'],
        expiresInSeconds: 600,
        ...because,
        ...more,
      },
    });
  const read = async (key: string) => (await gate.tool(key, 'whoami')).status;

  test('cannot have the scope of operators, whoever makes it', async () => {
    for (const token of [undefined, await gate.sign({ claims: { sub: 'root', roles: [] } })]) {
      const answer = await create({ scopes: ['reports:read', 'mcp:admin'] }, token);
      expect(problem(answer)).toEqual([403, 'forbidden']);
      expect(answer.body.error_description).toContain('ADMIN_SCOPE_IN_KEYS');
    }
    expect((await call('GET', '/admin/service-keys')).body.items).toEqual([]);
  });

  test('that has it from before does not get in, cannot be made anew, and is named when the registry starts', async () => {
    const { body } = await create({ roles: ['operator'] });
    // As it was made before there was a setting.
    await gate.worker.registry.query(
      `UPDATE service_key SET scopes = '["mcp:admin"]', operator = NULL WHERE id = '${body.id}'`,
    );
    await gate.worker.registry.evict();
    gate.worker.logs();
    await call('GET', '/admin/service-keys');
    expect(gate.worker.logs()).toContainEqual(
      expect.objectContaining({ event: 'admin_keys_refused', keys: [body.id] }),
    );
    // The isolate gets it with the next change.
    await create({ service: 'other' });
    await expect.poll(() => read(body.key), { timeout: 20_000, interval: 500 }).toBe(200);
    gate.decisions();
    for (const [method, path] of [
      ['GET', '/admin/status'],
      ['GET', '/admin/nothing'],
    ] as const)
      expect(problem(await call(method, path, { token: body.key }))).toEqual([403, 'insufficient_scope']);
    expect(gate.decisions()).toMatchObject([
      { decision: 'deny', reason: 'scope_missing', principalKind: 'service', missingScopes: ['mcp:admin'] },
      { decision: 'deny' },
    ]);
    const rotated = await call('POST', `/admin/service-keys/${body.id}/rotate`, { body: because });
    expect(problem(rotated)).toEqual([403, 'forbidden']);
    expect((await call('GET', '/admin/service-keys?service=helper')).body.items).toMatchObject([
      { id: body.id, operator: null },
    ]);
  });

  test('says who made it, and is named, or ended in one go, when its maker is revoked', async () => {
    const { issuer } = gate.issuer;
    const maker = await gate.sign({ claims: { sub: 'mallory' } });
    const made = (await create({ service: 'job' }, maker)).body;
    const own = { issuer, subject: 'mallory', clientId: 'test-client' };
    expect(made.operator).toEqual(own);
    const { body: foreign } = await create({ service: 'foreign' });
    // Whoever makes it anew is the one who knows it.
    const rotated = (
      await call('POST', `/admin/service-keys/${foreign.id}/rotate`, { token: maker, body: because })
    ).body;
    const { items } = (await call('GET', '/admin/service-keys')).body;
    const makerOf = (id: string) => items.find((item: { id: string }) => item.id === id)?.operator.subject;
    expect([makerOf(made.id), makerOf(foreign.id), makerOf(rotated.id)]).toEqual([
      'mallory',
      'olivia',
      'mallory',
    ]);

    const target = { kind: 'subject', issuer, subject: 'mallory' };
    const revoke = (more: object = {}) =>
      call('POST', '/admin/revocations', { body: { target, ...because, ...more } });
    const warned = await revoke();
    const keys = [
      { id: made.id, service: 'job' },
      { id: rotated.id, service: 'foreign' },
    ];
    expect(warned.body.madeKeys).toEqual(keys);
    expect(warned.body.warnings[0]).toBe(
      `Service keys that mallory made are still good: ${made.id} (job), ${rotated.id} (foreign). endKeys (--end-keys) ends them.`,
    );
    expect(await read(made.key)).toBe(200);

    const ended = await revoke({ endKeys: true });
    expect(ended.body).toMatchObject({ endedKeys: keys });
    expect(ended.body).not.toHaveProperty('madeKeys');
    await expect.poll(() => read(made.key), { timeout: 20_000, interval: 200 }).toBe(401);
    const [line] = (await call('GET', '/admin/history?limit=1')).body.items;
    expect(line).toMatchObject({ action: 'revoke', change: { endedKeys: keys } });
    const again = await revoke({ endKeys: true });
    expect(again.body).not.toHaveProperty('endedKeys');
    const left = (await call('GET', '/admin/service-keys')).body.items;
    for (const item of left)
      expect(item.revokedAt === null, item.id).toBe(item.operator?.subject !== 'mallory');
  });
});

describe('keeping everybody out', () => {
  const gate = useAdminGate(() => ({ CLOCK_TOLERANCE_SECONDS: 5 }));
  const { call } = gate;
  const sign = () => gate.sign({ claims: { iat: now() } });
  const isSweep = (kind: string) => kind === 'issuer' || kind === 'everything';
  const revoke = async (target: Record<string, string>, token: string, more: object = {}) => {
    const { kind = '' } = target;
    const body = { target, ...(isSweep(kind) ? { confirm: kind } : {}), ...because, ...more };
    return call('POST', '/admin/revocations', { token, body });
  };
  const moved = (seconds: number) =>
    gate.worker.registry.query(`UPDATE meta SET value = value - ${seconds} WHERE name = 'swept_at'`);

  test('by revoking everything again and again takes a minute each time, in which others can sign in', async () => {
    // Tokens from a moment ahead, which count after a revocation.
    const ahead = () => gate.sign({ claims: { iat: now() + 5 } });
    const first = await revoke({ kind: 'everything' }, await sign());
    expect(first.status).toBe(201);
    await expect.poll(now, { timeout: 10_000 }).toBeGreaterThanOrEqual(first.body.newTokensFrom - 5);
    const token = await ahead();
    const { issuer } = gate.issuer;
    for (const target of [{ kind: 'everything' }, { kind: 'issuer', issuer }]) {
      const answer = await revoke(target, token);
      expect(problem(answer), target.kind).toEqual([429, 'rate_limited']);
      const wait = Number(answer.headers.get('retry-after'));
      expect(wait).toBeGreaterThan(50);
      expect(wait).toBeLessThanOrEqual(65);
      expect(answer.body.retryAfterSeconds).toBe(wait);
    }
    // Lifting it does not help.
    await call('DELETE', `/admin/revocations/${first.body.id}?reason=x`, { token });
    expect(problem(await revoke({ kind: 'everything' }, token))).toEqual([429, 'rate_limited']);
    // Whom it does not cover may be revoked meanwhile: he who does this, above all.
    const subject = { kind: 'subject', issuer, subject: 'mallory' };
    expect((await revoke(subject, token)).status).toBe(201);
    await moved(60);
    expect(problem(await revoke({ kind: 'everything' }, token))).toEqual([429, 'rate_limited']);
    await moved(5);
    expect((await revoke({ kind: 'everything' }, token)).status).toBe(201);
  });

  test('by blocking the client that one is signed in with is refused', async () => {
    await expect
      .poll(async () => (await call('GET', '/admin/status', { token: await sign() })).status, {
        timeout: 15_000,
        interval: 500,
      })
      .toBe(200);
    const { issuer } = gate.issuer;
    const block = { until: now() + 600 };
    const own = await revoke(
      { kind: 'client', issuer, clientId: 'test-client' } as never,
      await sign(),
      block,
    );
    expect(problem(own)).toEqual([409, 'conflict']);
    const other = await revoke({ kind: 'client', issuer, clientId: 'evil' }, await sign(), block);
    expect(other.status).toBe(201);
  });

  test('by a word that was not meant is refused', async () => {
    for (const kind of ['issuer', 'everything']) {
      const target = { kind, ...(kind === 'issuer' ? { issuer: gate.issuer.issuer } : {}) };
      for (const confirm of [undefined, true, 'yes', ''])
        expect(problem(await revoke(target, await sign(), { confirm }))).toEqual([400, 'invalid_request']);
    }
    const named = { issuer: gate.issuer.issuer, subject: 'zoe' };
    const forgotten = await call('POST', '/admin/forget', {
      token: await sign(),
      body: { ...named, ...because },
    });
    expect(problem(forgotten)).toEqual([400, 'invalid_request']);
  });
});

describe('a subject that nobody has ever seen', () => {
  const gate = useAdminGate();
  const revoke = async (subject: string) =>
    (
      await gate.call('POST', '/admin/revocations', {
        body: { target: { kind: 'subject', issuer: gate.issuer.issuer, subject }, ...because },
      })
    ).body;

  test('is a warning, most likely a typing error, and is revoked all the same', async () => {
    const { warnings, id } = await revoke('alcie');
    expect(warnings).toEqual([
      'Nobody called alcie is known here: no decision, session or role. Is the name right?',
    ]);
    expect(id).toMatch(/^[0-9a-f]{16}$/);
    await gate.call('POST', '/admin/assignments', {
      body: { issuer: gate.issuer.issuer, subject: 'alice', role: 'reader', ...because },
    });
    expect(await revoke('alice')).not.toHaveProperty('warnings');
    await gate.tool(await gate.issuer.sign({ claims: { sub: 'bob', roles: [] } }), 'list_reports');
    const seen = async () =>
      (await gate.call('GET', '/admin/decisions?subject=bob')).body.items.length as number;
    await expect.poll(seen, { timeout: 20_000, interval: 200 }).toBeGreaterThan(0);
    expect(await revoke('bob')).not.toHaveProperty('warnings');
  });
});

describe('roles', () => {
  const gate = useAdminGate();
  const { call } = gate;
  const put = (name: string, query = '') =>
    call('PUT', `/admin/roles/${name}${query}`, {
      body: { permissions: ['reports:read'], ...because },
      headers: { 'if-none-match': '*' },
    });

  test('are applied, dropped and reset only as they were seen, whatever was changed meanwhile', async () => {
    const version = async () => {
      const { headers, body } = await call('GET', '/admin/roles');
      expect(headers.get('etag')).toBe(`"${body.version}"`);
      return headers.get('etag') ?? '';
    };
    const all = (match?: string) => {
      const headers: Record<string, string> = match === undefined ? {} : { 'if-match': match };
      return [
        () => call('POST', '/admin/roles/shadow/apply', { body: because, headers }),
        () => call('DELETE', '/admin/roles/shadow?reason=x', { headers }),
        () => call('DELETE', '/admin/roles?reason=x', { headers }),
      ] as const;
    };
    let seen = await version();
    for (const edit of [() => put('one'), () => put('two', '?shadow=true'), () => put('three')]) {
      expect((await edit()).status).toBe(201);
      for (const request of all(seen)) {
        const answer = await request();
        expect(problem(answer)).toEqual([412, 'precondition_failed']);
        expect(`"${answer.body.currentVersion}"`).toBe(await version());
      }
      seen = await version();
    }
    for (const request of all()) expect(problem(await request())).toEqual([428, 'precondition_required']);
    const [apply] = all(seen);
    expect((await apply()).status).toBe(200);
    // Once: it is another version then.
    expect((await apply()).status).toBe(412);
    const [, , reset] = all(await version());
    expect((await reset()).status).toBe(200);
  });
});

describe('being seen', () => {
  const gate = useAdminGate(() => ({
    SERVICE_KEYS: true,
    AUDIT_LOG: 'refusals',
    AUDIT_SUBJECTS: 'hashed',
    AUDIT_SECRET: 'a secret for tests that is long enough',
  }));
  const { call } = gate;
  const changes = () => gate.worker.logs().filter(({ event }) => event === 'policy_changed');

  test('every change is an event with author, action, target and version, under pseudonyms and without the reason', async () => {
    const { issuer } = gate.issuer;
    const assignment = { issuer, subject: 'friend-of-hers', role: 'finance', ...because };
    const headers = { 'idempotency-key': 'once' };
    gate.worker.logs();
    const { body } = await call('POST', '/admin/assignments', { body: assignment, headers });
    const [event, ...more] = changes();
    expect(more).toEqual([]);
    const pseudonym = expect.stringMatching(/^hmac:[0-9a-f]{32}$/);
    const about = {
      event: 'policy_changed',
      version: body.version,
      action: 'assign',
      issuer,
      subject: pseudonym,
      clientId: 'test-client',
      target: { issuer, subject: pseudonym, role: 'finance' },
    };
    expect(event).toEqual({ ...about, requestId: expect.any(String), time: expect.any(String) });
    const { subject, target } = event as { subject: string; target: { subject: string } };
    expect(subject).not.toBe(target.subject);
    // The answer, and the event with it, may have been lost.
    await call('POST', '/admin/assignments', { body: assignment, headers });
    expect(changes()).toMatchObject([{ ...about, isRepeated: true }]);
    // What was refused has changed nothing.
    await call('POST', '/admin/assignments', { body: { ...assignment, role: 'nobody' } });
    expect(changes()).toEqual([]);
    const lines = JSON.stringify(event);
    for (const text of ['friend-of-hers', 'olivia', because.reason]) expect(lines).not.toContain(text);
    expect((await call('GET', '/admin/history?limit=1')).body.items).toMatchObject([because]);
  });

  test('whoever forgets herself stays one author, under a name that leads to nobody', async () => {
    const { issuer } = gate.issuer;
    const sign = (name: string) => gate.sign({ claims: { sub: name, client_id: name } });
    const tokens = { gone: await sign('gone-girl'), also: await sign('gone-too') };
    const assign = (token: string, subject: string) =>
      call('POST', '/admin/assignments', {
        token,
        body: { issuer, subject, role: 'reader', ...because },
        headers: { 'idempotency-key': 'mine' },
      });
    const target = { kind: 'subject', issuer, subject: 'victim' };
    await call('POST', '/admin/revocations', { token: tokens.gone, body: { target, ...because } });
    await assign(tokens.gone, 'one');
    await assign(tokens.also, 'two');
    const key = { service: 's', owner: 'o', scopes: [], roles: [], expiresInSeconds: 600 };
    await call('POST', '/admin/service-keys', { token: tokens.gone, body: { ...key, ...because } });
    for (const [name, token] of [
      ['gone-girl', tokens.gone],
      ['gone-too', tokens.also],
    ] as const) {
      const body = { issuer, subject: name, confirm: 'forget', ...because };
      const headers = { 'idempotency-key': 'forget-me' };
      expect((await call('POST', '/admin/forget', { token, body, headers })).status).toBe(200);
    }
    const items = async (path: string) => (await call('GET', path)).body.items;
    const authors = (await items('/admin/history?limit=6')).map(
      ({ action, operator }: { action: string; operator: { pseudonym?: string } }) => [action, operator],
    );
    const one = authors.find(([action]: [string]) => action === 'revoke')?.[1];
    expect(one).toEqual({
      issuer,
      subject: null,
      clientId: null,
      pseudonym: expect.stringMatching(/^forgotten-[0-9a-f]{16}$/),
    });
    const other = { ...one, pseudonym: authors[0]?.[1].pseudonym };
    expect(other.pseudonym).not.toBe(one.pseudonym);
    expect(authors).toEqual([
      ['forget', other],
      ['forget', one],
      ['create_key', one],
      ['assign', other],
      ['assign', one],
      ['revoke', one],
    ]);
    expect((await items('/admin/revocations'))[0].operator).toEqual(one);
    expect((await items('/admin/assignments?subject=one'))[0].operator).toEqual(one);
    expect((await items('/admin/service-keys'))[0].operator).toEqual(one);
    // Nor does the registry keep the name anywhere beside it.
    const tables = await gate.worker.registry.query("SELECT name FROM sqlite_master WHERE type = 'table'");
    for (const { name } of tables as { name: string }[]) {
      if (name.startsWith('_')) continue;
      const rows = JSON.stringify(await gate.worker.registry.query(`SELECT * FROM "${name}"`));
      expect(rows, name).not.toContain('gone-');
    }
  });
});
