// A server behind the gate: what reaches it, what does not, and when what it does comes to its end.

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { useGate } from '../support/gate.ts';
import { trusting } from '../support/issuer.ts';
import { change, revoke } from '../support/objects.ts';
import { operator } from '../support/operator.ts';
import { decision, rpc, rpcInit } from '../support/rpc.ts';
import { RESOURCE, startWorker } from '../support/worker.ts';

const ROOT = join(import.meta.dirname, '../..');
const main = 'test/support/protected-worker.ts';
const vars = { STREAM_RECHECK_SECONDS: '1', CLOCK_TOLERANCE_SECONDS: '0' };
const gate = useGate({ main, vars });
/** Behind a proxy that puts the token it has checked into a header and a cookie of its own. */
const proxied = useGate({ main, vars, entry: { tokenSource: { header: 'cf-access-jwt-assertion' } } });

const tokenOf = (claims: object, of = gate) =>
  of.issuer.sign({ claims: { scope: 'notes:read', roles: ['reader'], ...claims } });
const who = { method: 'tools/call', params: { name: 'who', arguments: {} } };
const doing = async (what: string, claims: object) =>
  rpc(gate.worker, { token: await tokenOf(claims), headers: { 'x-test': what } });

test('the caller is handed on, the token is not', async () => {
  const response = await rpc(gate.worker, { token: await tokenOf({ client_id: 'a-client' }), ...who });
  expect(response.status).toBe(200);
  const text = await response.text();
  const { result } = JSON.parse(text.replace(/^[\s\S]*?data: /, ''));
  expect(JSON.parse(result.content[0].text)).toEqual({
    token: '',
    clientId: 'a-client',
    scopes: ['notes:read'],
    expiresAt: expect.any(Number),
    resource: 'https://mcp.example.com/mcp',
    extra: {
      issuer: gate.issuer.issuer,
      subject: 'alice',
      roles: ['reader'],
      permissions: ['notes:read'],
      tokenId: expect.any(String),
    },
    header: null,
  });
  expect(decision(gate.worker)).toMatchObject({ decision: 'allow', subject: 'alice' });
});

test('attack: no header, no cookie and no copy of a header brings a credential to the server behind', async () => {
  const token = await tokenOf({}, proxied);
  const response = await rpc(proxied.worker, {
    headers: {
      authorization: 'Bearer another-credential',
      'cf-access-jwt-assertion': token,
      'x-forwarded-access-token': token,
      'x-forwarded-authorization': `Bearer ${token}`,
      cookie: `CF_Authorization=${token}; session=a-session-elsewhere`,
      'proxy-authorization': 'Basic c2VjcmV0',
      'x-plain': 'stays',
      'x-test': 'seen',
    },
  });
  const text = await response.text();
  for (const secret of [token, 'another-credential', 'c2VjcmV0', 'CF_Authorization', 'a-session-elsewhere'])
    expect(text.includes(secret), secret).toBe(false);
  expect(JSON.parse(text).headers).toMatchObject({ 'x-plain': 'stays', 'content-type': 'application/json' });
});

test('attack: what else a caller sends as a credential decides nothing about the headers of a proxy', async () => {
  const token = await tokenOf({}, proxied);
  const headers = {
    authorization: '203.0.113.7-and-a-few-more-characters',
    'cf-access-jwt-assertion': token,
    'x-real-ip': '203.0.113.7-and-a-few-more-characters',
    'x-test': 'seen',
  };
  const response = await rpc(proxied.worker, { headers });
  expect(((await response.json()) as { headers: object }).headers).toHaveProperty('x-real-ip');
});

test('attack: a query with a copy of the token is refused like one that has it by its name', async () => {
  const token = await tokenOf({});
  const { method, headers, body } = rpcInit({ token, headers: { 'x-test': 'seen' } });
  const send = (query: string) =>
    gate.worker.fetch(`${RESOURCE}${query}`, { method, headers, body } as RequestInit);
  expect((await send(`?api_key=${token}`)).status).toBe(400);
  expect(decision(gate.worker)).toMatchObject({ reason: 'token_in_query' });
  expect((await send('?verbose=1')).status).toBe(200);
});

