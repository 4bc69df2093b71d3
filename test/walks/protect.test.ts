// An McpServer of the official SDK behind the same gate.

import { expect, test } from 'vitest';
import { useGate } from '../support/gate.ts';
import { decision, rpc } from '../support/rpc.ts';

const gate = useGate({ main: 'test/support/protected-worker.ts' });
const tokenOf = (claims: object) =>
  gate.issuer.sign({ claims: { scope: 'notes:read', roles: ['reader'], ...claims } });
const who = { method: 'tools/call', params: { name: 'who', arguments: {} } };

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
    extra: { issuer: gate.issuer.issuer, subject: 'alice', roles: ['reader'], tokenId: expect.any(String) },
    header: null,
  });
  expect(decision(gate.worker)).toMatchObject({ decision: 'allow', subject: 'alice' });
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
  const permission = await rpc(gate.worker, { token: await tokenOf({ roles: [] }), ...who });
  expect([permission.status, permission.headers.get('www-authenticate')]).toEqual([403, null]);
});
