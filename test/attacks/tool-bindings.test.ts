// What the code of a tool can reach: its own bindings, and none of those by which it could make its caller an operator.

import { expect, test } from 'vitest';
import { useGate } from '../support/gate.ts';
import { trusting } from '../support/issuer.ts';
import { open, request } from '../support/legacy.ts';
import { META, rpc } from '../support/rpc.ts';
import { REQUEST_STATE_SECRET, startWorker } from '../support/worker.ts';

const main = 'test/support/streaming-worker.ts';
const vars = {
  AUDIT_SECRET: 'another secret that is long enough',
  INTROSPECTION_SECRET: 'a client secret',
  MINE: 'my own',
};
const entry = {
  introspection: {
    url: 'http://localhost:9/introspect',
    clientId: 'us',
    secret: 'INTROSPECTION_SECRET',
  },
};
const gate = useGate({ main, vars, entry });

const OWN = ['AUTHORIZATION_SERVERS', 'MINE', 'REPORTS', 'RESOURCE'];
const bindings = { name: 'bindings', arguments: {} };
const seenIn = async (response: Response) => {
  const { result } = (await response.json()) as { result: { content: { text: string }[] } };
  return JSON.parse(result.content[0]?.text ?? '');
};

test('attack: a tool sees its own bindings and variables, and none of the kit, in both eras', async () => {
  const token = await gate.issuer.sign();
  const params = { ...bindings, _meta: META };
  const modern = await seenIn(await rpc(gate.worker, { token, method: 'tools/call', params }));
  const sessionId = await open(gate.worker, token);
  const legacy = await seenIn(await request(gate.worker, { token, sessionId }, 'tools/call', bindings));
  expect([modern.own, legacy.own]).toEqual([OWN, OWN]);
});

test('attack: nor can it import them', async () => {
  const params = { ...bindings, _meta: META };
  const token = await gate.issuer.sign();
  expect((await seenIn(await rpc(gate.worker, { token, method: 'tools/call', params }))).imported).toEqual(
    [],
  );
  expect(gate.worker.logs().filter(({ event }) => event === 'config_unsafe')).toEqual([]);
});

test('a Worker whose tools could import them says so in its log when it starts', async () => {
  await using worker = await startWorker({ main, vars: trusting(gate.issuer), compatibilityFlags: [] });
  const call = async () => (await rpc(worker, { token: await gate.issuer.sign() })).status;
  expect([await call(), await call()]).toEqual([200, 200]);
  const warnings = worker.logs().filter(({ event }) => event === 'config_unsafe');
  expect(warnings).toEqual([
    {
      time: expect.any(String),
      event: 'config_unsafe',
      problems: [expect.stringContaining('add "disallow_importable_env"')],
    },
  ]);
  expect(JSON.stringify(warnings)).not.toContain(REQUEST_STATE_SECRET);
});
