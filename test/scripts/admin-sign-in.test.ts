// How the operators' command line gets a token, what it keeps of it, and that it never prints one.

import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { FakeAdminServer, statusAnswer, TOKEN } from './fake-admin-server.ts';

const server = new FakeAdminServer();
beforeAll(() => server.start());
afterAll(() => server.stop());
beforeEach(() => server.reset());

const ISSUER = 'https://other.example.com';

const DEVICE = { ADMIN_TOKEN: '' };
const kept = () => readdir(server.tokens).catch(() => []);
beforeEach(async () => {
  server.answer = statusAnswer;
  await server.run(['logout']);
});

test('the device flow shows where to go, and keeps the token for its lifetime, for its owner only', async () => {
  const { code, stderr } = await server.run(['status', '--device'], { env: DEVICE });
  expect(code).toBe(0);
  expect(stderr).toContain('open https://as.example.com/device\n');
  expect(stderr).toContain('WDJB-MJHT');
  const asked = { client_id: 'cli', resource: server.url };
  expect(server.granted).toEqual([
    { ...asked, scope: 'mcp:admin' },
    { ...asked, grant_type: 'urn:ietf:params:oauth:grant-type:device_code', device_code: 'device-code' },
  ]);
  const [file = '', ...more] = await kept();
  expect(more).toEqual([]);
  expect((await stat(join(server.tokens, file))).mode & 0o777).toBe(0o600);
  expect((await stat(server.tokens)).mode & 0o777).toBe(0o700);

  const again = await server.run(['status', '--device'], { env: DEVICE });
  expect(again).toMatchObject({ code: 0, stderr: '' });
  expect(server.granted).toHaveLength(2);
  expect(server.asked.at(-1)?.headers.authorization).toBe(`Bearer ${TOKEN}`);
});

test('a token is kept per client and scope', async () => {
  await server.run(['status', '--device'], { env: DEVICE });
  await server.run(['status', '--as-client', 'other', '--device'], { env: DEVICE });
  await server.run(['status', '--scope', 'mcp:other', '--device'], { env: DEVICE });
  expect(await kept()).toHaveLength(3);
  expect(
    server.granted.filter(({ scope }) => scope).map(({ client_id, scope }) => [client_id, scope]),
  ).toEqual([
    ['cli', 'mcp:admin'],
    ['other', 'mcp:admin'],
    ['cli', 'mcp:other'],
  ]);
});

test('--no-cache keeps nothing, logout removes everything', async () => {
  await server.run(['status', '--no-cache', '--device'], { env: DEVICE });
  expect(await kept()).toEqual([]);
  await server.run(['status', '--device'], { env: DEVICE });
  expect(await kept()).toHaveLength(1);
  expect(await server.run(['logout'])).toMatchObject({ code: 0, stdout: 'removed the token\n' });
  expect(await kept()).toEqual([]);
});

test('a kept token that is refused is dropped, and the operator signs in again', async () => {
  await server.run(['status', '--device'], { env: DEVICE });
  server.grant = () => ({ body: { access_token: 'another-token', token_type: 'Bearer', expires_in: 600 } });
  server.answer = (asked) =>
    asked.headers.authorization === `Bearer ${TOKEN}`
      ? { status: 401, body: { error: 'invalid_token' } }
      : statusAnswer(asked);
  const { code, stderr } = await server.run(['status', '--device'], { env: DEVICE });
  expect(code).toBe(0);
  expect(stderr).toContain('signing in again');
  expect(await readFile(join(server.tokens, (await kept())[0] ?? ''), 'utf8')).toContain('another-token');
});

test('a new token that is refused is dropped, and not tried again', async () => {
  for (const [status, error] of [
    [401, 'invalid_token'],
    [403, 'insufficient_scope'],
  ] as const) {
    server.granted.length = 0;
    server.answer = () => ({ status, body: { error } });
    expect((await server.run(['status', '--device'], { env: DEVICE })).code).toBe(1);
    expect(server.granted).toHaveLength(2);
    expect(await kept()).toEqual([]);
  }
});

