// Attack: passing a filter under another name. Proxies let requests through by Mcp-Method, Mcp-Name and Mcp-Param-*, so no
// message of either era may have one of them that says something else than its body.

import { expect, test } from 'vitest';
import { useGate } from '../support/gate.ts';
import { open } from '../support/legacy.ts';
import { META } from '../support/rpc.ts';
import { RESOURCE } from '../support/worker.ts';

const gate = useGate({ main: 'test/conformance/fixture/worker.ts' });
const ROUTED = 'test_x_mcp_header';
const sign = () => gate.issuer.sign({ claims: { permissions: ['conformance:run'] } });

/** The version says the era; the headers are those that a test is about and no other. */
async function post(version: string, headers: object, message: object, sessionId?: string) {
  const response = await gate.worker.fetch(RESOURCE, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${await sign()}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': version,
      ...(sessionId === undefined ? {} : { 'mcp-session-id': sessionId }),
      ...headers,
    },
    body: JSON.stringify({ jsonrpc: '2.0', ...message }),
  });
  const text = await response.text();
  const { error, id } = (text === '' ? {} : JSON.parse(text)) as { error?: { code: number }; id?: unknown };
  return { status: response.status, code: error?.code, id };
}

const REFUSED = { status: 400, code: -32_020 };
const [MODERN, LEGACY] = ['2026-07-28', '2025-11-25'];
const call = (region?: string) => ({
  id: 7,
  method: 'tools/call',
  params: { name: ROUTED, arguments: region === undefined ? {} : { region } },
});

test('attack: in a session of the older era a call is not let through under another name', async () => {
  const sessionId = await open(gate.worker, await sign());
  const inSession = (headers: object, message: object) => post(LEGACY, headers, message, sessionId);
  expect(await inSession({}, call('eu'))).toMatchObject({ status: 200, code: undefined });
  const good = { 'mcp-method': 'tools/call', 'mcp-name': ROUTED, 'mcp-param-region': 'eu' };
  expect(await inSession(good, call('eu'))).toMatchObject({ status: 200, code: undefined });
  for (const spoilt of [
    { 'mcp-method': 'tools/list' },
    { 'mcp-name': 'test_simple_text' },
    { 'mcp-name': '=?base64?x?=' },
    { 'mcp-param-region': 'us' },
  ]) {
    gate.worker.logs();
    const why = JSON.stringify(spoilt);
    expect(await inSession({ ...good, ...spoilt }, call('eu')), why).toMatchObject({ ...REFUSED, id: 7 });
    expect(await inSession(spoilt, call('eu')), why).toMatchObject(REFUSED);
    expect(gate.worker.logs(), why).toMatchObject([
      { decision: 'deny', reason: 'protocol', detail: '-32020' },
      { decision: 'deny', reason: 'protocol', detail: '-32020' },
    ]);
  }
  expect(await inSession({ 'mcp-param-region': 'us' }, call())).toMatchObject(REFUSED);
  expect(await inSession({ 'mcp-name': ROUTED }, { id: 7, method: 'tools/list' })).toMatchObject(REFUSED);
});

test('attack: no session is opened under another name', async () => {
  const params = { protocolVersion: LEGACY, capabilities: {}, clientInfo: { name: 'x', version: '1' } };
  const message = { id: 7, method: 'initialize', params };
  expect(await post(LEGACY, { 'mcp-method': 'tools/list' }, message)).toMatchObject({ ...REFUSED, id: 7 });
  expect(await post(LEGACY, { 'mcp-method': 'initialize' }, message)).toMatchObject({ status: 200 });
});

test.each([
  [MODERN, { _meta: META }],
  [LEGACY, {}],
])('attack: a notification of %s says in its headers what it is', async (version = '', params) => {
  const sessionId = version === LEGACY ? await open(gate.worker, await sign()) : undefined;
  const message = { method: 'notifications/cancelled', params: { ...params, requestId: 99 } };
  const notify = (headers: object) => post(version, headers, message, sessionId);
  for (const good of [{}, { 'mcp-method': 'notifications/cancelled' }])
    expect((await notify(good)).status, JSON.stringify(good)).toBe(202);
  for (const spoilt of [{ 'mcp-method': 'tools/list' }, { 'mcp-name': ROUTED }])
    expect(await notify(spoilt), JSON.stringify(spoilt)).toMatchObject(REFUSED);
});

test.each([MODERN, LEGACY])(
  'attack: a response under %s is no request, whatever its headers say',
  async (version = '') => {
    const sessionId = version === LEGACY ? await open(gate.worker, await sign()) : undefined;
    const message = { id: 99, result: {} };
    const answer = (headers: object) => post(version, headers, message, sessionId);
    // Nothing was asked, so it is of no use, but it is looked at.
    expect((await answer({})).code).not.toBe(-32_020);
    for (const spoilt of [{ 'mcp-method': 'tools/list' }, { 'mcp-name': ROUTED }])
      expect(await answer(spoilt), JSON.stringify(spoilt)).toMatchObject(REFUSED);
  },
);

test('attack: a name that the method does not act on is no way to show another', async () => {
  const sessionId = await open(gate.worker, await sign());
  const inSession = (headers: object, method: string, params: object) =>
    post(LEGACY, headers, { id: 7, method, params }, sessionId);
  const subscribe = { uri: 'test://static-text', name: 'test://another' };
  expect(await inSession({ 'mcp-name': subscribe.name }, 'resources/subscribe', subscribe)).toMatchObject(
    REFUSED,
  );
  const right = await inSession({ 'mcp-name': subscribe.uri }, 'resources/subscribe', subscribe);
  expect(right.code).toBeUndefined();
  for (const method of ['completion/complete', 'tools/list', 'ping', 'logging/setLevel'])
    expect(
      await inSession({ 'mcp-name': 'stray' }, method, { name: 'stray', level: 'info' }),
      method,
    ).toMatchObject(REFUSED);
  const task = { taskId: 'task', name: 'stray' };
  expect(await inSession({ 'mcp-name': 'stray' }, 'tasks/cancel', task)).toMatchObject(REFUSED);
  expect(await inSession({ 'mcp-name': 'task' }, 'tasks/cancel', { taskId: 'task' })).not.toMatchObject(
    REFUSED,
  );
});
