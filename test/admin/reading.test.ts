// What operators read: how everything stands, who changed what, what was decided lately, and why.

import { describe, expect, test } from 'vitest';
import { useAdminGate } from './admin-gate.ts';

const gate = useAdminGate((issuer) => ({
  SERVICE_KEYS: true,
  DECISION_LOG_ALLOWS_PER_THOUSAND: 1_000,
  OPERATORS: [{ issuer, subject: 'root' }],
}));
const { call, tool } = gate;

const because = { reason: 'a test' };
const eventually = <T>(get: () => Promise<T>) => expect.poll(get, { timeout: 20_000, interval: 200 });
const assign = (subject: string, role = 'finance') =>
  call('POST', '/admin/assignments', { body: { issuer: gate.issuer.issuer, subject, role, ...because } });

test('the status follows a change from the registry into KV', async () => {
  const { version } = (await assign('ann')).body;
  const before = (await call('GET', '/admin/status')).body;
  expect(before).toMatchObject({ version, isolate: { version, source: 'registry' }, serviceKeys: 'on' });
  await eventually(async () => (await call('GET', '/admin/status')).body).toMatchObject({
    version,
    registry: {
      version,
      publishedVersion: version,
      publishing: 'done',
      failingSince: null,
      counts: { revocations: 0, assignments: 1, roles: 4, serviceKeys: 0 },
    },
    kv: { version },
    roles: { source: 'app', shadow: false },
    inForceWithinSeconds: before.inForceWithinSeconds,
  });
  const { now, registry } = (await call('GET', '/admin/status')).body;
  expect(registry.publishedAt).toBeLessThanOrEqual(now);
  await call('PUT', '/admin/roles/auditor?shadow=true', {
    body: { permissions: [], ...because },
    headers: { 'if-none-match': '*' },
  });
  expect((await call('GET', '/admin/status')).body.roles.shadow).toBe(true);
});

describe('the history', () => {
  test('has every change with who, what and why, newest first', async () => {
    const { issuer } = gate.issuer;
    const target = { kind: 'subject', issuer, subject: 'ben' };
    const changes = [
      (await assign('ben')).body,
      (await call('POST', '/admin/revocations', { body: { target, reason: 'lost laptop' } })).body,
    ];
    await call('DELETE', `/admin/revocations/${changes[1].id}?reason=found+laptop`);
    const { items } = (await call('GET', '/admin/history?subject=ben')).body;
    const operator = { issuer, subject: 'olivia', clientId: 'test-client' };
    expect(items).toMatchObject([
      { action: 'unrevoke', target, reason: 'found laptop', operator },
      { action: 'revoke', target, reason: 'lost laptop', operator, version: changes[1].version },
      { action: 'assign', target: { issuer, subject: 'ben', role: 'finance' }, version: changes[0].version },
    ]);
    expect((await call('GET', `/admin/history?action=revoke&issuer=${issuer}`)).body.items).toEqual([
      items[1],
    ]);
    expect((await call('GET', '/admin/history?issuer=https://nobody.example.com')).body.items).toEqual([]);
  });

  test('has nothing of what was refused', async () => {
    const before = (await call('GET', '/admin/history?limit=1')).body.items;
    expect((await assign('ben', 'nobody')).status).toBe(422);
    expect((await call('GET', '/admin/history?limit=1')).body.items).toEqual(before);
  });
});

