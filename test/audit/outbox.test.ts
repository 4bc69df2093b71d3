// What is on its way to a sink: bounded, in batches the platform takes, and never stuck.

import { expect, test, vi } from 'vitest';
import { type Batch, createOutbox } from '../../src/audit/outbox.ts';
import { type Behaviour, failing, good, silent, useLog } from './sinks.ts';

const lines = useLog();

interface Item {
  readonly number: number;
  readonly text?: string;
}

function start(behaviour: Behaviour = good) {
  const batches: Batch<Item>[] = [];
  const lost: Item[] = [];
  const promises: Promise<unknown>[] = [];
  const sink = { behaviour };
  const outbox = createOutbox<Item, { waitUntil(promise: Promise<unknown>): void }>(
    'queue',
    (batch) => {
      batches.push(batch);
      return sink.behaviour();
    },
    (items) => lost.push(...items),
  );
  const io = { waitUntil: (promise: Promise<unknown>) => void promises.push(promise) };
  let next = 0;
  return {
    batches,
    lost,
    promises,
    sink,
    put(count: number, { isMinor = false, text }: { isMinor?: boolean; text?: string } = {}) {
      for (let left = count; left > 0; left -= 1)
        outbox.put({ number: next++, ...(text === undefined ? {} : { text }) }, io, isMinor);
    },
    numbers: () => batches.flatMap(({ items }) => items.map(({ number }) => number)),
    sizes: () => batches.map(({ items }) => items.length),
  };
}

const upTo = (end: number) => Array.from({ length: end }, (_, number) => number);

test('a hundred are sent at once, but not before the request that brought the last of them goes on', async () => {
  const outbox = start();
  outbox.put(99);
  await vi.advanceTimersByTimeAsync(500);
  expect(outbox.batches).toEqual([]);
  outbox.put(1);
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
  expect(outbox.batches).toEqual([]);
  await vi.advanceTimersByTimeAsync(0);
  expect(outbox.sizes()).toEqual([100]);
});

test('whoever is sending also sends what comes meanwhile, in order', async () => {
  const outbox = start(() => new Promise((resolve) => setTimeout(resolve, 100)));
  outbox.put(250);
  await vi.advanceTimersByTimeAsync(150);
  outbox.put(30);
  // One that collects and finds everything sent, and one that sends.
  expect(outbox.promises).toHaveLength(2);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(outbox.numbers()).toEqual(upTo(280));
  expect(outbox.sizes()).toEqual([100, 100, 80]);
  await Promise.all(outbox.promises);
});

test('nobody sends while somebody else does', async () => {
  let [active, most] = [0, 0];
  const outbox = start(async () => {
    active += 1;
    most = Math.max(most, active);
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    active -= 1;
  });
  outbox.put(1);
  await vi.advanceTimersByTimeAsync(500);
  outbox.put(200);
  await vi.advanceTimersByTimeAsync(20_000);
  expect(outbox.numbers()).toEqual(upTo(201));
  expect(most).toBe(1);
});

test('one request sends only so many batches for the others; the next one goes on', async () => {
  const outbox = start(async () => {
    if (outbox.batches.length < 15) outbox.put(100);
  });
  outbox.put(100);
  await vi.advanceTimersByTimeAsync(0);
  expect(outbox.batches).toHaveLength(10);
  outbox.put(1);
  await vi.advanceTimersByTimeAsync(0);
  expect(outbox.numbers()).toEqual(upTo(1_501));
});

test('one request sends for the others only so long; the next one goes on', async () => {
  const outbox = start(() => new Promise((resolve) => setTimeout(resolve, 4_000)));
  const feed = setInterval(() => outbox.put(20), 1_000);
  await vi.advanceTimersByTimeAsync(60_000);
  clearInterval(feed);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(outbox.numbers()).toEqual(upTo(1_200));
  expect(outbox.promises.length).toBeGreaterThan(2);
  await Promise.all(outbox.promises);
  expect(lines).toEqual([]);
});

test('a batch is never more than a queue takes, by number and by size', async () => {
  const outbox = start();
  outbox.put(200, { text: '漢'.repeat(1_000) });
  outbox.put(5, { text: 'x'.repeat(100_000) });
  await vi.advanceTimersByTimeAsync(10_000);
  expect(outbox.numbers()).toEqual(upTo(205));
  for (const { items } of outbox.batches) {
    expect(items.length).toBeLessThanOrEqual(100);
    const bytes = items.reduce((sum, item) => sum + Buffer.byteLength(JSON.stringify(item)) + 100, 0);
    expect(bytes).toBeLessThanOrEqual(256_000);
  }
});

