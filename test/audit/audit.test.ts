// Where decisions go: what each sink gets, and that no sink is ever a request's problem.

import { expect, test, vi } from 'vitest';
import { createAudit } from '../../src/audit/audit.ts';
import type { LoggedDecision } from '../../src/audit/decision-log.ts';
import type { DecisionEvent, PolicyChangedEvent } from '../../src/log.ts';
import {
  ALLOWED,
  ANONYMOUS,
  type Behaviour,
  createSinks,
  DENIED,
  failing,
  good,
  record,
  type Sinks,
  silent,
  useLog,
} from './sinks.ts';

const lines = useLog();
const failures = () => lines.filter(({ event }) => event === 'audit_failed');
const NOW = Date.parse('2026-08-01T10:20:30Z') / 1_000;

const create = (decisionLogAllowsPerThousand = 0, decisionLogEntries = 100) =>
  createAudit({ auditLog: 'all', decisionLogAllowsPerThousand, decisionLogEntries });

function recordAll(
  audit: ReturnType<typeof create>,
  sinks: Sinks,
  count: number,
  event: DecisionEvent,
): void {
  for (let number = 0; number < count; number += 1)
    record(audit, { ...event, requestId: `r${number}` }, sinks.io);
}

const appended = ({ appended }: Sinks) =>
  appended.flatMap(({ decisions }) => decisions as readonly LoggedDecision[]);
const queued = ({ queued }: Sinks) => queued.flat().map(({ body }) => body);

test('every decision is a line of the log at once, whatever else is bound', () => {
  const sinks = createSinks();
  const audit = create();
  for (const event of [DENIED, ALLOWED, ANONYMOUS]) expect(record(audit, event, sinks.io)).toBeUndefined();
  record(audit, DENIED, { ...sinks.io, env: {} });
  expect(lines.map(({ decision, reason }) => [decision, reason])).toEqual([
    ['deny', 'scope_missing'],
    ['allow', undefined],
    ['deny', 'token_missing'],
    ['deny', 'scope_missing'],
  ]);
});

test('the log can be left to refusals; what else is bound gets every decision', () => {
  const sinks = createSinks();
  const audit = createAudit({ auditLog: 'refusals', decisionLogAllowsPerThousand: 0, decisionLogEntries: 0 });
  for (const event of [DENIED, ALLOWED, ANONYMOUS]) record(audit, event, sinks.io);
  expect(lines.map(({ decision }) => decision)).toEqual(['deny', 'deny']);
  expect(sinks.points.length).toBe(3);
});

test('what was allowed can share lines of the log: full ones at once, the rest after a second; refusals stay alone', async () => {
  const sinks = createSinks();
  const audit = createAudit({ auditLog: 'batched', decisionLogAllowsPerThousand: 0, decisionLogEntries: 0 });
  const io = { ...sinks.io, env: {} };
  recordAll(audit, { ...sinks, io }, 200, ALLOWED);
  record(audit, DENIED, io);
  const full = lines.filter(({ event }) => event === 'decisions');
  expect(full.length).toBeGreaterThan(1);
  for (const line of full) expect(JSON.stringify(line).length).toBeLessThan(16_384);
  expect(lines.at(-1)).toMatchObject({ event: 'decision', decision: 'deny' });
  expect(sinks.promises.length).toBe(1);

  await vi.advanceTimersByTimeAsync(1_000);
  const ids = lines.flatMap(({ decisions = [] }) =>
    (decisions as { requestId: string; at: number }[]).map(({ requestId, at }) => [requestId, at]),
  );
  expect(ids).toEqual(Array.from({ length: 200 }, (_, number) => [`r${number}`, NOW]));
  await vi.advanceTimersByTimeAsync(10_000);
  expect(lines.filter(({ event }) => event === 'decisions').length).toBe(full.length + 1);
});

