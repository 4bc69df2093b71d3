// The log of decisions on the real runtime: what it keeps, for how long, and what an operator finds in it.

import { afterAll, beforeAll, expect, test } from 'vitest';
import type {
  DecisionLogStatus,
  DecisionPage,
  DecisionQuery,
  LoggedDecision,
} from '../../src/audit/decision-log.ts';
import { startIssuer, type TestIssuer, trusting } from '../support/issuer.ts';
import { startWorker, type TestWorker } from '../support/worker.ts';
import { ANONYMOUS, DENIED } from './sinks.ts';

let issuer: TestIssuer;
let worker: TestWorker;
let forgetful: TestWorker;
beforeAll(async () => {
  issuer = await startIssuer();
  const start = (LOG_ENTRIES: string, LOG_SECONDS: string) =>
    startWorker({
      main: 'test/support/decision-log-worker.ts',
      vars: { ...trusting(issuer), LOG_ENTRIES, LOG_SECONDS },
    });
  [worker, forgetful] = await Promise.all([start('100', '3600'), start('100', '5')]);
});
afterAll(async () => {
  await worker?.[Symbol.asyncDispose]();
  await forgetful?.[Symbol.asyncDispose]();
  await issuer?.[Symbol.asyncDispose]();
});

/** A log of decisions that nobody else uses. */
function createLog(on: TestWorker = worker) {
  const name = crypto.randomUUID();
  async function call<T>(method: string, ...args: unknown[]): Promise<T> {
    const body = JSON.stringify({ name, method, args });
    const response = await on.fetch('https://mcp.example.com/log', { method: 'POST', body });
    if (!response.ok) throw new Error(await response.text());
    return (await response.json()) as T;
  }
  return {
    append: (decisions: readonly LoggedDecision[], dropped = 0, id: string = crypto.randomUUID()) =>
      call<null>('append', decisions, dropped, id),
    query: (query: Partial<DecisionQuery> = {}) => call<DecisionPage>('query', { limit: 500, ...query }),
    forget: (...args: [issuer: string, subject: string]) => call<number>('forget', ...args),
    status: () => call<DecisionLogStatus>('status'),
    cost: (method: 'append' | 'query', ...args: unknown[]) =>
      call<{ read: number; written: number }>('cost', method, args),
    rows: <T>(query: string) => call<T[]>('rows', query),
    restart: () => call('restart').catch(() => {}),
  };
}

type Log = ReturnType<typeof createLog>;

const now = () => Math.floor(Date.now() / 1_000);
const known = (requestId: string, more: Partial<LoggedDecision> = {}): LoggedDecision => ({
  at: now(),
  ...DENIED,
  requestId,
  ...more,
});
const anonymous = (requestId: string, more: Partial<LoggedDecision> = {}): LoggedDecision => ({
  at: now(),
  ...ANONYMOUS,
  requestId,
  ...more,
});
const many = (count: number, make: (id: string) => LoggedDecision, from = 0) =>
  Array.from({ length: count }, (_, number) => make(`${from + number}`));

const idsOf = ({ items }: DecisionPage) => items.map(({ requestId }) => requestId);
const found = async (log: Log, query?: Partial<DecisionQuery>) => idsOf(await log.query(query));

test('what was appended is found as it was, newest first', async () => {
  const log = createLog();
  const first = known('1', {
    shadow: { missingPermissions: ['a:b'] },
    requiredScopes: ['x', 'y'],
    policyVersion: 17,
  });
  const second = anonymous('2', { country: 'CH' });
  await log.append([first]);
  await log.append([second]);
  expect((await log.query()).items).toEqual([second, first]);
});

test('a log that never got anything is empty', async () => {
  const log = createLog();
  expect(await log.query()).toEqual({ items: [] });
  expect(await log.forget('a', 'b')).toBe(0);
  expect(await log.status()).toEqual({ known: 0, anonymous: 0, oldestAt: null, lost: 0 });
});

test('of known callers nine tenths are kept, the newest; of unknown ones a tenth', async () => {
  const log = createLog();
  await log.append([...many(80, known), ...many(8, anonymous, 1_000)]);
  await log.append([...many(15, known, 80), ...many(7, anonymous, 1_008)]);
  const ids = await found(log);
  const newest = (end: number, count: number) =>
    Array.from({ length: count }, (_, number) => String(end - number));
  expect(ids).toEqual([...newest(1_014, 7), ...newest(94, 15), ...newest(1_007, 3), ...newest(79, 75)]);
  expect(await log.status()).toMatchObject({ known: 90, anonymous: 10 });
});

