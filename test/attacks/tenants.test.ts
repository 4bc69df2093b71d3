// Attack: one person, one client, two organizations. What belongs to one is looked for, answered, used or ruled with the
// token of the other, or with one that leaves its organization out.
//
// One issuer says whom its tokens speak for (org_id); the other does not, whatever its tokens have.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answer, useAdminGate } from '../admin/admin-gate.ts';
import { startIssuer, type TestIssuer } from '../support/issuer.ts';
import { end, open, request } from '../support/legacy.ts';
import { objectOf } from '../support/objects.ts';

let plain: TestIssuer;
beforeAll(async () => {
  plain = await startIssuer();
});
afterAll(async () => {
  await plain?.[Symbol.asyncDispose]();
});

const gate = useAdminGate(
  (issuer) => ({
    AUTHORIZATION_SERVERS: [{ issuer, tenant: { claim: [['org_id']] } }, { issuer: plain.issuer }],
    OPERATORS: [{ issuer, subject: 'root', tenant: 'acme' }],
    OPERATOR_TENANTS: [
      { issuer, tenant: 'ops' },
      { issuer, tenant: 'ops-too' },
    ],
    DECISION_LOG_ALLOWS_PER_THOUSAND: 1_000,
  }),
  undefined,
  { org_id: 'ops' },
);
const { call, tool } = gate;

const because = { reason: 'a test' };
const eventually = <T>(get: () => Promise<T>) => expect.poll(get, { timeout: 20_000, interval: 200 });

/** Of one organization; `null` for none. */
const sign = (sub: string, org: string | null, claims: object = {}): Promise<string> =>
  gate.issuer.sign({ claims: { sub, client_id: 'app', org_id: org ?? undefined, ...claims } });
const remember = (token: string) => tool(token, 'remember', { name: 'note', text: 'secret' });
const recall = async (token: string): Promise<string> =>
  (await tool(token, 'recall')).body.result.content[0].text;
const statusOf = async (token: string): Promise<number> => (await tool(token, 'whoami')).status;

const OTHERS = ['beta', null, 'null', 'ACME'] as const;

describe('what a tool keeps', () => {
  test.each(OTHERS)('for somebody in acme is not found in %j', async (other) => {
    const sub = `state-${other}`;
    await remember(await sign(sub, 'acme'));
    expect(await recall(await sign(sub, other))).toBe('There are no notes.');
    expect(await recall(await sign(sub, 'acme'))).toBe('note');
  });

  test('for somebody in no organization is not found in one', async () => {
    await remember(await sign('stray', null));
    expect(await recall(await sign('stray', 'acme'))).toBe('There are no notes.');
    expect(await recall(await sign('stray', null))).toBe('note');
  });

  test('where tokens have no tenant is where it always was, whatever they have', async () => {
    const token = (org_id: string) =>
      plain.sign({ claims: { sub: 'paula', client_id: 'app', org_id, roles: ['reader'] } });
    await remember(await token('acme'));
    expect(await recall(await token('beta'))).toBe('note');
    const before = await objectOf(gate.worker, { issuer: plain.issuer, subject: 'paula', clientId: 'app' });
    expect(await before.stateList('')).toEqual(['note:note']);
    const owner = { issuer: plain.issuer, subject: 'paula', clientId: 'app' };
    expect(await gate.worker.query(owner, 'SELECT key FROM state')).toEqual([{ key: 'note:note' }]);
  });
});

test.each(OTHERS)('an approval that was asked for in acme does not count in %j', async (other) => {
  const idempotencyKey = crypto.randomUUID();
  const refund = async (org: string | null, extra: object = {}): Promise<Answer['body']> => {
    const claims = { roles: ['finance'], scope: 'payments:refund' };
    const args = { paymentId: 'pay_1042', idempotencyKey };
    return (await tool(await sign('ada', org, claims), 'refund_payment', args, extra)).body;
  };
  const { requestState } = (await refund('acme')).result;
  const inputResponses = { input_1: { action: 'accept', content: { confirm: true } } };
  expect((await refund(other, { requestState, inputResponses })).error).toMatchObject({
    code: -32_602,
    message: 'requestState is not valid for this request',
  });
  const { result } = await refund('acme', { requestState, inputResponses });
  expect(result.structuredContent).toMatchObject({ paymentId: 'pay_1042', refundedBy: 'ada' });
});

