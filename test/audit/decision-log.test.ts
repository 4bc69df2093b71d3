// The log of decisions on the real runtime: what it keeps, for how long, and what an operator finds in it.

import { afterAll, beforeAll, expect, test } from 'vitest';
import type {
  CountedRefusals,
  DecisionLogStatus,
  DecisionPage,
  DecisionQuery,
  Logged,
  LoggedDecision,
} from '../../src/audit/decision-log.ts';
import type { DecisionEvent } from '../../src/log.ts';
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
    append: (decisions: readonly Logged[], dropped = 0, id: string = crypto.randomUUID()) =>
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
const known = (requestId: string, more: Partial<DecisionEvent & { at: number }> = {}): LoggedDecision => ({
  at: now(),
  ...DENIED,
  requestId,
  ...more,
});
/** Somebody else each time. */
const others = (requestId: string): LoggedDecision => known(requestId, { subject: `subject ${requestId}` });
const refused = (reason: string, count = 1, more: Partial<CountedRefusals> = {}): CountedRefusals => ({
  ...{ at: now(), event: 'decision', decision: 'deny', reason, status: 401, count },
  ...more,
});
const many = <T>(count: number, make: (id: string) => T, from = 0) =>
  Array.from({ length: count }, (_, number) => make(`${from + number}`));

const idsOf = ({ items }: DecisionPage) =>
  items.map((item) => ('requestId' in item ? item.requestId : `${item.reason} ${item.count}`));
const found = async (log: Log, query?: Partial<DecisionQuery>) => idsOf(await log.query(query));

