// An operator's day, from the command line: who may only look cannot revoke, who may give roles gives no more than she has,
// and a key ends with whoever made it.

import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Outcome, runAdmin } from '../scripts/fake-admin-server.ts';
import { useLocalStack } from '../support/local-stack.ts';
import { rpcInit } from '../support/rpc.ts';

const stack = useLocalStack();

const as = (user: string, ...args: readonly string[]): Promise<Outcome> =>
  runAdmin([...args, '--user', user], {
    MCP_URL: stack.mcp,
    ADMIN_TOKEN_FOLDER: join(stack.folder, 'tokens'),
  });

/** Has to succeed; gives the answer. */
async function must(user: string, ...args: readonly string[]): Promise<Record<string, unknown>> {
  const outcome = await as(user, ...args, '--json');
  expect(outcome.code, `${args.join(' ')}\n${outcome.stderr}`).toBe(0);
  return JSON.parse(outcome.stdout);
}

/** Is refused; gives why. */
async function refused(user: string, ...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await as(user, ...args);
  expect([code, stdout], args.join(' ')).toEqual([1, '']);
  return stderr;
}

const WHY = ['--reason', 'a day at work'];
const YES = ['--yes', ...WHY];
const KEY = ['--owner', 'ops', '--scopes', 'reports:read', '--roles', 'reader', '--expires', '1d'];
const versionNow = async () => (await must('carol', 'status')).version;
const callWith = async (key: string) => (await fetch(stack.mcp, rpcInit({ token: key }))).status;

test('carol, who may do everything, gives each of the others a part', async () => {
  for (const [user, role, parts] of [
    ['bob', 'watcher', ['read']],
    ['alice', 'steward', ['read', 'grant']],
    ['dave', 'keyholder', ['read', 'keys']],
  ] as const) {
    const permissions = parts.map((part) => `mcp:operate:${part}`).join(',');
    const made = await must('carol', 'roles', 'set', role, '--permissions', permissions, ...WHY);
    expect(made).not.toHaveProperty('warnings');
    await must('carol', 'assign', '--subject', user, '--role', role, ...WHY);
  }
});

test('bob, who may only look, sees everything and changes nothing', async () => {
  await must('bob', 'history');
  await must('bob', 'decisions', '--since', '1h');
  await must('bob', 'keys', 'list');
  await must('bob', 'explain', '--subject', 'alice', '--tool', 'whoami');
  const before = await versionNow();
  for (const [args, permission] of [
    [['revoke', 'subject', 'alice', ...YES], 'revoke'],
    [['revoke', 'everything', '--confirm', 'everything', ...WHY], 'revoke'],
    [['assign', '--subject', 'bob', '--role', 'steward', ...WHY], 'grant'],
    [['roles', 'reset', ...YES], 'grant'],
    [['keys', 'create', '--service', 'mine', ...KEY, ...WHY], 'keys'],
    [['forget', '--subject', 'bob', '--confirm', 'forget', ...WHY], 'privacy'],
  ] as const)
    expect(await refused('bob', ...args)).toContain(`lacks the permission mcp:operate:${permission}`);
  expect(await versionNow()).toBe(before);
});

test('alice, who may give roles, makes no keys and gives no more than she has', async () => {
  await must('alice', 'assign', '--subject', 'eve', '--role', 'editor', ...WHY);
  await must('alice', 'assign', '--subject', 'eve', '--role', 'watcher', ...WHY);
  expect(await refused('alice', 'keys', 'create', '--service', 'mine', ...KEY, ...WHY)).toContain(
    'lacks the permission mcp:operate:keys',
  );
  for (const [args, permission] of [
    [['assign', '--subject', 'alice', '--role', 'operator', ...WHY], 'mcp:operate'],
    [['assign', '--subject', 'alice', '--role', 'keyholder', ...WHY], 'mcp:operate:keys'],
    [['roles', 'set', 'steward', '--inherits', 'keyholder', ...WHY], 'mcp:operate:keys'],
    [
      ['roles', 'set', 'reader', '--permissions', 'mcp:operate:revoke', '--shadow', ...WHY],
      'mcp:operate:revoke',
    ],
  ] as const)
    expect(await refused('alice', ...args)).toContain(
      `403 forbidden: You lack the permission ${permission}, so you cannot give it.`,
    );
  // A role of a client is its own; that it is everybody's has to be said, and is.
  const narrow = await as('alice', 'assign', '--client-id', 'ci-bot', '--role', 'editor', ...WHY);
  expect(narrow.stdout).toContain('acting for itself');
  const wide = await as('alice', 'assign', '--client-id', 'cli', '--role', 'watcher', '--everybody', ...WHY);
  expect(wide.stderr).toContain('WARNING: Everybody who signs in with the client cli has the role now.');
  const list = await as('alice', 'assign', '--list');
  expect(list.stdout).toContain('everybody who signs in with client cli');
  expect(list.stderr).toContain('WARNING: 1 of these are roles of everybody');
  await must('alice', 'assign', '--client-id', 'cli', '--role', 'watcher', '--remove', ...WHY);
});

test('what alice has put on trial is applied as carol has seen it, or not at all', async () => {
  await must('alice', 'roles', 'set', 'finance', '--inherits', 'reader', '--shadow', ...WHY);
  const { version } = await must('carol', 'roles', 'list');
  await must('alice', 'roles', 'set', 'finance', '--permissions', 'reports:write', '--shadow', ...WHY);
  const apply = ['roles', 'shadow', 'apply', '--version', String(version), ...WHY];
  expect(await refused('carol', ...apply)).toContain('Somebody else has changed the roles');
  await must('carol', 'roles', 'shadow', 'discard', ...WHY);
});

test("dave's key says that he made it, outlives his revocation with a warning, and ends with him when that is said", async () => {
  const made = await must('dave', 'keys', 'create', '--service', 'nightly', ...KEY, ...WHY);
  const key = String(made.key);
  await expect.poll(() => callWith(key), { timeout: 20_000, interval: 500 }).toBe(200);
  expect((await as('bob', 'keys', 'list')).stdout).toMatch(/made by[\s\S]*nightly +ops +dave via cli of /);
  expect(
    await refused(
      'dave',
      'keys',
      'create',
      '--service',
      'x',
      '--owner',
      'x',
      '--expires',
      '1d',
      '--roles',
      '',
      '--scopes',
      'mcp:admin',
      ...WHY,
    ),
  ).toContain('ADMIN_SCOPE_IN_KEYS');

  const warned = await as('carol', 'revoke', 'subject', 'dave', ...YES);
  expect(warned.code).toBe(0);
  expect(warned.stderr).toContain(`Service keys that dave made are still good: ${made.id} (nightly)`);
  expect(await callWith(key)).toBe(200);
  const ended = await as('carol', 'revoke', 'subject', 'dave', '--end-keys', ...YES);
  expect(ended.stdout).toContain(`ended     service key ${made.id} of nightly`);
  await expect.poll(() => callWith(key), { timeout: 100_000, interval: 500 }).toBe(401);
}, 120_000);