test.each(OTHERS)('a session that was opened in acme takes no token of %j', async (other) => {
  const [own, foreign] = [await sign('sam', 'acme'), await sign('sam', other)];
  const sessionId = await open(gate.worker, own);
  expect((await request(gate.worker, { token: foreign, sessionId }, 'ping')).status).toBe(404);
  expect((await end(gate.worker, { token: foreign, sessionId })).status).toBe(404);
  expect((await request(gate.worker, { token: own, sessionId }, 'ping')).status).toBe(200);
});

describe('a role that operators give', () => {
  const assign = (assignee: object) =>
    call('POST', '/admin/assignments', {
      body: { issuer: gate.issuer.issuer, role: 'finance', ...assignee, ...because },
    });
  const mayRefund = async (token: string): Promise<boolean> =>
    (await tool(token, 'whoami')).body.result.structuredContent.permissions.includes('payments:refund');

  test.each([
    ['a subject', { subject: 'rita' }, {}],
    ['everybody of a client', { clientId: 'app-of-rita' }, { everybody: true }],
    ['a machine', { clientId: 'rita' }, {}],
  ])('to %s in acme counts there, and nowhere else', async (_, assignee, extra) => {
    const claims = { client_id: 'subject' in assignee ? 'app' : assignee.clientId };
    const { status, body } = await assign({ ...assignee, ...extra, tenant: 'acme' });
    expect([status, body.tenant]).toEqual([201, 'acme']);
    const token = await sign('rita', 'acme', claims);
    await eventually(() => mayRefund(token)).toBe(true);
    for (const other of OTHERS)
      expect(await mayRefund(await sign('rita', other, claims)), `${other}`).toBe(false);
    const query = new URLSearchParams({
      issuer: gate.issuer.issuer,
      ...assignee,
      role: 'finance',
      ...because,
    });
    expect((await call('DELETE', `/admin/assignments?${query}`)).status).toBe(404);
    expect((await call('DELETE', `/admin/assignments?${query}&tenant=beta`)).status).toBe(404);
    expect((await call('DELETE', `/admin/assignments?${query}&tenant=acme`)).status).toBe(200);
    await eventually(() => mayRefund(token)).toBe(false);
  });

  test('to those in no organization counts for them only', async () => {
    expect((await assign({ subject: 'nora', tenant: null })).body.tenant).toBe(null);
    const token = await sign('nora', null);
    await eventually(() => mayRefund(token)).toBe(true);
    expect(await mayRefund(await sign('nora', 'acme'))).toBe(false);
    const query = new URLSearchParams({
      issuer: gate.issuer.issuer,
      subject: 'nora',
      role: 'finance',
      ...because,
    });
    expect((await call('DELETE', `/admin/assignments?${query}&noTenant=true`)).status).toBe(200);
  });

  test('in every organization counts beside those of one, and both are listed', async () => {
    expect((await assign({ subject: 'rose', allTenants: true })).status).toBe(201);
    expect((await assign({ subject: 'rose', role: 'reader', tenant: 'acme' })).status).toBe(201);
    await eventually(async () => mayRefund(await sign('rose', 'beta'))).toBe(true);
    const list = async (query: string) =>
      (await call('GET', `/admin/assignments?subject=rose${query}`)).body.items.map(
        ({ role, tenant }: { role: string; tenant?: string }) => [role, tenant],
      );
    expect(await list('')).toEqual([
      ['reader', 'acme'],
      ['finance', undefined],
    ]);
    expect(await list('&tenant=acme')).toEqual([['reader', 'acme']]);
    expect(await list('&noTenant=true')).toEqual([]);
  });

  test('is not given without saying where, and not in one where there is none', async () => {
    const { status, body } = await assign({ subject: 'vera' });
    expect([status, body.error_description]).toEqual([
      400,
      `Tokens of ${gate.issuer.issuer} have a tenant: give tenant (null for those that name none), or allTenants: true.`,
    ]);
    const both = await assign({ subject: 'vera', tenant: 'acme', allTenants: true });
    expect([both.status, both.body.error_description]).toEqual([400, 'Give either a tenant or allTenants.']);
    for (const issuer of [plain.issuer, 'service-keys']) {
      const nowhere = await assign({ issuer, subject: 'vera', tenant: 'acme' });
      expect([nowhere.status, nowhere.body.error_description]).toEqual([
        400,
        `Tokens of ${issuer} have no tenant: leave it out.`,
      ]);
    }
    expect((await assign({ issuer: plain.issuer, subject: 'vera' })).status).toBe(201);
  });
});

