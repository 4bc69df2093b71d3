// Attack: a request that costs more to look at than to send, without a token.

import { expect, test } from 'vitest';
import { useGate } from '../support/gate.ts';
import { RESOURCE } from '../support/worker.ts';

const gate = useGate();

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
