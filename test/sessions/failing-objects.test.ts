// When a Durable Object fails the caller comes back (503), and nothing of what it began is left behind.

import { expect, test } from 'vitest';
import { useGate } from '../support/gate.ts';
import { get, open } from '../support/legacy.ts';
import { objectOf } from '../support/objects.ts';
import { META, rpc } from '../support/rpc.ts';

const gate = useGate({ main: 'test/support/failing-objects-worker.ts' });

test('modern: who cannot listen to a hub is told to come back', async () => {
  const response = await rpc(gate.worker, {
    token: await gate.issuer.sign(),
    method: 'subscriptions/listen',
    params: { notifications: { toolsListChanged: true }, _meta: META },
  });
  expect([response.status, response.headers.get('retry-after')]).toEqual([503, '5']);
});

test('legacy: who cannot listen to a hub is told to come back, and has no stream that nobody reads', async () => {
  const token = await gate.issuer.sign({ claims: { sub: 'listener' } });
  const sessionId = await open(gate.worker, token);
  expect((await get(gate.worker, { token, sessionId })).status).toBe(503);
  const owner = { issuer: gate.issuer.issuer, subject: 'listener', clientId: 'test-client' };
  const { sessions } = await (await objectOf(gate.worker, owner)).describe();
  expect(sessions).toMatchObject([{ id: sessionId, isConnected: false }]);
});

test('modern: whether an answer was used cannot be told, so it does not count, and the caller comes back', async () => {
  const token = await gate.issuer.sign();
  const _meta = { ...META, 'io.modelcontextprotocol/clientCapabilities': { elicitation: { form: {} } } };
  const call = (extra: object) => {
    const params = { name: 'confirm_once', arguments: { text: 'it' }, ...extra, _meta };
    return rpc(gate.worker, { token, method: 'tools/call', params });
  };
  const { result } = (await (await call({})).json()) as { result: { requestState: string } };
  const inputResponses = { input_1: { action: 'accept', content: { confirm: true } } };
  const response = await call({ inputResponses, requestState: result.requestState });
  expect([response.status, response.headers.get('retry-after')]).toEqual([503, '5']);
});
