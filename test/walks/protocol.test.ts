// The modern protocol over HTTP (MCP 2026-07-28), on the real Worker: good messages, and every way to get one wrong.

import { expect, test } from 'vitest';
import { useGate } from '../support/gate.ts';
import { decision, META, type Rpc, rpc } from '../support/rpc.ts';

const gate = useGate({ vars: { MAX_BODY_BYTES: '2048', PAGE_SIZE: '2' } });

const READ = ['whoami', 'list_reports', 'read_report'];
const NOTES = ['remember', 'recall'];
const VERSIONS = ['2026-07-28', '2025-11-25', '2025-06-18', '2025-03-26'];

interface Answer {
  status: number;
  error?: { code: number; message: string; data?: unknown };
  // biome-ignore lint/suspicious/noExplicitAny: the shape is what the tests are about
  result?: any;
  id?: unknown;
}

async function ask(request: Omit<Rpc, 'token'>, claims: object = {}): Promise<Answer> {
  const token = await gate.issuer.sign({
    claims: { scope: 'reports:read reports:write payments:refund', ...claims },
  });
  const response = await rpc(gate.worker, { token, ...request });
  const text = await response.text();
  return { status: response.status, ...(text === '' ? {} : JSON.parse(text)) };
}
const call = (name: string, args: object = {}, claims: object = {}) =>
  ask({ method: 'tools/call', params: { name, arguments: args } }, claims);

test('server/discover names version, capabilities and server', async () => {
  expect(await ask({ method: 'server/discover' })).toEqual({
    status: 200,
    jsonrpc: '2.0',
    id: 1,
    result: {
      resultType: 'complete',
      supportedVersions: VERSIONS,
      capabilities: {
        tools: { listChanged: true },
        resources: { subscribe: true, listChanged: true },
        prompts: { listChanged: true },
        completions: {},
        logging: {},
      },
      instructions: expect.any(String),
      ttlMs: 60_000,
      cacheScope: 'private',
      _meta: {
        'io.modelcontextprotocol/serverInfo': { name: 'reports', title: 'Reports', version: '0.1.0' },
      },
    },
  });
});

test('tools/list shows what the roles can reach, page by page, in order, whatever the scopes', async () => {
  const names = async (claims: object) => {
    const all: string[] = [];
    let cursor: string | undefined;
    do {
      const { result } = await ask(
        { params: { _meta: META, ...(cursor === undefined ? {} : { cursor }) } },
        { scope: '', ...claims },
      );
      expect(result).toMatchObject({ resultType: 'complete', ttlMs: 60_000, cacheScope: 'private' });
      all.push(...result.tools.map(({ name }: { name: string }) => name));
      cursor = result.nextCursor;
    } while (cursor !== undefined);
    return all;
  };
  expect(await names({ roles: ['editor'] })).toEqual([...READ, 'update_report', ...NOTES]);
  expect(await names({ roles: ['reader'] })).toEqual([...READ, ...NOTES]);
  expect(await names({ roles: ['finance'] })).toEqual(['whoami', 'refund_payment', ...NOTES]);
  expect(await names({ roles: ['finance', 'reader'] })).toEqual([...READ, 'refund_payment', ...NOTES]);
  expect(await names({ roles: undefined })).toEqual(['whoami', ...NOTES]);
  expect(await names({ roles: ['unheard-of', '__proto__'] })).toEqual(['whoami', ...NOTES]);
});

test('a tool answers structured content and the same as text', async () => {
  const env = await gate.worker.env();
  await env.REPORTS.put('report:a', JSON.stringify({ id: 'a', title: 'A', body: 'Text of A' }), {
    metadata: { title: 'A' },
  });
  const { result } = await call('read_report', { id: 'a' });
  expect(result.structuredContent).toEqual({ id: 'a', title: 'A', body: 'Text of A' });
  expect(JSON.parse(result.content[0].text)).toEqual(result.structuredContent);
  expect(result.isError).toBeUndefined();
  expect((await call('list_reports')).result.structuredContent).toEqual({
    reports: [{ id: 'a', title: 'A' }],
  });
});

