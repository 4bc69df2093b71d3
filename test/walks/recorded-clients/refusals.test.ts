// What recorded clients send that cannot be served, and how they are told: never as something that looks like a sign-in.

import { expect, test } from 'vitest';
import { useGate } from '../../support/gate.ts';
import { decision } from '../../support/rpc.ts';
import { CHATGPT, METADATA, ORIGIN, type Shape, send, VSCODE } from './shapes.ts';

const gate = useGate();

// claude-code #93290: a body of 2026-07-28 under a header of 2025-11-25. The rest of _meta is what that revision requires.
const MIXED: Shape = {
  method: 'POST',
  target: '/mcp',
  headers: { 'content-type': 'application/json', 'mcp-protocol-version': '2025-11-25' },
  body: {
    jsonrpc: '2.0',
    id: 3,
    method: 'tools/list',
    params: {
      _meta: {
        'io.modelcontextprotocol/protocolVersion': '2026-07-28',
        'io.modelcontextprotocol/clientCapabilities': {},
      },
    },
  },
};

test('a connector that mixes two revisions is told which header is wrong, and not to sign in', async () => {
  const response = await send(gate.worker, MIXED, { token: await gate.issuer.sign() });
  expect([response.status, response.headers.get('www-authenticate')]).toEqual([400, null]);
  expect(await response.json()).toEqual({
    jsonrpc: '2.0',
    id: 3,
    error: { code: -32_020, message: expect.stringContaining('MCP-Protocol-Version') },
  });
  expect(decision(gate.worker)).toMatchObject({ reason: 'protocol', detail: '-32020', era: 'modern' });
});

// Repliers mcp-server #14: there the id of a session was enough to get in.
test('the id of an open session is no credential: without a token there is the challenge, and nothing is done', async () => {
  const token = await gate.issuer.sign({ claims: { sub: 'owner' } });
  const opened = await send(gate.worker, CHATGPT.initialize, { token });
  const sessionId = opened.headers.get('mcp-session-id') ?? '';
  expect((await send(gate.worker, CHATGPT.call, { token, sessionId })).status).toBe(200);

  for (const shape of [CHATGPT.call, VSCODE.backchannel, VSCODE.close]) {
    const response = await send(gate.worker, shape, { sessionId });
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toBe(
      `Bearer scope="reports:read", resource_metadata="${ORIGIN}${METADATA}/mcp"`,
    );
    expect(decision(gate.worker)).toMatchObject({ decision: 'deny', reason: 'token_missing' });
  }
  expect((await send(gate.worker, CHATGPT.call, { token, sessionId })).status).toBe(200);
});
