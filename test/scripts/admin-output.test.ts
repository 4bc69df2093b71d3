// What the operators' command line prints: help, tables, JSON, warnings, a new key; and what goes to which stream.

import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { flagsOf } from '../../scripts/admin/command.ts';
import { COMMANDS } from '../../scripts/admin/commands.ts';
import { CHANGED, FakeAdminServer, KEY, runAdmin, STATUS } from './fake-admin-server.ts';

const server = new FakeAdminServer();
beforeAll(() => server.start());
afterAll(() => server.stop());
beforeEach(() => server.reset());

const ISSUER = 'https://other.example.com';
const WHY = ['--reason', 'a good one'];
const YES = ['--yes', ...WHY];

test('every command and every group explain themselves', async () => {
  const groups = new Set(COMMANDS.map(({ name }) => name.split(' ')[0] ?? ''));
  const all = await runAdmin(['--help'], {});
  for (const { name } of COMMANDS) expect(all.stdout).toContain(`  ${name}`);
  for (const words of [...groups, ...COMMANDS.map(({ name }) => name)]) {
    const { code, stdout, stderr } = await runAdmin([...words.split(' '), '--help'], {});
    expect({ code, stderr }, words).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('Usage: npm run admin -- ');
    expect(stdout).toContain('--help');
    expect(stdout, words).toMatch(/Examples:\n {2}npm run admin -- /);
    const command = COMMANDS.find(({ name }) => name === words);
    for (const flag of Object.keys(command ? flagsOf(command) : {})) expect(stdout).toContain(`--${flag}`);
    for (const line of stdout.split('\n')) expect(line.length, line).toBeLessThan(150);
  }
});

test('a write says when it is in force', async () => {
  const { stdout, stderr } = await server.run(['revoke', 'subject', 'alice', ...YES]);
  expect(stdout).toContain(`revoked: subject alice of ${server.issuer}\n`);
  expect(stdout).toContain(
    'in force: strict tools now, open streams within 10 s, all requests within 92 s (version 17)\n',
  );
  expect(stdout).toContain('undo      npm run admin -- unrevoke 0123456789abcdef\n');
  expect(stderr).toBe('');
});

test('a list is a table with local and relative times; --json is the answer', async () => {
  const items = [
    {
      id: '0123456789abcdef',
      target: { kind: 'subject', issuer: ISSUER, subject: 'alice' },
      revokedAt: Math.floor(Date.now() / 1_000) - 200,
      createdAt: 1_700_000_000,
      expiresAt: 1_700_000_100,
      reason: 'laptop stolen',
      operator: { issuer: ISSUER, subject: 'carol', clientId: null },
    },
    {
      id: 'fedcba9876543210',
      target: { kind: 'everything' },
      revokedAt: 1_700_000_000,
      createdAt: 1_700_000_000,
      expiresAt: 1_700_000_100,
      reason: 'x',
      operator: { issuer: ISSUER, subject: null, clientId: 'cli' },
    },
  ];
  server.answer = () => ({ body: { items, nextCursor: '7' } });
  const table = await server.run(['revoke', 'list']);
  const [titles = '', first = '', second = ''] = table.stdout.split('\n');
  for (const [title, cell] of [
    ['id', '0123456789abcdef'],
    ['revoked', `subject alice of ${ISSUER}`],
    ['at', '2023-11-14T23:13:20+01:00 ('],
    ['by', `carol of ${ISSUER}`],
    ['reason', 'laptop stolen'],
  ] as const)
    expect(
      first.slice(
        titles.indexOf(title.padEnd(3)) === -1
          ? titles.indexOf(title)
          : titles.search(new RegExp(`\\b${title}\\b`)),
      ),
      title,
    ).toMatch(new RegExp(`^${cell.replaceAll(/[+().]/g, '\\$&')}`));
  expect(first).toContain('(3 min ago)');
  expect(second).toContain(`somebody forgotten via cli of ${ISSUER}`);
  expect(table.stderr).toBe('there is more: add --cursor 7\n');

  const json = await server.run(['revoke', 'list', '--json']);
  expect(JSON.parse(json.stdout)).toEqual({ items, nextCursor: '7' });
  expect(json.stderr).toBe('');
});

test('an empty list says so', async () => {
  for (const [args, words] of [
    [['revoke', 'list'], 'no revocations'],
    [['assign', '--list'], 'no assignments'],
    [['keys', 'list'], 'no service keys'],
    [['sessions', 'list', '--subject', 'a'], 'no sessions and no state'],
    [['history'], 'nothing was changed'],
    [['decisions'], 'no decisions'],
  ] as const)
    expect((await server.run(args)).stdout).toBe(`${words}\n`);
});

test('decisions show what became of a call, the end of one, and how many had no name', async () => {
  const at = 1_700_000_000;
  const about = { at, status: 200, issuer: ISSUER, subject: 'bob', method: 'tools/call', tool: 'refund' };
  const items = [
    { ...about, event: 'decision', decision: 'allow', outcome: 'asked' },
    { ...about, event: 'call_ended', decision: 'deny', outcome: 'refused', reason: 'refused_by_tool' },
    { at, event: 'decision', decision: 'deny', status: 401, reason: 'token_missing', count: 4_711 },
  ];
  server.answer = () => ({ body: { items } });
  const [, asked, ended, strangers] = (await server.run(['decisions'])).stdout.split('\n');
  expect(asked).toMatch(/allow +200 +asked +- +bob of .* tools\/call refund/);
  expect(ended).toMatch(/deny +200 +ended: refused +refused_by_tool +bob/);
  expect(strangers).toMatch(/deny +401 +- +token_missing +4711 without a name/);
});