test('decisions can be asked by outcome, reason, person, tool and time, and walked', async () => {
  const { issuer } = gate.issuer;
  const since = Math.floor(Date.now() / 1_000);
  const [carl, dora] = [
    await gate.issuer.sign({ claims: { sub: 'carl' } }),
    await gate.issuer.sign({ claims: { sub: 'dora', roles: [] } }),
  ];
  for (const token of [carl, dora]) {
    await tool(token, 'whoami');
    await tool(token, 'list_reports');
  }
  await tool('not a token', 'whoami');
  const get = async (query: string) => (await call('GET', `/admin/decisions?${query}`)).body;
  await eventually(async () => (await get('reason=token_malformed')).items.length).toBe(1);

  const short = async (query: string) =>
    (await get(query)).items.map(
      ({ subject, tool, decision }: Record<string, string>) => `${subject} ${tool}: ${decision}`,
    );
  expect(await short(`issuer=${issuer}&subject=dora`)).toEqual([
    'dora list_reports: deny',
    'dora whoami: allow',
  ]);
  expect(await short('tool=whoami&decision=allow')).toEqual(['dora whoami: allow', 'carl whoami: allow']);
  expect((await get('reason=permission_missing')).items).toMatchObject([
    { subject: 'dora', missingPermissions: ['reports:read'], status: 200, event: 'decision' },
  ]);
  expect(await short(`subject=carl&since=${since + 3_600}`)).toEqual([]);
  expect((await short(`subject=carl&since=${since}`)).length).toBe(2);
  const first = await get('subject=carl&limit=1');
  const second = await get(`subject=carl&limit=1&cursor=${first.nextCursor}`);
  expect([...first.items, ...second.items].map((item) => item.tool)).toEqual(['list_reports', 'whoami']);
  expect(second).not.toHaveProperty('nextCursor');
});

describe('where the audit has pseudonyms,', () => {
  const other = useAdminGate(() => ({
    AUDIT_SUBJECTS: 'hashed',
    AUDIT_SECRET: 'a secret for tests that is long enough',
    DECISION_LOG_ALLOWS_PER_THOUSAND: 1_000,
  }));

  test('decisions about somebody are found by the name or by the pseudonym, and forgotten', async () => {
    const { issuer } = other.issuer;
    await other.tool(await other.issuer.sign({ claims: { sub: 'henry' } }), 'whoami');
    const get = async (query: string) => (await other.call('GET', `/admin/decisions?${query}`)).body.items;
    await eventually(() => get(`issuer=${issuer}&subject=henry`)).toMatchObject([{ tool: 'whoami' }]);
    const [{ subject }] = await get(`issuer=${issuer}&subject=henry`);
    expect(subject).toMatch(/^hmac:[0-9a-f]{32}$/);
    expect(await get(`subject=${subject}`)).toHaveLength(1);
    const body = { issuer, subject: 'henry', confirm: 'forget', ...because };
    expect((await other.call('POST', '/admin/forget', { body })).body.erased.decisions).toBe(1);
    expect(await get(`subject=${subject}`)).toEqual([]);
  });
});

