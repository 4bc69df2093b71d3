// `freshness: 'strict'` is the same wherever it can be said: a revocation that only the registry knows counts.

import { expect, test } from 'vitest';
import { useGate } from '../support/gate.ts';
import { eventsOf, open, request } from '../support/legacy.ts';
import { revoke } from '../support/objects.ts';
import { META, rpc } from '../support/rpc.ts';

// The published policy is never renewed here.
const vars = { POLICY_FRESH_SECONDS: '300', POLICY_HARD_LIMIT_SECONDS: '600' };
const gate = useGate({ main: 'test/support/strict-worker.ts', vars });
const behind = useGate({ main: 'test/support/protected-strictly-worker.ts', vars });

const KEEPER = { roles: ['keeper'], scope: 'secrets:read' };
const tokenOf = (sub: string) => gate.issuer.sign({ claims: { ...KEEPER, sub } });
const revoked = (subject: string, of = gate) =>
  revoke(of.worker, { kind: 'subject', issuer: of.issuer.issuer, subject });

const MODERN: readonly (readonly [method: string, params: Readonly<Record<string, unknown>>])[] = [
  ['tools/call', { name: 'strict', arguments: {} }],
  ['resources/read', { uri: 'test://strict' }],
  ['resources/read', { uri: 'test://strict/a' }],
  ['prompts/get', { name: 'strict', arguments: {} }],
  [
    'completion/complete',
    { ref: { type: 'ref/prompt', name: 'strict' }, argument: { name: 'about', value: '' } },
  ],
  [
    'completion/complete',
    { ref: { type: 'ref/resource', uri: 'test://strict/{name}' }, argument: { name: 'name', value: '' } },
  ],
  ['subscriptions/listen', { notifications: { resourceSubscriptions: ['test://open', 'test://strict'] } }],
];

test.each(MODERN)(
  'modern: %s of something strict is refused at once after a revocation: %j',
  async (method, params) => {
    const sub = JSON.stringify([method, params]);
    const token = await tokenOf(sub);
    const call = async () => {
      const response = await rpc(gate.worker, { token, method, params: { ...params, _meta: META } });
      await response.body?.cancel();
      return response.status;
    };
    expect(await call()).toBe(200);
    await revoked(sub);
    expect(await call()).toBe(401);
  },
);

test.each([...MODERN.slice(0, -1), ['resources/subscribe', { uri: 'test://strict' }] as const])(
  'legacy: %s of something strict is refused at once after a revocation: %j',
  async (method, params) => {
    const sub = `legacy ${JSON.stringify([method, params])}`;
    const token = await tokenOf(sub);
    const sessionId = await open(gate.worker, token);
    const call = async () => (await request(gate.worker, { token, sessionId }, method, params)).status;
    expect(await call()).toBe(200);
    await revoked(sub);
    expect(await call()).toBe(401);
  },
);

test('attack: who may not hear of a strict resource does not have the registry asked about it', async () => {
  const token = await gate.issuer.sign({ claims: { sub: 'stranger', scope: '', roles: [] } });
  const listen = async () => {
    const params = { notifications: { resourceSubscriptions: ['test://strict'] }, _meta: META };
    const response = await rpc(gate.worker, { token, method: 'subscriptions/listen', params });
    await response.body?.cancel();
    return response.status;
  };
  expect(await listen()).toBe(200);
  await revoked('stranger');
  expect(await listen(), 'by the published policy').toBe(200);
});

test('legacy: a stream on which a strict resource is listened to is opened by what the registry says', async () => {
  const token = await tokenOf('listener');
  const [plain, strict] = [await open(gate.worker, token), await open(gate.worker, token)];
  await request(gate.worker, { token, sessionId: strict }, 'resources/subscribe', { uri: 'test://strict' });
  const listen = async (sessionId: string) => {
    const headers = {
      authorization: `Bearer ${token}`,
      accept: 'text/event-stream',
      'mcp-session-id': sessionId,
      'mcp-protocol-version': '2025-11-25',
    };
    const response = await gate.worker.fetch('https://mcp.example.com/mcp', { headers });
    if (response.status === 200) await eventsOf(response).return(undefined);
    return response.status;
  };
  expect([await listen(plain), await listen(strict)]).toEqual([200, 200]);
  await revoked('listener');
  expect([await listen(plain), await listen(strict)]).toEqual([200, 401]);
});

test('a server behind the gate that is strict is asked nothing by whoever was revoked', async () => {
  const token = await behind.issuer.sign({
    claims: { sub: 'mallory', scope: 'notes:read', roles: ['reader'] },
  });
  const call = async () => (await rpc(behind.worker, { token, headers: { 'x-test': 'seen' } })).status;
  expect(await call()).toBe(200);
  await revoked('mallory', behind);
  expect(await call()).toBe(401);
});
