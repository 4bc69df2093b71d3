// When an open stream ends, and how often its caller is asked for. The clock is the test's own.

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createCatalogue } from '../../src/protocol/catalogue.ts';
import { listen } from '../../src/protocol/methods/subscriptions.ts';
import { EventStream, supervise, watch } from '../../src/protocol/sse.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const pass = (seconds: number) => vi.advanceTimersByTimeAsync(seconds * 1_000);

test.each<[string, () => boolean | Promise<boolean>]>([
  ['no', () => false],
  ['no, later', async () => false],
  ['an exception', () => Promise.reject(new Error('nobody knows'))],
  [
    'an exception at once',
    () => {
      throw new Error('nobody knows');
    },
  ],
])('what is watched ends, once, when the answer is %s', async (_, answer) => {
  const end = vi.fn();
  watch(5, answer, end);
  await pass(4);
  expect(end).not.toHaveBeenCalled();
  await pass(60);
  expect(end).toHaveBeenCalledOnce();
  expect(vi.getTimerCount()).toBe(0);
});

test('what is watched goes on while the answer is yes, and is asked about every so many seconds', async () => {
  const [mayGoOn, end] = [vi.fn(() => true), vi.fn()];
  const stop = watch(5, mayGoOn, end);
  await pass(52);
  expect(mayGoOn).toHaveBeenCalledTimes(10);
  stop();
  await pass(60);
  expect(mayGoOn).toHaveBeenCalledTimes(10);
  expect(end).not.toHaveBeenCalled();
});

test('nothing is asked while a question is open, and an answer after the end has no effect', async () => {
  let answer: (isYes: boolean) => void = () => {};
  const mayGoOn = vi.fn(() => new Promise<boolean>((resolve) => (answer = resolve)));
  const end = vi.fn();
  const stop = watch(1, mayGoOn, end);
  await pass(30);
  expect(mayGoOn).toHaveBeenCalledOnce();
  answer(true);
  await pass(1);
  expect(mayGoOn).toHaveBeenCalledTimes(2);
  stop();
  answer(false);
  await pass(30);
  expect(end).not.toHaveBeenCalled();
});

const LIMITS = { streamRecheckSeconds: 5, streamKeepAliveSeconds: 20, streamMaxAgeSeconds: 100 };

function supervised(mayStay: () => boolean | Promise<boolean> = () => true) {
  const end = vi.fn(() => stream.close());
  const stream = new EventStream(() => stop());
  const stop = supervise(stream, LIMITS, mayStay, end);
  return { stream, end };
}

test('a stream of somebody who may not have it any more ends while it is open', async () => {
  let mayStay = true;
  const { stream, end } = supervised(async () => mayStay);
  await pass(50);
  expect(stream.isOpen).toBe(true);
  mayStay = false;
  await pass(5);
  expect(end).toHaveBeenCalledOnce();
  expect(vi.getTimerCount()).toBe(0);
});

test('a stream ends at its age also while nobody knows whether it may go on', async () => {
  const { end } = supervised(() => new Promise(() => {}));
  await pass(99);
  expect(end).not.toHaveBeenCalled();
  await pass(1);
  expect(end).toHaveBeenCalledOnce();
  expect(vi.getTimerCount()).toBe(0);
});

test('a stream that was closed is not ended, and leaves no timer', async () => {
  const { stream, end } = supervised();
  await pass(5);
  stream.close();
  expect(vi.getTimerCount()).toBe(0);
  await pass(200);
  expect(end).not.toHaveBeenCalled();
});

test('a silent stream gets a sign of life', async () => {
  const { stream } = supervised();
  await pass(45);
  stream.close();
  expect(await new Response(stream.readable).text()).toBe(':\n\n:\n\n');
});

test('a stream that nobody reads ends once more than so much is unread', () => {
  const onEnd = vi.fn();
  const stream = new EventStream(onEnd, 1_000);
  expect(stream.write('x'.repeat(1_001))).toBe(true);
  expect([stream.write('y'), stream.isOpen]).toEqual([false, false]);
  expect(onEnd).toHaveBeenCalledOnce();
});

test('a listener that does not read ends after 64 KiB', async () => {
  const onEnd = vi.fn();
  const source = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(new TextEncoder().encode('tools\n'.repeat(1_000))),
  });
  const params = { notifications: { toolsListChanged: true } };
  const message = { kind: 'request', id: 1, method: 'subscriptions/listen', params, meta: {} } as const;
  await listen(message, {
    catalogue: createCatalogue({ tools: [] }),
    limits: { streamRecheckSeconds: 60, streamKeepAliveSeconds: 60, streamMaxAgeSeconds: 600 },
    mayUse: () => true,
    permissions: new Set(),
    standing: async () => new Set(),
    onEnd,
    open: async () => source,
    wrapResult: () => '{}',
  });
  await pass(1);
  expect(onEnd).toHaveBeenCalledOnce();
});