test('what the caller may do is handed on whole: scopes that others imply, roles and permissions that operators gave', async () => {
  const operate = await operator(gate.worker, gate.issuer, { permissions: ['mcp:operate'] });
  const assignee = { issuer: gate.issuer.issuer, subject: 'promoted' };
  const assigned = await operate('POST', '/assignments', {
    ...assignee,
    role: 'librarian',
    reason: 'promoted',
  });
  expect([assigned.status, assigned.body.error]).toEqual([201, undefined]);
  // The operator's next request makes this isolate know of it.
  await operate('GET', '/status');
  const response = await doing('seen', { sub: 'promoted', roles: [], scope: 'notes:write', org_id: 'o' });
  const { authInfo, principal } = (await response.json()) as Record<string, Record<string, unknown>>;
  expect(authInfo).toMatchObject({
    scopes: ['notes:write', 'notes:read'],
    extra: { roles: ['librarian'], permissions: ['notes:lend', 'notes:read'] },
  });
  expect(principal).toMatchObject({ kind: 'oauth', subject: 'promoted' });
});

test('attack: the bindings and secrets of the kit do not reach the server behind', async () => {
  const response = await doing('seen', {});
  expect(((await response.json()) as { env: string[] }).env.sort()).toEqual([
    'AUTHORIZATION_SERVERS',
    'CLOCK_TOLERANCE_SECONDS',
    'REPORTS',
    'RESOURCE',
    'STREAM_RECHECK_SECONDS',
  ]);
});

test('without a token the challenge, with a wrong one a refusal, and the metadata is served', async () => {
  const bare = await rpc(gate.worker, who);
  expect(bare.status).toBe(401);
  expect(bare.headers.get('www-authenticate')).toContain('scope="notes:read"');
  expect((await rpc(gate.worker, { token: await tokenOf({ aud: 'another' }), ...who })).status).toBe(401);
  const metadata = await gate.worker.fetch(
    'https://mcp.example.com/.well-known/oauth-protected-resource/mcp',
  );
  expect(await metadata.json()).toMatchObject({ resource: 'https://mcp.example.com/mcp' });
});

test('what the endpoint needs is checked: the scope can be had by consent, the permission cannot', async () => {
  const scope = await rpc(gate.worker, { token: await tokenOf({ scope: '' }), ...who });
  expect([scope.status, scope.headers.get('www-authenticate')?.includes('insufficient_scope')]).toEqual([
    403,
    true,
  ]);
  expect(decision(gate.worker)).toMatchObject({
    reason: 'scope_missing',
    requiredScopes: ['notes:read'],
    missingScopes: ['notes:read'],
  });
  const permission = await rpc(gate.worker, { token: await tokenOf({ roles: [] }), ...who });
  expect([permission.status, permission.headers.get('www-authenticate')]).toEqual([403, null]);
});

test('the audit has method, tool and era, and a name that may be a credential only as unknown', async () => {
  await (await rpc(gate.worker, { token: await tokenOf({}), ...who })).body?.cancel();
  expect(decision(gate.worker)).toMatchObject({ method: 'tools/call', tool: 'who', era: 'modern' });
  for (const name of [`mcpk_${'x'.repeat(49)}`, 'eyJhbGciOiJub25lIn0', 'x'.repeat(65), '1', 'a\nb']) {
    const params = { name, arguments: {} };
    const headers = { 'mcp-name': null };
    const response = await rpc(gate.worker, {
      token: await tokenOf({}),
      method: 'tools/call',
      params,
      headers,
    });
    await response.body?.cancel();
    expect(decision(gate.worker), name).toMatchObject({ method: 'tools/call', tool: 'unknown' });
  }
});

test('a challenge of the server behind becomes one of this resource, and the audit has its scopes', async () => {
  const response = await doing('challenge', {});
  expect(response.status).toBe(403);
  expect(response.headers.get('www-authenticate')).toBe(
    'Bearer error="insufficient_scope", error_description="This operation needs more scopes than the access token has", scope="notes:read notes:burn", resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/mcp"',
  );
  expect(decision(gate.worker)).toMatchObject({
    decision: 'deny',
    reason: 'scope_missing',
    requiredScopes: ['notes:read', 'notes:burn'],
    missingScopes: ['notes:burn'],
  });
});

