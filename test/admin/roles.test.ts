// Roles that operators edit: seen before they are changed, sound or refused whole, and on trial without denying anybody.

import { beforeEach, describe, expect, test } from 'vitest';
import { useAdminGate } from './admin-gate.ts';

const gate = useAdminGate(() => ({ DEFAULT_ROLES: ['reader'] }));
const { call } = gate;

const APP_ROLES = ['reader', 'editor', 'finance', 'operator'];
const because = { reason: 'a test' };
const reason = 'reason=a+test';

const ifMatch = (version: number | string) => ({ 'if-match': `"${version}"` });
const NEW = { 'if-none-match': '*' };
const put = (name: string, definition: object, headers: Record<string, string>, query = '') =>
  call('PUT', `/admin/roles/${name}${query}`, { body: { ...definition, ...because }, headers });
const remove = (name: string, headers: Record<string, string>, query = '') =>
  call('DELETE', `/admin/roles/${name}?${reason}${query}`, { headers });
const TRIAL = '?shadow=true';
/** As all roles are now, those on trial included. */
const seen = async () => ({
  'if-match': (await call('GET', '/admin/roles')).headers.get('etag') ?? '',
});
const apply = async () => call('POST', '/admin/roles/shadow/apply', { body: because, headers: await seen() });
const discard = async () => call('DELETE', `/admin/roles/shadow?${reason}`, { headers: await seen() });
const reset = async () => call('DELETE', `/admin/roles?${reason}`, { headers: await seen() });

/** Versions of all roles, in force and on trial. */
async function versions() {
  const { body } = await call('GET', '/admin/roles');
  const of = (items: { name: string; version: number }[] | null) =>
    items && Object.fromEntries(items.map(({ name, version }) => [name, version]));
  return { source: body.source, inForce: of(body.items) ?? {}, shadow: of(body.shadow) };
}

const permissionsOf = async (token: string): Promise<string[]> => {
  const { body } = await gate.tool(token, 'whoami');
  return body.result.structuredContent.permissions;
};

/** Requires the next request of everybody to be decided by the newest policy: what whoami says can be waited for. */
const eventually = <T>(get: () => Promise<T>) => expect.poll(get, { timeout: 20_000, interval: 200 });

beforeEach(async () => {
  const { items } = (await call('GET', '/admin/assignments')).body;
  for (const { issuer, subject, role } of items)
    await call('DELETE', `/admin/assignments?${new URLSearchParams({ issuer, subject, role, ...because })}`);
  expect((await reset()).body.source).toBe('app');
  gate.worker.logs();
});

test('until the first edit the roles are those of the app, of version 0', async () => {
  const { status, body } = await call('GET', '/admin/roles');
  expect(status).toBe(200);
  expect(body).toMatchObject({ source: 'app', shadow: null });
  expect(body.items).toEqual([
    { name: 'reader', permissions: ['reports:read'], inherits: [], resolved: ['reports:read'], version: 0 },
    {
      name: 'editor',
      permissions: ['reports:write'],
      inherits: ['reader'],
      resolved: ['reports:write', 'reports:read'],
      version: 0,
    },
    {
      name: 'finance',
      permissions: ['payments:refund'],
      inherits: [],
      resolved: ['payments:refund'],
      version: 0,
    },
    { name: 'operator', permissions: ['mcp:operate'], inherits: [], resolved: ['mcp:operate'], version: 0 },
  ]);
  const one = await call('GET', '/admin/roles/editor');
  expect(one.body).toEqual(body.items[1]);
  expect(one.headers.get('etag')).toBe('"0"');
});

test('a changed role is in force for requests that come later, and the others stay', async () => {
  const token = await gate.issuer.sign({ claims: { roles: ['editor'] } });
  expect(await permissionsOf(token)).toEqual(['reports:write', 'reports:read']);
  const { status, body, headers } = await put(
    'editor',
    { permissions: [], inherits: ['reader'] },
    ifMatch(0),
  );
  expect(status).toBe(200);
  expect(body).toMatchObject({
    name: 'editor',
    permissions: [],
    inherits: ['reader'],
    resolved: ['reports:read'],
  });
  expect(headers.get('etag')).toBe(`"${body.version}"`);
  expect((await call('GET', '/admin/roles/editor')).headers.get('etag')).toBe(headers.get('etag'));
  expect(await versions()).toMatchObject({
    source: 'registry',
    inForce: { reader: 0, editor: body.version, operator: 0 },
  });
  await eventually(() => permissionsOf(token)).toEqual(['reports:read']);
});