describe('an operator', () => {
  const asOperator = (sub: string, org: string | null) =>
    sign(sub, org, { roles: ['operator'], scope: 'mcp:admin' });

  test.each(OTHERS)('by the role of %j, which is not named, is none', async (other) => {
    gate.decisions();
    const token = await asOperator('mallory', other);
    for (const path of ['/admin/status', '/admin/history', '/admin/nothing'])
      expect((await call('GET', path, { token })).status, path).toBe(403);
    const target = { kind: 'subject', issuer: gate.issuer.issuer, subject: 'victim' };
    const revoked = await call('POST', '/admin/revocations', { token, body: { target, ...because } });
    expect(revoked.status).toBe(403);
    for (const event of gate.decisions())
      expect(event).toMatchObject({
        decision: 'deny',
        reason: 'permission_missing',
        detail: 'operator_tenant',
        missingPermissions: ['mcp:operate'],
        tenant: other,
      });
  });

  test('by the role of one that is not named is none either where the registry has lifted what the policy here refuses', async () => {
    const token = await asOperator('morgan', 'beta');
    const target = { kind: 'subject', issuer: gate.issuer.issuer, subject: 'morgan' };
    const { body } = await call('POST', '/admin/revocations', { body: { target, ...because } });
    await eventually(() => statusOf(token)).toBe(401);
    await call('DELETE', `/admin/revocations/${body.id}?reason=x`);
    expect((await call('GET', '/admin/status', { token })).status).not.toBe(200);
    await eventually(async () => (await call('GET', '/admin/status', { token })).status).toBe(403);
  });

  test('by the role of an organization that is named is one, and so is one where tokens have no tenant', async () => {
    expect((await call('GET', '/admin/status', { token: await asOperator('olga', 'ops-too') })).status).toBe(
      200,
    );
    const token = await plain.sign({ claims: { sub: 'peter', roles: ['operator'], scope: 'mcp:admin' } });
    expect((await call('GET', '/admin/status', { token })).status).toBe(200);
  });

  test('by configuration is one in the organization that is named with it', async () => {
    const status = async (org: string | null) => {
      const token = await sign('root', org, { roles: [], scope: 'mcp:admin' });
      return (await call('GET', '/admin/status', { token })).status;
    };
    expect([await status('acme'), await status('beta'), await status(null)]).toEqual([200, 403, 403]);
  });

  test('of another organization does not get the answer to a request with the same key', async () => {
    const headers = { 'idempotency-key': 'the-same' };
    const body = { issuer: gate.issuer.issuer, subject: 'ines', role: 'reader', tenant: 'acme', ...because };
    const make = async (org: string) =>
      call('POST', '/admin/assignments', { token: await asOperator('olivia', org), body, headers });
    const isReplayed = (answer: Answer) => answer.headers.has('idempotency-replayed');
    expect(isReplayed(await make('ops'))).toBe(false);
    expect(isReplayed(await make('ops-too'))).toBe(false);
    expect(isReplayed(await make('ops'))).toBe(true);
    const { items } = (await call('GET', '/admin/history?action=assign&subject=ines&tenant=acme')).body;
    expect(items.map(({ operator }: { operator: { tenant: string } }) => operator.tenant)).toEqual([
      'ops-too',
      'ops',
    ]);
  });
});

