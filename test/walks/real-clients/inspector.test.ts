// The MCP Inspector's command line: with a token it was given, and with a sign-in of its own.

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { authorizationCodeGrant } from '../../../scripts/grants.ts';
import { freePort } from '../../../scripts/local-stack.ts';
import { startDesktop } from '../../support/desktop.ts';
import { useLocalStack } from '../../support/local-stack.ts';

const stack = useLocalStack();

const INSPECTOR = join(import.meta.dirname, '../../../node_modules/.bin/mcp-inspector');
const ERAS = ['legacy', 'modern'];

interface Outcome {
  readonly exitCode: number;
  /** What was printed: a result, or an error. */
  readonly printed: unknown;
}

function inspect(env: Record<string, string>, args: readonly string[]): Promise<Outcome> {
  const all = [INSPECTOR, '--cli', stack.mcp, '--format', 'json', '--quiet', ...args];
  return new Promise((resolve) => {
    execFile(process.execPath, all, { env }, (error, stdout, stderr) => {
      const exitCode = typeof error?.code === 'number' ? error.code : 0;
      resolve({ exitCode, printed: parse(error ? stderr : stdout) });
    });
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

test.for(ERAS)('with a token it lists, calls and reads in the %s era', async (era) => {
  const { access_token } = await authorizationCodeGrant({
    issuer: stack.issuer,
    user: 'alice',
    scope: 'reports:read',
    resource: stack.mcp,
  });
  await using desktop = await startDesktop({ home: join(stack.folder, era), user: 'alice' });
  const header = `Authorization: Bearer ${access_token}`;
  const run = (...args: string[]) =>
    inspect(desktop.env, ['--header', header, '--protocol-era', era, ...args]);

  const names = ['whoami', 'list_reports', 'read_report', 'update_report', 'remember', 'recall'];
  // --strict: the Inspector finds fault with none of the schemas.
  expect(await run('--method', 'tools/list', '--strict')).toMatchObject({
    exitCode: 0,
    printed: { result: { tools: names.map((name) => ({ name })) } },
  });
  expect(
    await run('--method', 'tools/call', '--tool-name', 'read_report', '--tool-arg', 'id=2026-q1'),
  ).toMatchObject({
    exitCode: 0,
    printed: { result: { structuredContent: { id: '2026-q1', title: 'First quarter 2026' } } },
  });
  expect(await run('--method', 'resources/read', '--uri', 'report:///2026-q1')).toMatchObject({
    exitCode: 0,
    printed: { result: { contents: [{ uri: 'report:///2026-q1', mimeType: 'text/plain' }] } },
  });
  const change = JSON.stringify({ id: '2026-q1', body: 'Not with this token.' });
  expect(
    await run('--method', 'tools/call', '--tool-name', 'update_report', '--tool-args-json', change),
  ).toMatchObject({
    exitCode: 1,
    printed: { error: { message: expect.stringMatching(/Insufficient scope.*reports:write/) } },
  });
  expect(desktop.asked).toEqual([]);
});

test('without a token it signs in by itself, once', async () => {
  await using desktop = await startDesktop({ home: join(stack.folder, 'signs-in'), user: 'bob' });
  const env = {
    ...desktop.env,
    MCP_AUTO_OPEN_ENABLED: 'true',
    MCP_INSPECTOR_SECRET_STORE: 'file',
    MCP_OAUTH_CALLBACK_URL: `http://127.0.0.1:${await freePort()}/oauth/callback`,
  };
  for (const era of ERAS) {
    expect(
      await inspect(env, ['--protocol-era', era, '--method', 'tools/call', '--tool-name', 'whoami']),
    ).toMatchObject({ exitCode: 0, printed: { result: { structuredContent: { subject: 'bob' } } } });
  }
  expect(desktop.asked.map((scopes) => scopes.split(' ').sort())).toEqual([
    ['offline_access', 'reports:read'],
  ]);
});