describe('explain', () => {
  const explain = async (body: object) => (await call('POST', '/admin/explain', { body })).body;
  const principal = (more: object = {}) => ({ issuer: gate.issuer.issuer, subject: 'emma', ...more });

  test('says that the handler of a tool that is allowed may refuse too', async () => {
    const may = { principal: principal({ roles: ['editor'], scopes: ['reports:write'] }) };
    expect(await explain({ ...may, tool: 'list_reports' })).toMatchObject({ handlerMayRefuse: true });
    for (const other of [
      may,
      { principal: principal(), tool: 'list_reports' },
      { ...may, prompt: 'summarize_report' },
    ])
      expect(await explain(other)).not.toHaveProperty('handlerMayRefuse');
  });

  test('names what gives each thing that a tool needs', async () => {
    const may = { principal: principal({ roles: ['editor'], scopes: ['reports:write'] }) };
    expect(await explain({ ...may, tool: 'list_reports' })).toMatchObject({
      decision: 'allow',
      rules: [
        { needs: 'permission reports:read', isMet: true, by: 'role editor -> reader (token)' },
        { needs: 'scope reports:read', isMet: true, by: 'implied by reports:write' },
      ],
      principal: { kind: 'oauth', subject: 'emma', clientId: null, roles: ['editor'] },
    });
    expect(
      (
        await explain({
          principal: principal({ permissions: ['reports:read'], scopes: ['reports:read'] }),
          prompt: 'summarize_report',
        })
      ).rules,
    ).toEqual([
      { needs: 'permission reports:read', isMet: true, by: 'the token itself' },
      { needs: 'scope reports:read', isMet: true, by: 'the token itself' },
    ]);
    expect(await explain({ principal: principal(), resource: 'report:///q1' })).toMatchObject({
      decision: 'deny',
      reason: 'permission_missing',
      rules: [
        { needs: 'permission reports:read', isMet: false, by: 'no role gives it; roles: none' },
        { needs: 'scope reports:read', isMet: false, by: 'not granted; scopes: none' },
      ],
    });
    expect(
      await explain({ principal: principal({ roles: ['finance'] }), tool: 'refund_payment' }),
    ).toMatchObject({
      decision: 'deny',
      reason: 'scope_missing',
    });
    expect(await explain({ principal: principal() })).toMatchObject({ decision: 'allow', rules: [] });
  });

  test('knows assignments, revocations and trials at once', async () => {
    await assign('faye');
    const faye = { ...principal({ scopes: ['payments:refund'] }), subject: 'faye' };
    expect((await explain({ principal: faye, tool: 'refund_payment' })).rules[0].by).toBe(
      'role finance (assigned)',
    );
    const { version } = (await call('GET', '/admin/roles/finance')).body;
    await call('PUT', '/admin/roles/finance?shadow=true', {
      body: { permissions: [], ...because },
      headers: { 'if-match': `"${version}"` },
    });
    expect(await explain({ principal: faye, tool: 'refund_payment' })).toMatchObject({
      decision: 'allow',
      shadow: { decision: 'deny', missingPermissions: ['payments:refund'] },
    });
    const target = { kind: 'subject', issuer: gate.issuer.issuer, subject: 'faye' };
    const { id, revokedAt } = (await call('POST', '/admin/revocations', { body: { target, ...because } }))
      .body;
    const refused = await explain({ principal: { ...faye, issuedAt: revokedAt }, tool: 'refund_payment' });
    expect(refused).toMatchObject({
      decision: 'deny',
      reason: 'token_revoked',
      rules: [],
      revokedBy: { id, kind: 'subject', revokedAt },
    });
    expect(await explain({ principal: { ...faye, issuedAt: revokedAt + 1 } })).toMatchObject({
      decision: 'allow',
    });
  });

  test('takes a token or a service key, verifies it and does not repeat it', async () => {
    const token = await gate.issuer.sign({ claims: { sub: 'gina', jti: 'a-jti' } });
    const explained = await explain({ token, tool: 'list_reports' });
    expect(explained).toMatchObject({ decision: 'allow', principal: { subject: 'gina', roles: ['editor'] } });
    expect(JSON.stringify(explained)).not.toContain(token.slice(-20));
    const forged = token.replace(/.{8}$/, 'A'.repeat(8));
    expect(await explain({ token: forged, tool: 'list_reports' })).toMatchObject({
      decision: 'deny',
      reason: 'token_invalid',
      detail: 'signature',
    });
    expect(await explain({ principal: { issuer: 'https://as.example.com', subject: 'x' } })).toMatchObject({
      decision: 'deny',
      reason: 'issuer_not_trusted',
    });
    const { key } = (
      await call('POST', '/admin/service-keys', {
        body: {
          service: 'bot',
          owner: 'team',
          scopes: [],
          roles: ['reader'],
          expiresInSeconds: 60,
          ...because,
        },
      })
    ).body;
    expect(await explain({ token: key, tool: 'list_reports' })).toMatchObject({
      decision: 'deny',
      reason: 'scope_missing',
      principal: { kind: 'service', issuer: 'service-keys', subject: 'bot' },
    });
    expect(await explain({ token: 'mcpk_wrong' })).toMatchObject({
      decision: 'deny',
      reason: 'token_malformed',
    });
  });

  test('does not know what there is not', async () => {
    for (const what of [{ tool: 'none' }, { prompt: 'none' }, { resource: 'none:///1' }]) {
      const { status, body } = await call('POST', '/admin/explain', {
        body: { principal: principal(), ...what },
      });
      expect([status, body.error]).toEqual([404, 'not_found']);
    }
  });
});