describe('a revocation', () => {
  const revoke = async (target: object, more: object = {}) =>
    call('POST', '/admin/revocations', {
      body: { target: { issuer: gate.issuer.issuer, ...target }, ...more, ...because },
    });
  const explain = async (token: string) => (await call('POST', '/admin/explain', { body: { token } })).body;

  test.each<[string, (name: string) => object, string]>([
    ['subject', (name) => ({ kind: 'subject', subject: name }), 'tenant_subject'],
    ['client', (name) => ({ kind: 'client', clientId: `app-of-${name}` }), 'tenant_client'],
    ['grant', (name) => ({ kind: 'grant', subject: name, clientId: `app-of-${name}` }), 'tenant_grant'],
  ])(
    'of a %s in acme covers its tokens there, and without a tenant those everywhere',
    async (kind, targetOf, detail) => {
      const name = `revoked-${kind}`;
      const claims = { client_id: `app-of-${name}` };
      const [acme, beta, none] = [
        await sign(name, 'acme', claims),
        await sign(name, 'beta', claims),
        await sign(name, null, claims),
      ];
      const target = { issuer: gate.issuer.issuer, ...targetOf(name), tenant: 'acme' };
      const { status, body } = await revoke(target);
      expect([status, body.target]).toEqual([201, target]);
      await eventually(() => statusOf(acme)).toBe(401);
      expect(gate.decisions().at(-1)).toMatchObject({ reason: 'token_revoked', detail });
      expect([await statusOf(beta), await statusOf(none)]).toEqual([200, 200]);
      expect((await explain(acme)).revokedBy).toEqual({
        id: body.id,
        kind,
        tenant: 'acme',
        revokedAt: body.revokedAt,
      });
      const listed = async (query: string) =>
        (await call('GET', `/admin/revocations?kind=${kind}&${query}`)).body.items.map(
          ({ id }: { id: string }) => id,
        );
      expect(await listed('tenant=acme')).toContain(body.id);
      expect(await listed('tenant=beta')).not.toContain(body.id);

      const everywhere = await revoke(targetOf(name));
      expect(everywhere.body.id).not.toBe(body.id);
      await eventually(() => statusOf(beta)).toBe(401);
      expect(await statusOf(none)).toBe(401);
      expect((await explain(beta)).revokedBy).toEqual({
        id: everywhere.body.id,
        kind,
        revokedAt: everywhere.body.revokedAt,
      });
      await call('DELETE', `/admin/revocations/${everywhere.body.id}?reason=x`);
      await eventually(() => statusOf(beta)).toBe(200);
      expect(await statusOf(acme)).toBe(401);
      await call('DELETE', `/admin/revocations/${body.id}?reason=x`);
      await eventually(() => statusOf(acme)).toBe(200);
    },
  );

  test('of an organization covers everybody in it, and nobody else', async () => {
    const [one, two] = [await sign('tina', 'bad'), await sign('theo', 'bad', { client_id: 'other' })];
    const others = [await sign('tina', 'acme'), await sign('tina', null)];
    const { status, body } = await revoke({ kind: 'tenant', tenant: 'bad' });
    expect(status).toBe(201);
    await eventually(() => statusOf(one)).toBe(401);
    expect(await statusOf(two)).toBe(401);
    expect(await Promise.all(others.map(statusOf))).toEqual([200, 200]);
    expect((await explain(one)).revokedBy).toMatchObject({ id: body.id, kind: 'tenant', tenant: 'bad' });
    const principal = { issuer: gate.issuer.issuer, subject: 'tina', issuedAt: 1 };
    const described = async (more: object) =>
      (await call('POST', '/admin/explain', { body: { principal: { ...principal, ...more } } })).body;
    expect(await described({ tenant: 'bad' })).toMatchObject({
      decision: 'deny',
      principal: { tenant: 'bad' },
    });
    for (const none of [{}, { tenant: null }])
      expect(await described(none)).toMatchObject({ decision: 'allow', principal: { tenant: null } });
    const { items } = (await call('GET', '/admin/history?action=revoke&tenant=bad')).body;
    expect(items).toMatchObject([{ target: { kind: 'tenant', tenant: 'bad' } }]);
  });

  test('of those in no organization covers them, and nobody else', async () => {
    const [none, acme] = [await sign('ned', null), await sign('ned', 'acme')];
    const { body } = await revoke({ kind: 'subject', subject: 'ned', tenant: null });
    await eventually(() => statusOf(none)).toBe(401);
    expect(await statusOf(acme)).toBe(200);
    const ids = (await call('GET', '/admin/revocations?noTenant=true')).body.items;
    expect(ids).toMatchObject([{ id: body.id, target: { tenant: null } }]);
  });

  test('within a tenant is refused where there is none: it would cover nobody', async () => {
    for (const issuer of [plain.issuer, 'service-keys']) {
      const target = { kind: 'subject', issuer, subject: 'paula', tenant: 'acme' };
      const { status, body } = await revoke(target);
      expect([status, body.error_description]).toEqual([
        400,
        `Tokens of ${issuer} have no tenant: leave it out.`,
      ]);
    }
  });

  test('that reaches into the future does not shut out operators of a tenant, nor those listed in it', async () => {
    const until = Math.floor(Date.now() / 1_000) + 600;
    const block = async (target: object) => (await revoke(target, { until })).status;
    expect(await block({ kind: 'tenant', tenant: 'ops' })).toBe(409);
    expect(await block({ kind: 'subject', subject: 'root', tenant: 'acme' })).toBe(409);
    expect(await block({ kind: 'subject', subject: 'root' })).toBe(409);
    expect(await block({ kind: 'subject', subject: 'root', tenant: 'beta' })).toBe(201);
  });
});