test('a new role can be used by tokens and assigned', async () => {
  const { status, body } = await put('auditor', { permissions: ['payments:refund'] }, NEW);
  expect([status, body.inherits]).toEqual([201, []]);
  const token = await gate.issuer.sign({ claims: { roles: ['auditor'] } });
  await eventually(() => permissionsOf(token)).toEqual(['payments:refund']);
});

test('a permission that nothing needs is a warning, most likely a typing error', async () => {
  const { body } = await put('auditor', { permissions: ['reports:read', 'report:read'] }, NEW);
  expect(body.warnings).toEqual(['No tool, resource or prompt needs the permission report:read.']);
});

describe('an edit without having seen what is there', () => {
  test('is asked for the version', async () => {
    for (const headers of [{}, { 'if-match': '*' }, { 'if-match': '0' }, { 'if-none-match': '"0"' }]) {
      for (const answer of [
        await put('editor', { permissions: [] }, headers as never),
        await remove('editor', headers as never),
      ])
        expect([answer.status, answer.body.error]).toEqual([428, 'precondition_required']);
    }
    expect((await remove('editor', NEW)).status).toBe(428);
  });

  test('is refused with the version that is there, and changes nothing', async () => {
    const { version } = (await put('editor', { permissions: [] }, ifMatch(0))).body;
    const before = await versions();
    for (const answer of [
      await put('editor', { permissions: ['x'] }, ifMatch(0)),
      await put('editor', { permissions: ['x'] }, NEW),
      await remove('editor', ifMatch(version + 1)),
    ])
      expect([answer.status, answer.body.error, answer.body.currentVersion]).toEqual([
        412,
        'precondition_failed',
        version,
      ]);
    for (const answer of [
      await put('nobody', { permissions: [] }, ifMatch(0)),
      await remove('nobody', ifMatch(0)),
    ])
      expect([answer.status, answer.body.error]).toEqual([404, 'not_found']);
    expect(await versions()).toEqual(before);
  });

  test('loses against another edit at the same time: of ten, one is done', async () => {
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, number) => put('finance', { permissions: [`p${number}`] }, ifMatch(0))),
    );
    const done = answers.filter(({ status }) => status === 200);
    expect(done).toHaveLength(1);
    expect((await call('GET', '/admin/roles/finance')).body).toMatchObject({
      permissions: done[0]?.body.permissions,
      version: done[0]?.body.version,
    });
  });
});

test('an ETag that was weakened on its way is the same version', async () => {
  const { status } = await put('finance', { permissions: ['a'] }, { 'if-match': 'W/"0"' });
  expect(status).toBe(200);
});

