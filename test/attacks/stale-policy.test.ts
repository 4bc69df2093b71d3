// Attack: cut this server off from the policy, so that what was revoked works again or everybody is signed out.
//
// What is here is used up to the hard limit. Beyond, or without any, the answer is a 503: never a guess, and never a 401,
// which would make everyone sign in again. A head that was lost is not "nothing is revoked".

import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { startIssuer, type TestIssuer, trusting } from '../support/issuer.ts';
import { type Operate, operator } from '../support/operator.ts';
import { META, rpc } from '../support/rpc.ts';
import { startWorker, type TestWorker } from '../support/worker.ts';

let issuer: TestIssuer;
let worker: TestWorker;
let operate: Operate;
let alice: string;
let mallory: string;

const control = (path: string) => worker.fetch(`https://mcp.example.com${path}`);
/** What cannot be reached from now on; the rest can. */
const trouble = (what: { kv?: 'throws' | 'hangs'; registry?: 'throws' }) =>
  control(`/trouble?${new URLSearchParams({ kv: 'sound', registry: 'sound', ...what })}`);
const newIsolate = () => control('/isolate');

interface Seen {
  readonly status: number;
  readonly reason: unknown;
  readonly detail: unknown;
  readonly retryAfter: string | null;
  readonly challenge: string | null;
  /** Whether the policy could not be read while this was answered. */
  readonly isFailing: boolean;
}

async function seen(token: string, tool = 'whoami', args: object = {}): Promise<Seen> {
  worker.logs();
  const response = await rpc(worker, {
    token,
    method: 'tools/call',
    params: {
      name: tool,
      arguments: args,
      _meta: { ...META, 'io.modelcontextprotocol/clientCapabilities': { elicitation: {} } },
    },
  });
  await response.text();
  const lines = worker.logs();
  const event = lines.find((line) => line.event === 'decision');
  return {
    status: response.status,
    reason: event?.reason,
    detail: event?.detail,
    retryAfter: response.headers.get('retry-after'),
    challenge: response.headers.get('www-authenticate'),
    isFailing: lines.some((line) => line.event === 'policy_failed'),
  };
}

const strict = (token: string): Promise<Seen> =>
  seen(token, 'refund_payment', { paymentId: 'pay_1', idempotencyKey: 'a-key-of-mine' });

const LET_IN = { status: 200, reason: undefined };
const REVOKED = { status: 401, reason: 'token_revoked', detail: 'subject' };
const unavailable = (detail: 'kv' | 'registry') => ({
  status: 503,
  reason: 'policy_unavailable',
  detail,
  retryAfter: '5',
  challenge: null,
});

