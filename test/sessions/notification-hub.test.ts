// A hub with too many listeners: the oldest give way, of one subject and of all, and nobody is locked out.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { startWorker, type TestWorker } from '../support/worker.ts';

let worker: TestWorker;
beforeAll(async () => {
  worker = await startWorker({ vars: {}, main: 'test/support/hub-worker.ts' });
});
afterAll(() => worker?.[Symbol.asyncDispose]());

async function heardBy(owners: readonly (readonly [string, number])[]) {
  const response = await worker.fetch('https://mcp.example.com/listen', {
    method: 'POST',
    body: JSON.stringify(owners),
  });
  return (await response.json()) as [owner: string, isHeard: boolean][];
}

test('attack: one subject has no more than so many listeners; its oldest give way, and nobody else', async () => {
  const heard = await heardBy([
    ['alice', 2],
    ['mallory', 140],
    ['bob', 2],
  ]);
  const of = (owner: string) => heard.filter(([name]) => name === owner).map(([, isHeard]) => isHeard);
  expect(of('alice')).toEqual([true, true]);
  expect(of('bob')).toEqual([true, true]);
  expect(of('mallory')).toEqual([...Array(12).fill(false), ...Array(128).fill(true)]);
});

test('attack: many subjects together do not keep a newcomer from listening', async () => {
  const crowd = Array.from({ length: 33 }, (_, index) => [`mallory-${index}`, 128] as const);
  const heard = await heardBy([...crowd, ['alice', 1]]);
  expect(heard.at(-1)).toEqual(['alice', true]);
  expect(heard.filter(([, isHeard]) => isHeard)).toHaveLength(4_096);
});
