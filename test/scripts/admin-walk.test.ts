// The operators' command line against the real Worker and the real local authorization server.
//
// What each command asks and prints is in the other files; here it is that the API understands it, and does it.

import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeJwt } from 'jose';
import { expect, test } from 'vitest';
import { authorizationCodeGrant } from '../../scripts/grants.ts';
import { openAndSignIn } from '../../scripts/person.ts';
import { useLocalStack } from '../support/local-stack.ts';
import { type Outcome, runAdmin } from './fake-admin-server.ts';

const stack = useLocalStack();

const admin = (args: readonly string[], env: Record<string, string> = {}): Promise<Outcome> =>
  runAdmin(args, { MCP_URL: stack.mcp, ADMIN_TOKEN_FOLDER: join(stack.folder, 'tokens'), ...env });

/** As carol, who has to succeed; gives the answer. */
async function carol(...args: readonly string[]): Promise<Record<string, unknown>> {
  const outcome = await admin([...args, '--user', 'carol', '--json']);
  expect(outcome, args.join(' ')).toMatchObject({ code: 0, stderr: '' });
  return JSON.parse(outcome.stdout);
}

const WHY = ['--reason', 'a walk'];
const YES = ['--yes', ...WHY];

test('a person and a machine are operators, others are told how to become one', async () => {
  expect(await carol('status')).toMatchObject({ roles: { source: 'app' } });
  expect(await admin(['status', '--client', 'ops-bot'])).toMatchObject({ code: 0 });
  for (const as of [
    ['--user', 'alice'],
    ['--client', 'ci-bot'],
  ]) {
    const { code, stderr } = await admin(['status', ...as]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/lacks the permission mcp:operate[\s\S]*OPERATORS/);
  }
});

test('carol signs in by the URL that is printed, and by a code where she says --device; alice says no', async () => {
  for (const [how, ends] of [
    [[], 'This page can be closed.'],
    [['--device'], 'You can close this page.'],
  ] as const) {
    const folder = join(stack.folder, `tokens-${how.length}`);
    const env = { MCP_URL: stack.mcp, ADMIN_TOKEN_FOLDER: folder };
    const pages: Promise<string>[] = [];
    const { code, stderr } = await runAdmin(['status', '--json', ...how], env, '', (url) => {
      expect(new URL(url).origin).toBe(stack.issuer);
      pages.push(openAndSignIn(url, 'carol'));
    });
    expect(code, stderr).toBe(0);
    expect(await Promise.all(pages)).toEqual([expect.stringContaining(ends)]);
    const [file = ''] = await readdir(folder);
    const { accessToken } = JSON.parse(await readFile(join(folder, file), 'utf8'));
    const { sub, client_id, auth_time, iat } = decodeJwt(accessToken);
    expect({ sub, client_id }).toEqual({ sub: 'carol', client_id: 'cli' });
    expect(Number(iat) - Number(auth_time)).toBeLessThan(30);
  }
  const pages: Promise<string>[] = [];
  const refused = await runAdmin(
    ['status'],
    { MCP_URL: stack.mcp, ADMIN_TOKEN_FOLDER: join(stack.folder, 'tokens-none') },
    '',
    (url) => pages.push(openAndSignIn(url, 'alice', true)),
  );
  expect(refused).toMatchObject({ code: 1, stdout: '' });
  expect(refused.stderr).toContain('signing in was refused');
  expect(await Promise.all(pages)).toEqual([expect.stringContaining('This page can be closed.')]);
});

test('a role is made, tried, put into force, given, taken and deleted', async () => {
  const set = ['roles', 'set', 'auditor', ...WHY];
  const made = await carol(...set, '--permissions', 'reports:read');
  expect(made).toMatchObject({ name: 'auditor', permissions: ['reports:read'], inherits: [] });
  await carol(...set, '--inherits', 'finance', '--shadow');
  expect(await carol('roles', 'show', 'auditor')).toMatchObject({ inherits: [] });
  await carol('roles', 'shadow', 'apply', ...WHY);
  expect(await carol('roles', 'show', 'auditor')).toMatchObject({
    permissions: ['reports:read'],
    inherits: ['finance'],
  });
  await carol('assign', '--subject', 'zoe', '--role', 'auditor', ...WHY);
  expect(await carol('assign', '--list', '--role', 'auditor')).toMatchObject({
    items: [{ subject: 'zoe', issuer: stack.issuer }],
  });
  const refund = ['explain', '--subject', 'zoe', '--scopes', 'payments:refund', '--tool', 'refund_payment'];
  expect(await carol(...refund)).toMatchObject({ decision: 'allow' });
  expect((await admin(['roles', 'delete', 'auditor', '--user', 'carol', ...YES])).stderr).toContain(
    '409 conflict',
  );
  await carol('assign', '--subject', 'zoe', '--role', 'auditor', '--remove', ...WHY);
  await carol('roles', 'delete', 'auditor', ...YES);
  expect(await carol(...refund)).toMatchObject({ decision: 'deny', reason: 'permission_missing' });
  await carol('roles', 'set', 'finance', '--inherits', 'reader', '--shadow', ...WHY);
  await carol('roles', 'shadow', 'discard', ...WHY);
  expect(await carol('roles', 'reset', ...YES)).toMatchObject({ source: 'app' });
});

