// DecisionLog (Durable Object): the newest decisions, for operators to look at. Not the audit trail: that is the log.
//
// Gets decisions in batches, after the requests they are about. Bounded by number and by age. What must stay true:
// - the refusals of one subject take up a share at most, so that nobody pushes out what was decided about others;
// - refusals of callers who are not known are counted, a row per minute and reason, and so many rows are written for them
//   in a minute at most, however many there are: anybody can cause them, and rows are billed, and bounded on the Free plan,
//   for the registry as well, whose revocations must not fail for want of one. What is over waits in memory for the next
//   minute, the next question or the end of the object, whichever comes first: counts are never too high.
// Does not check who asks: only the operators' API can reach it, and has checked.

import { DurableObject } from 'cloudflare:workers';
import type { Config } from '../config.ts';
import {
  type CountedRefusals,
  type DecisionFilter,
  DecisionStore,
  type LoggedDecision,
} from './decision-store.ts';

export type { CountedRefusals, LoggedDecision } from './decision-store.ts';

export type Logged = LoggedDecision | CountedRefusals;

export interface DecisionQuery extends DecisionFilter {
  /** Epoch seconds. */
  readonly since?: number;
  /** `nextCursor` of the page before. */
  readonly cursor?: string;
  readonly limit: number;
}

export interface DecisionPage {
  /** Newest first. */
  readonly items: readonly Logged[];
  /** Absent on the last page. */
  readonly nextCursor?: string;
}

export interface DecisionLogStatus {
  readonly known: number;
  /** Rows: minutes and reasons for which strangers were refused. */
  readonly anonymous: number;
  /** When the oldest that is kept was made; `null` when nothing is. */
  readonly oldestAt: number | null;
  /** Decisions that isolates could not deliver, ever. */
  readonly lost: number;
}

/** What is called over RPC. Data in, data out: nothing is thrown on purpose. */
export interface DecisionLogApi {
  /** `dropped` got lost before; a batch whose id was seen lately is not taken again. */
  append(decisions: readonly Logged[], dropped: number, batchId: string): Promise<void>;
  query(query: DecisionQuery): Promise<DecisionPage>;
  /** Takes a subject, or its pseudonym, out of everything; gives how many decisions had it. */
  forget(issuer: string, subject: string): Promise<number>;
  status(): Promise<DecisionLogStatus>;
}

type LogConfig = Pick<Config, 'decisionLogEntries' | 'decisionLogSeconds'>;

/** Of all entries, those for refusals of callers who are not known. */
const ANONYMOUS_SHARE = 0.1;
/** Of the entries about callers who are known, those for refusals of one subject. */
const SUBJECT_SHARE = 0.1;
/** So often in a minute a count is written. Each is a row, and a new one makes two more: the tally, and the oldest that goes. */
const COUNTS_PER_MINUTE = 8;
const LONGEST_PAGE = 500;
/** How long decisions may be on their way: a batch is collected, sent and sent again (outbox.ts). */
const DELAY_MS = 60_000;
const DAY = 86_400;
const now = (): number => Math.floor(Date.now() / 1_000);

