// Does the doctor behave on a command line? Exit codes, what goes to which stream, and that a token goes nowhere.

import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function doctor(flags: readonly string[], input = ''): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, ['scripts/doctor.ts', ...flags], (_error, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, stdout, stderr }),
    );
    child.stdin?.end(input);
  });
}

/** Nobody listens there, and the token names another issuer. */
const SERVERS = '[{"issuer":"http://localhost:2"}]';
const TOKEN = [
  { alg: 'ES256', kid: 'key-1' },
  { iss: 'https://id.acme.dev', sub: 'alice' },
]
  .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
  .concat('c2lnbmF0dXJlLXNpZ25hdHVyZQ')
  .join('.');

let folder: string;
let config: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'doctor-'));
  config = join(folder, 'wrangler.toml');
  await writeFile(config, 'name = "mcp-edge"\n[env.staging]\nname = "mcp-edge-staging"\n');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('errors are exit 1, the first line names the first of them, and the fix stands below it', async () => {
  const { code, stdout, stderr } = await doctor([]);
  expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
  const lines = stdout.split('\n');
  expect(lines[0]).toMatch(/^error: nothing is configured yet: .* \[config\.begin\]$/);
  expect(lines[1]).toMatch(/^ {4}why {2}They decide whom this server trusts/);
  expect(lines[2]).toMatch(/^ {4}fix {2}To look at the local stack: `npm start`/);
});

test('a wrong command line is exit 2, and standard error says why', async () => {
  const outcomes = await Promise.all([
    doctor(['--url', 'mcp.acme.dev']),
    doctor(['--authorization-servers', '{issuer}']),
    doctor(['--config', join(folder, 'none.toml')]),
    doctor(['--config', config, '--env', 'production']),
    doctor(['--token', '']),
    doctor(['--token', '-'], '\n'),
    doctor([TOKEN]),
  ]);
  expect(outcomes.map(({ code, stdout }) => [code, stdout])).toEqual(outcomes.map(() => [2, '']));
  expect(outcomes.map(({ stderr }) => stderr)).toEqual([
    '--url must be an http or https URL, not "mcp.acme.dev"\n',
    '--authorization-servers must be JSON: \'[{"issuer":"https://..."}]\'\n',
    expect.stringMatching(/^--config: there is no file .*none\.toml\n$/),
    expect.stringMatching(/^--env: .* has no \[env\.production\]; it has staging\n$/),
    '--token must be one access token, or - to read it\n',
    '--token must be one access token, or - to read it\n',
    expect.stringContaining("Unexpected argument '[token]'"),
  ]);
});

test('--json has every finding in the order of looking, with the same members', async () => {
  const flags = ['--resource', 'http://localhost:2/mcp', '--authorization-servers', SERVERS, '--json'];
  const { code, stdout } = await doctor(flags);
  expect(code).toBe(1);
  const { errors, warnings, findings } = JSON.parse(stdout);
  expect({ errors, warnings }).toEqual({ errors: 1, warnings: 0 });
  expect(findings.map(({ id, level }: { id: string; level: string }) => [id, level])).toEqual([
    ['config.settings', 'ok'],
    ['bindings', 'ok'],
    ['config.scopes', 'ok'],
    ['issuer.unreachable', 'error'],
  ]);
  for (const finding of findings) {
    expect(Object.keys(finding)).toEqual(['id', 'level', 'what', 'why', 'fix']);
    expect(finding.what).toMatch(/\S/);
    if (finding.level !== 'ok')
      expect([finding.why, finding.fix]).toEqual([
        expect.stringMatching(/\.$/),
        expect.stringMatching(/\.$/),
      ]);
  }
});

test('a token is in no output, whichever way it comes', async () => {
  const flags = ['--resource', 'http://localhost:2/mcp', '--authorization-servers', SERVERS];
  const outcomes = await Promise.all([
    doctor([...flags, '--token', TOKEN]),
    doctor([...flags, `--token=${TOKEN}`, '--json']),
    doctor([...flags, '--token', '-'], `Bearer ${TOKEN}\n`),
    doctor([...flags, '--token', TOKEN, '--no-such-option']),
    doctor([...flags, TOKEN]),
  ]);
  expect(outcomes[0]?.stdout).toContain('the token is refused: iss is https://id.acme.dev');
  expect(outcomes[2]?.stdout).toBe(outcomes[0]?.stdout);
  for (const { stdout, stderr } of outcomes)
    for (const part of TOKEN.split('.')) expect(stdout + stderr).not.toContain(part);
});