test('a token that was found, a grant, a subject and a client are revoked, and that is lifted again', async () => {
  const { access_token } = await authorizationCodeGrant({
    issuer: stack.issuer,
    user: 'bob',
    scope: 'reports:read',
    resource: stack.mcp,
  });
  const file = join(stack.folder, 'found.txt');
  await writeFile(file, access_token);
  const explain = () => carol('explain', '--token-file', file, '--tool', 'read_report');
  expect(await explain()).toMatchObject({
    decision: 'allow',
    principal: { subject: 'bob', clientId: 'cli' },
  });
  // Known from a role: nobody has seen a decision about him yet.
  await carol('assign', '--subject', 'bob', '--role', 'reader', ...WHY);
  for (const [kind, ...args] of [
    ['token', '--token-file', file],
    ['grant', '--subject', 'bob', '--client-id', 'cli', '--erase-state'],
    ['subject', 'bob', '--block', '1h'],
    ['client', 'cli-of-somebody', '--block', '1h'],
  ]) {
    const { id } = await carol('revoke', kind ?? '', ...args, ...YES);
    const isBob = kind !== 'client';
    expect(await explain()).toMatchObject(
      isBob ? { decision: 'deny', reason: 'token_revoked', revokedBy: { id, kind } } : { decision: 'allow' },
    );
    expect(await carol('revoke', 'list', '--kind', kind ?? '')).toMatchObject({ items: [{ id }] });
    const lifted = await admin(['unrevoke', String(id), ...WHY, '--user', 'carol', '--json']);
    expect([lifted.code, lifted.stderr.includes('A block is lifted')]).toEqual([0, args.includes('--block')]);
    expect(await explain()).toMatchObject({ decision: 'allow' });
  }
  await carol('revoke', 'session', 'no-such-session', ...YES);
  await carol('revoke', 'grant', '--subject', 'bob', '--no-client', ...YES);
});

test('a service key is made, rotated and revoked, and shown once', async () => {
  const create = ['--service', 'nightly', '--owner', 'ops', '--scopes', 'reports:read', '--roles', 'reader'];
  const made = await admin(['keys', 'create', ...create, '--expires', '1d', '--user', 'carol', ...WHY]);
  expect(made).toMatchObject({ code: 0, stdout: expect.stringMatching(/^mcpk_\w+\n$/) });
  expect(made.stderr).not.toContain(made.stdout.trim());
  const keys = (await carol('keys', 'list', '--service', 'nightly')) as { items: { id: string }[] };
  expect(JSON.stringify(keys)).not.toContain(made.stdout.trim());
  const [{ id } = { id: '' }] = keys.items;
  const rotated = await carol('keys', 'rotate', id, '--overlap', '1h', ...WHY);
  expect(rotated).toMatchObject({ key: expect.stringMatching(/^mcpk_/), previous: { id } });
  expect(await carol('keys', 'revoke', id, ...YES)).toMatchObject({ id });
  const file = join(stack.folder, 'key.txt');
  await writeFile(file, String(rotated.key));
  expect(await carol('revoke', 'token', '--token-file', file, ...YES)).toMatchObject({ id: rotated.id });
});

test('somebody is forgotten, and it is all in the history', async () => {
  await carol('assign', '--subject', 'gone', '--role', 'reader', ...WHY);
  expect(await carol('sessions', 'list', '--subject', 'gone')).toEqual({ items: [] });
  expect(await carol('sessions', 'end', '--subject', 'gone', '--state', ...YES)).toMatchObject({ ended: 0 });
  expect(await carol('forget', '--subject', 'gone', '--confirm', 'forget', ...WHY)).toMatchObject({
    erased: { assignments: 1 },
  });
  const { items } = (await carol('history', '--limit', '3')) as { items: { action: string }[] };
  expect(items.map(({ action }) => action)).toEqual(['forget', 'end_sessions', 'assign']);
  expect(await carol('decisions', '--since', '1h', '--limit', '5')).toHaveProperty('items');
});

test('what is repeated with its key is done once', async () => {
  const assign = ['assign', '--subject', 'rob', '--role', 'reader', '--idempotency-key', 'ticket-1', ...WHY];
  const first = await carol(...assign);
  const again = await admin([...assign, '--user', 'carol', '--json']);
  expect(JSON.parse(again.stdout)).toMatchObject({ version: first.version });
  expect(again.stderr).toContain('had been done before');
});

test('whoever revokes everything has to sign in again, and is made to', async () => {
  const { newTokensFrom } = await carol('revoke', 'everything', '--confirm', 'everything', ...WHY);
  await new Promise((resolve) => setTimeout(resolve, Number(newTokensFrom) * 1_000 - Date.now()));
  const { code, stderr } = await admin(['status', '--user', 'carol']);
  expect(code).toBe(0);
  expect(stderr).toContain('signing in again');
});
