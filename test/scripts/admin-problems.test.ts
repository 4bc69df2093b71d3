// What the operators' command line does when something is wrong: the command line, the answer, the connection.

import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { CHANGED, FakeAdminServer } from './fake-admin-server.ts';

const server = new FakeAdminServer();
beforeAll(() => server.start());
afterAll(() => server.stop());
beforeEach(() => server.reset());

const WHY = ['--reason', 'a good one'];
const YES = ['--yes', ...WHY];

test.each([
  [[], 'which command?'],
  [['frobnicate'], 'there is no command "frobnicate"'],
  [['roles'], '`roles` needs another word: roles list, roles show'],
  [['roles', 'shadow'], '`roles` needs another word'],
  [['status', '--frobnicate'], "Unknown option '--frobnicate'"],
  [['status', '--erase-state'], '--erase-state does not go with `status`'],
  [['status', 'now'], '"now" is too much'],
  [['unrevoke', ...WHY], '`unrevoke` needs ID'],
  [['revoke', 'subject', 'a', 'b', ...YES], '"b" is too much'],
  [['revoke', 'subject', 'a', '--block', 'soon', ...YES], '--block must be a duration'],
  [['revoke', 'subject', 'a', '--until', 'soon', ...YES], '--until must be a time'],
  [['revoke', 'subject', 'a', '--until', '2020-01-01', ...YES], '--until must be ahead'],
  [['revoke', 'subject', 'a', '--until', '2100-01-01', '--block', '1d', ...YES], 'either --block or --until'],
  [['revoke', 'subject', 'a', '--issuer', '', ...YES], '--issuer is empty'],
  [['revoke', 'grant', '--subject', 'a', ...YES], 'either --client-id or --no-client'],
  [['revoke', 'grant', '--client-id', 'a', ...YES], 'needs --subject'],
  [['roles', 'set', 'a', ...WHY], 'needs --permissions or --inherits'],
  [['assign', '--role', 'a', ...WHY], 'either --subject or --client-id'],
  [['sessions', 'list', '--subject', 'a', '--tenant', 'a', '--no-tenant'], 'either --tenant or --no-tenant'],
  [
    ['assign', '--subject', 'a', '--role', 'a', '--tenant', 'a', '--all-tenants', ...WHY],
    'one of --tenant, --no-tenant and --all-tenants',
  ],
  [['revoke', 'tenant', ...YES], 'either a tenant or --no-tenant'],
  [
    ['assign', '--subject', 'a', '--client-id', 'b', '--role', 'a', ...WHY],
    'either --subject or --client-id',
  ],
  [['keys', 'create', '--service', 'a', ...WHY], 'needs --owner'],
  [['explain', '--tool', 'a'], 'either --subject or --token-file'],
  [['explain', '--token-file', '-', '--roles', 'a'], '--roles does not go with --token-file'],
  [['explain', '--subject', 'a', '--tool', 'b', '--prompt', 'c'], 'one of --tool, --prompt and --resource'],
  [['unrevoke', '0123', '--idempotency-key', 'a b', ...WHY], '--idempotency-key must be'],
  [['status', '--url', 'http://example.com/mcp'], 'must begin with https:'],
  [['status', '--url', 'example'], '--url must be a URL'],
  [['status', '--user', 'mallory'], '--user must be one of alice'],
  [['status', '--user', 'carol', '--client', 'ops-bot'], 'one of --user, --client and --device'],
  [['status', '--user', 'carol', '--device'], 'one of --user, --client and --device'],
  [['status', '--client-secret', 'x'], '--client-secret goes with --client'],
] as const)('%j is a wrong command line', async (args, words) => {
  const { code, stdout, stderr } = await server.run(args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toContain(words);
  expect(server.asked).toEqual([]);
});

test.each([
  [401, { error: 'invalid_token' }, 'the token in ADMIN_TOKEN is expired, revoked'],
  [403, { error: 'insufficient_scope', scope: 'mcp:admin' }, 'lacks the scope mcp:admin'],
  [403, { error: 'client_not_allowed' }, '--as-client'],
  [401, { error: 'insufficient_user_authentication' }, 'does not put auth_time into access tokens'],
  [
    403,
    { error: 'forbidden', error_description: 'Your account lacks the permission mcp:operate.' },
    'OPERATORS',
  ],
  [
    404,
    { error: 'not_found', error_description: 'There is no such role.' },
    '404 not_found: There is no such role.',
  ],
  [409, { error: 'conflict', error_description: 'Off.' }, '409 conflict: Off.'],
  [500, {}, "answered 500, and not as the operators' API does"],
  [302, {}, "answered 302, and not as the operators' API does"],
])('an answer of %i %j is a failure that says what to do', async (status, body, words) => {
  server.answer = () => ({ status, body, headers: { location: '/elsewhere' } });
  const { code, stdout, stderr } = await server.run(['status']);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toContain(words);
  expect(server.asked).toHaveLength(1);
});

test('somebody else was faster: nothing is overwritten, and the role is shown as it is now', async () => {
  server.answer = ({ method }) =>
    method === 'GET' ? undefined : { status: 412, body: { error: 'precondition_failed', currentVersion: 5 } };
  for (const args of [
    ['roles', 'set', 'editor', '--permissions', 'a', ...WHY],
    ['roles', 'delete', 'editor', ...YES],
  ]) {
    server.asked.length = 0;
    const { code, stderr } = await server.run(args);
    expect(code).toBe(1);
    expect(stderr).toContain('Somebody else has changed the role "editor"');
    expect(stderr).toMatch(/permissions {2}reports:read\n/);
    expect(server.asked.map(({ method }) => method)).toEqual([
      'GET',
      args[1] === 'set' ? 'PUT' : 'DELETE',
      'GET',
    ]);
  }
});

test('a server that is not there, not an MCP server, or another one, is named', async () => {
  const { port } = new URL(server.issuer);
  const status = (url: string) => server.run(['status', '--user', 'carol'], { env: { MCP_URL: url } });
  expect((await status(`http://localhost:${port}/other`)).stderr).toContain(
    'is not an MCP server with OAuth',
  );
  server.resource = 'https://mcp.example.com/mcp';
  expect((await status(server.url)).stderr).toContain('is about the resource "https://mcp.example.com/mcp"');
  const gone = new FakeAdminServer();
  await gone.start();
  await gone.stop();
  const outcome = await status(gone.url);
  expect(outcome).toMatchObject({ code: 1, stdout: '' });
  expect(outcome.stderr).toBe(`no server at ${gone.url}: run \`npm start\` first, in another terminal\n`);
  expect(server.granted).toEqual([]);
});

const keys = () => server.asked.map(({ headers }) => headers['idempotency-key']);

test('a request is tried once more, a write with the same key', async () => {
  for (const problem of ['cut', { status: 503, headers: { 'retry-after': '0' } }] as const) {
    server.asked.length = 0;
    server.answer = () => (server.asked.length === 1 ? problem : undefined);
    const { code, stderr } = await server.run(['unrevoke', '0123', ...WHY]);
    expect(code).toBe(0);
    expect(stderr).toContain('trying once more');
    const [first, second, ...more] = keys();
    expect(first).toMatch(/^[\w-]{36}$/);
    expect([second, ...more]).toEqual([first]);
  }
});

test('not more than once, and then it says how to go on', async () => {
  for (const problem of ['cut', { status: 503, headers: { 'retry-after': '0' } }] as const) {
    server.asked.length = 0;
    server.answer = () => problem;
    const { code, stderr } = await server.run(['revoke', 'subject', 'a', '--block', '1d', ...YES]);
    expect(code).toBe(1);
    expect(keys()).toHaveLength(2);
    const { until } = server.body as { until: number };
    const [, key, time = ''] =
      /--idempotency-key (\S+) and --until (\S+) for --block: then/.exec(stderr) ?? [];
    expect([key, Date.parse(time) / 1_000]).toEqual([keys()[0], until]);
  }
});

test('a key of the operator is used, and a repetition is told', async () => {
  server.answer = () => ({ body: CHANGED, headers: { 'idempotency-replayed': 'true' } });
  const { stderr } = await server.run(['unrevoke', '0123', '--idempotency-key', 'ticket-4711', ...WHY]);
  expect(keys()).toEqual(['ticket-4711']);
  expect(stderr).toContain('had been done before');
});