describe('what would not be sound is refused whole', () => {
  const refused = async (answer: ReturnType<typeof put>, status: number, error: string, detail: string) => {
    const { status: got, body } = await answer;
    expect([got, body.error]).toEqual([status, error]);
    expect(body.error_description).toContain(detail);
    expect(await versions()).toEqual({
      source: 'app',
      inForce: Object.fromEntries(APP_ROLES.map((name) => [name, 0])),
      shadow: null,
    });
  };

  test.each(['', TRIAL])('a circle, with the way around it (%s)', async (query) => {
    await refused(
      put('reader', { permissions: [], inherits: ['editor'] }, ifMatch(0), query),
      422,
      'invalid_role',
      // Begun where the roles begin: those of the app in their order, those of the registry in that of their names.
      query === '' ? 'editor -> reader -> editor is a cycle' : 'reader -> editor -> reader is a cycle',
    );
    await refused(
      put('self', { permissions: [], inherits: ['self'] }, NEW, query),
      422,
      'invalid_role',
      'self -> self is a cycle',
    );
  });

  test.each(['', TRIAL])('a role that nobody has defined (%s)', async (query) => {
    await refused(
      put('editor', { permissions: [], inherits: ['raeder'] }, ifMatch(0), query),
      422,
      'invalid_role',
      'editor -> raeder: there is no role "raeder"',
    );
  });

  test.each(['', '&shadow=true'])('deleting one that another inherits (%s)', async (query) => {
    await refused(
      remove('reader', ifMatch(0), query),
      422,
      'invalid_role',
      'editor -> reader: there is no role "reader"',
    );
  });

  test('deleting one of DEFAULT_ROLES', async () => {
    // Nobody inherits it any more.
    await put('editor', { permissions: ['reports:write'] }, ifMatch(0));
    const before = await versions();
    for (const query of ['', '&shadow=true']) {
      const { status, body } = await remove('reader', ifMatch(0), query);
      expect([status, body.error]).toEqual([409, 'conflict']);
      expect(body.error_description).toContain('DEFAULT_ROLES');
    }
    expect(await versions()).toEqual(before);
  });

  test('deleting one that is assigned, and going back to roles of the app without it', async () => {
    await put('auditor', { permissions: [] }, NEW);
    const assignment = { issuer: gate.issuer.issuer, subject: 'ann', role: 'auditor', ...because };
    await call('POST', '/admin/assignments', { body: assignment });
    const before = await versions();
    const current = before.inForce.auditor ?? 0;
    for (const answer of [await remove('auditor', ifMatch(current)), await reset()]) {
      expect([answer.status, answer.body.error]).toEqual([409, 'conflict']);
      expect(answer.body.error_description).toBe('The role "auditor" is assigned to 1; take it away first.');
    }
    expect(await versions()).toEqual(before);
    await call('DELETE', `/admin/assignments?${new URLSearchParams(assignment)}`);
    expect((await remove('auditor', ifMatch(current))).status).toBe(200);
  });

  test('an edit that what is on trial could not live with', async () => {
    await put('auditor', { permissions: [], inherits: ['finance'] }, NEW, TRIAL);
    const { status, body } = await remove('finance', ifMatch(0));
    expect([status, body.error]).toEqual([422, 'invalid_role']);
    expect(body.error_description).toContain(
      'on trial, roles: auditor -> finance: there is no role "finance"',
    );
    expect((await call('GET', '/admin/status')).status).toBe(200);
  });
});

test('a role cannot be called shadow; any other text is a name, as the tokens may have it', async () => {
  const { status, body } = await put('shadow', { permissions: [] }, NEW);
  expect([status, body.error_description]).toEqual([
    400,
    'A role cannot be called shadow: the path is taken.',
  ]);
  for (const name of ['constructor', '__proto__', '/admins', 'Report Editors', 'Führung%']) {
    expect((await put(encodeURIComponent(name), { permissions: [name] }, NEW)).status, name).toBe(201);
    expect((await call('GET', `/admin/roles/${encodeURIComponent(name)}`)).body.permissions).toEqual([name]);
    expect(
      (
        await put(
          'editor',
          { permissions: [], inherits: [name] },
          ifMatch((await versions()).inForce.editor ?? 0),
        )
      ).body.resolved,
    ).toEqual([name]);
    const token = await gate.issuer.sign({ claims: { roles: [name] } });
    await eventually(() => permissionsOf(token)).toEqual([name]);
  }
});

