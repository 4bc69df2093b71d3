// Do the two programs behave on a command line? What goes to which stream, exit codes, signals.
//
// The grants and the server themselves are tested in authorization-server.test.ts.

import { type ChildProcessByStdio, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline/promises';
import type { Readable } from 'node:stream';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';

const SERVER = 'scripts/authorization-server.ts';
const TOKEN = 'scripts/token.ts';
const RESOURCE = 'http://localhost:8787/mcp';

let server: ChildProcessByStdio<null, Readable, Readable>;
let issuer: string;

beforeAll(async () => {
  const flags = ['--port', '0', '--resource', RESOURCE, '--json'];
  server = spawn(process.execPath, [SERVER, ...flags], { stdio: ['ignore', 'pipe', 'pipe'] });
  const [line] = await once(createInterface(server.stdout), 'line');
  const hello = JSON.parse(line);
  expect(hello).toEqual({ issuer: expect.stringMatching(/^http:\/\/localhost:\d+$/), pid: server.pid });
  issuer = hello.issuer;
});
afterAll(async () => {
  server.kill('SIGTERM');
  const [code] = await once(server, 'exit');
  expect(code).toBe(0);
});

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function run(script: string, ...flags: readonly string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [script, ...flags], (_error, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, stdout, stderr }),
    );
  });
}

/** Free a moment ago, and not handed out again soon. */
async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  return port;
}

function token(...flags: readonly string[]): Promise<Outcome> {
  return run(TOKEN, '--issuer', issuer, '--resource', RESOURCE, ...flags);
}

test('prints the access token of a user or a client, and nothing else', async () => {
  const outcomes = await Promise.all([
    token('--user', 'alice', '--scope', 'reports:read reports:write'),
    token('--user', 'bob', '--device'),
    token('--client', 'ci-bot'),
  ]);
  for (const { code, stderr } of outcomes) expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const claims = outcomes.map(({ stdout }) => decodeJwt(stdout.trim()));
  expect(claims).toMatchObject([
    { sub: 'alice', scope: 'reports:read reports:write', aud: RESOURCE },
    { sub: 'bob', scope: 'reports:read' },
    { sub: 'ci-bot', scope: 'reports:read' },
  ]);
});

test('--json shows the response and the claims', async () => {
  const { stdout } = await token('--user', 'dave', '--json');
  expect(JSON.parse(stdout)).toMatchObject({
    token_type: 'Bearer',
    refresh_token: expect.any(String),
    claims: { sub: 'dave', roles: ['finance', 'reader'] },
  });
});

test('SIGUSR2 rotates the signing key', async () => {
  const kidOf = async () => decodeProtectedHeader((await token('--client', 'ci-bot')).stdout.trim()).kid;
  const before = await kidOf();
  server.kill('SIGUSR2');
  for await (const line of createInterface(server.stderr)) {
    if (line === 'signing key rotated') break;
    // The library's own notices would show up here.
    expect(line).toMatch(/^token issued: /);
  }
  expect(await kidOf()).not.toBe(before);
});

test('a wrong command line is exit 2, any other failure exit 1; standard error says why', async () => {
  const outcomes = await Promise.all([
    token(),
    token('--user', 'alice', '--client', 'ci-bot'),
    token('--client', 'stranger'),
    token('--usr', 'alice'),
    token('--client', 'ci-bot', '--client-secret', 'wrong'),
    run(SERVER, '--port', 'nine'),
    run(SERVER, '--port', new URL(issuer).port),
    run(TOKEN, '--user', 'alice', '--issuer', `http://localhost:${await freePort()}`),
  ]);
  expect(outcomes.map(({ code, stdout }) => [code, stdout])).toEqual(
    [2, 2, 2, 2, 1, 2, 1, 1].map((code) => [code, '']),
  );
  expect(outcomes.map(({ stderr }) => stderr)).toEqual([
    expect.stringContaining('give either --user or --client'),
    expect.stringContaining('give either --user or --client'),
    expect.stringContaining('--client-secret is needed for "stranger"'),
    expect.stringContaining("Unknown option '--usr'"),
    `${issuer}/token: invalid_client (client authentication failed)\n`,
    '--port must be a whole number from 0 to 65535, not "nine"\n',
    expect.stringContaining('is taken; choose another with --port or AUTHORIZATION_SERVER_PORT'),
    expect.stringContaining('run `npm start` first'),
  ]);
});