test('whoami tells what the gate knows', async () => {
  const exp = Math.floor(Date.now() / 1_000) + 100;
  const { result } = await call('whoami', {}, { exp, scope: 'reports:read' });
  expect(result.structuredContent).toEqual({
    issuer: gate.issuer.issuer,
    subject: 'alice',
    clientId: 'test-client',
    scopes: ['reports:read'],
    roles: ['editor'],
    permissions: ['reports:write', 'reports:read'],
    expiresAt: exp,
  });
});

test('arguments that do not fit are a tool result the model can read', async () => {
  for (const args of [{}, { id: 7 }, { id: 'NOT GOOD' }, { id: 'a', more: 1 }]) {
    const { status, result } = await call('read_report', args);
    expect([status, result.isError]).toEqual([200, true]);
    expect(result.content[0].text).toMatch(/^The arguments do not fit: /);
  }
});

test('an unknown tool and arguments that are no object are protocol errors', async () => {
  expect((await call('no_such_tool')).error?.code).toBe(-32_602);
  expect(decision(gate.worker)).toMatchObject({ method: 'tools/call', tool: 'unknown' });
  expect((await call('toString')).error?.code).toBe(-32_602);
  expect((await ask({ method: 'tools/call', params: { name: 'whoami', arguments: [] } })).error?.code).toBe(
    -32_602,
  );
  expect((await ask({ params: { _meta: META, cursor: 'nonsense' } })).error?.code).toBe(-32_602);
});

test('a missing scope is one 403 that names all scopes of the operation', async () => {
  const token = await gate.issuer.sign({ claims: { scope: 'openid' } });
  const response = await rpc(gate.worker, {
    token,
    method: 'tools/call',
    params: { name: 'update_report', arguments: { id: 'a', body: 'x' } },
  });
  expect(response.status).toBe(403);
  expect(response.headers.get('www-authenticate')).toBe(
    'Bearer error="insufficient_scope", error_description="This operation needs more scopes than the access token has", scope="reports:write", resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/mcp"',
  );
});

test('a broader scope implies the narrower one', async () => {
  expect((await call('list_reports', {}, { scope: 'reports:write' })).result.isError).toBeUndefined();
  expect((await call('update_report', { id: 'a', body: 'x' }, { scope: 'reports:read' })).status).toBe(403);
});

test('a missing permission is a tool result, even where the scope is missing too', async () => {
  for (const scope of ['reports:write', '']) {
    const { status, result } = await call(
      'update_report',
      { id: 'a', body: 'x' },
      { roles: ['reader'], scope },
    );
    expect([status, result.isError]).toEqual([200, true]);
    expect(result.content[0].text).toContain('reports:write');
  }
});

test('a permission that the token carries itself counts', async () => {
  const { result } = await call(
    'update_report',
    { id: 'a', body: 'new' },
    { roles: [], permissions: ['reports:write'] },
  );
  expect(result.structuredContent.body).toBe('new');
});

