// What the operators' command line asks of the API, command by command, and what it wants to be told before it does.
//
// Against a server that only remembers. What is printed: admin-output.test.ts; what goes wrong: admin-problems.test.ts;
// signing in: admin-sign-in.test.ts.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { COMMANDS } from '../../scripts/admin/commands.ts';
import { FakeAdminServer, statusAnswer, TOKEN } from './fake-admin-server.ts';

const server = new FakeAdminServer();
beforeAll(() => server.start());
afterAll(() => server.stop());
beforeEach(() => server.reset());

const ISSUER = 'https://other.example.com';
const OF = ['--issuer', ISSUER];
const WHY = ['--reason', 'a good one'];
const YES = ['--yes', ...WHY];
const reason = 'a good one';
const target = (kind: string, more: object = {}) => ({ body: { target: { kind, ...more }, reason } });

/** A command line of every command, and the last request it makes. */
const REQUESTS: readonly (readonly [args: readonly string[], method: string, path: string, rest?: object])[] =
  [
    [
      ['revoke', 'token', 'id-1', ...OF, ...YES],
      'POST',
      '/revocations',
      target('token', { issuer: ISSUER, tokenId: 'id-1' }),
    ],
    [
      ['revoke', 'subject', 'alice', ...OF, ...YES],
      'POST',
      '/revocations',
      target('subject', { issuer: ISSUER, subject: 'alice' }),
    ],
    [
      ['revoke', 'client', 'cli', ...OF, ...YES],
      'POST',
      '/revocations',
      target('client', { issuer: ISSUER, clientId: 'cli' }),
    ],
    [
      ['revoke', 'grant', '--subject', 'alice', '--client-id', 'cli', ...OF, ...YES],
      'POST',
      '/revocations',
      target('grant', { issuer: ISSUER, subject: 'alice', clientId: 'cli' }),
    ],
    [
      ['revoke', 'grant', '--subject', 'alice', '--no-client', '--erase-state', ...OF, ...YES],
      'POST',
      '/revocations',
      {
        body: {
          target: { kind: 'grant', issuer: ISSUER, subject: 'alice', clientId: null },
          eraseState: true,
          reason,
        },
      },
    ],
    [
      ['revoke', 'client', 'cli', '--until', '2100-01-01T00:00:00Z', ...OF, ...YES],
      'POST',
      '/revocations',
      { body: { target: { kind: 'client', issuer: ISSUER, clientId: 'cli' }, until: 4_102_444_800, reason } },
    ],
    [['revoke', 'session', 's-1', ...YES], 'POST', '/revocations', target('session', { sessionId: 's-1' })],
    [
      ['revoke', 'subject', 'alice', '--end-keys', ...OF, ...YES],
      'POST',
      '/revocations',
      { body: { target: { kind: 'subject', issuer: ISSUER, subject: 'alice' }, endKeys: true, reason } },
    ],
    [
      ['revoke', 'issuer', '--confirm', 'issuer', ...OF, ...WHY],
      'POST',
      '/revocations',
      { body: { target: { kind: 'issuer', issuer: ISSUER }, confirm: 'issuer', reason } },
    ],
    [
      ['revoke', 'everything', '--confirm', 'everything', ...WHY],
      'POST',
      '/revocations',
      { body: { target: { kind: 'everything' }, confirm: 'everything', reason } },
    ],
    [
      ['revoke', 'list', '--kind', 'subject', '--subject', 'alice', '--limit', '5', '--cursor', '9'],
      'GET',
      '/revocations',
      { query: { kind: 'subject', subject: 'alice', limit: '5', cursor: '9' } },
    ],
    [['unrevoke', '0123', ...WHY], 'DELETE', '/revocations/0123', { query: { reason } }],
    [['roles', 'list'], 'GET', '/roles'],
    [['roles', 'show', 'a/b'], 'GET', '/roles/a%2Fb'],
    [
      ['roles', 'set', 'editor', '--permissions', 'a, b', '--inherits', '', ...WHY],
      'PUT',
      '/roles/editor',
      { body: { permissions: ['a', 'b'], inherits: [], reason }, headers: { 'if-match': '"5"' } },
    ],
    [
      ['roles', 'set', 'editor', '--inherits', 'reader', '--shadow', ...WHY],
      'PUT',
      '/roles/editor',
      {
        query: { shadow: 'true' },
        body: { permissions: [], inherits: ['reader'], reason },
        headers: { 'if-none-match': '*' },
      },
    ],
    [
      ['roles', 'delete', 'editor', ...YES],
      'DELETE',
      '/roles/editor',
      { query: { reason }, headers: { 'if-match': '"5"' } },
    ],
    [['roles', 'reset', ...YES], 'DELETE', '/roles', { query: { reason }, headers: { 'if-match': '"7"' } }],
    [
      ['roles', 'shadow', 'apply', ...WHY],
      'POST',
      '/roles/shadow/apply',
      { body: { reason }, headers: { 'if-match': '"7"' } },
    ],
    [
      ['roles', 'shadow', 'apply', '--version', '5', ...WHY],
      'POST',
      '/roles/shadow/apply',
      { body: { reason }, headers: { 'if-match': '"5"' } },
    ],
    [
      ['roles', 'shadow', 'discard', ...WHY],
      'DELETE',
      '/roles/shadow',
      { query: { reason }, headers: { 'if-match': '"7"' } },
    ],
    [
      ['assign', '--subject', 'bob', '--role', 'editor', ...OF, ...WHY],
      'POST',
      '/assignments',
      { body: { issuer: ISSUER, subject: 'bob', role: 'editor', reason } },
    ],
    [
      ['assign', '--client-id', 'cli', '--role', 'editor', '--remove', ...OF, ...WHY],
      'DELETE',
      '/assignments',
      { query: { issuer: ISSUER, clientId: 'cli', role: 'editor', reason } },
    ],
    [
      ['assign', '--client-id', 'cli', '--role', 'editor', '--everybody', ...OF, ...WHY],
      'POST',
      '/assignments',
      { body: { issuer: ISSUER, clientId: 'cli', role: 'editor', everybody: true, reason } },
    ],
    [['assign', '--list', '--role', 'editor'], 'GET', '/assignments', { query: { role: 'editor' } }],
    [
      ['assign', '--subject', 'bob', '--role', 'editor', '--tenant', 'org_1', ...OF, ...WHY],
      'POST',
      '/assignments',
      { body: { issuer: ISSUER, subject: 'bob', role: 'editor', tenant: 'org_1', reason } },
    ],
    [
      ['assign', '--subject', 'bob', '--role', 'editor', '--no-tenant', ...OF, ...WHY],
      'POST',
      '/assignments',
      { body: { issuer: ISSUER, subject: 'bob', role: 'editor', tenant: null, reason } },
    ],
    [
      ['assign', '--subject', 'bob', '--role', 'editor', '--all-tenants', ...OF, ...WHY],
      'POST',
      '/assignments',
      { body: { issuer: ISSUER, subject: 'bob', role: 'editor', allTenants: true, reason } },
    ],
    [
      ['assign', '--subject', 'bob', '--role', 'editor', '--no-tenant', '--remove', ...OF, ...WHY],
      'DELETE',
      '/assignments',
      { query: { issuer: ISSUER, subject: 'bob', role: 'editor', noTenant: 'true', reason } },
    ],
    [
      ['revoke', 'tenant', 'org_1', ...OF, ...YES],
      'POST',
      '/revocations',
      { body: { target: { kind: 'tenant', issuer: ISSUER, tenant: 'org_1' }, reason } },
    ],
    [
      ['revoke', 'tenant', '--no-tenant', ...OF, ...YES],
      'POST',
      '/revocations',
      { body: { target: { kind: 'tenant', issuer: ISSUER, tenant: null }, reason } },
    ],
    [
      ['revoke', 'subject', 'bob', '--tenant', 'org_1', ...OF, ...YES],
      'POST',
      '/revocations',
      { body: { target: { kind: 'subject', issuer: ISSUER, subject: 'bob', tenant: 'org_1' }, reason } },
    ],
    [
      ['revoke', 'client', 'app', '--no-tenant', ...OF, ...YES],
      'POST',
      '/revocations',
      { body: { target: { kind: 'client', issuer: ISSUER, clientId: 'app', tenant: null }, reason } },
    ],
    [['revoke', 'list', '--tenant', 'org_1'], 'GET', '/revocations', { query: { tenant: 'org_1' } }],
    [['history', '--no-tenant'], 'GET', '/history', { query: { noTenant: 'true' } }],
    [['decisions', '--tenant', 'org_1'], 'GET', '/decisions', { query: { tenant: 'org_1' } }],
    [
      ['sessions', 'end', '--subject', 'bob', '--tenant', 'org_1', ...OF, ...YES],
      'DELETE',
      '/sessions',
      { query: { issuer: ISSUER, subject: 'bob', tenant: 'org_1', reason } },
    ],
    [['keys', 'list', '--service', 'nightly'], 'GET', '/service-keys', { query: { service: 'nightly' } }],
    [
      [
        'keys',
        'create',
        '--service',
        'n',
        '--owner',
        'o',
        '--scopes',
        'a b',
        '--roles',
        'c,d e',
        '--expires',
        '90d',
        ...WHY,
      ],
      'POST',
      '/service-keys',
      {
        body: {
          service: 'n',
          owner: 'o',
          scopes: ['a', 'b'],
          roles: ['c', 'd e'],
          expiresInSeconds: 7_776_000,
          reason,
        },
      },
    ],
    [
      ['keys', 'rotate', 'key_1', '--overlap', '24h', ...WHY],
      'POST',
      '/service-keys/key_1/rotate',
      { body: { overlapSeconds: 86_400, reason } },
    ],
    [['keys', 'revoke', 'key_1', ...YES], 'DELETE', '/service-keys/key_1', { query: { reason } }],
    [
      ['sessions', 'list', '--subject', 'alice', ...OF],
      'GET',
      '/sessions',
      { query: { issuer: ISSUER, subject: 'alice' } },
    ],
    [
      ['sessions', 'end', '--subject', 'a', '--client-id', 'c', '--session', 's', '--state', ...OF, ...YES],
      'DELETE',
      '/sessions',
      { query: { issuer: ISSUER, subject: 'a', clientId: 'c', sessionId: 's', state: 'true', reason } },
    ],
    [
      ['forget', '--subject', 'alice', '--confirm', 'forget', ...OF, ...WHY],
      'POST',
      '/forget',
      { body: { issuer: ISSUER, subject: 'alice', confirm: 'forget', reason } },
    ],
    [
      [
        'explain',
        '--subject',
        'a',
        '--client-id',
        'c',
        '--scopes',
        's',
        '--roles',
        'r',
        '--permissions',
        'p',
        '--issued-at',
        '1700000000',
        '--tool',
        't',
        ...OF,
      ],
      'POST',
      '/explain',
      {
        body: {
          principal: {
            issuer: ISSUER,
            subject: 'a',
            clientId: 'c',
            scopes: ['s'],
            roles: ['r'],
            permissions: ['p'],
            issuedAt: 1_700_000_000,
          },
          tool: 't',
        },
      },
    ],
    [
      ['explain', '--token-file', '-', '--resource', 'a://b'],
      'POST',
      '/explain',
      { body: { token: 'found', resource: 'a://b' } },
    ],
    [
      ['history', '--action', 'revoke', '--subject', 'a'],
      'GET',
      '/history',
      { query: { action: 'revoke', subject: 'a' } },
    ],
    [
      [
        'decisions',
        '--decision',
        'deny',
        '--reason',
        'token_revoked',
        '--tool',
        't',
        '--since',
        '2026-01-01T00:00:00Z',
      ],
      'GET',
      '/decisions',
      { query: { decision: 'deny', reason: 'token_revoked', tool: 't', since: '1767225600' } },
    ],
    [['status'], 'GET', '/status'],
  ];

