// The index of sessions: every page is read, keys show nobody's name, and a KV that does not answer delays no request.

import { expect, test } from 'vitest';
import { grantsOf } from '../../src/sessions/session-index.ts';
import { useGate } from '../support/gate.ts';
import { open, request } from '../support/legacy.ts';
import { META, rpc } from '../support/rpc.ts';

const gate = useGate({
  main: 'test/support/failing-kv-worker.ts',
  vars: { SESSION_IDLE_SECONDS: '5' },
});

test('while KV does not answer sessions open as ever, and are found once it does', async () => {
  const token = await gate.issuer.sign({ claims: { sub: 'patient' } });
  await gate.worker.fetch('https://mcp.example.com/kv/off');
  const sessionId = await open(gate.worker, token);
  const { KIT_KV } = await gate.worker.env();
  const found = () => grantsOf(KIT_KV, gate.issuer.issuer, 'patient');
  expect(await found()).toEqual([]);
  await gate.worker.fetch('https://mcp.example.com/kv/on');
  const giveUpAt = Date.now() + 40_000;
  while ((await found()).length === 0) {
    if (Date.now() > giveUpAt) throw new Error('it is not found');
    // Used, so that it does not end.
    expect((await request(gate.worker, { token, sessionId }, 'ping')).status).toBe(200);
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  expect(await found()).toMatchObject([{ clientId: 'test-client' }]);
  const { keys } = await KIT_KV.list({ prefix: 'sessions:' });
  expect(keys.map(({ name }) => name)).toEqual([expect.stringMatching(/^sessions:[\da-f]{32}:[\da-f]{32}$/)]);
  const problems = gate.worker.logs().filter(({ event }) => event === 'kv_failed');
  expect(problems).toMatchObject([{ operation: 'write', key: 'sessions' }]);
});

test('state that a tool keeps for a modern client is found as well, also under the longest names', async () => {
  const [sub, client_id] = ['s'.repeat(1_024), `https://client.example.com/${'c'.repeat(990)}`];
  const token = await gate.issuer.sign({ claims: { sub, client_id } });
  const params = { name: 'remember', arguments: { name: 'n', text: 't' }, _meta: META };
  const response = await rpc(gate.worker, { token, method: 'tools/call', params });
  expect(await response.json()).toMatchObject({ result: { content: [{ text: 'Remembered as n.' }] } });
  const { KIT_KV } = await gate.worker.env();
  while ((await grantsOf(KIT_KV, gate.issuer.issuer, sub)).length === 0)
    await new Promise((resolve) => setTimeout(resolve, 50));
  expect(await grantsOf(KIT_KV, gate.issuer.issuer, sub)).toMatchObject([{ clientId: client_id }]);
});

test('a listing has all pages, and the entries whose names are too long to be listed along', async () => {
  const pages = [
    {
      keys: [{ name: 'a', metadata: { clientId: 'one' } }, { name: 'b' }],
      list_complete: false,
      cursor: '2',
    },
    { keys: [], list_complete: false, cursor: '3' },
    { keys: [{ name: 'c', metadata: { clientId: null } }, { name: 'gone' }], list_complete: true },
  ];
  const asked: unknown[] = [];
  const kv = {
    list: async ({ cursor }: { cursor?: string | null }) => {
      asked.push(cursor);
      return pages.shift();
    },
    get: async (name: string) => (name === 'b' ? { clientId: 'two' } : null),
  };
  expect(await grantsOf(kv as unknown as KVNamespace, 'i', 's')).toEqual([
    { clientId: 'one' },
    { clientId: 'two' },
    { clientId: null },
  ]);
  expect(asked).toEqual([null, '2', '3']);
});
