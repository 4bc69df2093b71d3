// The hot path does no I/O: what a request costs, counted on the real Worker.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { active, askingAt, startIntrospection } from '../support/introspection.ts';
import { startIssuer, type TestIssuer, trusting } from '../support/issuer.ts';
import { open, request } from '../support/legacy.ts';
import { type Answered, operator } from '../support/operator.ts';
import { rpc } from '../support/rpc.ts';
import { startWorker, type TestWorker } from '../support/worker.ts';

let issuer: TestIssuer;
let worker: TestWorker;
beforeAll(async () => {
  issuer = await startIssuer();
  // So that no policy is renewed in the background while something is counted.
  const vars = { ...trusting(issuer), POLICY_FRESH_SECONDS: 300, POLICY_HARD_LIMIT_SECONDS: 600 };
  worker = await startWorker({ vars, main: 'test/support/counting-worker.ts' });
});
afterAll(async () => {
  await worker?.[Symbol.asyncDispose]();
  await issuer?.[Symbol.asyncDispose]();
});

interface Counts {
  readonly fetch: number;
  readonly kv: number;
  readonly readsAtOnce: number;
  readonly durableObject: number;
  readonly decisionLog: number;
  readonly verify: number;
  readonly timers: number;
}

const NOTHING = { fetch: 0, kv: 0, durableObject: 0, verify: 0, timers: 0 };
/** Until something outside has to answer, or what was refused goes to the log of decisions. */
const timers = expect.any(Number);

const counts = async (of = worker): Promise<Counts> =>
  (await (await of.fetch('https://mcp.example.com/counts')).json()) as Counts;

/** What one thing cost. Batches for the log of decisions go after the answers and are counted apart. */
async function cost(
  action: () => Promise<unknown>,
  of = worker,
): Promise<Omit<Counts, 'decisionLog' | 'readsAtOnce'>> {
  const before = await counts(of);
  await action();
  const after = await counts(of);
  const difference = (name: keyof Counts): number => after[name] - before[name];
  return {
    fetch: difference('fetch'),
    kv: difference('kv'),
    durableObject: difference('durableObject'),
    verify: difference('verify'),
    timers: difference('timers'),
  };
}

const whoami = async (token: string) => {
  const response = await rpc(worker, {
    token,
    method: 'tools/call',
    params: { name: 'whoami', arguments: {} },
  });
  expect(response.status).toBe(200);
};

test('the first token of a cold isolate costs the keys (KV, metadata, JWKS, KV) and the policy (KV, once ever the registry)', async () => {
  const token = await issuer.sign();
  expect(await cost(() => whoami(token))).toEqual({ fetch: 2, kv: 3, durableObject: 1, verify: 1, timers });
  expect((await counts()).readsAtOnce, 'keys and policy are read at once').toBe(2);
});

test('a token seen for the first time costs one verification', async () => {
  const token = await issuer.sign();
  expect(await cost(() => whoami(token))).toEqual({ ...NOTHING, verify: 1 });
});

test('a known token calling a tool costs no KV read, no Durable Object call, no fetch, no verification and no timer', async () => {
  const token = await issuer.sign();
  await whoami(token);
  expect(await cost(() => whoami(token))).toEqual(NOTHING);
});

test('a request without a token, or with one of a stranger, costs nothing', async () => {
  expect(await cost(() => rpc(worker, {}))).toEqual(NOTHING);
  await using stranger = await startIssuer();
  const token = await stranger.sign();
  expect(await cost(() => rpc(worker, { token }))).toEqual(NOTHING);
});

test('a legacy tools/call costs exactly one Durable Object call', async () => {
  const token = await issuer.sign();
  const sessionId = await open(worker, token);
  const call = () => request(worker, { token, sessionId }, 'tools/call', { name: 'whoami', arguments: {} });
  await call();
  expect(await cost(call)).toEqual({ ...NOTHING, durableObject: 1, timers });
});

test('a modern call of a tool that uses state costs what the tool uses', async () => {
  const token = await issuer.sign();
  const remember = { name: 'remember', arguments: { name: 'n', text: 'x' } };
  const call = () => rpc(worker, { token, method: 'tools/call', params: remember });
  await call();
  expect(await cost(call)).toEqual({ ...NOTHING, durableObject: 1, timers: 1 });
});

