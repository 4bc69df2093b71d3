// What an operator who has a part of the permission may do: the operations of that part and no others, and to give no
// operator permission that he lacks, by whatever way there is.

import { beforeAll, describe, expect, test } from 'vitest';
import { OPERATIONS } from '../../src/admin/routes.ts';
import { OPERATOR_PARTS } from '../../src/policy/operator-permissions.ts';
import { type Answer, useAdminGate } from './admin-gate.ts';

const gate = useAdminGate((issuer) => ({
  SERVICE_KEYS: true,
  ADMIN_SCOPE_IN_KEYS: true,
  OPERATORS: [{ issuer, subject: 'root' }],
}));
const { call } = gate;

const because = { reason: 'a test' };
const forbidden = ({ status, body }: Answer) => [status, body.error, body.error_description];
const lacks = (permission: string) => [
  403,
  'forbidden',
  `Your account lacks the permission ${permission}. Consenting to more scopes cannot give it: ask an administrator for a role that has it.`,
];
const cannotGive = (permission: string) => [
  403,
  'forbidden',
  `You lack the permission ${permission}, so you cannot give it.`,
];
/** Of an operator with these parts, or with everything. */
const having = (...parts: readonly string[]) =>
  gate.sign({
    claims: {
      sub: `op-${parts.join('-')}`,
      roles: [],
      permissions: parts.map((part) => `mcp:operate:${part}`),
    },
  });
/** Whatever becomes of roles. */
const root = () => gate.sign({ claims: { sub: 'root', roles: [] } });
const get = async (path: string) => call('GET', path, { token: await root() });
const seen = async () => ({ 'if-match': (await get('/admin/roles')).headers.get('etag') ?? '' });
/** Of those whom the policy refuses, an isolate asks the registry about twenty a second. */
const pause = () => new Promise((resolve) => setTimeout(resolve, 60));
/** A path that every operation understands as far as its permission is looked at. */
const pathOf = (path: string) => path.replace(':id', 'x').replace(':name', 'x');

describe('the permission for a part', () => {
  const tokens: Record<string, string> = {};
  beforeAll(async () => {
    for (const part of OPERATOR_PARTS) tokens[part] = await having(part);
  });

  test.each(OPERATIONS.map(([method, path, name, needs]) => ({ method, path, name, needs })))(
    '$name needs $needs, everything or a place in OPERATORS, and says so',
    async ({ method, path, needs }) => {
      for (const part of OPERATOR_PARTS) {
        await pause();
        const answer = await call(method, pathOf(path), {
          token: tokens[part] ?? '',
          ...(method === 'POST' || method === 'PUT' ? { body: { nonsense: 1 } } : {}),
        });
        if (part === needs) expect(answer.status, part).not.toBe(403);
        else expect(forbidden(answer), part).toEqual(lacks(`mcp:operate:${needs}`));
      }
    },
  );

  test('lets its operator see that there is nothing at a path, and nobody else', async () => {
    for (const part of OPERATOR_PARTS)
      expect((await call('GET', '/admin/nothing', { token: tokens[part] ?? '' })).status).toBe(404);
    expect(forbidden(await call('GET', '/admin/nothing', { token: await having('other') }))).toEqual(
      lacks('mcp:operate'),
    );
  });

  test('of revocations is not that of erasing', async () => {
    const target = { kind: 'subject', issuer: gate.issuer.issuer, subject: 'ann' };
    const erase = (token: string) =>
      call('POST', '/admin/revocations', { token, body: { target, eraseState: true, ...because } });
    const before = (await get('/admin/status')).body.version;
    expect(forbidden(await erase(tokens.revoke ?? ''))).toEqual([
      403,
      'forbidden',
      'Your account lacks the permission mcp:operate:privacy for that.',
    ]);
    expect((await get('/admin/status')).body.version).toBe(before);
    expect((await erase(await having('revoke', 'privacy'))).status).toBe(201);
  });
});

