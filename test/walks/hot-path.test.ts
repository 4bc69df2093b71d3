// The hot path does no I/O: what a request costs, counted on the real Worker.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { startIssuer, type TestIssuer, trusting } from '../support/issuer.ts';
import { open, request } from '../support/legacy.ts';
import { rpc } from '../support/rpc.ts';
import { startWorker, type TestWorker } from '../support/worker.ts';

let issuer: TestIssuer;
let worker: TestWorker;
beforeAll(async () => {
  issuer = await startIssuer();
  worker = await startWorker({ vars: trusting(issuer), main: 'test/support/counting-worker.ts' });
});
afterAll(async () => {
  await worker?.[Symbol.asyncDispose]();
  await issuer?.[Symbol.asyncDispose]();
});

const counts = async () =>
  (await (await worker.fetch('https://mcp.example.com/counts')).json()) as Record<string, number>;

/** What one thing cost. */
async function cost(action: () => Promise<unknown>): Promise<Record<string, number>> {
  const before = await counts();
  await action();
  const after = await counts();
  return Object.fromEntries(
    Object.entries(after).map(([name, count]) => [name, count - (before[name] ?? 0)]),
  );
}

const whoami = async (token: string) => {
  const response = await rpc(worker, {
    token,
    method: 'tools/call',
    params: { name: 'whoami', arguments: {} },
  });
  expect(response.status).toBe(200);
};

test('the first token of a cold isolate costs a KV read, the metadata, the keys and a KV write', async () => {
  const token = await issuer.sign();
  expect(await cost(() => whoami(token))).toEqual({ fetch: 2, kv: 2, durableObject: 0, verify: 1 });
});

test('a token seen for the first time costs one verification', async () => {
  const token = await issuer.sign();
  expect(await cost(() => whoami(token))).toEqual({ fetch: 0, kv: 0, durableObject: 0, verify: 1 });
});

test('a known token calling a tool costs no KV read, no Durable Object call, no fetch and no verification', async () => {
  const token = await issuer.sign();
  await whoami(token);
  expect(await cost(() => whoami(token))).toEqual({ fetch: 0, kv: 0, durableObject: 0, verify: 0 });
});

test('a request without a token, or with one of a stranger, costs nothing', async () => {
  expect(await cost(() => rpc(worker, {}))).toEqual({ fetch: 0, kv: 0, durableObject: 0, verify: 0 });
  await using stranger = await startIssuer();
  const token = await stranger.sign();
  expect(await cost(() => rpc(worker, { token }))).toEqual({ fetch: 0, kv: 0, durableObject: 0, verify: 0 });
});

test('a legacy tools/call costs exactly one Durable Object call', async () => {
  const token = await issuer.sign();
  const sessionId = await open(worker, token);
  const call = () => request(worker, { token, sessionId }, 'tools/call', { name: 'whoami', arguments: {} });
  expect(await cost(call)).toEqual({ fetch: 0, kv: 0, durableObject: 1, verify: 0 });
});

test('a modern call of a tool that uses state costs what the tool uses', async () => {
  const token = await issuer.sign();
  const remember = { name: 'remember', arguments: { name: 'n', text: 'x' } };
  const call = () => rpc(worker, { token, method: 'tools/call', params: remember });
  await call();
  expect(await cost(call)).toEqual({ fetch: 0, kv: 0, durableObject: 1, verify: 0 });
});