const nameOf = (args: readonly string[]): string =>
  COMMANDS.filter(({ name }) => `${args.join(' ')} `.startsWith(`${name} `)).at(-1)?.name ?? '';

test('there is a request of every command below', () => {
  const commands = COMMANDS.filter(({ effect }) => effect !== 'local').map(({ name }) => name);
  expect([...new Set(REQUESTS.map(([args]) => nameOf(args)))].sort()).toEqual(commands.sort());
});

const CASES = REQUESTS.map(([args, method, path, rest = {}]) => [args, method, path, rest] as const);

test.each(CASES)('%j asks %s %s', async (args, method, path, rest) => {
  server.answer = statusAnswer;
  const outcome = await server.run(args, { input: 'found\n' });
  expect(outcome).toMatchObject({ code: 0 });
  const { headers = {}, ...others } = rest as { headers?: object };
  const asked = server.asked.at(-1);
  expect(asked).toMatchObject({ method, path, headers: { authorization: `Bearer ${TOKEN}`, ...headers } });
  expect({ query: asked?.query, body: asked?.body }).toEqual({ query: {}, body: undefined, ...others });
  const isWrite = method !== 'GET' && path !== '/explain';
  expect(asked?.headers['idempotency-key']).toEqual(
    isWrite ? expect.stringMatching(/^[\w-]{36}$/) : undefined,
  );
});

