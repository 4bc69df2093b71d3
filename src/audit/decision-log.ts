// DecisionLog (Durable Object): the newest decisions, for operators to look at. Not the audit trail: that is the log.
//
// Gets decisions in batches, after the requests they are about. Bounded by number and by age, in two rings: decisions about
// callers who are known, and refusals of those who are not, so that a storm of requests without a token pushes out nothing
// about anybody.
// Does not check who asks: only the operators' API can reach it, and has checked.

import { DurableObject } from 'cloudflare:workers';
import type { Config } from '../config.ts';
import { type DecisionFilter, DecisionStore, type LoggedDecision, type Ring } from './decision-store.ts';

export type { LoggedDecision } from './decision-store.ts';

export interface DecisionQuery extends DecisionFilter {
  /** Epoch seconds. */
  readonly since?: number;
  /** `nextCursor` of the page before. */
  readonly cursor?: string;
  readonly limit: number;
}

export interface DecisionPage {
  /** Newest first. */
  readonly items: readonly LoggedDecision[];
  /** Absent on the last page. */
  readonly nextCursor?: string;
}

export interface DecisionLogStatus {
  readonly known: number;
  readonly anonymous: number;
  /** When the oldest that is kept was made; `null` when nothing is. */
  readonly oldestAt: number | null;
  /** Decisions that isolates could not deliver, ever. */
  readonly lost: number;
}

/** What is called over RPC. Data in, data out: nothing is thrown on purpose. */
export interface DecisionLogApi {
  /** `dropped` got lost before; a batch whose id was seen lately is not taken again. */
  append(decisions: readonly LoggedDecision[], dropped: number, batchId: string): Promise<void>;
  query(query: DecisionQuery): Promise<DecisionPage>;
  /** Takes a subject, or its pseudonym, out of everything; gives how many decisions had it. */
  forget(issuer: string, subject: string): Promise<number>;
  status(): Promise<DecisionLogStatus>;
}

type LogConfig = Pick<Config, 'decisionLogEntries' | 'decisionLogSeconds'>;

const RINGS: readonly Ring[] = ['known', 'anonymous'];
/** Of all entries, those for refusals of callers who are not known. */
const ANONYMOUS_SHARE = 0.1;
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

    constructor(ctx: DurableObjectState, env: Env) {
      super(ctx, env);
      this.#config = configOf(env);
      this.#store = new DecisionStore(ctx.storage);
    }

    async append(decisions: readonly LoggedDecision[], dropped: number, batchId: string): Promise<void> {
      if (this.#taken.has(batchId)) return;
      this.#store.transaction(() => {
        for (const decision of decisions) {
          const ring = decision.issuer === undefined ? 'anonymous' : 'known';
          this.#store.add(ring, this.#withoutForgotten(decision));
        }
        this.#store.addLost(dropped);
        const { decisionLogEntries } = this.#config;
        const anonymous = Math.floor(decisionLogEntries * ANONYMOUS_SHARE);
        this.#store.trim('anonymous', anonymous);
        this.#store.trim('known', decisionLogEntries - anonymous);
        this.#expire();
      });
      remember(this.#taken, batchId);
      if ((await this.ctx.storage.getAlarm()) === null) await this.#setAlarm();
    }

    /** Decisions from before a subject was forgotten may have been on their way. */
    #withoutForgotten(decision: LoggedDecision): LoggedDecision {
      const { subject, ...rest } = decision;
      const forgottenMs = this.#forgotten.get(JSON.stringify([decision.issuer, subject])) ?? 0;
      return decision.at * 1_000 <= forgottenMs ? rest : decision;
    }

    // ---- age ----

    #expire(): void {
      for (const ring of RINGS) this.#store.expire(ring, now() - this.#config.decisionLogSeconds);
    }

    /** What nobody asks for and nothing pushes out is to go as well. */
    async #setAlarm(): Promise<void> {
      await this.ctx.storage.setAlarm(Date.now() + Math.min(this.#config.decisionLogSeconds, DAY) * 1_000);
    }

    override async alarm(): Promise<void> {
      this.#expire();
      if (RINGS.some((ring) => this.#store.count(ring) > 0)) await this.#setAlarm();
    }

    // ---- for operators ----

    async query({ since = 0, cursor, limit, ...filter }: DecisionQuery): Promise<DecisionPage> {
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
      const oldest = RINGS.map((ring) => this.#store.oldestAt(ring)).filter((at) => at !== undefined);
      return {
        known: this.#store.count('known'),
        anonymous: this.#store.count('anonymous'),
        oldestAt: oldest.length === 0 ? null : Math.min(...oldest),
        lost: this.#store.lost(),
      };
    }
  };
}

/** For as long as it can matter. The oldest are first in a map. */
function remember(times: Map<string, number>, name: string): void {
  for (const [known, time] of times) {
    if (time > Date.now() - DELAY_MS) break;
    times.delete(known);
  }
  times.delete(name);
  times.set(name, Date.now());
}