test('a storm of requests without a token pushes out nothing about anybody', async () => {
  const log = createLog();
  await log.append(many(50, known));
  for (let round = 0; round < 10; round += 1) await log.append(many(100, anonymous, round * 100));
  expect(await found(log, { issuer: DENIED.issuer ?? '' })).toHaveLength(50);
  expect(await log.status()).toMatchObject({ known: 50, anonymous: 10 });
});

test('neither do decisions about known callers push out those about unknown ones', async () => {
  const log = createLog();
  await log.append(many(5, anonymous));
  for (let round = 0; round < 3; round += 1) await log.append(many(100, known, round * 100));
  expect(await log.status()).toMatchObject({ known: 90, anonymous: 5 });
});

test('appending costs the same, however much is kept', async () => {
  const log = createLog();
  const ten = () => log.cost('append', many(10, known), 0, crypto.randomUUID());
  const first = await ten();
  for (let round = 0; round < 3; round += 1) await log.append(many(60, known));
  const full = await ten();
  // The ten oldest go: nothing is read or written but them, and the index that finds them.
  expect(full.read).toBeLessThanOrEqual(first.read + 2 * 10 + 10);
  expect(full.written).toBeLessThanOrEqual(2 * first.written);
});

test('a page costs what is on it, also one about an issuer that nearly everything is about', async () => {
  const log = createLog();
  await log.append(many(80, known));
  for (const query of [{}, { issuer: DENIED.issuer }, { decision: 'deny' }, { reason: DENIED.reason }])
    expect((await log.cost('query', { limit: 4, ...query })).read).toBeLessThanOrEqual(10);
});

test.each<[Partial<DecisionQuery>, string[]]>([
  [{}, ['5', '4', '3', '2', '1']],
  [{ decision: 'allow' }, ['4', '2']],
  [{ decision: 'deny' }, ['5', '3', '1']],
  [{ reason: 'token_missing' }, ['5']],
  [{ reason: 'scope_missing', decision: 'deny' }, ['3', '1']],
  [{ issuer: 'https://other.example' }, ['3']],
  [{ subject: 'ann' }, ['3', '2', '1']],
  [{ issuer: 'https://issuer.example', subject: 'ann' }, ['2', '1']],
  [{ issuer: 'https://issuer.example' }, ['4', '2', '1']],
  [{ issuer: 'https://issuer.example', decision: 'allow', tool: 'whoami' }, ['4']],
  [{ tool: 'whoami' }, ['4', '1']],
  [{ reason: 'scope_missing', tool: 'whoami', subject: 'ann' }, ['1']],
  [{ subject: 'an' }, []],
  [{ subject: '' }, []],
  [{ subject: "' OR 1 = 1 --" }, []],
  [{ requestId: '1' } as Partial<DecisionQuery>, ['5', '4', '3', '2', '1']],
])('an operator finds what was asked for: %j', async (query, ids) => {
  const log = createLog();
  await log.append([
    known('1', { tool: 'whoami' }),
    known('2', { decision: 'allow' }),
    known('3', { issuer: 'https://other.example' }),
    known('4', { decision: 'allow', subject: 'ben', tool: 'whoami' }),
    anonymous('5'),
  ]);
  expect(await found(log, query)).toEqual(ids);
});

test('since is when a decision was made, not when it arrived', async () => {
  const log = createLog();
  const at = now() - 100;
  await log.append([known('1', { at }), known('2', { at: at + 50 }), known('3', { at: at - 50 })]);
  expect(await found(log, { since: at })).toEqual(['2', '1']);
  expect(await found(log, { since: at + 1 })).toEqual(['2']);
  expect(await found(log, { since: at + 51 })).toEqual([]);
});

test('page by page everything is found once, also while more comes in', async () => {
  const log = createLog();
  await log.append([...many(25, known), ...many(5, anonymous, 25)]);
  const ids: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await log.query({ limit: 7, ...(cursor === undefined ? {} : { cursor }) });
    ids.push(...idsOf(page));
    cursor = page.nextCursor;
    await log.append([known('late')]);
  } while (cursor !== undefined);
  expect(ids).toEqual(Array.from({ length: 30 }, (_, number) => String(29 - number)));
});