test('a shared line that cannot be collected is no problem of the request', () => {
  const sinks = createSinks();
  const audit = createAudit({ auditLog: 'batched', decisionLogAllowsPerThousand: 0, decisionLogEntries: 0 });
  const waitUntil = () => {
    throw new Error('too late');
  };
  expect(() => record(audit, ALLOWED, { ...sinks.io, env: {}, waitUntil })).not.toThrow();
  expect(failures()).toMatchObject([{ sink: 'log', count: 1 }]);
});

test('lines are collected by another request when the one that began was cut off', async () => {
  const sinks = createSinks();
  const audit = createAudit({ auditLog: 'batched', decisionLogAllowsPerThousand: 0, decisionLogEntries: 0 });
  const io = { ...sinks.io, env: {} };
  record(audit, ALLOWED, io);
  vi.clearAllTimers();
  await vi.advanceTimersByTimeAsync(2_000);
  record(audit, ALLOWED, io);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(lines.map(({ decisions }) => (decisions as unknown[]).length)).toEqual([2]);
});

test('a decision that nobody gets is not even described', () => {
  const sinks = createSinks();
  const audit = createAudit({
    auditLog: 'refusals',
    decisionLogAllowsPerThousand: 500,
    decisionLogEntries: 1,
  });
  const describe = vi.fn(() => ALLOWED);
  const io = { ...sinks.io, env: { DECISION_LOG: {} } };
  for (let count = 0; count < 4; count += 1) audit.record(ALLOWED, describe, io);
  expect(describe).toHaveBeenCalledTimes(2);
});

test('where nothing is bound nothing is kept', async () => {
  const sinks = createSinks();
  const audit = create(1_000);
  recordAll(audit, { ...sinks, io: { ...sinks.io, env: {} } }, 5_000, DENIED);
  expect(sinks.promises).toEqual([]);
  expect(failures()).toEqual([]);
});

test('an allowed decision that is in no sample costs nothing after its line', () => {
  const sinks = createSinks();
  sinks.io.env.AUDIT_QUEUE = undefined;
  recordAll(create(0), sinks, 100, ALLOWED);
  expect([sinks.promises, sinks.appended]).toEqual([[], []]);
});

test('a data point is written for every decision', () => {
  const sinks = createSinks();
  const audit = create();
  for (const event of [DENIED, ALLOWED, ANONYMOUS]) record(audit, event, sinks.io);
  expect(sinks.points.map(({ indexes }) => indexes)).toEqual([
    ['https://issuer.example ann'],
    ['https://issuer.example ann'],
    ['token_missing'],
  ]);
});

test('what comes within a second goes in one batch, with the time and nothing else added', async () => {
  const sinks = createSinks();
  const audit = create();
  record(audit, DENIED, sinks.io);
  await vi.advanceTimersByTimeAsync(400);
  record(audit, ANONYMOUS, sinks.io);
  expect([sinks.appended, sinks.queued]).toEqual([[], []]);
  await vi.advanceTimersByTimeAsync(600);
  const both = [
    { at: NOW, ...DENIED },
    { at: NOW, ...ANONYMOUS },
  ];
  const { requestId: _, latencyMs: __, ...counted } = { at: NOW, ...ANONYMOUS, count: 1 };
  const told = [{ at: NOW, ...DENIED }, counted];
  expect(sinks.appended).toEqual([{ decisions: told, dropped: 0, id: expect.any(String) }]);
  expect(sinks.queued).toEqual([both.map((body) => ({ body, contentType: 'json' }))]);
  // One for each sink: what comes while somebody collects costs the request nothing.
  expect(sinks.promises).toHaveLength(2);
  await Promise.all(sinks.promises);
});

test('the time of a decision is when it was recorded', async () => {
  const sinks = createSinks();
  const audit = create();
  record(audit, DENIED, sinks.io);
  await vi.advanceTimersByTimeAsync(60_000);
  record(audit, DENIED, sinks.io);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(appended(sinks).map(({ at }) => at)).toEqual([NOW, NOW + 60]);
});

