// The policy that this isolate decides by, and how old it may be.
//
// Comes from KV, or from the PolicyRegistry itself where it matters at once. What must stay true:
// - up to half of policyFreshSeconds it is used as it is; then a request renews it in the background, and from
//   policyFreshSeconds on requests wait for that;
// - while KV cannot be read it is used up to policyHardLimitSeconds, and then every request is refused with
//   `policy_unavailable`: never guessed, never treated as "nothing is revoked";
// - KV without a head means that nobody has asked the registry yet, or that the head was lost: the registry is asked;
// - a version older than the one here is not adopted, whoever gives it;
// - no promise is shared between requests (see auth/issuers.ts for why): they share data, and deadlines that end by
//   themselves, so that a request that was cut off keeps nobody waiting.

import type { Denial } from '../denial.ts';
import { describeError, log } from '../log.ts';
import { ASSIGNMENT_KEY_WORDS, REVOCATION_KEY_WORDS } from './keys.ts';
import type { RegistryApi } from './policy-registry.ts';
import { createPolicy, HEAD_KEY, type Head, type Policy, type PolicyBase, parseHead } from './snapshot.ts';
import { readTable, type Table } from './table.ts';

/** What reading a policy may use. The same for everything one request does. */
export interface PolicyIo {
  readonly kv: KVNamespace;
  registry(): Pick<RegistryApi, 'head'> & Partial<Pick<RegistryApi, 'missing'>>;
  /** Epoch seconds. */
  now(): number;
  waitUntil(promise: Promise<unknown>): void;
}

export interface PolicyLimits {
  readonly policyFreshSeconds: number;
  readonly policyHardLimitSeconds: number;
}

export interface Policies {
  /** The policy here, when it is young enough to be used without asking anybody. */
  young(now: number): Policy | undefined;
  /** The policy, from KV if it is not young; `policy_unavailable` beyond the hard limit. */
  read(io: PolicyIo): Promise<Policy | Denial>;
  /**
   * The policy as the registry has it, unless the registry was asked less than so many seconds ago. 0 always asks: the
   * answer is to a question that began after the call, and is shared by all that came before it began; when very many
   * wait for it, `rate_limited`.
   */
  renew(io: PolicyIo, olderThanSeconds: number): Promise<Policy | Denial>;
  /** For operators. `undefined` before the first request. */
  age(
    now: number,
  ): { readonly version: number; readonly ageSeconds: number; readonly source: Source } | undefined;
}

type Source = 'kv' | 'registry';

/** Tables never change, but KV also remembers that one was not there yet. */
const TABLE_CACHE_SECONDS = 300;
/** Between two attempts while KV does not answer. */
const RETRY_SECONDS = 5;
const TIMEOUT_MS = 5_000;
const POLL_MS = 20;
/** A question to the registry, and a table that its answer names. */
const QUESTION_MS = 2 * TIMEOUT_MS;
/** Requests of an isolate that may wait while another asks the registry. The more there are, the less often each looks. */
const MAX_WAITING = 1_024;
const LOOKERS_PER_MS = 10;
/** So much later than it wants to may a busy isolate let one look. */
const LATE_MS = 1_000;

interface State {
  policy: Policy | undefined;
  tables: Readonly<Record<string, Table>>;
  source: Source;
  /** When what is here was last known to be in force, epoch seconds. */
  confirmedAt: number;
  /** When the registry last confirmed it. */
  renewedAt: number;
  /** When KV could not be read. */
  failedAt: number;
  /** Epoch milliseconds until which another request of this isolate is reading. */
  busyUntil: number;
  /** Questions to the registry are numbered; the last that began, and until when it counts as being under way. */
  asked: number;
  askingUntil: number;
  /** The last that was answered, and whether the answer could be used. */
  answered: number;
  isGood: boolean;
}