export function createDecisionLog(configOf: (env: Env) => LogConfig) {
  return class DecisionLog extends DurableObject<Env> implements DecisionLogApi {
    readonly #store: DecisionStore;
    readonly #config: LogConfig;
    /** Batches that were taken lately, and subjects that were forgotten lately; when, epoch milliseconds. */
    readonly #taken = new Map<string, number>();
    readonly #forgotten = new Map<string, number>();
    /** Refusals of strangers that are not written yet, by reason. */
    readonly #counts = new Map<string, CountedRefusals>();
    #counted = { minute: 0, writes: 0 };

    constructor(ctx: DurableObjectState, env: Env) {
      super(ctx, env);
      this.#config = configOf(env);
      this.#store = new DecisionStore(ctx.storage);
    }

    async append(decisions: readonly Logged[], dropped: number, batchId: string): Promise<void> {
      if (this.#taken.has(batchId)) return;
      const { known, share } = this.#most();
      this.#store.transaction(() => {
        for (const decision of decisions)
          if (isKnown(decision)) this.#store.addKnown(this.#withoutForgotten(decision), share);
        this.#store.addLost(dropped);
        this.#store.trimKnown(known);
        this.#expire();
      });
      remember(this.#taken, batchId);
      for (const decision of decisions) if (!isKnown(decision)) this.#count(decision);
      this.#writeCounts(COUNTS_PER_MINUTE);
      if ((await this.ctx.storage.getAlarm()) === null) await this.#setAlarm();
    }

    /** How much is kept of what. */
    #most() {
      const { decisionLogEntries } = this.#config;
      const anonymous = Math.floor(decisionLogEntries * ANONYMOUS_SHARE);
      const known = decisionLogEntries - anonymous;
      return { anonymous, known, share: Math.max(1, Math.floor(known * SUBJECT_SHARE)) };
    }

    /** Decisions from before a subject was forgotten may have been on their way. */
    #withoutForgotten(decision: LoggedDecision): LoggedDecision {
      const { subject, act, ...rest } = decision;
      const isForgotten = (name: string | undefined): boolean =>
        decision.at * 1_000 <= (this.#forgotten.get(JSON.stringify([decision.issuer, name])) ?? 0);
      return {
        ...rest,
        ...(subject === undefined || isForgotten(subject) ? {} : { subject }),
        ...(act && { act: isForgotten(act.subject) ? { clientId: act.clientId } : act }),
      };
    }

    // ---- callers who are not known ----

    /** An isolate of an earlier version sends each of them, with more than is kept. */
    #count({ at, status, reason = 'unknown', detail, method, operation, ...rest }: Logged): void {
      const count = ('count' in rest ? rest.count : 1) + (this.#counts.get(reason)?.count ?? 0);
      const last = { event: 'decision', decision: 'deny', status, detail, method, operation } as const;
      this.#counts.set(reason, { ...last, reason, at, count });
    }

    /** Writes what was counted, as long as this minute has room for it. */
    #writeCounts(most: number): void {
      const minute = Math.floor(now() / 60);
      if (this.#counted.minute !== minute) this.#counted = { minute, writes: 0 };
      const counts = [...this.#counts.values()].slice(0, Math.max(0, most - this.#counted.writes));
      if (counts.length === 0) return;
      this.#store.transaction(() => {
        for (const refusals of counts) this.#store.addRefused(refusals);
        this.#store.trimRefused(this.#most().anonymous);
      });
      this.#counted.writes += counts.length;
      for (const { reason } of counts) this.#counts.delete(reason);
    }

    // ---- age ----

    #expire(): void {
      this.#store.expire(now() - this.#config.decisionLogSeconds);
    }

    /** What nobody asks for and nothing pushes out is to go as well. */
    async #setAlarm(): Promise<void> {
      await this.ctx.storage.setAlarm(Date.now() + Math.min(this.#config.decisionLogSeconds, DAY) * 1_000);
    }

    override async alarm(): Promise<void> {
      this.#store.transaction(() => this.#expire());
      if (this.#store.oldestAt() !== undefined) await this.#setAlarm();
    }

    // ---- for operators ----

    async query({ since = 0, cursor, limit, ...filter }: DecisionQuery): Promise<DecisionPage> {
      this.#writeCounts(Number.POSITIVE_INFINITY);
      const oldest = Math.max(since, now() - this.#config.decisionLogSeconds);
      const before = cursor === undefined ? Number.MAX_SAFE_INTEGER : Number(cursor);
      const most = Math.min(limit, LONGEST_PAGE);
      const found = this.#store.find(filter, oldest, before, most + 1);
      const items = found.slice(0, most).map(({ decision }) => decision);
      const last = found[most - 1];
      return found.length > most && last ? { items, nextCursor: String(last.position) } : { items };
    }

    async forget(issuer: string, subject: string): Promise<number> {
      remember(this.#forgotten, JSON.stringify([issuer, subject]));
      return this.#store.eraseSubject(issuer, subject);
    }

    async status(): Promise<DecisionLogStatus> {
      const { known, refused } = this.#store.counts();
      return {
        known,
        anonymous: refused,
        oldestAt: this.#store.oldestAt() ?? null,
        lost: this.#store.lost(),
      };
    }
  };
}

const isKnown = (decision: Logged): decision is LoggedDecision =>
  'issuer' in decision && decision.issuer !== undefined;

/** For as long as it can matter. The oldest are first in a map. */
function remember(times: Map<string, number>, name: string): void {
  for (const [known, time] of times) {
    if (time > Date.now() - DELAY_MS) break;
    times.delete(known);
  }
  times.delete(name);
  times.set(name, Date.now());
}