test('a block is a time ahead', async () => {
  const before = Math.floor(Date.now() / 1_000);
  await server.run(['revoke', 'subject', 'alice', '--block', '7d', ...OF, ...YES]);
  const { until } = server.body as { until: number };
  expect(until).toBeGreaterThanOrEqual(before + 604_800);
  expect(until).toBeLessThanOrEqual(Date.now() / 1_000 + 604_800);
});

test('a token is taken from a file or from standard input, and only from there', async () => {
  const file = join(server.folder, 'found.txt');
  await writeFile(file, 'eyJ0.eyJ1.sig\n');
  await server.run(['revoke', 'token', '--token-file', file, ...YES]);
  await server.run(['revoke', 'token', '--token-file', '-', ...YES], { input: 'eyJ0.eyJ1.sig' });
  const body = { target: { kind: 'token', token: 'eyJ0.eyJ1.sig' }, reason };
  expect(server.asked.map((asked) => asked.body)).toEqual([body, body]);
  for (const args of [['eyJ0.eyJ1.sig'], ['mcpk_abc'], [], ['id', '--token-file', file]]) {
    const outcome = await server.run(['revoke', 'token', ...args, ...YES]);
    expect(outcome).toMatchObject({ code: 2, stdout: '' });
  }
  expect(server.asked).toHaveLength(2);
});