describe('what is kept of somebody in several organizations', () => {
  const query = (subject: string, more: object = {}) =>
    `/admin/sessions?${new URLSearchParams({ issuer: gate.issuer.issuer, subject, ...more })}`;
  const tenants = async (subject: string, more: object = {}) =>
    (await call('GET', query(subject, more))).body.items
      .map(({ tenant }: { tenant: string | null }) => String(tenant))
      .sort();

  async function keep(subject: string): Promise<string[]> {
    const tokens = [await sign(subject, 'acme'), await sign(subject, 'beta'), await sign(subject, null)];
    for (const token of tokens) {
      await open(gate.worker, token);
      await remember(token);
    }
    await eventually(() => tenants(subject)).toEqual(['acme', 'beta', 'null']);
    return tokens;
  }
  const NONE = 'There are no notes.';
  const recalled = (tokens: string[]) => Promise.all(tokens.map(recall));

  test('is listed by organization, and ended in one or in all, by client too', async () => {
    const tokens = await keep('lena');
    expect(await tenants('lena', { tenant: 'beta' })).toEqual(['beta']);
    expect(await tenants('lena', { noTenant: 'true' })).toEqual(['null']);
    const erase = async (more: object) =>
      (await call('DELETE', query('lena', { ...because, state: 'true', ...more }))).body;
    expect(await erase({ tenant: 'acme' })).toMatchObject({ ended: 1, erasedKeys: 1 });
    expect(await recalled(tokens)).toEqual([NONE, 'note', 'note']);
    expect(await erase({ tenant: 'beta', clientId: 'app' })).toMatchObject({ ended: 1, erasedKeys: 1 });
    expect(await recalled(tokens)).toEqual([NONE, NONE, 'note']);
    expect(await erase({ clientId: 'app' })).toMatchObject({ ended: 1, erasedKeys: 1 });
    expect(await recalled(tokens)).toEqual([NONE, NONE, NONE]);
  });

  test.each([
    ['in all with the subject', { kind: 'subject' }, [NONE, NONE, NONE]],
    ['in all with the grant', { kind: 'grant', clientId: 'app' }, [NONE, NONE, NONE]],
    [
      'in one with the grant there',
      { kind: 'grant', clientId: 'app', tenant: 'beta' },
      ['note', NONE, 'note'],
    ],
  ])('is erased %s that is revoked', async (_, rest, expected) => {
    const subject = `erased-${JSON.stringify(rest).length}`;
    const tokens = await keep(subject);
    const target = { issuer: gate.issuer.issuer, subject, ...rest };
    const { body } = await call('POST', '/admin/revocations', {
      body: { target, eraseState: true, ...because },
    });
    await call('DELETE', `/admin/revocations/${body.id}?reason=x`);
    await eventually(async () => Promise.all(tokens.map(statusOf))).toEqual([200, 200, 200]);
    expect(await recalled(tokens)).toEqual(expected);
  });

  test('is forgotten in all of them, roles too', async () => {
    const tokens = await keep('faye');
    for (const where of [{ tenant: 'acme' }, { tenant: null }, { allTenants: true }]) {
      const body = { issuer: gate.issuer.issuer, subject: 'faye', role: 'finance', ...where, ...because };
      expect((await call('POST', '/admin/assignments', { body })).status).toBe(201);
    }
    const { body } = await call('POST', '/admin/forget', {
      body: { issuer: gate.issuer.issuer, subject: 'faye', confirm: 'forget', ...because },
    });
    expect(body.erased).toMatchObject({ sessions: 3, stateKeys: 3, assignments: 3 });
    expect(await recalled(tokens)).toEqual([NONE, NONE, NONE]);
    expect((await call('GET', '/admin/assignments?subject=faye')).body.items).toEqual([]);
  });

  test('was decided in one of them, and is found by it', async () => {
    await statusOf(await sign('dora', 'acme'));
    await statusOf(await sign('dora', null));
    const decided = async (more: string) =>
      (await call('GET', `/admin/decisions?subject=dora&tool=whoami${more}`)).body.items.map(
        ({ tenant }: { tenant: string | null }) => tenant,
      );
    await eventually(() => decided('')).toEqual([null, 'acme']);
    expect(await decided('&tenant=acme')).toEqual(['acme']);
    expect(await decided('&noTenant=true')).toEqual([null]);
  });
});