export function createPolicies(base: PolicyBase, limits: PolicyLimits): Policies {
  const state: State = {
    policy: undefined,
    tables: {},
    source: 'kv',
    confirmedAt: 0,
    renewedAt: 0,
    failedAt: 0,
    busyUntil: 0,
    asked: 0,
    askingUntil: 0,
    answered: 0,
    isGood: false,
  };
  /** Of each request that waits: epoch milliseconds by which it looks again, unless it was cut off. */
  const waiting = new Set<{ until: number }>();
  const ageOf = (now: number): number => now - state.confirmedAt;
  const isBusy = (): boolean => state.busyUntil > Date.now();

  function unavailable(from: Source): Denial {
    return { reason: 'policy_unavailable', detail: from, retryAfterSeconds: RETRY_SECONDS };
  }

  function usable(now: number, from: Source): Policy | Denial {
    return state.policy && ageOf(now) < limits.policyHardLimitSeconds ? state.policy : unavailable(from);
  }

  /** Reads KV once, if it is time to. Never throws. */
  async function refresh(io: PolicyIo): Promise<void> {
    const now = io.now();
    const pause = Math.min(RETRY_SECONDS, limits.policyFreshSeconds);
    if (state.failedAt > state.confirmedAt && now - state.failedAt < pause) return;
    state.busyUntil = Date.now() + 2 * TIMEOUT_MS;
    try {
      const stored = await inTime(io.kv.get<unknown>(HEAD_KEY, 'json'));
      if (stored === null) {
        // Not published yet, or lost. An empty policy would lift every revocation.
        await renewFromRegistry(io);
      } else {
        await adopt(parseHead(stored), 'kv', now, io);
      }
    } catch (error) {
      log({ event: 'policy_failed', from: 'kv', detail: describeError(error) });
      // Counted from the end of an attempt: those that waited for it must not make one each, one after the other.
      state.failedAt = io.now();
    } finally {
      state.busyUntil = 0;
    }
  }

  /** Asks the registry, or takes the answer to a question that began later than this. Never throws. */
  async function ask(io: PolicyIo): Promise<Policy | Denial> {
    if (state.askingUntil > Date.now()) {
      if (!hasRoom()) return { reason: 'rate_limited', retryAfterSeconds: 1 };
      const came = state.asked;
      const here = { until: 0 };
      waiting.add(here);
      while (state.askingUntil > Date.now() && state.answered <= came) {
        const ms = POLL_MS + waiting.size / LOOKERS_PER_MS;
        here.until = Date.now() + ms + LATE_MS;
        await pause(ms);
      }
      waiting.delete(here);
      if (state.answered > came) return state.isGood ? usable(io.now(), 'registry') : unavailable('registry');
    }
    state.asked += 1;
    const number = state.asked;
    state.askingUntil = Date.now() + QUESTION_MS;
    const asking = renewFromRegistry(io).then(
      () => true,
      (error: unknown) => {
        log({ event: 'policy_failed', from: 'registry', detail: describeError(error) });
        return false;
      },
    );
    const answered = asking.then((isGood) => {
      // One that took too long may have been overtaken.
      if (number < state.asked) return isGood;
      Object.assign(state, { askingUntil: 0, answered: number, isGood });
      return isGood;
    });
    // Others wait for it, also when this request is cut off.
    io.waitUntil(answered);
    return (await answered) ? usable(io.now(), 'registry') : unavailable('registry');
  }

  /** Whether one more may wait. */
  function hasRoom(): boolean {
    if (waiting.size < MAX_WAITING) return true;
    for (const one of waiting) if (one.until < Date.now()) waiting.delete(one);
    return waiting.size < MAX_WAITING;
  }

  /** @throws {Error} when the registry does not answer, or with something that cannot be used */
  async function renewFromRegistry(io: PolicyIo): Promise<void> {
    const now = io.now();
    const head = await inTime(Promise.resolve(io.registry().head(state.policy?.version ?? -1)));
    if (head === null) {
      state.confirmedAt = now;
      state.source = 'registry';
    } else {
      const renewed = parseHead(head);
      // Whatever the registry says then, it is not what is in force.
      if (renewed.version < (state.policy?.version ?? 0))
        throw new Error('the registry is behind its snapshot');
      await adopt(renewed, 'registry', now, io);
    }
    state.renewedAt = now;
  }

  /** @throws {Error} when a table cannot be read or the head is not sound; then everything stays as it is */
  async function adopt(head: Head, from: Source, asOf: number, io: PolicyIo): Promise<void> {
    if (!state.policy || head.version > state.policy.version) {
      const [revocations, assignments] = await Promise.all([
        tableOf(head.revocations.table, REVOCATION_KEY_WORDS, io),
        tableOf(head.assignments.table, ASSIGNMENT_KEY_WORDS, io),
      ]);
      const policy = createPolicy(head, { revocations, assignments }, base);
      // Another request may have been faster while the tables were read.
      if (!state.policy || policy.version > state.policy.version) {
        state.policy = policy;
        state.tables = {
          ...(head.revocations.table && revocations ? { [head.revocations.table]: revocations } : {}),
          ...(head.assignments.table && assignments ? { [head.assignments.table]: assignments } : {}),
        };
        log({ event: 'policy_loaded', version: policy.version, from });
      }
    }
    // What KV has may be older than what is here: then nothing has been in force for longer than KV takes.
    state.confirmedAt = Math.max(state.confirmedAt, asOf);
    state.source = from;
  }

  async function tableOf(
    name: string | undefined,
    keyWords: number,
    io: PolicyIo,
  ): Promise<Table | undefined> {
    if (name === undefined) return undefined;
    const known = state.tables[name];
    if (known) return known;
    const options = { type: 'arrayBuffer', cacheTtl: TABLE_CACHE_SECONDS } as const;
    const buffer = await inTime(io.kv.get(name, options));
    if (buffer === null) {
      io.waitUntil(Promise.resolve(io.registry().missing?.(name)).catch(() => {}));
      throw new Error(`${name} is not in KV`);
    }
    return readTable(buffer, keyWords);
  }

  return {
    young: (now) => (ageOf(now) < limits.policyFreshSeconds / 2 ? state.policy : undefined),

    async read(io) {
      const { policy } = state;
      if (policy && ageOf(io.now()) < limits.policyFreshSeconds) {
        if (!isBusy()) io.waitUntil(refresh(io));
        return policy;
      }
      while (isBusy()) await pause();
      if (!state.policy || ageOf(io.now()) >= limits.policyFreshSeconds) {
        const refreshing = refresh(io);
        io.waitUntil(refreshing);
        await refreshing;
      }
      return usable(io.now(), 'kv');
    },

    async renew(io, olderThanSeconds) {
      if (io.now() - state.renewedAt < olderThanSeconds) return usable(io.now(), 'registry');
      // Streams renew together: the first of them asks for all.
      if (olderThanSeconds > 0) state.renewedAt = io.now();
      return ask(io);
    },

    age: (now) =>
      state.policy && { version: state.policy.version, ageSeconds: ageOf(now), source: state.source },
  };
}

const pause = (ms = POLL_MS): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** @throws {Error} when the promise takes longer */
function inTime<T>(promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no answer in ${TIMEOUT_MS} ms`)), TIMEOUT_MS);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
