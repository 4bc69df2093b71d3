// The doctor and the real thing: the local stack is green, and a token of it that does not fit is explained.

import { execFile } from 'node:child_process';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { authorizationCodeGrant } from '../../../scripts/grants.ts';
import { useLocalStack } from '../../support/local-stack.ts';

const stack = useLocalStack();

function doctor(flags: readonly string[], input = ''): Promise<{ code: number; stdout: string }> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, ['scripts/doctor.ts', ...flags], (_error, stdout) =>
      resolve({ code: child.exitCode ?? -1, stdout }),
    );
    child.stdin?.end(input);
  });
}

const tokenFor = async (resource: string): Promise<string> =>
  (await authorizationCodeGrant({ issuer: stack.issuer, user: 'alice', scope: 'reports:read', resource }))
    .access_token;

test('is green without any setting, also with a token, whose rights it names', async () => {
  const { code, stdout } = await doctor(['--url', stack.mcp, '--token', '-'], await tokenFor(stack.mcp));
  expect(stdout).toMatch(/^ok: nothing is wrong \(\d+ checks\)\n/);
  expect(stdout).toContain(
    `the token is accepted: issuer ${stack.issuer}; subject alice; client cli; scopes reports:read; roles editor; expires in`,
  );
  expect(stdout).toContain(
    'tools it can call: whoami, list_reports, read_report, remember, recall; not update_report (lacks the scope reports:write), refund_payment (no role gives payments:refund)',
  );
  expect(stdout).toContain(`${stack.mcp} accepts the token as well`);
  expect(code).toBe(0);
});

test('the local authorization server says and sends when somebody signed in', async () => {
  const folder = await mkdtemp(join(stack.folder, 'doctor-'));
  const config = join(folder, 'wrangler.json');
  const vars = {
    RESOURCE: stack.mcp,
    AUTHORIZATION_SERVERS: [{ issuer: stack.issuer }],
    ADMIN_MAX_AUTH_AGE_SECONDS: 900,
  };
  await writeFile(config, JSON.stringify({ name: 'local', compatibility_date: '2026-10-20', vars }));
  const { stdout } = await doctor(['--config', config, '--token', '-'], await tokenFor(stack.mcp));
  expect(stdout).toContain(`${stack.issuer}: says that it sends auth_time`);
  expect(stdout).toMatch(
    /the token says when its person signed in: \d+ s ago \(adminMaxAuthAgeSeconds: 15 min\)/,
  );
});

test('a token for another resource is refused by both', async () => {
  const other = stack.mcp.replace(/mcp$/, 'another');
  const { code, stdout } = await doctor(['--url', stack.mcp, '--token', '-'], await tokenFor(other));
  expect(stdout).toMatch(`error: the token is refused: aud is ${other}, this server expects ${stack.mcp}`);
  expect(stdout).toContain(`${stack.mcp} refuses the token as well`);
  expect(code).toBe(1);
});

test('settings given by flags are held against the running server', async () => {
  const servers = JSON.stringify([{ issuer: 'http://localhost:2' }]);
  const flags = ['--url', stack.mcp, '--resource', stack.mcp, '--authorization-servers', servers];
  const { code, stdout } = await doctor(flags);
  expect(stdout).toContain('error: http://localhost:2 cannot be reached: nothing listens at localhost:2');
  expect(stdout).toContain(`its metadata names ${stack.issuer}; configured here is http://localhost:2`);
  expect(code).toBe(1);
});