describe('a role change on trial', () => {
  const token = () => gate.issuer.sign({ claims: { roles: ['editor'], scope: 'reports:write' } });
  const update = async (bearer: string) => {
    const { status, body } = await gate.tool(bearer, 'update_report', { id: 'none', body: 'x' });
    const event = gate.decisions().find(({ tool }) => tool === 'update_report');
    return { status, text: body.result?.content[0]?.text, event };
  };

  test('denies nobody, and the audit says whom it would deny', async () => {
    const editor = await token();
    const { status, body } = await put(
      'editor',
      { permissions: ['other'], inherits: ['reader'] },
      ifMatch(0),
      TRIAL,
    );
    expect([status, body.permissions]).toEqual([200, ['other']]);
    expect(await versions()).toMatchObject({
      inForce: { editor: 0 },
      shadow: { editor: body.version, reader: 0 },
    });
    await eventually(async () => (await update(editor)).event?.shadow).toEqual({
      missingPermissions: ['reports:write'],
    });
    const { event, text } = await update(editor);
    expect(event).toMatchObject({ decision: 'allow', policyVersion: body.version });
    expect(text).toContain('There is no report "none"');
    // What it would allow as well is nothing to report.
    await gate.tool(editor, 'whoami');
    expect(gate.decisions().at(-1)).not.toHaveProperty('shadow');
  });

  test('is made real by applying it', async () => {
    const editor = await token();
    await put('editor', { permissions: ['other'], inherits: ['reader'] }, ifMatch(0), TRIAL);
    await put('auditor', { permissions: ['payments:refund'] }, NEW, TRIAL);
    expect((await call('GET', '/admin/roles/auditor')).status).toBe(404);
    const { status, body } = await apply();
    expect(status).toBe(200);
    expect(await versions()).toEqual({
      source: 'registry',
      inForce: { reader: 0, editor: body.version, finance: 0, operator: 0, auditor: body.version },
      shadow: null,
    });
    await eventually(async () => (await update(editor)).text).toContain('lacks the permission reports:write');
    expect((await call('GET', '/admin/history?limit=1')).body.items).toMatchObject([
      { action: 'apply_shadow', target: { roles: ['auditor', 'editor'] }, reason: 'a test' },
    ]);
  });

  test('is gone when it is discarded', async () => {
    await put('editor', { permissions: [] }, ifMatch(0), TRIAL);
    expect((await discard()).status).toBe(200);
    // A trial that came to nothing leaves the roles where they were: with the app.
    expect(await versions()).toMatchObject({ source: 'app', inForce: { editor: 0 }, shadow: null });
    expect((await apply()).status).toBe(404);
  });

  test('can be changed itself, by whoever has seen it', async () => {
    const first = (await put('editor', { permissions: ['a'] }, ifMatch(0), TRIAL)).body.version;
    expect((await put('editor', { permissions: ['b'] }, ifMatch(0), TRIAL)).status).toBe(412);
    const second = (await put('editor', { permissions: ['b'] }, ifMatch(first), TRIAL)).body.version;
    expect((await remove('editor', ifMatch(second), '&shadow=true')).status).toBe(200);
    expect((await versions()).shadow).not.toHaveProperty('editor');
    await apply();
    expect((await versions()).inForce).not.toHaveProperty('editor');
  });

  test('is not applied over an edit that came after it', async () => {
    await put('editor', { permissions: ['a'] }, ifMatch(0), TRIAL);
    const { version } = (await put('editor', { permissions: ['b'] }, ifMatch(0))).body;
    const { status, body } = await apply();
    expect([status, body.error]).toEqual([409, 'conflict']);
    expect(body.error_description).toContain('The role "editor" was changed since it was put on trial');
    expect(await versions()).toMatchObject({ inForce: { editor: version }, shadow: { reader: 0 } });
  });

  test('is kept, and not applied, when somebody was given a role that it deletes', async () => {
    await remove('finance', ifMatch(0), '&shadow=true');
    const body = { issuer: gate.issuer.issuer, subject: 'ann', role: 'finance', ...because };
    expect((await call('POST', '/admin/assignments', { body })).status).toBe(201);
    const applied = await apply();
    expect([applied.status, applied.body.error]).toEqual([409, 'conflict']);
    expect((await versions()).inForce).toHaveProperty('finance');
    expect((await put('editor', { permissions: [] }, ifMatch(0))).status).toBe(200);
  });
});

test('going back to the roles of the app takes every edit back, also those on trial', async () => {
  const token = await gate.issuer.sign({ claims: { roles: ['finance'] } });
  await put('finance', { permissions: [] }, ifMatch(0));
  await put('auditor', { permissions: [] }, NEW, TRIAL);
  await eventually(() => permissionsOf(token)).toEqual([]);
  expect((await reset()).status).toBe(200);
  expect(await versions()).toMatchObject({ source: 'app', inForce: { finance: 0 }, shadow: null });
  await eventually(() => permissionsOf(token)).toEqual(['payments:refund']);
});