describe('an operator gives no operator permission that he lacks', () => {
  const put = async (token: string, name: string, definition: object, query = '') => {
    const { items, shadow } = (await get('/admin/roles')).body;
    const known = ((query ? shadow : null) ?? items).find((role: { name: string }) => role.name === name);
    return call('PUT', `/admin/roles/${name}${query}`, {
      token,
      body: { permissions: [], ...definition, ...because },
      headers: known ? { 'if-match': `"${known.version}"` } : { 'if-none-match': '*' },
    });
  };
  const assign = (token: string, role: string) =>
    call('POST', '/admin/assignments', {
      token,
      body: { issuer: gate.issuer.issuer, subject: 'friend', role, ...because },
    });
  const createKey = (token: string, roles: readonly string[]) =>
    call('POST', '/admin/service-keys', {
      token,
      body: { service: 'x', owner: 'x', scopes: [], roles, expiresInSeconds: 600, ...because },
    });
  let [granting, keeping, own] = ['', '', ''];
  beforeAll(async () => {
    [granting, keeping, own] = [await having('grant'), await having('keys'), await gate.sign()];
    expect((await put(own, 'key-operator', { permissions: ['mcp:operate:keys'] })).status).toBe(201);
    expect((await put(own, 'deputy', { inherits: ['key-operator'] })).status).toBe(201);
  });

  test.each([
    ['itself', { permissions: ['mcp:operate'] }, 'mcp:operate'],
    ['for a part', { permissions: ['reports:read', 'mcp:operate:revoke'] }, 'mcp:operate:revoke'],
    ['by a role that has it', { inherits: ['operator'] }, 'mcp:operate'],
    ['by a role that inherits it', { inherits: ['deputy'] }, 'mcp:operate:keys'],
  ])('by a role edit, %s', async (_, definition, permission) => {
    const before = (await get('/admin/roles')).body;
    for (const name of ['reader', 'brand-new'])
      for (const query of ['', '?shadow=true'])
        expect(forbidden(await put(granting, name, definition, query)), name + query).toEqual(
          cannotGive(permission),
        );
    expect((await get('/admin/roles')).body).toEqual(before);
  });

  test('by an edit of a role that others inherit', async () => {
    expect((await put(own, 'base', { permissions: [] })).status).toBe(201);
    expect((await put(own, 'heir', { inherits: ['base'] })).status).toBe(201);
    expect(forbidden(await put(granting, 'base', { permissions: ['mcp:operate:read'] }))).toEqual(
      cannotGive('mcp:operate:read'),
    );
  });

  test('and edits roles that have one as long as they gain none', async () => {
    const more = { permissions: ['reports:read'], inherits: ['key-operator'] };
    expect((await put(granting, 'deputy', more)).status).toBe(200);
    expect((await put(granting, 'key-operator', {})).status).toBe(200);
    expect(forbidden(await put(granting, 'key-operator', { permissions: ['mcp:operate:keys'] }))).toEqual(
      cannotGive('mcp:operate:keys'),
    );
    expect((await put(own, 'key-operator', { permissions: ['mcp:operate:keys'] })).status).toBe(200);
  });

  test('by what is on trial, whoever put it there', async () => {
    expect((await put(own, 'reader', { inherits: ['operator'] }, '?shadow=true')).status).toBe(200);
    const apply = async (token: string) =>
      call('POST', '/admin/roles/shadow/apply', { token, body: because, headers: await seen() });
    expect(forbidden(await apply(granting))).toEqual(cannotGive('mcp:operate'));
    const discarded = await call('DELETE', `/admin/roles/shadow?reason=x`, {
      token: granting,
      headers: await seen(),
    });
    expect(discarded.status).toBe(200);
    expect((await put(own, 'reader', { permissions: ['reports:read'] }, '?shadow=true')).status).toBe(200);
    expect((await apply(granting)).status).toBe(200);
  });

  test('by an assignment', async () => {
    expect(forbidden(await assign(granting, 'operator'))).toEqual(cannotGive('mcp:operate'));
    expect(forbidden(await assign(granting, 'deputy'))).toEqual(cannotGive('mcp:operate:keys'));
    expect((await assign(await having('grant', 'keys'), 'deputy')).status).toBe(201);
    expect((await assign(granting, 'editor')).status).toBe(201);
    expect((await assign(await gate.sign({ claims: { sub: 'root', roles: [] } }), 'operator')).status).toBe(
      201,
    );
  });

  test('by a key that he makes, or makes anew', async () => {
    expect(forbidden(await createKey(keeping, ['operator']))).toEqual(cannotGive('mcp:operate'));
    expect((await createKey(keeping, ['editor', 'deputy'])).status).toBe(201);
    const { body } = await createKey(own, ['operator']);
    const rotate = (token: string) =>
      call('POST', `/admin/service-keys/${body.id}/rotate`, { token, body: because });
    expect(forbidden(await rotate(keeping))).toEqual(cannotGive('mcp:operate'));
    expect((await rotate(own)).status).toBe(201);
  });

  test('by going back to the roles of the app', async () => {
    // As it is where a role of the app was cut down here.
    expect((await put(own, 'operator', { permissions: ['mcp:operate:grant'] })).status).toBe(200);
    const token = await root();
    for (const { issuer, subject, role } of (await get('/admin/assignments')).body.items) {
      const named = new URLSearchParams({ issuer, subject, role, ...because });
      await call('DELETE', `/admin/assignments?${named}`, { token });
    }
    for (const { id, revokedAt } of (await get('/admin/service-keys')).body.items)
      if (revokedAt === null) await call('DELETE', `/admin/service-keys/${id}?reason=x`, { token });
    const reset = async (as: string) =>
      call('DELETE', '/admin/roles?reason=x', { token: as, headers: await seen() });
    expect(forbidden(await reset(granting))).toEqual(cannotGive('mcp:operate'));
    expect((await reset(token)).status).toBe(200);
  });

  test('and of many at once none gets around it', async () => {
    const edits = Array.from({ length: 10 }, (_, number) => [
      put(granting, `mate-${number}`, { inherits: ['operator'] }),
      assign(granting, 'operator'),
      put(own, `helper-${number}`, { permissions: ['mcp:operate:read'] }),
    ]);
    await Promise.all(edits.flat());
    const { items } = (await get('/admin/roles')).body;
    const names = items
      .filter(({ resolved }: { resolved: string[] }) => resolved.includes('mcp:operate'))
      .map(({ name }: { name: string }) => name);
    expect(names).toEqual(['operator']);
    expect((await get('/admin/assignments?role=operator')).body.items).toEqual([]);
  });
});
