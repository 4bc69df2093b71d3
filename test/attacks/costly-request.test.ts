// Attack: a request that costs more to look at than to send, without a token or without a right.

import { expect, test } from 'vitest';
import { useGate } from '../support/gate.ts';
import { rpc } from '../support/rpc.ts';
import { RESOURCE } from '../support/worker.ts';

const gate = useGate();
const templates = useGate({ main: 'test/support/offers-worker.ts' });

test('a long query is not taken apart, on any path', async () => {
  // What is measured is a ratio in one run: a query of many parts against a query of one part and the same length.
  const parts = 'a=1&'.repeat(15_000);
  const plain = `a=${'1'.repeat(parts.length)}`;
  const timeOf = async (query: string) => {
    const before = performance.now();
    await (await gate.worker.fetch(`https://mcp.example.com/anything?${query}`)).text();
    return performance.now() - before;
  };
  await timeOf(plain);
  const [one, many] = [await timeOf(plain), await timeOf(parts)];
  // Taken apart by concatenation this is several hundred times as much.
  expect(many).toBeLessThan(20 * one + 100);
});

test('a long query at the endpoint is still searched for a token', async () => {
  const query = `${'a=1&'.repeat(2_000)}access_token=x`;
  expect((await gate.worker.fetch(`${RESOURCE}?${query}`, { method: 'POST' })).status).toBe(400);
});

test('a long URI is looked for among the templates, and found or not, before it is known who may read it', async () => {
  const read = async (uri: string, claims: Readonly<Record<string, unknown>> = {}) => {
    const token = await templates.issuer.sign({ claims });
    const response = await rpc(templates.worker, { token, method: 'resources/read', params: { uri } });
    return (await response.json()) as {
      result?: { contents: { text: string }[] };
      error?: { message: string };
    };
  };
  const path = 'a/'.repeat(1_010);
  const found = await read(`file:///v/${path}1/2/end`);
  expect(JSON.parse(found.result?.contents[0]?.text ?? '')).toEqual([
    ['volume', 1],
    ['path', path.length - 1],
    ['version', 1],
    ['part', 1],
  ]);
  expect((await read(`file:///v/${path}1/2/end`, { roles: [] })).error?.message).toContain('permission');
  for (const claims of [{}, { roles: [], scope: '' }])
    expect((await read(`file:///v/${path}1/2/END`, claims)).error?.message).toBe('There is no such resource');
});
