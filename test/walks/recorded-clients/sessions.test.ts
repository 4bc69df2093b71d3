// Sessions as recorded clients open, use, lose and leave them.

import { expect, test } from 'vitest';
import { useGate } from '../../support/gate.ts';
import { messagesOf } from '../../support/legacy.ts';
import { revoke } from '../../support/objects.ts';
import {
  CHATGPT,
  CLAUDE,
  CLAUDE_CODE,
  CODEX,
  CURSOR,
  INSPECTOR,
  MCP_REMOTE,
  mayBeSent,
  type Shape,
  send,
  VSCODE,
} from './shapes.ts';

const gate = useGate({ vars: { ALLOWED_ORIGINS: ['http://localhost:6274'] } });
const tokenOf = (sub: string, claims: object = {}) => gate.issuer.sign({ claims: { sub, ...claims } });

async function openSession(shape: Shape, token: string, sessionId?: string): Promise<string> {
  const response = await send(gate.worker, shape, { token, ...(sessionId ? { sessionId } : {}) });
  expect(response.status).toBe(200);
  return response.headers.get('mcp-session-id') ?? '';
}

// claude-ai-mcp #70, mcp-remote #289, vscode: no MCP-Protocol-Version; claude-code #45368: no text/event-stream.
test.each<[string, Shape, Shape]>([
  ['Claude', CLAUDE.initialize, CLAUDE.call],
  ['Claude Code', CLAUDE_CODE.initialize, CLAUDE_CODE.call],
  ['VS Code', VSCODE.initialize, VSCODE.call],
  ['ChatGPT', CHATGPT.initialize, CHATGPT.call],
  ['mcp-remote', MCP_REMOTE.test, MCP_REMOTE.call],
  ['Codex', CHATGPT.initialize, CODEX.call],
])('a tool is called with the headers and the _meta of %s, and answers JSON', async (_, initialize, call) => {
  const token = await tokenOf('caller');
  const sessionId = await openSession(initialize, token);
  const response = await send(gate.worker, call, { token, sessionId });
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/json']);
  expect(await response.json()).toMatchObject({ id: 2, result: { structuredContent: {} } });
});

test('VS Code listens and leaves without saying which revision it speaks, and its stream ends', async () => {
  const token = await tokenOf('listener');
  const sessionId = await openSession(VSCODE.initialize, token);
  const stream = await send(gate.worker, VSCODE.backchannel, { token, sessionId });
  expect([stream.status, stream.headers.get('content-type')]).toEqual([200, 'text/event-stream']);
  expect((await send(gate.worker, VSCODE.close, { token, sessionId })).status).toBe(204);
  expect(await messagesOf(stream)).toEqual([]);
  expect((await send(gate.worker, VSCODE.call, { token, sessionId })).status).toBe(404);
});

// openai-apps-sdk-examples #201: 78 sessions nobody came back to; agents #1083: what such sessions cost.
test('78 batches of ChatGPT, each in a session of its own, leave sixteen sessions, the newest among them', async () => {
  const token = await tokenOf('batches', { client_id: 'chatgpt' });
  const ids: string[] = [];
  for (let batch = 0; batch < 78; batch += 1) {
    const sessionId = await openSession(CHATGPT.initialize, token);
    expect((await send(gate.worker, CHATGPT.call, { token, sessionId })).status).toBe(200);
    ids.push(sessionId);
  }
  const owner = { issuer: gate.issuer.issuer, subject: 'batches', clientId: 'chatgpt' };
  const rows = await gate.worker.query(owner, 'SELECT id FROM session');
  expect(rows).toHaveLength(16);
  expect(rows).toContainEqual({ id: ids.at(-1) });
  expect((await send(gate.worker, CHATGPT.list, { token, sessionId: ids[0] ?? '' })).status).toBe(404);
});

// ext-apps #647: ChatGPT initializes and then calls without the session.
test('a call without a session is a 400 that names the header, and opens none', async () => {
  const token = await tokenOf('forgetful', { client_id: 'chatgpt' });
  const response = await send(gate.worker, CHATGPT.call, { token });
  expect([response.status, response.headers.get('mcp-session-id')]).toEqual([400, null]);
  expect(await response.json()).toEqual({
    jsonrpc: '2.0',
    id: 2,
    error: { code: -32_600, message: expect.stringContaining('Mcp-Session-Id') },
  });
});