test('what is too long for any batch, or cannot be written at all, is left out alone', async () => {
  const outbox = start();
  outbox.put(1);
  outbox.put(1, { text: 'x'.repeat(125_000) });
  outbox.put(1, { text: 1n as unknown as string });
  outbox.put(1);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(outbox.batches).toMatchObject([{ items: [{ number: 0 }, { number: 3 }], dropped: 2 }]);
  expect(lines).toMatchObject([
    { event: 'audit_failed', sink: 'queue', count: 1, detail: 'too long' },
    { event: 'audit_failed', sink: 'queue', count: 1, detail: 'too long' },
  ]);
});

test('nothing but what is too long is no batch', async () => {
  const outbox = start();
  outbox.put(1, { text: 'x'.repeat(125_000) });
  await vi.advanceTimersByTimeAsync(1_000);
  expect(outbox.batches).toEqual([]);
  outbox.put(1);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(outbox.batches).toMatchObject([{ items: [{ number: 1 }], dropped: 1 }]);
});

test('a batch that fails is sent once more under the same id, and then all is well', async () => {
  let isBroken = true;
  const outbox = start(async () => {
    if (isBroken) throw new Error('reset');
  });
  outbox.put(2);
  await vi.advanceTimersByTimeAsync(1_000);
  isBroken = false;
  await vi.advanceTimersByTimeAsync(1_000);
  expect(outbox.batches).toHaveLength(2);
  expect(outbox.batches[1]).toEqual(outbox.batches[0]);
  expect([lines, outbox.lost]).toEqual([[], []]);
  outbox.put(1);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(outbox.batches[2]?.id).not.toBe(outbox.batches[0]?.id);
});

test('a batch that fails twice is lost, logged and counted', async () => {
  const outbox = start(failing);
  outbox.put(2);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(outbox.batches).toHaveLength(2);
  expect(outbox.lost.map(({ number }) => number)).toEqual([0, 1]);
  expect(lines).toMatchObject([
    { event: 'audit_failed', sink: 'queue', count: 2, detail: 'Error: overloaded' },
  ]);
  outbox.sink.behaviour = good;
  outbox.put(1);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(outbox.batches.at(-1)).toMatchObject({ items: [{ number: 2 }], dropped: 2 });
});

test('a sink that does not answer holds nobody for long, and what waits for it is bounded and counted', async () => {
  const outbox = start(silent);
  outbox.put(5_000);
  expect(outbox.promises).toHaveLength(2);
  await vi.advanceTimersByTimeAsync(30_000);
  outbox.sink.behaviour = good;
  outbox.put(1);
  await vi.advanceTimersByTimeAsync(30_000);
  await Promise.all(outbox.promises);
  // A thousand had room, and the last one came when there was some again.
  const sent = new Set(outbox.numbers());
  expect(sent).toEqual(new Set([...upTo(1_000), 5_000]));
  const counted = lines.reduce((sum, { count }) => sum + Number(count), 0);
  expect(counted).toBe(4_000 + outbox.lost.length);
  expect(outbox.batches.reduce((sum, { dropped }) => Math.max(sum, dropped), 0)).toBe(counted);
});

test('a storm of what is minor leaves room for the rest', async () => {
  const outbox = start(silent);
  outbox.put(5_000, { isMinor: true });
  outbox.put(400);
  outbox.sink.behaviour = good;
  await vi.advanceTimersByTimeAsync(30_000);
  const arrived = new Set(outbox.numbers());
  expect([...arrived].filter((number) => number >= 5_000)).toHaveLength(400);
  expect([...arrived].filter((number) => number < 5_000).length).toBeLessThanOrEqual(600);
});

test('a request that is cut off while it collects is replaced by a later one', async () => {
  const outbox = start();
  outbox.put(1);
  vi.clearAllTimers();
  await vi.advanceTimersByTimeAsync(500);
  outbox.put(1);
  expect(outbox.promises).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(2_000);
  outbox.put(1);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(outbox.numbers()).toEqual([0, 1, 2]);
});

test('a request that is cut off while it sends is replaced by a later one; what it had in its hands is lost', async () => {
  const outbox = start(silent);
  outbox.put(150);
  await vi.advanceTimersByTimeAsync(0);
  vi.clearAllTimers();
  outbox.sink.behaviour = good;
  await vi.advanceTimersByTimeAsync(5_000);
  outbox.put(1);
  expect(outbox.promises).toHaveLength(2);
  await vi.advanceTimersByTimeAsync(10_000);
  outbox.put(1);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(outbox.sizes()).toEqual([100, 52]);
});