const BAD_HEADERS: readonly [title: string, request: Omit<Rpc, 'token'>, status: number, code: number][] = [
  ['MCP-Protocol-Version missing', { headers: { 'mcp-protocol-version': null } }, 400, -32_020],
  ['MCP-Protocol-Version different', { headers: { 'mcp-protocol-version': '2025-11-25' } }, 400, -32_020],
  [
    'a version nobody knows',
    {
      headers: { 'mcp-protocol-version': '1900-01-01' },
      params: { _meta: { ...META, 'io.modelcontextprotocol/protocolVersion': '1900-01-01' } },
    },
    400,
    -32_022,
  ],
  ['Mcp-Method missing', { headers: { 'mcp-method': null } }, 400, -32_020],
  ['Mcp-Method different', { headers: { 'mcp-method': 'tools/call' } }, 400, -32_020],
  ['Mcp-Method in another case', { headers: { 'mcp-method': 'Tools/List' } }, 400, -32_020],
  [
    'Mcp-Name missing',
    { method: 'tools/call', params: { name: 'whoami' }, headers: { 'mcp-name': null } },
    400,
    -32_020,
  ],
  [
    'Mcp-Name different',
    { method: 'tools/call', params: { name: 'whoami' }, headers: { 'mcp-name': 'list_reports' } },
    400,
    -32_020,
  ],
  [
    'Mcp-Name with bad base64',
    { method: 'tools/call', params: { name: 'whoami' }, headers: { 'mcp-name': '=?base64?d2hvYW1p=?=' } },
    400,
    -32_020,
  ],
  ['_meta missing', { params: { _meta: {} } }, 400, -32_602],
  [
    'capabilities missing',
    { params: { _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' } } },
    400,
    -32_602,
  ],
  ['an unknown method', { method: 'no/such' }, 404, -32_601],
  ['a method every object has', { method: 'constructor' }, 404, -32_601],
  ['a method of the older era', { method: 'ping' }, 404, -32_601],
  ['not JSON', { body: '{' }, 400, -32_700],
  ['not JSON-RPC', { body: '{}' }, 400, -32_600],
  ['a batch', { body: '[{"jsonrpc":"2.0","id":1,"method":"tools/list"}]' }, 400, -32_600],
  ['another content type', { headers: { 'content-type': 'text/plain' } }, 415, -32_600],
  ['too long', { body: JSON.stringify({ padding: 'x'.repeat(3_000) }) }, 413, -32_600],
  ['too deep', { body: '['.repeat(100) + ']'.repeat(100) }, 400, -32_600],
];

test.each(BAD_HEADERS)('%s: is refused', async (_title, request, status, code) => {
  const answer = await ask(request);
  expect([answer.status, answer.error?.code]).toEqual([status, code]);
});

test('the answer to a version nobody knows names the ones that can be had', async () => {
  const version = '1900-01-01';
  const { error } = await ask({
    headers: { 'mcp-protocol-version': version },
    params: { _meta: { ...META, 'io.modelcontextprotocol/protocolVersion': version } },
  });
  expect(error?.data).toEqual({ supported: VERSIONS, requested: version });
});

test('a name outside ASCII is sent encoded and compared decoded', async () => {
  const { result } = await ask({
    method: 'tools/call',
    params: { name: 'whoami' },
    headers: { 'mcp-name': '=?base64?d2hvYW1p?=' },
  });
  expect(result.structuredContent.subject).toBe('alice');
});

test('names that cannot be turned into text are refused, and the refusal is logged like any other', async () => {
  gate.worker.logs();
  for (const name of [{ toString: null }, [], 7, null]) {
    const { status } = await ask({
      method: 'tools/call',
      params: { name },
      headers: { 'mcp-name': 'whoami' },
    });
    expect(status, JSON.stringify(name)).toBe(400);
    expect(gate.worker.logs().at(-1)).toMatchObject({
      event: 'decision',
      decision: 'deny',
      reason: 'protocol',
    });
  }
});

test('a notification is accepted without a body', async () => {
  const response = await rpc(gate.worker, {
    token: await gate.issuer.sign(),
    method: 'notifications/anything',
    body: JSON.stringify({ jsonrpc: '2.0', method: 'notifications/anything', params: { _meta: META } }),
  });
  expect([response.status, await response.text()]).toEqual([202, '']);
});

test('every refusal and every success is one decision in the log', async () => {
  gate.worker.logs();
  await call('whoami');
  await call('update_report', { id: 'a', body: 'x' }, { scope: '' });
  await call('update_report', { id: 'a', body: 'x' }, { roles: [] });
  await ask({ method: 'no/such' });
  await rpc(gate.worker, {});
  const decisions = gate.worker.logs().filter(({ event }) => event === 'decision');
  const told = decisions.map(({ decision, reason, method, tool, status }) => ({
    decision,
    reason,
    method,
    tool,
    status,
  }));
  expect(told).toEqual([
    { decision: 'allow', reason: undefined, method: 'tools/call', tool: 'whoami', status: 200 },
    { decision: 'deny', reason: 'scope_missing', method: 'tools/call', tool: 'update_report', status: 403 },
    {
      decision: 'deny',
      reason: 'permission_missing',
      method: 'tools/call',
      tool: 'update_report',
      status: 200,
    },
    { decision: 'deny', reason: 'protocol', method: 'no/such', status: 404 },
    { decision: 'deny', reason: 'token_missing', method: undefined, tool: undefined, status: 401 },
  ]);
  expect(new Set(decisions.map(({ requestId }) => requestId)).size).toBe(5);
});