test('what is not given stays as it is when a role is set', async () => {
  await server.run(['roles', 'set', 'editor', '--inherits', 'reader', ...WHY]);
  expect(server.asked.at(-1)?.body).toEqual({
    permissions: ['reports:read'],
    inherits: ['reader'],
    reason,
  });
  server.answer = ({ method }) =>
    method === 'GET' ? { status: 404, body: { error: 'not_found', error_description: 'None.' } } : undefined;
  await server.run(['roles', 'set', 'new', '--permissions', 'a', ...WHY]);
  expect(server.asked.at(-1)).toMatchObject({
    body: { permissions: ['a'], inherits: [] },
    headers: { 'if-none-match': '*' },
  });
  expect(server.asked.at(-1)?.headers).not.toHaveProperty('if-match');
});

test('a role on trial is read from the list', async () => {
  const role = { name: 'editor', permissions: ['x'], inherits: [], resolved: ['x'], version: 8 };
  server.answer = ({ method }) =>
    method === 'GET'
      ? { body: { source: 'registry', items: [{ ...role, version: 3 }], shadow: [role] } }
      : undefined;
  await server.run(['roles', 'delete', 'editor', '--shadow', ...YES]);
  expect(server.asked.at(-1)).toMatchObject({
    method: 'DELETE',
    query: { shadow: 'true', reason },
    headers: { 'if-match': '"8"' },
  });
});

