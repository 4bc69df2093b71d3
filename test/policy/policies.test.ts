// How old is the policy that an isolate decides by, when does it ask whom, and what when nobody answers?

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Denial, isDenial } from '../../src/denial.ts';
import { assignmentKey, type Key, revocationKey } from '../../src/policy/keys.ts';
import { createPolicies, type Policies, type PolicyIo } from '../../src/policy/policies.ts';
import { resolveRoles } from '../../src/policy/roles.ts';
import { HEAD_KEY, type Head, type Policy } from '../../src/policy/snapshot.ts';
import { TableWriter } from '../../src/policy/table.ts';

const FRESH = 30;
const HARD_LIMIT = 300;
const START = 1_800_000_000;

const subject = { issuer: 'https://issuer.example.com', subject: 'alice' };
const KEY: Key = await revocationKey({ kind: 'subject', ...subject });
const ASSIGNEE: Key = await assignmentKey(subject);

const headOf = (version: number, given: Partial<Head> = {}): Head => ({
  format: 1,
  version,
  revocations: { recent: {}, kinds: [] },
  assignments: { recent: {} },
  serviceKeys: {},
  ...given,
});

const revoking = (version: number): Head =>
  headOf(version, { revocations: { recent: { [KEY.id]: 1_000 }, kinds: ['subject'] } });

function table(words: number, hex: string, value: number, notes = ''): ArrayBuffer {
  const writer = new TableWriter(words, 1, notes);
  writer.add(hex, value);
  return writer.finish();
}

type Answer<T> = () => Promise<T>;
const gives =
  <T>(value: T): Answer<T> =>
  () =>
    Promise.resolve(value);
const fails = (): Promise<never> => Promise.reject(new Error('KV GET failed: 500'));
const hangs = (): Promise<never> => new Promise(() => {});

let policies: Policies;
/** What KV has, by key; what is not there is absent. */
let kv: Map<string, Answer<unknown>>;
let reads: { key: string; options: unknown }[];
let registry: (known: number) => Promise<Head | null>;
let asked: number[];
let background: Promise<unknown>[];
let logged: Record<string, unknown>[];

const now = (): number => Math.floor(Date.now() / 1_000);
const io: PolicyIo = {
  kv: {
    get: (key: string, options: unknown) => {
      reads.push({ key, options });
      return (kv.get(key) ?? gives(null))();
    },
  } as unknown as KVNamespace,
  registry: () => ({
    head: (known) => {
      asked.push(known);
      return registry(known);
    },
  }),
  now,
  waitUntil: (promise) => {
    background.push(promise);
  },
};

const fresh = (): Policies =>
  createPolicies(
    {
      roles: resolveRoles({ reader: { permissions: ['read'] } }),
      defaultRoles: [],
      scopeImplications: {},
      clockToleranceSeconds: 5,
    },
    { policyFreshSeconds: FRESH, policyHardLimitSeconds: HARD_LIMIT },
  );