test.each<[number, number[]]>([
  [0, []],
  [1, [0]],
  [10, [0, 100, 200, 300, 400, 500, 600, 700, 800, 900]],
  [1_000, Array.from({ length: 1_000 }, (_, number) => number)],
])(
  'of a thousand allowed decisions the log of decisions gets %i, spread evenly; the queue gets all',
  async (perThousand, expected) => {
    const sinks = createSinks();
    const audit = create(perThousand, 10_000);
    for (let number = 0; number < 1_000; number += 1) {
      record(audit, { ...ALLOWED, requestId: String(number) }, sinks.io);
      if (number % 50 === 49) await vi.advanceTimersByTimeAsync(1_000);
    }
    expect(appended(sinks).map(({ requestId }) => Number(requestId))).toEqual(expected);
    expect(queued(sinks)).toHaveLength(1_000);
  },
);

test('what a role change on trial would refuse is always kept', async () => {
  const sinks = createSinks();
  const audit = create(0);
  record(audit, { ...ALLOWED, shadow: { missingPermissions: ['reports:write'] } }, sinks.io);
  record(audit, ALLOWED, sinks.io);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(appended(sinks).map(({ shadow }) => shadow)).toEqual([{ missingPermissions: ['reports:write'] }]);
});

test('a refusal is always kept, and moves no sample', async () => {
  const sinks = createSinks();
  const audit = create(500);
  for (const event of [ALLOWED, DENIED, ALLOWED, DENIED, ANONYMOUS, ALLOWED]) record(audit, event, sinks.io);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(appended(sinks).map(({ decision }) => decision)).toEqual(['allow', 'deny', 'deny', 'deny', 'allow']);
});

test('a log of decisions without entries is not called', async () => {
  const sinks = createSinks();
  recordAll(create(1_000, 0), sinks, 10, DENIED);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(sinks.appended).toEqual([]);
  expect(queued(sinks)).toHaveLength(10);
});

test.each<[string, Partial<Sinks['behaviour']>, string]>([
  ['the queue fails', { queue: failing }, 'queue'],
  ['the queue does not answer', { queue: silent }, 'queue'],
  ['the log of decisions fails', { decisionLog: failing }, 'decision_log'],
  ['the log of decisions does not answer', { decisionLog: silent }, 'decision_log'],
])('when %s, no request notices, and the others get everything', async (_, behaviour, sink) => {
  const sinks = createSinks();
  Object.assign(sinks.behaviour, behaviour);
  const audit = create();
  expect(() => recordAll(audit, sinks, 5, DENIED)).not.toThrow();
  await vi.advanceTimersByTimeAsync(30_000);
  await expect(Promise.all(sinks.promises)).resolves.toBeDefined();
  expect(failures()).toMatchObject([{ sink, count: 5 }]);
  // The one that works is asked once, the other twice.
  const calls = { queue: sinks.queued.length, decision_log: sinks.appended.length };
  expect(calls).toEqual({ queue: 1, decision_log: 1, [sink]: 2 });
  expect(sinks.points).toHaveLength(5);
});

test('a sink that throws before it answers, or cannot be had at all, is one that fails', async () => {
  const sinks = createSinks();
  const broken = (): never => {
    throw new TypeError('no such binding');
  };
  const env = {
    DECISION_LOG: {},
    AUDIT_ANALYTICS: { writeDataPoint: broken },
    AUDIT_QUEUE: { sendBatch: broken },
  };
  const io = { ...sinks.io, env, decisionLog: broken };
  const audit = create();
  expect(() => record(audit, DENIED, io)).not.toThrow();
  await vi.advanceTimersByTimeAsync(30_000);
  await Promise.all(sinks.promises);
  const detail = 'TypeError: no such binding';
  expect(failures().map(({ sink, count, detail }) => [sink, count, detail])).toEqual([
    ['analytics', 1, detail],
    ['queue', 1, detail],
    ['decision_log', 1, detail],
  ]);
});