test('a name that would be another path is refused', async () => {
  for (const name of ['', ' ', '.', '..']) {
    for (const words of [
      ['roles', 'delete'],
      ['roles', 'show'],
      ['keys', 'revoke'],
    ]) {
      const { code } = await server.run([...words, name, ...(words[1] === 'show' ? [] : YES)]);
      expect(code).toBe(2);
    }
  }
  expect(server.asked).toEqual([]);
});

test('the issuer of a target is the only authorization server; of several, one has to be named', async () => {
  await server.run(['revoke', 'subject', 'alice', ...YES]);
  expect(server.asked[0]?.body).toMatchObject({ target: { issuer: server.issuer } });
  server.issuers = [server.issuer, ISSUER];
  const outcome = await server.run(['revoke', 'subject', 'alice', ...YES]);
  expect(outcome).toMatchObject({ code: 2, stdout: '' });
  expect(outcome.stderr).toContain(`--issuer with one of:\n  ${server.issuer}\n  ${ISSUER}\n`);
  server.issuers = [];
  expect((await server.run(['revoke', 'subject', 'alice', ...YES])).code).toBe(2);
  expect(server.asked).toHaveLength(1);
});

const CONFIRMED = ['--yes', '--confirm'];
const DESTRUCTIVE = REQUESTS.filter(([args]) => CONFIRMED.some((flag) => args.includes(flag))).map(
  ([args]) => args,
);
const without = (args: readonly string[], ...flags: readonly string[]) =>
  args.filter((arg) => !flags.includes(arg));

test('what takes something away needs --yes, or its word, where nobody can be asked', async () => {
  const names = COMMANDS.filter(({ effect }) => effect === 'destructive').map(({ name }) => name);
  expect([...new Set(DESTRUCTIVE.map(nameOf))].sort()).toEqual(names.sort());
  for (const args of DESTRUCTIVE) {
    const at = args.indexOf('--confirm');
    const bare = args.filter(
      (arg, index) => arg !== '--yes' && (at < 0 || (index !== at && index !== at + 1)),
    );
    const outcome = await server.run(bare);
    expect(outcome).toMatchObject({ code: 2, stdout: '' });
    if (at < 0) {
      expect(outcome.stderr).toContain('say --yes');
      continue;
    }
    const word = `say --confirm ${args[at + 1]}`;
    expect(outcome.stderr).toContain(word);
    expect((await server.run([...bare, '--yes'])).stderr).toContain(word);
    expect((await server.run([...bare, '--yes', '--confirm', 'yes'])).code).toBe(2);
  }
  expect(server.asked).toEqual([]);
});

test('--everybody goes with giving a role to a client', async () => {
  for (const args of [
    ['--subject', 'a'],
    ['--client-id', 'c', '--remove'],
  ])
    expect(
      (await server.run(['assign', ...args, '--role', 'r', '--everybody', ...OF, ...WHY])).stderr,
    ).toContain('--everybody goes with');
  expect(server.asked).toEqual([]);
});

test('whoever has not seen the roles as they are is told, and nothing is done', async () => {
  server.answer = ({ method }) =>
    method === 'GET' ? undefined : { status: 412, body: { error: 'precondition_failed' } };
  for (const args of [
    ['shadow', 'apply'],
    ['shadow', 'discard'],
    ['reset', '--yes'],
  ]) {
    const outcome = await server.run(['roles', ...args, ...WHY]);
    expect(outcome).toMatchObject({ code: 1, stdout: '' });
    expect(outcome.stderr).toContain('Somebody else has changed the roles');
  }
});

test('every write needs a reason', async () => {
  const writes = REQUESTS.map(([args]) => args).filter((args) => args.includes(reason));
  for (const args of writes) {
    const outcome = await server.run(without(args, '--reason', reason));
    expect(outcome, args.join(' ')).toMatchObject({ code: 2, stdout: '' });
    expect(outcome.stderr).toContain('needs --reason TEXT');
  }
  expect((await server.run(['unrevoke', '0123', '--reason', ' '])).code).toBe(2);
  expect(server.asked).toEqual([]);
});