test('attack: a body is bounded behind the gate as at the endpoint, and what is no message does not get there', async () => {
  const token = await tokenOf({});
  const post = async (body: string, headers: Record<string, string> = {}) =>
    (await rpc(gate.worker, { token, body, headers: { 'x-test': 'seen', ...headers } })).status;
  expect(
    await post(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'x', params: { a: 'x'.repeat(2 ** 20) } })),
  ).toBe(413);
  expect(await post('['.repeat(100))).toBe(400);
  expect(await post('no JSON')).toBe(400);
  expect(await post('{"jsonrpc":"2.0","id":1,"method":"x"}', { 'content-type': 'text/plain' })).toBe(415);
  const message = '{ "jsonrpc": "2.0", "id": 1, "method": "x", "params": { "é": "ü" } }';
  const response = await rpc(gate.worker, {
    token,
    body: message,
    headers: { 'x-test': 'seen', 'mcp-method': 'x' },
  });
  expect(((await response.json()) as { body: string }).body, 'byte for byte').toBe(message);
  const put = await gate.worker.fetch(RESOURCE, {
    method: 'PUT',
    headers: { authorization: `Bearer ${token}`, 'x-test': 'seen' },
  });
  expect(put.status).toBe(405);
});

test('attack: a header that contradicts the body does not get past the gate either', async () => {
  const token = await tokenOf({});
  const status = async (headers: Record<string, string>) =>
    (await rpc(gate.worker, { token, ...who, headers: { 'x-test': 'seen', ...headers } })).status;
  expect(await status({})).toBe(200);
  expect(await status({ 'mcp-name': 'another' })).toBe(400);
  expect(await status({ 'mcp-method': 'tools/list' })).toBe(400);
});

/** Reads a stream of events to its end, and says how. */
async function endOf(response: Response): Promise<'closed' | 'broken'> {
  expect(response.headers.get('content-type')).toBe('text/event-stream');
  try {
    for await (const _ of response.body ?? []);
    return 'closed';
  } catch {
    return 'broken';
  }
}
const ended = async () => (await doing('ended', {})).json();

test('attack: a stream of the server behind ends when its caller is revoked', async () => {
  const stream = await doing('stream', { sub: 'mallory' });
  await revoke(gate.worker, { kind: 'subject', issuer: gate.issuer.issuer, subject: 'mallory' });
  expect(await endOf(stream)).toBe('closed');
  expect(await ended(), 'and it is told').toContain('stream');
});

test('attack: a stream of the server behind ends when its caller loses the permission', async () => {
  const assignee = { issuer: gate.issuer.issuer, subject: 'demoted' };
  await change(gate.worker, { action: 'assign', assignee, role: 'reader' });
  const operate = await operator(gate.worker, gate.issuer, { permissions: ['mcp:operate'] });
  await operate('GET', '/status');
  const stream = await doing('stream', { sub: 'demoted', roles: [] });
  await change(gate.worker, { action: 'unassign', assignee, role: 'reader' });
  expect(await endOf(stream)).toBe('closed');
});

test('attack: a stream of the server behind ends when the token expires', async () => {
  const stream = await doing('stream', { exp: Math.floor(Date.now() / 1_000) + 2 });
  expect(await endOf(stream)).toBe('closed');
});

test('attack: what the server behind has not answered yet is refused when its caller is revoked', async () => {
  const waiting = doing('wait', { sub: 'waiting' });
  await new Promise((resolve) => setTimeout(resolve, 500));
  await revoke(gate.worker, { kind: 'subject', issuer: gate.issuer.issuer, subject: 'waiting' });
  expect((await waiting).status).toBe(401);
  expect(await ended()).toContain('wait');
});

test('a caller that comes again and again is served: what has ended does not count', async () => {
  const token = await tokenOf({ sub: 'diligent' });
  for (let number = 0; number < 105; number += 1)
    expect((await rpc(gate.worker, { token, headers: { 'x-test': 'seen' } })).status, String(number)).toBe(
      200,
    );
});