beforeEach(() => {
  vi.useFakeTimers({ now: START * 1_000 });
  policies = fresh();
  kv = new Map([[HEAD_KEY, gives(headOf(1))]]);
  reads = [];
  asked = [];
  background = [];
  logged = [];
  registry = () => Promise.reject(new Error('nobody expected this'));
  vi.spyOn(console, 'log').mockImplementation((line) => {
    logged.push(JSON.parse(line));
  });
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** Lets time pass, and what waits for it happen. */
const pass = (seconds: number): Promise<unknown> => vi.advanceTimersByTimeAsync(seconds * 1_000);

/** What a call gives, and how many seconds it takes. */
async function outcome(call: Promise<Policy | Denial>): Promise<Policy | Denial> {
  let result: Policy | Denial | undefined;
  void call.then((value) => {
    result = value;
  });
  for (let tenths = 0; tenths < 1_000; tenths += 1) {
    await vi.advanceTimersByTimeAsync(0);
    if (result) return result;
    await vi.advanceTimersByTimeAsync(100);
  }
  throw new Error('no answer in 100 s');
}

async function read(): Promise<Policy> {
  const policy = await outcome(policies.read(io));
  if (isDenial(policy)) throw new Error(`refused: ${JSON.stringify(policy)}`);
  return policy;
}

async function renew(olderThanSeconds: number): Promise<Policy> {
  const policy = await outcome(policies.renew(io, olderThanSeconds));
  if (isDenial(policy)) throw new Error(`refused: ${JSON.stringify(policy)}`);
  return policy;
}

const UNREADABLE = { reason: 'policy_unavailable', detail: 'kv', retryAfterSeconds: 5 };
const UNREACHABLE = { reason: 'policy_unavailable', detail: 'registry', retryAfterSeconds: 5 };
const headReads = (): number => reads.filter(({ key }) => key === HEAD_KEY).length;
const failures = () => logged.filter(({ event }) => event === 'policy_failed');

describe('a policy', () => {
  test('is read from KV by the first request', async () => {
    expect(policies.young(now())).toBeUndefined();
    expect(policies.age(now())).toBeUndefined();
    expect((await read()).version).toBe(1);
    expect(reads).toEqual([{ key: HEAD_KEY, options: 'json' }]);
    // It goes on for others when this request is cut off.
    expect(background).toHaveLength(1);
    expect(asked).toEqual([]);
    expect(logged).toMatchObject([{ event: 'policy_loaded', version: 1, from: 'kv' }]);
  });

  test('is used from memory up to half of the time it is fresh', async () => {
    const policy = await read();
    expect(policies.young(now())).toBe(policy);
    await pass(FRESH / 2 - 1);
    expect(policies.young(now())).toBe(policy);
    await pass(1);
    expect(policies.young(now())).toBeUndefined();
    expect(headReads()).toBe(1);
  });

  test('is used and renewed in the background in the second half', async () => {
    const policy = await read();
    kv.set(HEAD_KEY, gives(headOf(2)));
    await pass(FRESH - 1);
    background = [];
    // Not waited for: what KV has comes later than the answer.
    let result: Policy | Denial | undefined;
    void policies.read(io).then((value) => {
      result = value;
    });
    await Promise.resolve();
    expect(result).toBe(policy);
    expect(background.length).toBe(1);
    await Promise.all(background);
    expect(policies.young(now())?.version).toBe(2);
  });

  test('is used in the second half also while KV does not answer, without waiting', async () => {
    const policy = await read();
    kv.set(HEAD_KEY, hangs);
    await pass(FRESH / 2);
    for (let second = FRESH / 2; second < FRESH; second += 1) {
      expect(await policies.read(io)).toBe(policy);
      await pass(1);
    }
  });

  test('is waited for when it is not fresh any more', async () => {
    await read();
    kv.set(HEAD_KEY, gives(headOf(2)));
    await pass(FRESH);
    expect((await read()).version).toBe(2);
  });

  test('is the same object while its version is', async () => {
    const policy = await read();
    for (const answer of [headOf(1), revoking(1)]) {
      kv.set(HEAD_KEY, gives(answer));
      await pass(FRESH);
      expect(await read()).toBe(policy);
      expect(policies.young(now())).toBe(policy);
    }
  });

  test('of an older version is not adopted, whoever gives it', async () => {
    kv.set(HEAD_KEY, gives(revoking(5)));
    const policy = await read();
    kv.set(HEAD_KEY, gives(headOf(4)));
    await pass(FRESH);
    expect(await read()).toBe(policy);
    registry = () => Promise.resolve(headOf(3));
    expect(await outcome(policies.renew(io, 0))).toEqual(UNREACHABLE);
    expect(failures()).toHaveLength(1);
    expect(policies.young(now())).toBe(policy);
    expect(policy.revokedAt(KEY)).toBe(1_000);
    // Its tables may be gone already.
    kv.set(HEAD_KEY, gives(headOf(4, { assignments: { table: 'policy:gone', recent: {} } })));
    await pass(FRESH);
    expect(await read()).toBe(policy);
    expect(failures()).toHaveLength(1);
  });

  test('has an age, and says who confirmed it', async () => {
    await read();
    await pass(40);
    expect(policies.age(now())).toEqual({ version: 1, ageSeconds: 40, source: 'kv' });
    registry = () => Promise.resolve(null);
    await renew(0);
    expect(policies.age(now())).toEqual({ version: 1, ageSeconds: 0, source: 'registry' });
    await pass(FRESH);
    await read();
    expect(policies.age(now())).toEqual({ version: 1, ageSeconds: 0, source: 'kv' });
  });
});

describe('requests that come together', () => {
  const burst = (): Promise<Policy | Denial>[] => Array.from({ length: 25 }, () => policies.read(io));
  const slowly =
    (head: Head, seconds: number): Answer<Head> =>
    () =>
      new Promise((resolve) => setTimeout(() => resolve(head), seconds * 1_000));

  test('read KV once, when there is nothing yet', async () => {
    kv.set(HEAD_KEY, slowly(headOf(1), 1));
    const all = Promise.all(burst());
    await pass(2);
    expect(new Set(await all)).toEqual(new Set([policies.young(now())]));
    expect(headReads()).toBe(1);
  });

  test('read KV once, when what is there is not fresh', async () => {
    await read();
    kv.set(HEAD_KEY, slowly(headOf(2), 1));
    await pass(FRESH);
    const all = Promise.all(burst());
    await pass(2);
    for (const policy of await all) expect(policy).toMatchObject({ version: 2 });
    expect(headReads()).toBe(2);
  });

  test('read KV once in the background', async () => {
    await read();
    kv.set(HEAD_KEY, slowly(headOf(2), 1));
    await pass(FRESH / 2);
    for (const policy of await Promise.all(burst())) expect(policy).toMatchObject({ version: 1 });
    await pass(2);
    expect(policies.young(now())?.version).toBe(2);
    expect(headReads()).toBe(2);
  });

  test('read KV once when it fails, and are refused together', async () => {
    kv.set(HEAD_KEY, fails);
    const all = Promise.all(burst());
    await pass(1);
    for (const verdict of await all) expect(verdict).toEqual(UNREADABLE);
    expect(headReads()).toBe(1);
  });

  test('read KV once when it does not answer, and are refused together', async () => {
    kv.set(HEAD_KEY, hangs);
    const all = Promise.all(burst());
    await pass(6);
    for (const verdict of await all) expect(verdict).toEqual(UNREADABLE);
    expect(headReads()).toBe(1);
  });

  test('go on together with what is here when KV does not answer', async () => {
    const policy = await read();
    kv.set(HEAD_KEY, hangs);
    await pass(FRESH);
    const all = Promise.all(burst());
    await pass(6);
    expect(new Set(await all)).toEqual(new Set([policy]));
    expect(headReads()).toBe(2);
  });

  test('are not held up for ever by one that was cut off while it read', async () => {
    kv.set(HEAD_KEY, hangs);
    // Its timers are gone together with its I/O.
    const timer = vi.spyOn(globalThis, 'setTimeout').mockImplementationOnce(() => 0 as never);
    void policies.read(io);
    expect(timer).toHaveBeenCalledTimes(1);
    timer.mockRestore();
    kv.set(HEAD_KEY, gives(headOf(1)));
    const others = Promise.all(burst());
    await pass(5);
    expect(headReads()).toBe(1);
    await pass(10);
    for (const policy of await others) expect(policy).toMatchObject({ version: 1 });
    expect(headReads()).toBe(2);
  });
});

describe('while KV cannot be read', () => {
  const TROUBLES: readonly (readonly [string, () => void])[] = [
    ['it throws', () => kv.set(HEAD_KEY, fails)],
    ['it does not answer', () => kv.set(HEAD_KEY, hangs)],
    ['its head is malformed', () => kv.set(HEAD_KEY, gives({ ...headOf(2), revocations: {} }))],
    ['its head is of another format', () => kv.set(HEAD_KEY, gives({ ...headOf(2), format: 2 }))],
    [
      'its roles cannot be resolved',
      () => kv.set(HEAD_KEY, gives(headOf(2, { roles: { a: { inherits: ['a'] } } }))),
    ],
    [
      'a table that its head names is missing',
      () =>
        kv.set(
          HEAD_KEY,
          gives(headOf(2, { revocations: { table: 'policy:r', recent: {}, kinds: ['subject'] } })),
        ),
    ],
    [
      'a table that its head names is cut off',
      () => {
        kv.set(HEAD_KEY, gives(headOf(2, { assignments: { table: 'policy:a', recent: {} } })));
        kv.set('policy:a', gives(table(4, ASSIGNEE.hex, 0, '[["reader"]]').slice(0, -1)));
      },
    ],
    [
      'a table that its head names cannot be read',
      () => {
        kv.set(HEAD_KEY, gives(headOf(2, { assignments: { table: 'policy:a', recent: {} } })));
        kv.set('policy:a', fails);
      },
    ],
    [
      'a table that its head names does not come',
      () => {
        kv.set(HEAD_KEY, gives(headOf(2, { assignments: { table: 'policy:a', recent: {} } })));
        kv.set('policy:a', hangs);
      },
    ],
    ['its head is lost and the registry is out of reach', () => kv.delete(HEAD_KEY)],
    [
      'its head is lost and the registry does not answer',
      () => {
        kv.delete(HEAD_KEY);
        registry = hangs;
      },
    ],
  ];

  describe.each(TROUBLES)('because %s', (_, trouble) => {
    test('what is here is used up to the hard limit, then every request is refused, and KV alone ends that', async () => {
      kv.set(HEAD_KEY, gives(revoking(1)));
      const policy = await read();
      trouble();
      while (now() < START + HARD_LIMIT - 10) {
        expect(await read()).toBe(policy);
        await pass(3);
      }
      await pass(START + HARD_LIMIT - now());
      for (let count = 0; count < 5; count += 1) {
        expect(await outcome(policies.read(io))).toEqual(UNREADABLE);
        await pass(3);
      }
      expect(policies.young(now())).toBeUndefined();
      expect(failures().length).toBeGreaterThan(10);
      expect(policies.age(now())).toMatchObject({ version: 1 });

      kv.set(HEAD_KEY, gives(revoking(3)));
      await pass(5);
      expect((await read()).version).toBe(3);
    });

    test('an isolate without a policy refuses, and nothing is taken for one', async () => {
      trouble();
      for (let count = 0; count < 5; count += 1) {
        expect(await outcome(policies.read(io))).toEqual(UNREADABLE);
        await pass(3);
      }
      expect(policies.young(now())).toBeUndefined();
      expect(policies.age(now())).toBeUndefined();
      kv.set(HEAD_KEY, gives(headOf(2)));
      await pass(5);
      expect((await read()).version).toBe(2);
    });
  });

  test('up to the last second before the hard limit it is used, and in the next it is not', async () => {
    const policy = await read();
    kv.set(HEAD_KEY, fails);
    await pass(HARD_LIMIT - 1);
    expect(await read()).toBe(policy);
    await pass(1);
    expect(await outcome(policies.read(io))).toEqual(UNREADABLE);
  });

  test('it is asked every five seconds, not by every request', async () => {
    await read();
    kv.set(HEAD_KEY, fails);
    await pass(FRESH);
    for (let second = 0; second < 20; second += 1) {
      await read();
      await pass(1);
    }
    expect(headReads()).toBe(1 + 4);
    expect(failures()).toHaveLength(4);
    expect(failures()[0]).toMatchObject({ from: 'kv', detail: 'Error: KV GET failed: 500' });
  });

  test('the registry can still confirm what is here', async () => {
    const policy = await read();
    kv.set(HEAD_KEY, fails);
    registry = () => Promise.resolve(null);
    await pass(HARD_LIMIT);
    expect(await renew(0)).toBe(policy);
    expect(policies.young(now())).toBe(policy);
  });
});

describe('KV without a head', () => {
  beforeEach(() => {
    kv.delete(HEAD_KEY);
  });

  test('never means that nothing is revoked: the registry is asked', async () => {
    registry = () => Promise.resolve(revoking(4));
    const policy = await read();
    expect(policy.revokedAt(KEY)).toBe(1_000);
    expect(asked).toEqual([-1]);
    expect(policies.age(now())).toMatchObject({ version: 4, source: 'registry' });
  });

  test('that had one lifts nothing: the registry is asked for what is newer', async () => {
    kv.set(HEAD_KEY, gives(revoking(4)));
    const policy = await read();
    kv.delete(HEAD_KEY);
    registry = () => Promise.resolve(null);
    await pass(FRESH);
    expect(await read()).toBe(policy);
    expect(asked).toEqual([4]);
    expect(policies.age(now())).toMatchObject({ ageSeconds: 0, source: 'registry' });
    registry = () => Promise.resolve(revoking(5));
    await pass(FRESH);
    expect((await read()).version).toBe(5);
  });

  test('and a registry that gives something malformed are no policy', async () => {
    registry = () => Promise.resolve({ ...headOf(4), serviceKeys: undefined } as never);
    expect(await outcome(policies.read(io))).toEqual(UNREADABLE);
  });
});

describe('tables', () => {
  const NAMED = {
    revocations: { table: 'policy:r:1', recent: {}, kinds: ['subject'] },
    assignments: { table: 'policy:a:1', recent: {} },
  } as const satisfies Partial<Head>;
  beforeEach(() => {
    kv.set('policy:r:1', gives(table(2, KEY.id, 1_000)));
    kv.set('policy:r:2', gives(table(2, KEY.id, 2_000)));
    kv.set('policy:a:1', gives(table(4, ASSIGNEE.hex, 0, '[["reader"]]')));
    kv.set(HEAD_KEY, gives(headOf(1, NAMED)));
  });
  const tableReads = () => reads.filter(({ key }) => key !== HEAD_KEY);

  test('are read with the head that names them, and cached for long', async () => {
    const policy = await read();
    expect(policy.revokedAt(KEY)).toBe(1_000);
    expect(policy.assignedRoles(ASSIGNEE)).toEqual(['reader']);
    const options = { type: 'arrayBuffer', cacheTtl: 300 };
    expect(tableReads()).toEqual([
      { key: 'policy:r:1', options },
      { key: 'policy:a:1', options },
    ]);
  });

  test('are read once, and again only under another name', async () => {
    await read();
    kv.set(HEAD_KEY, gives(headOf(2, NAMED)));
    await pass(FRESH);
    expect((await read()).revokedAt(KEY)).toBe(1_000);
    expect(tableReads()).toHaveLength(2);
    kv.set(
      HEAD_KEY,
      gives(headOf(3, { ...NAMED, revocations: { ...NAMED.revocations, table: 'policy:r:2' } })),
    );
    await pass(FRESH);
    expect((await read()).revokedAt(KEY)).toBe(2_000);
    expect(tableReads().map(({ key }) => key)).toEqual(['policy:r:1', 'policy:a:1', 'policy:r:2']);
  });

  test('are read with a head of the registry too', async () => {
    kv.set(HEAD_KEY, gives(headOf(0)));
    await read();
    registry = () => Promise.resolve(headOf(1, NAMED));
    expect((await renew(0)).revokedAt(KEY)).toBe(1_000);
  });

  test('that come late do not put an older policy in place of a newer one', async () => {
    kv.set('policy:r:1', async () => {
      await new Promise((resolve) => setTimeout(resolve, 3_000));
      return table(2, KEY.id, 1_000);
    });
    const reading = policies.read(io);
    await pass(1);
    registry = () => Promise.resolve(headOf(9));
    expect((await renew(0)).version).toBe(9);
    await pass(3);
    expect(await reading).toMatchObject({ version: 9 });
    // Nor do they make it older than it is: the registry confirmed it after they were asked for.
    expect(policies.age(now())).toMatchObject({ version: 9, ageSeconds: 3 });
  });
});

describe('renewing', () => {
  beforeEach(async () => {
    await read();
    registry = (known) => Promise.resolve(known === 2 ? null : headOf(2));
  });

  test('asks the registry every time when nothing is young enough, and says which version is here', async () => {
    expect((await renew(0)).version).toBe(2);
    expect((await renew(0)).version).toBe(2);
    expect(asked).toEqual([1, 2]);
    expect(headReads()).toBe(1);
    expect(logged.at(-1)).toMatchObject({ event: 'policy_loaded', version: 2, from: 'registry' });
  });

  test('asks only when the registry was not asked for as long as told', async () => {
    await renew(5);
    await pass(4);
    await renew(5);
    expect(asked).toEqual([1]);
    await pass(1);
    await renew(5);
    expect(asked).toEqual([1, 2]);
  });

  test('for streams does not ask when it was just asked for a strict tool', async () => {
    await renew(0);
    await pass(4);
    expect((await renew(5)).version).toBe(2);
    expect(asked).toEqual([1]);
  });

  test('for streams asks once for all that come together', async () => {
    registry = async () => {
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      return headOf(2);
    };
    const all = Promise.all(Array.from({ length: 25 }, () => policies.renew(io, 5)));
    await pass(2);
    expect(asked).toEqual([1]);
    // One has waited, the others have gone on with what was here.
    expect((await all).map((policy) => (policy as Policy).version).sort()).toEqual([
      ...Array.from({ length: 24 }, () => 1),
      2,
    ]);
  });

  test('for strict tools takes no answer to a question that began before they came', async () => {
    let version = 2;
    registry = async () => {
      const asOf = version;
      await new Promise((resolve) => setTimeout(resolve, 100));
      return headOf(asOf);
    };
    const first = policies.renew(io, 0);
    version = 3;
    const second = policies.renew(io, 0);
    await pass(1);
    expect(await first).toMatchObject({ version: 2 });
    expect(await second).toMatchObject({ version: 3 });
    expect(asked).toEqual([1, 2]);
  });

  test('for strict tools that come while somebody asks is one more question for all of them', async () => {
    registry = async () => {
      await new Promise((resolve) => setTimeout(resolve, 100));
      return headOf(2);
    };
    const all = Promise.all(Array.from({ length: 100 }, () => policies.renew(io, 0)));
    await pass(1);
    expect(new Set((await all).map((policy) => (policy as Policy).version))).toEqual(new Set([2]));
    expect(asked).toEqual([1, 2]);
  });

  test('for more strict tools than may wait is refused, and never answered with what is here', async () => {
    registry = hangs;
    const all = Array.from({ length: 1_030 }, () => policies.renew(io, 0));
    await pass(0);
    const early = await Promise.all(all.map((one) => Promise.race([one, undefined])));
    const refused = early.filter((one) => one !== undefined);
    expect(refused).toEqual(Array(5).fill({ reason: 'rate_limited', retryAfterSeconds: 1 }));
    expect(asked).toEqual([1]);
    registry = async () => headOf(2);
    await pass(60);
    expect(
      new Set((await Promise.all(all)).map((one) => (isDenial(one) ? one.reason : one.version))),
    ).toEqual(new Set(['policy_unavailable', 'rate_limited', 2]));
    expect((await renew(0)).version).toBe(2);
  });

  test('waits no longer than a question may take for one that was cut off with all it had', async () => {
    registry = hangs;
    void policies.renew(io, 0);
    await pass(0);
    vi.clearAllTimers();
    registry = async () => headOf(2);
    const waiting = policies.renew(io, 0);
    await pass(11);
    expect(await waiting).toMatchObject({ version: 2 });
  });

  test('is kept going for those who wait, when the request that asked is cut off', async () => {
    background.length = 0;
    await renew(0);
    expect(background).toHaveLength(1);
  });

  test('goes on when a request that asked was cut off', async () => {
    registry = hangs;
    const cutOff = policies.renew(io, 0);
    const waiting = policies.renew(io, 0);
    registry = async () => headOf(2);
    await pass(11);
    expect(await waiting).toMatchObject({ version: 2 });
    await cutOff;
  });

  test('makes what is here young', async () => {
    await pass(HARD_LIMIT * 2);
    const policy = await renew(0);
    expect(policies.young(now())).toBe(policy);
  });

  test.each([
    ['cannot be reached', fails],
    ['does not answer', hangs],
    ['gives something malformed', () => Promise.resolve({} as never)],
    [
      'names a table that is not there',
      () => Promise.resolve(headOf(2, { assignments: { table: 'policy:a', recent: {} } })),
    ],
  ])('is refused when the registry %s, and nothing else is', async (_, trouble) => {
    registry = trouble;
    for (const olderThan of [0, 5]) expect(await outcome(policies.renew(io, olderThan))).toEqual(UNREACHABLE);
    expect(failures().map(({ from }) => from)).toEqual(['registry', 'registry']);
    expect((await read()).version).toBe(1);
    await pass(FRESH);
    expect((await read()).version).toBe(1);
    registry = () => Promise.resolve(headOf(2));
    expect((await renew(0)).version).toBe(2);
  });

  test('that does not ask refuses beyond the hard limit like everything else', async () => {
    await renew(5);
    kv.set(HEAD_KEY, fails);
    await pass(HARD_LIMIT);
    expect(await outcome(policies.renew(io, HARD_LIMIT + 1))).toEqual(UNREACHABLE);
  });

  test('is refused while the registry has only older: what it says is not what is in force', async () => {
    kv.set(HEAD_KEY, gives(revoking(7)));
    await pass(FRESH);
    await read();
    expect(await outcome(policies.renew(io, 0))).toEqual(UNREACHABLE);
    expect((await read()).version).toBe(7);
  });
});