/** Asks again until the answer has the status. */
async function eventually(token: string, status: number): Promise<void> {
  const giveUpAt = Date.now() + 30_000;
  for (;;) {
    const last = await seen(token);
    if (last.status === status) return;
    if (Date.now() > giveUpAt) throw new Error(`still ${JSON.stringify(last)}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

beforeAll(async () => {
  issuer = await startIssuer();
  worker = await startWorker({
    vars: { ...trusting(issuer), POLICY_FRESH_SECONDS: 1, POLICY_HARD_LIMIT_SECONDS: 8 },
    main: 'test/support/troubled-worker.ts',
  });
  operate = await operator(worker, issuer);
  const claims = { roles: ['finance'], scope: 'reports:read payments:refund' };
  alice = await issuer.sign({ claims });
  mallory = await issuer.sign({ claims: { ...claims, sub: 'mallory' } });
  for (const token of [alice, mallory]) expect(await seen(token)).toMatchObject(LET_IN);
  const target = { kind: 'subject', issuer: issuer.issuer, subject: 'mallory' };
  expect((await operate('POST', '/revocations', { target, reason: 'a test' })).status).toBe(201);
  await eventually(mallory, 401);
});
afterAll(async () => {
  await worker?.[Symbol.asyncDispose]();
  await issuer?.[Symbol.asyncDispose]();
});
beforeEach(async () => {
  await trouble({});
  await eventually(alice, 200);
  expect(await seen(mallory)).toMatchObject(REVOKED);
});

/** What both see, in turn, asking until both see a status. */
async function untilBothSee(alices: number, mallorys: number): Promise<Record<'alice' | 'mallory', Seen[]>> {
  const all = { alice: [] as Seen[], mallory: [] as Seen[] };
  const giveUpAt = Date.now() + 50_000;
  for (;;) {
    const last = [await seen(alice), await seen(mallory)] as const;
    all.alice.push(last[0]);
    all.mallory.push(last[1]);
    if (last[0].status === alices && last[1].status === mallorys) return all;
    if (Date.now() > giveUpAt) throw new Error(`still ${JSON.stringify(last)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** What each saw: so many times this, then that, and nothing else in between. */
function expectChange(all: readonly Seen[], before: Partial<Seen>, after: Partial<Seen>): void {
  const changed = all.findIndex(({ status }) => status === after.status);
  for (const [index, seen] of all.entries()) expect(seen).toMatchObject(index < changed ? before : after);
}

test.each(['throws', 'hangs'] as const)(
  'while KV %s, what is here is used up to the hard limit; then everybody gets a 503, and recovers without a restart',
  async (kv) => {
    await trouble({ kv });
    const losing = await untilBothSee(503, 503);
    expectChange(losing.alice, LET_IN, unavailable('kv'));
    expectChange(losing.mallory, REVOKED, unavailable('kv'));
    // Nobody is refused because of the first read that fails.
    const failing = losing.alice.findIndex(
      (seen, round) => seen.isFailing || losing.mallory[round]?.isFailing,
    );
    expect(losing.alice[failing]).toMatchObject(LET_IN);
    expect(losing.mallory[failing]).toMatchObject(REVOKED);
    for (const token of [alice, mallory, alice, mallory])
      expect(await seen(token)).toMatchObject(unavailable('kv'));
    // What is no good token is refused as ever.
    expect(await seen(`${alice}x`)).toMatchObject({ status: 401, reason: 'token_invalid' });

    await trouble({});
    const recovering = await untilBothSee(200, 401);
    expectChange(recovering.alice, unavailable('kv'), LET_IN);
    expectChange(recovering.mallory, unavailable('kv'), REVOKED);
  },
);

test('an isolate that begins while KV cannot be read lets nobody in and sends nobody to sign in', async () => {
  await trouble({ kv: 'throws' });
  await newIsolate();
  for (const token of [alice, mallory, alice]) expect(await seen(token)).toMatchObject(unavailable('kv'));
  await trouble({});
  await eventually(alice, 200);
  expect(await seen(mallory)).toMatchObject(REVOKED);
});

test('in an isolate that begins while KV hangs, a stranger is refused without waiting for the policy', async () => {
  await using stranger = await startIssuer();
  const token = await stranger.sign();
  await trouble({ kv: 'hangs' });
  await newIsolate();
  // Reading the policy is given up after 5 s.
  const waiting = new Promise((resolve) => setTimeout(resolve, 4_000, 'waits for the policy'));
  expect(await Promise.race([seen(token), waiting])).toMatchObject({
    status: 401,
    reason: 'issuer_not_trusted',
  });
});

test('while the registry cannot be reached, strict tools are a 503 and everything else works', async () => {
  expect(await strict(alice)).toMatchObject(LET_IN);
  expect(await strict(mallory)).toMatchObject(REVOKED);
  await trouble({ registry: 'throws' });
  for (let count = 0; count < 3; count += 1) {
    expect(await strict(alice)).toMatchObject(unavailable('registry'));
    expect(await seen(alice)).toMatchObject(LET_IN);
    expect(await seen(mallory)).toMatchObject(REVOKED);
  }
  // Decided before the newest policy is asked for, by the one that was published.
  expect(await strict(mallory)).toMatchObject({ status: 401 });
  await newIsolate();
  expect(await seen(alice)).toMatchObject(LET_IN);
  await trouble({});
  expect(await strict(alice)).toMatchObject(LET_IN);
});

test('while the registry cannot be reached, operators are a 503 and nothing is changed', async () => {
  await trouble({ registry: 'throws' });
  const target = { kind: 'subject', issuer: issuer.issuer, subject: 'alice' };
  const { status, headers, body } = await operate('POST', '/revocations', { target, reason: 'a test' });
  expect([status, body.error, headers.get('retry-after')]).toEqual([503, 'temporarily_unavailable', '5']);
  await trouble({});
  expect(await strict(alice)).toMatchObject(LET_IN);
});

test('KV that lost its head lifts no revocation, neither here nor in a new isolate', async () => {
  const { KIT_KV } = await worker.env();
  const head = await KIT_KV.get('policy:head');
  expect(head).not.toBe(null);
  await KIT_KV.delete('policy:head');
  try {
    for (const _ of ['here', 'and in a new isolate']) {
      const giveUpAt = Date.now() + 3_000;
      while (Date.now() < giveUpAt) {
        expect(await seen(mallory)).toMatchObject(REVOKED);
        expect(await seen(alice)).toMatchObject(LET_IN);
        await new Promise((resolve) => setTimeout(resolve, 300));
      }
      await newIsolate();
    }
    // And when the registry cannot be asked, nobody knows.
    await trouble({ registry: 'throws' });
    await newIsolate();
    for (const token of [mallory, alice]) expect(await seen(token)).toMatchObject(unavailable('kv'));
  } finally {
    await KIT_KV.put('policy:head', head ?? '');
  }
});