test('a stream of the server behind ends after its greatest age', async () => {
  const aged = { ...trusting(gate.issuer), ...vars, STREAM_MAX_AGE_SECONDS: '5' };
  await using worker = await startWorker({ main, vars: aged });
  const response = await rpc(worker, { token: await tokenOf({}), headers: { 'x-test': 'stream' } });
  expect(await endOf(response)).toBe('closed');
});

test('a body of the server behind that is no stream of events breaks off, so that nobody takes it for whole', async () => {
  const response = await doing('download', { sub: 'downloader' });
  await revoke(gate.worker, { kind: 'subject', issuer: gate.issuer.issuer, subject: 'downloader' });
  await expect(response.text()).rejects.toThrow();
});

test('attack: a session that an operator ended is gone for the server behind as well', async () => {
  await revoke(gate.worker, { kind: 'session', sessionId: 'a-session-of-its-own' });
  const operate = await operator(gate.worker, gate.issuer, { permissions: ['mcp:operate'] });
  await operate('GET', '/status');
  const headers = { 'x-test': 'seen', 'mcp-session-id': 'a-session-of-its-own' };
  expect((await rpc(gate.worker, { token: await tokenOf({}), headers })).status).toBe(404);
});

test('attack: and what such a session has open ends', async () => {
  const headers = { 'x-test': 'stream', 'mcp-session-id': 'an-open-session' };
  const stream = await rpc(gate.worker, { token: await tokenOf({ sub: 'in-session' }), headers });
  await revoke(gate.worker, { kind: 'session', sessionId: 'an-open-session' });
  expect(await endOf(stream)).toBe('closed');
});

test('attack: one caller does not open streams of the server behind without end', async () => {
  const token = await tokenOf({ sub: 'greedy' });
  const opened = await Promise.all(
    Array.from({ length: 110 }, () => rpc(gate.worker, { token, headers: { 'x-test': 'stream' } })),
  );
  const refused = opened.filter(({ status }) => status === 429);
  expect(refused).toHaveLength(10);
  expect(refused[0]?.headers.get('retry-after')).toBe('5');
  expect((await doing('seen', {})).status, 'others are served').toBe(200);
  await Promise.all(opened.map(({ body }) => body?.cancel()));
});

test('the example of the README is a Worker: it builds, with its objects, and serves', {
  timeout: 120_000,
}, async () => {
  const readme = await readFile(join(ROOT, 'README.md'), 'utf8');
  const [, code = ''] = /```ts\n(import \{ createMcpHandler[\s\S]*?)```/.exec(readme) ?? [];
  const server = `import { McpServer } from '@modelcontextprotocol/server';
export function yourServer() {
  const server = new McpServer({ name: 'yours', version: '1' });
  server.registerTool('who', { description: 'Who is calling.' }, ({ http }) => ({
    content: [{ type: 'text', text: String(http?.authInfo?.extra?.subject) }],
  }));
  return server;
}
`;
  // Beside the packages it imports, and not in src, where other tests look meanwhile.
  const folder = await mkdtemp(join(ROOT, 'node_modules/.readme-example-'));
  const files = {
    'worker.ts': code,
    'your-server.ts': server,
    'kit.ts': `export * from ${JSON.stringify(join(ROOT, 'src/kit.ts'))};`,
    'server.ts': `export * from ${JSON.stringify(join(ROOT, 'src/server.ts'))};`,
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  try {
    await using worker = await startWorker({ vars: trusting(gate.issuer), main: join(folder, 'worker.ts') });
    const response = await rpc(worker, { token: await tokenOf({}), ...who });
    expect([response.status, await response.text()]).toEqual([
      200,
      expect.stringContaining('"text":"alice"'),
    ]);
    expect((await rpc(worker, who)).status).toBe(401);
    const operate = await operator(worker, gate.issuer, { permissions: ['mcp:operate'] });
    const assignment = {
      issuer: gate.issuer.issuer,
      subject: 'bob',
      role: 'librarian',
      reason: 'of its own',
    };
    expect((await operate('POST', '/assignments', assignment)).status).toBe(201);
  } finally {
    await rm(folder, { recursive: true });
  }
});