test('the last page has no cursor, also when it is full', async () => {
  const log = createLog();
  await log.append(many(10, known));
  const page = await log.query({ limit: 5, issuer: DENIED.issuer ?? '' });
  expect(idsOf(page)).toEqual(['9', '8', '7', '6', '5']);
  const last = await log.query({ limit: 5, issuer: DENIED.issuer ?? '', cursor: page.nextCursor ?? '' });
  expect(idsOf(last)).toEqual(['4', '3', '2', '1', '0']);
  expect(last).not.toHaveProperty('nextCursor');
});

test('a cursor nobody gave out finds nothing, and breaks nothing', async () => {
  const log = createLog();
  await log.append(many(3, known));
  for (const cursor of ['', 'x', '-1', '0', "1' OR 1 = 1"]) expect(await found(log, { cursor })).toEqual([]);
});

test('a batch that comes twice is taken once', async () => {
  const log = createLog();
  await log.append([known('1')], 3, 'a');
  await log.append([known('1')], 3, 'a');
  await log.append([known('2')], 4, 'b');
  expect(await found(log)).toEqual(['2', '1']);
  expect(await log.status()).toMatchObject({ lost: 7 });
});

test('a forgotten subject is in no row, and the rest of its decisions stays', async () => {
  const log = createLog();
  const subject = 'hmac:00112233445566778899aabbccddeeff';
  await log.append([
    known('1'),
    known('2', { subject }),
    known('3', { issuer: 'https://other.example' }),
    known('4', { subject: 'ben' }),
    known('5'),
  ]);
  const issuerName = DENIED.issuer ?? '';
  expect(await log.forget(issuerName, 'ann')).toBe(2);
  expect(await log.forget(issuerName, subject)).toBe(1);
  expect(await log.forget(issuerName, 'ann')).toBe(0);
  expect(await found(log)).toEqual(['5', '4', '3', '2', '1']);
  expect(await found(log, { subject: 'ann' })).toEqual(['3']);
  const rows = JSON.stringify(await log.rows(`SELECT * FROM decision WHERE issuer = '${issuerName}'`));
  expect(rows).not.toContain('ann');
  expect(rows).not.toContain(subject);
  const { items } = await log.query({ issuer: issuerName });
  expect(items.map(({ subject }) => subject)).toEqual([undefined, 'ben', undefined, undefined]);
});

test('decisions that were on their way when their subject was forgotten arrive without it, later ones with it', async () => {
  const log = createLog();
  const at = now();
  await log.forget(DENIED.issuer ?? '', 'ann');
  await log.append([
    known('1', { at: at - 5 }),
    known('2', { at: at + 5 }),
    known('3', { at: at - 5, subject: 'ben' }),
  ]);
  const { items } = await log.query();
  expect(items.map(({ requestId, subject }) => [requestId, subject])).toEqual([
    ['3', 'ben'],
    ['2', 'ann'],
    ['1', undefined],
  ]);
});

test('a restart loses nothing', async () => {
  const log = createLog();
  await log.append([known('1'), anonymous('2')], 5);
  const before = [await log.query(), await log.status()];
  await log.restart();
  expect([await log.query(), await log.status()]).toEqual(before);
  await log.append([known('3')]);
  expect(await found(log)).toEqual(['3', '2', '1']);
});

test('what is too old is found by nobody, and goes with the next that comes', async () => {
  const log = createLog();
  const old = now() - 4_000;
  await log.append([known('1', { at: old }), anonymous('2', { at: old }), known('3'), anonymous('4')]);
  expect(await found(log)).toEqual(['4', '3']);
  await log.append([known('5')]);
  expect(await log.rows('SELECT json FROM decision')).toHaveLength(3);
  expect(await log.status()).toMatchObject({ known: 2, anonymous: 1 });
});

test('what came late and is too old already is found by nobody', async () => {
  const log = createLog();
  await log.append([known('1'), known('2', { at: now() - 4_000 })]);
  expect(await found(log)).toEqual(['1']);
  expect(await found(log, { since: 0 })).toEqual(['1']);
});

test('what is too old goes by itself when nothing comes, and the log can be used again', async () => {
  const log = createLog(forgetful);
  await log.append([known('1'), anonymous('2')]);
  const giveUpAt = Date.now() + 40_000;
  while ((await log.rows('SELECT 1 FROM decision')).length > 0) {
    if (Date.now() > giveUpAt) throw new Error('it is still there');
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  expect(await log.status()).toEqual({ known: 0, anonymous: 0, oldestAt: null, lost: 0 });
  await log.append([known('3')]);
  expect(await found(log)).toEqual(['3']);
});