test('an expired token is not used, and a broken file is no obstacle', async () => {
  server.grant = () => ({ body: { access_token: TOKEN, token_type: 'Bearer', expires_in: 20 } });
  await server.run(['status', '--device'], { env: DEVICE });
  await server.run(['status', '--device'], { env: DEVICE });
  expect(server.granted).toHaveLength(4);
  await writeFile(join(server.tokens, (await kept())[0] ?? ''), 'not JSON');
  expect((await server.run(['status', '--device'], { env: DEVICE })).code).toBe(0);
  expect(server.granted).toHaveLength(6);
});

test('a client signs in with its secret, and its token is not kept', async () => {
  const env = { ADMIN_TOKEN: '', ADMIN_CLIENT_ID: 'robot', ADMIN_CLIENT_SECRET: 'robot-secret' };
  expect((await server.run(['status'], { env })).code).toBe(0);
  const flags = ['--client', 'robot', '--client-secret', 'robot-secret'];
  expect((await server.run(['status', ...flags])).code).toBe(0);
  const wanted = { grant_type: 'client_credentials', scope: 'mcp:admin', resource: server.url };
  expect(server.granted).toEqual([wanted, wanted]);
  expect(await kept()).toEqual([]);
  const missing = await server.run(['status', '--client', 'robot']);
  expect(missing).toMatchObject({ code: 2 });
  expect(missing.stderr).toContain('needs ADMIN_CLIENT_SECRET');
});

test('with several authorization servers, one has to be named', async () => {
  server.issuers = [server.issuer, ISSUER];
  const outcome = await server.run(['status', '--device'], { env: DEVICE });
  expect(outcome).toMatchObject({ code: 2 });
  expect(outcome.stderr).toContain('--authorization-server with one of');
  expect(
    (await server.run(['status', '--authorization-server', server.issuer, '--device'], { env: DEVICE })).code,
  ).toBe(0);
});

test('what the authorization server refuses is explained', async () => {
  for (const [error, words] of [
    ['access_denied', 'signing in was refused'],
    ['expired_token', 'nobody signed in in time'],
    ['invalid_client', 'does not know this client'],
    ['invalid_scope', 'may not ask for this scope'],
  ] as const) {
    server.grant = () => ({ status: 400, body: { error } });
    const outcome = await server.run(['status', '--device'], { env: DEVICE });
    expect(outcome).toMatchObject({ code: 1, stdout: '' });
    expect(outcome.stderr).toContain(words);
  }
  expect(server.asked).toEqual([]);
});

test('no token and no secret is ever printed, whatever anybody answers', async () => {
  const secret = 'robot-secret';
  const client = { ADMIN_TOKEN: '', ADMIN_CLIENT_ID: 'robot', ADMIN_CLIENT_SECRET: secret };
  const printed: string[] = [];
  const run = async (...[args, options]: Parameters<typeof server.run>) => {
    const { stdout, stderr } = await server.run(args, options);
    printed.push(stdout, stderr);
  };
  for (const status of [200, 401, 409]) {
    for (const env of [{}, DEVICE, client]) {
      const text = env === client ? `${TOKEN} ${secret}` : TOKEN;
      const items = [{ clientId: text, sessions: [], stateKeys: 1 }];
      server.answer = () => ({ status, body: { error: 'conflict', error_description: text, items } });
      const how = env === DEVICE ? ['--device'] : [];
      await run(['sessions', 'list', '--subject', 'a', ...how], { env });
      await run(['sessions', 'list', '--subject', 'a', '--json', ...how], { env });
    }
  }
  const found = 'eyJ0.eyJ1.found-token';
  server.answer = () => ({ status: 409, body: { error: 'conflict', error_description: found } });
  await run(['revoke', 'token', '--token-file', '-', '--yes', '--reason', 'x'], { input: found });
  await run(['explain', '--token-file', '-'], { input: found });
  await run(['status'], { env: { ADMIN_TOKEN: `${TOKEN}\n${TOKEN}` } });
  server.grant = () => ({ status: 400, body: { error: 'invalid_client', error_description: secret } });
  await run(['status'], { env: client });
  expect(printed.join('')).toContain('[hidden]');
  for (const text of [TOKEN, secret, found]) expect(printed.join('')).not.toContain(text);
});