test('an explanation shows the rules, and what revoked it', async () => {
  server.answer = () => ({
    body: {
      decision: 'deny',
      reason: 'permission_missing',
      rules: [
        { needs: 'permission reports:write', isMet: false, by: 'no role gives it; roles: reader' },
        { needs: 'scope reports:write', isMet: true, by: 'the token itself' },
      ],
      revokedBy: { id: '0123', kind: 'grant', revokedAt: 1_700_000_000 },
      shadow: { decision: 'deny', missingPermissions: ['x:y'] },
      principal: {
        kind: 'oauth',
        issuer: ISSUER,
        subject: 'bob',
        clientId: 'cli',
        scopes: ['a'],
        roles: ['reader'],
        permissions: [],
      },
      policyVersion: 4,
    },
  });
  const { code, stdout, stderr } = await server.run([
    'explain',
    '--subject',
    'bob',
    '--tool',
    'update_report',
  ]);
  expect(code).toBe(0);
  for (const line of [
    'deny: permission_missing',
    'permission reports:write  NO   no role gives it; roles: reader',
    'scope reports:write       yes  the token itself',
    'revoked by 0123 (grant): tokens issued up to 2023-11-14T23:13:20+01:00',
    'on trial: would be refused for lack of x:y',
    `bob via cli of ${ISSUER}`,
  ])
    expect(stdout).toContain(line);
  expect(stderr).toContain('is not known here: add --scopes and --roles');
});

test('warnings and failing publishing are on standard error, also with --json', async () => {
  server.answer = ({ method }) =>
    method === 'GET'
      ? {
          body: {
            ...STATUS,
            registry: { ...STATUS.registry, publishing: 'failing', failingSince: 1_700_000_000 },
          },
        }
      : { body: { ...CHANGED, publishing: 'failing', warnings: ['No tool needs it.'], source: 'app' } };
  for (const json of [[], ['--json']]) {
    const { code, stderr } = await server.run(['roles', 'reset', ...YES, ...json]);
    expect(code).toBe(0);
    expect(stderr).toContain('WARNING: No tool needs it.\n');
    expect(stderr).toContain('WARNING: PUBLISHING IS FAILING.');
    expect((await server.run(['status', ...json])).stderr).toContain(
      'WARNING: PUBLISHING HAS BEEN FAILING since',
    );
  }
});

test('a new key is alone on standard output, once', async () => {
  const create = [
    'keys',
    'create',
    '--service',
    'n',
    '--owner',
    'o',
    '--scopes',
    '',
    '--roles',
    '',
    '--expires',
    '1d',
    ...WHY,
  ];
  for (const args of [create, ['keys', 'rotate', 'key_1', ...WHY]]) {
    const shown = await server.run(args);
    expect(shown).toMatchObject({ code: 0, stdout: `${KEY}\n` });
    expect(shown.stderr).toContain('It is shown only now');
    expect(shown.stderr).not.toContain(KEY);
    const json = await server.run([...args, '--json']);
    expect(JSON.parse(json.stdout)).toMatchObject({ key: KEY });
    expect(json.stderr).toBe('');
  }
});

test('a key that was lost on the way is a failure, and says what to do', async () => {
  server.answer = () => ({
    status: 201,
    body: { ...CHANGED, id: 'key_1', service: 'n', owner: 'o', scopes: [], roles: [], expiresAt: 1 },
    headers: { 'idempotency-replayed': 'true' },
  });
  const { code, stdout, stderr } = await server.run(['keys', 'rotate', 'key_0', ...WHY]);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toContain('keys rotate key_1 --overlap 0s');
});

test('names from elsewhere cannot move the cursor', async () => {
  const evil = 'a\u001b[2Jb\u009bc\nd\u202ee\u2028f';
  server.answer = () => ({
    body: { items: [{ clientId: evil, sessions: [], stateKeys: 1 }] },
  });
  const { stdout } = await server.run(['sessions', 'list', '--subject', 'a']);
  expect(stdout).toContain('a\\u{1b}[2Jb\\u{9b}c d\\u{202e}e f');
  const json = await server.run(['sessions', 'list', '--subject', 'a', '--json']);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that there is none is what is tested
  expect(json.stdout).not.toMatch(/[\u001b\u0080-\u009f\u202e\u2028]/);
  expect(JSON.parse(json.stdout).items[0].clientId).toBe(evil);
  server.answer = () => ({ status: 409, body: { error: 'conflict', error_description: evil } });
  expect((await server.run(['status'])).stderr).toContain('409 conflict: a\\u{1b}[2Jb');
});

test('a subject cannot turn a line around or add one, in what a change answers and in what is agreed to', async () => {
  const subject = 'ana\nrevoked: nothing\u202e';
  const target = { kind: 'subject', issuer: ISSUER, subject };
  server.answer = () => ({ body: { ...CHANGED, id: '0123456789abcdef', target, revokedAt: 1_700_000_000 } });
  const { stdout } = await server.run(['revoke', 'subject', subject, ...YES]);
  expect(stdout).toContain(`revoked: subject ana revoked: nothing\\u{202e} of ${ISSUER}\n`);
  const json = await server.run(['revoke', 'subject', subject, ...YES, '--json']);
  expect(JSON.parse(json.stdout).target.subject).toBe(subject);
});