test('a request that may wait for nothing any more is not failed either', () => {
  const sinks = createSinks();
  const io = {
    ...sinks.io,
    waitUntil: () => {
      throw new Error('too late');
    },
  };
  expect(() => record(create(), DENIED, io)).not.toThrow();
  expect(failures()).toMatchObject([{ sink: 'queue' }, { sink: 'decision_log' }]);
});

test('after a failure the next message of the queue, and the next batch, tell how many got lost', async () => {
  const sinks = createSinks();
  const audit = create();
  const round = async (behaviour: Behaviour) => {
    Object.assign(sinks.behaviour, { queue: behaviour, decisionLog: behaviour });
    recordAll(audit, sinks, 3, DENIED);
    await vi.advanceTimersByTimeAsync(30_000);
  };
  await round(failing);
  await round(failing);
  await round(good);
  await round(good);
  expect(sinks.appended.map(({ dropped }) => dropped)).toEqual([0, 0, 3, 3, 6, 0]);
  const told = sinks.queued.map((batch) => batch.map(({ body }) => (body as { dropped?: number }).dropped));
  expect(told.slice(-2)).toEqual([
    [6, undefined, undefined],
    [undefined, undefined, undefined],
  ]);
});

test('a storm of requests without a token keeps nobody else from being heard', async () => {
  const sinks = createSinks();
  Object.assign(sinks.behaviour, { queue: silent, decisionLog: silent });
  const audit = create();
  recordAll(audit, sinks, 3_000, ANONYMOUS);
  recordAll(audit, sinks, 300, DENIED);
  Object.assign(sinks.behaviour, { queue: good, decisionLog: good });
  await vi.advanceTimersByTimeAsync(30_000);
  for (const arrived of [appended(sinks), queued(sinks)])
    expect(arrived.filter(({ issuer }) => issuer !== undefined)).toHaveLength(300);
});

test('attack: strangers are counted by reason: the first is told at once, then how many in twenty seconds', async () => {
  const sinks = createSinks();
  const audit = create();
  const storm = async (seconds: number, event: DecisionEvent) => {
    for (let second = 0; second < seconds; second += 1) {
      recordAll(audit, sinks, 100, event);
      await vi.advanceTimersByTimeAsync(1_000);
    }
  };
  const told = () =>
    sinks.appended
      .flatMap(({ decisions }) => decisions)
      .map((item) => [item.reason, 'count' in item && item.count]);
  await storm(1, ANONYMOUS);
  expect(told()).toEqual([['token_missing', 1]]);
  await storm(60, { ...ANONYMOUS, reason: 'token_invalid', detail: 'not_a_jwt' });
  await vi.advanceTimersByTimeAsync(30_000);
  const counts = (reason: string) => told().flatMap(([of, count]) => (of === reason ? [Number(count)] : []));
  expect(counts('token_missing')).toEqual([1, 99]);
  expect(counts('token_invalid').length).toBeLessThanOrEqual(5);
  expect(counts('token_invalid').reduce((sum, count) => sum + count, 0)).toBe(6_000);
  expect(sinks.appended.length).toBeLessThanOrEqual(8);
});

test('what goes with a count has nothing that a caller could have written, and nothing of its place', async () => {
  const sinks = createSinks();
  const event = {
    ...ANONYMOUS,
    detail: 'not_a_jwt',
    traceId: 't',
    requestId: 'x',
    country: 'CH',
    colo: 'ZRH',
  };
  record(create(), event, sinks.io);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(sinks.appended[0]?.decisions).toEqual([
    {
      ...{ event: 'decision', decision: 'deny', reason: 'token_missing', status: 401 },
      ...{ detail: 'not_a_jwt', count: 1, at: NOW },
    },
  ]);
});

test('strangers whose counter was cut off are counted by the next one', async () => {
  const sinks = createSinks();
  const audit = create();
  recordAll(audit, sinks, 5, ANONYMOUS);
  await vi.advanceTimersByTimeAsync(1_000);
  vi.clearAllTimers();
  vi.setSystemTime(Date.now() + 60_000);
  record(audit, ANONYMOUS, sinks.io);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(sinks.appended.flatMap(({ decisions }) => decisions)).toMatchObject([{ count: 1 }, { count: 5 }]);
});