// cursor #3640, claude-code #8338, #62008, #75976, mcp-remote: another 404 is taken for another transport or for OAuth.
test('a session that is gone is a 404 of JSON-RPC and no challenge, unlike a path that is not there', async () => {
  const token = await tokenOf('returning');
  const sessionId = crypto.randomUUID();
  const error = { code: -32_600, message: 'There is no such session; initialize a new one' };
  const gone: [Shape, object][] = [
    [CURSOR.call, { jsonrpc: '2.0', id: 2, error }],
    [CLAUDE_CODE.call, { jsonrpc: '2.0', id: 2, error }],
    [MCP_REMOTE.call, { jsonrpc: '2.0', id: 2, error }],
    [CLAUDE.initialized, { jsonrpc: '2.0', error }],
    [VSCODE.backchannel, { jsonrpc: '2.0', error }],
    [VSCODE.close, { jsonrpc: '2.0', error }],
  ];
  for (const [shape, body] of gone) {
    const response = await send(gate.worker, shape, { token, sessionId });
    expect([response.status, response.headers.get('www-authenticate')]).toEqual([404, null]);
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(await response.json()).toEqual(body);
  }
  const lost = await send(gate.worker, { ...CURSOR.call, target: '/sse' }, { token, sessionId });
  expect(lost.status).toBe(404);
  expect(await lost.json()).not.toHaveProperty('jsonrpc');
});

// mcp-remote #307: a client that keeps the dead session in its headers initializes with it.
test('initialize opens a session also under the id of one that is gone', async () => {
  const token = await tokenOf('stale');
  const gone = crypto.randomUUID();
  const sessionId = await openSession(CLAUDE_CODE.initialize, token, gone);
  expect(sessionId).not.toBe(gone);
  expect((await send(gate.worker, CLAUDE_CODE.call, { token, sessionId })).status).toBe(200);
});

test('initialize opens a session also under the id of one that was revoked', {
  timeout: 60_000,
}, async () => {
  const token = await tokenOf('revoked');
  const gone = await openSession(CLAUDE_CODE.initialize, token);
  await revoke(gate.worker, { kind: 'session', sessionId: gone });
  const call = async () => (await send(gate.worker, CLAUDE_CODE.call, { token, sessionId: gone })).status;
  await expect.poll(call, { timeout: 50_000 }).toBe(404);
  expect(await openSession(CLAUDE_CODE.initialize, token, gone)).not.toBe(gone);
});

// claude-code #7290, mcp-remote --header: keys for something else come along.
test('what else a client sends along opens nothing and is not written down', async () => {
  const key = MCP_REMOTE.test.headers['x-api-key'] ?? '';
  gate.worker.logs();
  expect((await send(gate.worker, MCP_REMOTE.test)).status).toBe(401);
  await openSession(MCP_REMOTE.test, await tokenOf('bridged'));
  expect(JSON.stringify(gate.worker.logs())).not.toContain(key);
});

// twenty #19836, routecraft #328, windmill #10535: a page that cannot read an answer cannot sign in or keep a session.
test('the page of the Inspector may send what it sends, and read every answer', async () => {
  for (const preflight of INSPECTOR.preflights) {
    const response = await send(gate.worker, preflight);
    const { headers } = response;
    const method = preflight.headers['access-control-request-method'] ?? '';
    expect([response.status, headers.get('access-control-allow-origin')]).toEqual([
      204,
      'http://localhost:6274',
    ]);
    expect(headers.get('access-control-allow-methods')?.split(', ')).toContain(method);
    expect(mayBeSent(preflight, response)).toBe(true);
  }

  const token = await tokenOf('page');
  const sessionId = await openSession(INSPECTOR.initialize, token);
  const gone = crypto.randomUUID();
  const answers: [number, Response][] = [
    [401, await send(gate.worker, INSPECTOR.initialize)],
    [200, await send(gate.worker, INSPECTOR.initialize, { token })],
    [200, await send(gate.worker, INSPECTOR.list, { token, sessionId })],
    [400, await send(gate.worker, INSPECTOR.list, { token })],
    [404, await send(gate.worker, INSPECTOR.list, { token, sessionId: gone })],
    [405, await send(gate.worker, { ...INSPECTOR.list, method: 'PUT' }, { token })],
  ];
  for (const [status, { status: answered, headers }] of answers) {
    expect(answered).toBe(status);
    expect(headers.get('access-control-allow-origin'), String(status)).toBe('http://localhost:6274');
    const exposed = headers.get('access-control-expose-headers')?.split(', ');
    expect(exposed).toEqual(expect.arrayContaining(['WWW-Authenticate', 'Mcp-Session-Id']));
  }
});