test('what was appended is found as it was, newest first', async () => {
  const log = createLog();
  const first = known('1', {
    shadow: { missingPermissions: ['a:b'] },
    requiredScopes: ['x', 'y'],
    policyVersion: 17,
  });
  const second = refused('token_missing', 3, { detail: 'detail' });
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

test('of decisions about known callers nine tenths of all entries are kept, the newest', async () => {
  const log = createLog();
  await log.append(many(80, others));
  await log.append([...many(15, others, 80), refused('token_missing')]);
  const ids = await found(log);
  expect(ids).toEqual(['token_missing 1', ...Array.from({ length: 90 }, (_, number) => String(94 - number))]);
  expect(await log.status()).toMatchObject({ known: 90, anonymous: 1 });
});

test('attack: the refusals of one subject push out its own, and nobody else’s', async () => {
  const log = createLog();
  await log.append([...many(40, others), known('allowed', { decision: 'allow' })]);
  for (let round = 0; round < 10; round += 1) await log.append(many(100, known, 1_000 + round * 100));
  const ids = await found(log);
  // A tenth of what is kept about known callers, the newest; and what it was allowed does not count.
  const newest = Array.from({ length: 9 }, (_, number) => String(1_999 - number));
  expect(ids).toEqual([...newest, 'allowed', ...many(40, String).reverse()]);
  expect(await log.status()).toMatchObject({ known: 50 });
});

test('a share is of a subject of one issuer, and a pseudonym is a subject', async () => {
  const log = createLog();
  const names = [
    { subject: 'ann' },
    { subject: 'hmac:00112233445566778899aabbccddeeff' },
    { issuer: 'https://other.example', subject: 'ann' },
  ];
  for (const name of names) await log.append(many(20, (id) => known(id, name)));
  for (const name of names)
    expect(await found(log, { issuer: DENIED.issuer ?? '', ...name })).toHaveLength(9);
});

test('a share is held across a restart, and what was trimmed or forgotten makes no gap in it', async () => {
  const log = createLog();
  await log.append(many(6, known));
  await log.append(many(87, others, 100));
  await log.restart();
  await log.append(many(20, known, 200));
  expect(await found(log, { subject: 'ann' })).toHaveLength(9);
  await log.forget(DENIED.issuer ?? '', 'ann');
  await log.append(many(20, (id) => known(id, { at: now() + 5 }), 300));
  expect(await found(log, { subject: 'ann' })).toHaveLength(9);
  const [{ count } = { count: 0 }] = await log.rows<{ count: number }>(
    'SELECT COUNT(*) AS count FROM decision',
  );
  expect(await log.status()).toMatchObject({ known: count });
});

test('refusals of callers who are not known are a row per minute and reason, with the last of them', async () => {
  const log = createLog();
  const at = Math.floor(now() / 60) * 60;
  await log.append([refused('token_missing', 3, { at: at - 1 }), known('1')]);
  await log.append([refused('token_invalid', 2, { at: at + 1, detail: 'not_a_jwt' })]);
  await log.append([refused('token_invalid', 40, { at: at + 2, detail: 'aud_check_failed', status: 400 })]);
  await log.append([refused('token_missing', 5, { at: at + 3 })]);
  expect(await log.rows('SELECT minute, reason, count FROM refused ORDER BY position')).toEqual([
    { minute: at / 60 - 1, reason: 'token_missing', count: 3 },
    { minute: at / 60, reason: 'token_invalid', count: 42 },
    { minute: at / 60, reason: 'token_missing', count: 5 },
  ]);
  expect((await log.query({ reason: 'token_invalid' })).items).toEqual([
    refused('token_invalid', 42, { at: at + 2, detail: 'aud_check_failed', status: 400 }),
  ]);
  expect(await log.status()).toMatchObject({ known: 1, anonymous: 3 });
});

test('an isolate of an earlier version sends them one by one, and more than is kept', async () => {
  const log = createLog();
  await log.append(many(3, (requestId) => ({ at: now(), ...ANONYMOUS, requestId, country: 'CH' })));
  expect((await log.query()).items).toEqual([{ ...refused('token_missing', 3), at: expect.any(Number) }]);
});

test('attack: a storm of strangers pushes out nothing about anybody, and writes few rows a minute', async () => {
  const log = createLog();
  await log.append(many(50, others));
  let written = 0;
  for (let round = 0; round < 50; round += 1) {
    const storm = many(10, (id) => refused(`reason ${id}`, 1_000));
    written += (await log.cost('append', storm, 0, crypto.randomUUID())).written;
  }
  // The clock may reach the next minute meanwhile.
  expect(written).toBeLessThanOrEqual(2 * 24);
  expect(await found(log, { issuer: DENIED.issuer ?? '' })).toHaveLength(50);
  // What was over waits, and whoever asks gets it.
  const counts = (await log.query({ decision: 'deny' })).items.map((item) =>
    'count' in item ? item.count : 0,
  );
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(50 * 10 * 1_000);
});

test('of counts a tenth of all entries is kept, the newest', async () => {
  const log = createLog();
  const start = Math.floor(now() / 60) * 60 - 1_200;
  for (let minute = 0; minute < 15; minute += 1) {
    await log.append([refused('token_missing', minute + 1, { at: start + minute * 60 })]);
    await log.query();
  }
  expect(await found(log)).toEqual(Array.from({ length: 10 }, (_, number) => `token_missing ${15 - number}`));
  expect(await log.status()).toMatchObject({ known: 0, anonymous: 10 });
});

test('neither do decisions about known callers push out those about unknown ones', async () => {
  const log = createLog();
  await log.append([refused('token_missing', 5), refused('token_invalid', 5)]);
  for (let round = 0; round < 3; round += 1) await log.append(many(100, others, round * 100));
  expect(await log.status()).toMatchObject({ known: 90, anonymous: 2 });
});

test('appending costs the same, however much is kept', async () => {
  const log = createLog();
  const ten = () => log.cost('append', many(10, others), 0, crypto.randomUUID());
  const first = await ten();
  for (let round = 0; round < 3; round += 1) await log.append(many(60, others));
  const full = await ten();
  // The ten oldest go: nothing is read or written but them, and the index that finds them.
  expect(full.read).toBeLessThanOrEqual(first.read + 3 * 10 + 5);
  expect(full.written).toBeLessThanOrEqual(2 * first.written);
});

test('neither does it cost more that a subject has its share', async () => {
  const log = createLog();
  const ten = () => log.cost('append', many(10, known), 0, crypto.randomUUID());
  await log.append(many(60, others));
  const first = await ten();
  for (let round = 0; round < 3; round += 1) await ten();
  const full = await ten();
  expect(full.read).toBeLessThanOrEqual(first.read + 4 * 10);
  expect(full.written).toBeLessThanOrEqual(2 * first.written);
  // Five rows each, and the tally: as many as before there were shares.
  expect(first.written).toBeLessThanOrEqual(5 * 10 + 1);
});

test('what an earlier version wrote stays readable, counts as nobody’s share, and goes by age', async () => {
  const log = createLog();
  await log.append([known('new')]);
  await log.rows('DELETE FROM migration WHERE version > 0');
  await log.rows('DROP INDEX refusal_of_subject');
  await log.rows('ALTER TABLE decision DROP COLUMN own');
  await log.rows('DROP TABLE refused');
  await log.rows('DROP TABLE tally');
  await log.rows('CREATE UNIQUE INDEX decision_of_ring ON decision (ring, number)');
  await log.rows('DELETE FROM decision');
  const old = (ring: string, from: number, event: object) =>
    log.rows(
      `WITH RECURSIVE n (i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM n WHERE i < 39)
       INSERT INTO decision (ring, number, at, decision, reason, issuer, subject, json)
       SELECT '${ring}', i + 1, ${now() - 3_590}, 'deny', 'scope_missing', ${ring === 'known' ? `'${DENIED.issuer}', 'ann'` : 'NULL, NULL'},
         json_set('${JSON.stringify(event)}', '$.requestId', 'old ' || (${from} + i)) FROM n`,
    );
  await old('known', 0, DENIED);
  await old('anonymous', 100, ANONYMOUS);
  await log.restart();
  await log.append(many(20, known));
  const ids = await found(log);
  expect(ids.filter((id) => id.startsWith('old'))).toHaveLength(80);
  expect(ids.filter((id) => !id.startsWith('old'))).toHaveLength(9);
  expect(await log.status()).toMatchObject({ known: 49, anonymous: 0 });
  await log.append(many(60, others, 500));
  expect(await log.status()).toMatchObject({ known: 90 });
  await expect.poll(() => found(log), { timeout: 40_000 }).toHaveLength(69);
  await log.append([]);
  expect(await log.status()).toMatchObject({ known: 69 });
});

test('a page costs what is on it, also one about an issuer that nearly everything is about', async () => {
  const log = createLog();
  await log.append(many(80, others));
  for (const query of [{}, { issuer: DENIED.issuer }, { decision: 'deny' }, { reason: DENIED.reason }])
    expect((await log.cost('query', { limit: 4, ...query })).read).toBeLessThanOrEqual(10);
});

test.each<[Partial<DecisionQuery>, string[]]>([
  [{}, ['token_missing 7', '4', '3', '2', '1']],
  [{ decision: 'allow' }, ['4', '2']],
  [{ decision: 'deny' }, ['token_missing 7', '3', '1']],
  [{ reason: 'token_missing' }, ['token_missing 7']],
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
  [{ requestId: '1' } as Partial<DecisionQuery>, ['token_missing 7', '4', '3', '2', '1']],
])('an operator finds what was asked for: %j', async (query, ids) => {
  const log = createLog();
  await log.append([
    known('1', { tool: 'whoami' }),
    known('2', { decision: 'allow' }),
    known('3', { issuer: 'https://other.example' }),
    known('4', { decision: 'allow', subject: 'ben', tool: 'whoami' }),
    refused('token_missing', 7),
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
  await log.append([...many(25, others), ...many(3, (id) => refused(`reason ${id}`))]);
  const ids: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await log.query({ limit: 7, ...(cursor === undefined ? {} : { cursor }) });
    ids.push(...idsOf(page));
    cursor = page.nextCursor;
    await log.append([known('late')]);
  } while (cursor !== undefined);
  expect(ids).toEqual([...many(25, String), ...many(3, (id) => `reason ${id} 1`)].reverse());
});

test('the last page has no cursor, also when it is full', async () => {
  const log = createLog();
  await log.append(many(10, others));
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
  expect((items as readonly LoggedDecision[]).map(({ subject }) => subject)).toEqual([
    undefined,
    'ben',
    undefined,
    undefined,
  ]);
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
  expect((items as readonly LoggedDecision[]).map(({ requestId, subject }) => [requestId, subject])).toEqual([
    ['3', 'ben'],
    ['2', 'ann'],
    ['1', undefined],
  ]);
});

test('a restart loses nothing', async () => {
  const log = createLog();
  await log.append([known('1'), refused('token_missing', 2)], 5);
  const before = [await log.query(), await log.status()];
  await log.restart();
  expect([await log.query(), await log.status()]).toEqual(before);
  await log.append([known('3')]);
  expect(await found(log)).toEqual(['3', 'token_missing 2', '1']);
});

test('what is too old is found by nobody, and goes with the next that comes', async () => {
  const log = createLog();
  const old = now() - 4_000;
  await log.append([known('1', { at: old }), refused('token_missing', 2, { at: old }), known('3')]);
  await log.append([refused('token_missing', 4)]);
  expect(await found(log)).toEqual(['token_missing 4', '3']);
  await log.append([known('5')]);
  expect(await log.rows('SELECT json FROM decision')).toHaveLength(2);
  expect(await log.rows('SELECT json FROM refused')).toHaveLength(1);
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
  await log.append([known('1'), refused('token_missing')]);
  const giveUpAt = Date.now() + 40_000;
  while ((await log.rows('SELECT 1 FROM decision UNION ALL SELECT 1 FROM refused')).length > 0) {
    if (Date.now() > giveUpAt) throw new Error('it is still there');
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  expect(await log.status()).toEqual({ known: 0, anonymous: 0, oldestAt: null, lost: 0 });
  await log.append([known('3')]);
  expect(await found(log)).toEqual(['3']);
});