// ---- the use of service keys ----

const SERVICE: DecisionEvent = {
  ...ALLOWED,
  principalKind: 'service',
  issuer: 'service-keys',
  subject: 'nightly',
  tokenId: 'key-1',
};

test('the use of a service key is told once an hour', async () => {
  const sinks = createSinks();
  const audit = create();
  const use = async (tokenId: string) => {
    record(audit, { ...SERVICE, tokenId }, sinks.io);
    await vi.advanceTimersByTimeAsync(1_000);
  };
  await use('key-1');
  await use('key-1');
  await use('key-2');
  expect(sinks.keyUses).toEqual([[{ id: 'key-1', at: NOW }], [{ id: 'key-2', at: NOW + 2 }]]);
  await vi.advanceTimersByTimeAsync(3_600_000);
  await use('key-1');
  expect(sinks.keyUses).toHaveLength(3);
});

test('a refused use, one of a user, and one that nobody wants to hear of are not told', async () => {
  const sinks = createSinks();
  const audit = create();
  record(audit, { ...SERVICE, decision: 'deny', reason: 'scope_missing' }, sinks.io);
  record(audit, { ...SERVICE, principalKind: 'oauth' }, sinks.io);
  record(audit, { ...SERVICE, tokenId: undefined }, sinks.io);
  const { noteKeyUse: _, ...deaf } = sinks.io;
  record(audit, SERVICE, deaf);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(sinks.keyUses).toEqual([]);
});

test('a use that could not be told is told with the next one', async () => {
  const sinks = createSinks();
  sinks.behaviour.registry = failing;
  const audit = create();
  record(audit, SERVICE, sinks.io);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(failures()).toMatchObject([{ sink: 'registry', count: 1 }]);
  sinks.behaviour.registry = good;
  record(audit, SERVICE, sinks.io);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(sinks.keyUses.at(-1)).toEqual([{ id: 'key-1', at: NOW + 5 }]);
  expect(failures()).toHaveLength(1);
});

const CHANGE: PolicyChangedEvent = {
  event: 'policy_changed',
  requestId: 'r',
  version: 18,
  action: 'assign',
  target: { issuer: 'https://issuer.example', subject: 'bob', role: 'editor' },
  issuer: 'https://issuer.example',
  subject: 'carol',
  clientId: 'cli',
};

test('a change is a line of the log, a data point and a message, whatever the log leaves out', async () => {
  vi.useFakeTimers({ now: NOW * 1_000 });
  for (const auditLog of ['all', 'batched', 'refusals'] as const) {
    const sinks = createSinks();
    const audit = createAudit({ auditLog, decisionLogAllowsPerThousand: 1_000, decisionLogEntries: 100 });
    lines.splice(0);
    expect(audit.tell(CHANGE, sinks.io)).toBeUndefined();
    expect(lines).toMatchObject([CHANGE]);
    const [point] = sinks.points;
    expect([point?.indexes, point?.doubles]).toEqual([['https://issuer.example carol'], [0, 0, 18, 0]]);
    expect(point?.blobs?.filter((blob) => blob !== '')).toEqual([
      'change',
      JSON.stringify(CHANGE.target),
      'https://issuer.example',
      'carol',
      'cli',
      'assign',
      'r',
    ]);
    await vi.advanceTimersByTimeAsync(1_100);
    expect(queued(sinks)).toEqual([{ at: expect.any(Number), ...CHANGE }]);
    expect(sinks.appended).toEqual([]);
  }
});

test('a change that no sink takes is told by the log, and fails nobody', () => {
  const sinks = createSinks();
  sinks.io.env.AUDIT_ANALYTICS = {
    writeDataPoint() {
      throw new Error('no');
    },
  };
  create().tell(CHANGE, sinks.io);
  expect(lines[0]).toMatchObject({ event: 'policy_changed' });
  expect(failures()).toMatchObject([{ sink: 'analytics' }]);
});