test('with roles, assignments and a thousand revocations in force, a known caller still costs nothing', {
  timeout: 60_000,
}, async () => {
  const operate = await operator(worker, issuer);
  const reason = 'a policy that is not empty';
  const { issuer: name } = issuer;
  const subjects = Array.from({ length: 1_000 }, (_, number) => `user-${number}`);
  const inForce: Answered[] = await Promise.all([
    operate('PUT', '/roles/auditor', { permissions: ['a'], reason }, { 'if-none-match': '*' }),
    operate('POST', '/assignments', { issuer: name, subject: 'alice', role: 'finance', reason }),
    ...subjects.map((subject) =>
      operate('POST', '/revocations', { target: { kind: 'subject', issuer: name, subject }, reason }),
    ),
  ]);
  expect(inForce.filter(({ status }) => status !== 201)).toEqual([]);

  const token = await issuer.sign();
  // Its first call meets the policy as the last of the operators' requests has left it in this isolate.
  await operate('GET', '/status');
  await whoami(token);
  expect(await cost(() => whoami(token))).toEqual(NOTHING);
  const able = await issuer.sign({ claims: { scope: 'payments:refund', roles: ['finance'] } });
  await whoami(able);
  expect(await cost(() => refund(able)), 'a strict tool asks the registry').toEqual({
    ...NOTHING,
    durableObject: 1,
    timers: 1,
  });
});

const refund = (token: string) =>
  rpc(worker, { token, method: 'tools/call', params: { name: 'refund_payment', arguments: {} } });
const many = (request: () => Promise<Response>) => async () => {
  const responses = await Promise.all(Array.from({ length: 300 }, request));
  await Promise.all(responses.map(({ body }) => body?.cancel()));
};

test('attack: who lacks the scope of a strict tool does not have the registry asked, however often it calls', async () => {
  const token = await issuer.sign({ claims: { sub: 'mallory', scope: '', roles: [] } });
  await whoami(token);
  expect(await cost(many(() => refund(token)))).toEqual({ ...NOTHING, timers });
});

/** What a second may cost of those whom the policy refuses, and the second in which it begins. */
const mostIn = (startedAt: number): number => 20 * (Math.ceil((Date.now() - startedAt) / 1_000) + 1);

test('attack: who lacks the permission of a strict tool has the registry asked so often, and then is told to wait', async () => {
  const token = await issuer.sign({ claims: { sub: 'mallory', scope: 'payments:refund', roles: [] } });
  await whoami(token);
  const startedAt = Date.now();
  const statuses = new Set<number>();
  const { durableObject } = await cost(async () => {
    for (let number = 0; number < 300; number += 1) statuses.add((await refund(token)).status);
  });
  expect(durableObject).toBeLessThanOrEqual(mostIn(startedAt));
  expect(statuses).toEqual(new Set([200, 429]));
});

test('strict calls that come together share questions to the registry', async () => {
  const token = await issuer.sign({ claims: { scope: 'payments:refund', roles: ['finance'] } });
  await whoami(token);
  const { durableObject } = await cost(many(() => refund(token)));
  expect(durableObject).toBeGreaterThan(0);
  expect(durableObject).toBeLessThan(30);
});

test('attack: who has the scope of an operator and not the permission has the registry asked so often, and then is told to wait', async () => {
  const operate = await operator(worker, issuer, { sub: 'mallory', roles: [] });
  await operate('GET', '/status');
  const startedAt = Date.now();
  const statuses = new Set<number>();
  const { durableObject } = await cost(async () => {
    for (let number = 0; number < 300; number += 1) statuses.add((await operate('GET', '/status')).status);
  });
  expect(durableObject).toBeLessThanOrEqual(mostIn(startedAt));
  expect(statuses).toEqual(new Set([403, 429]));
});

test('who lacks the scope of an operator costs the registry nothing', async () => {
  for (const roles of [['reader'], ['operator']]) {
    const operate = await operator(worker, issuer, { sub: 'mallory', scope: 'reports:read', roles });
    expect((await operate('GET', '/status')).status).toBe(403);
    expect(await cost(() => operate('GET', '/status'))).toEqual({ ...NOTHING, timers });
  }
});

test('a hundred known calls send the log of decisions what was sampled, in batches', async () => {
  const token = await issuer.sign();
  const before = await counts();
  for (let number = 0; number < 100; number += 1) await whoami(token);
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  const { decisionLog } = await counts();
  expect(decisionLog - before.decisionLog).toBeLessThan(10);
});

test('an opaque token seen for the first time costs one question, and a known one nothing', async () => {
  await using server = await startIntrospection();
  server.answer = () => active();
  const vars = { ...askingAt(server.url), POLICY_FRESH_SECONDS: 300, POLICY_HARD_LIMIT_SECONDS: 600 };
  await using asking = await startWorker({ vars, main: 'test/support/counting-worker.ts' });
  const call = (token: string) => async () => expect((await rpc(asking, { token })).status).toBe(200);
  await call('another')();
  expect(await cost(call('a-token'), asking)).toEqual({ ...NOTHING, fetch: 1, timers });
  expect(await cost(call('a-token'), asking)).toEqual(NOTHING);
});
