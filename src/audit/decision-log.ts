// DecisionLog (Durable Object): the newest decisions, for operators to look at. Not the audit trail: that is the log.
//
// Bounded by number and age, in two rings: decisions about callers who are known, and refusals of those who are not, so
// that a storm of requests without a token cannot push out what somebody did.
// Gets decisions in batches, after the requests they are about. Does not check who asks: only the operators' API does.

import { DurableObject } from 'cloudflare:workers';
import type { Config } from '../config.ts';
import type { DecisionEvent } from '../log.ts';

/** A decision and when it was made, epoch seconds. */
export type LoggedDecision = DecisionEvent & { readonly at: number };

export interface DecisionQuery {
  readonly decision?: string;
  readonly reason?: string;
  readonly issuer?: string;
  readonly subject?: string;
  readonly tool?: string;
  /** Epoch seconds. */
  readonly since?: number;
  readonly cursor?: string;
  readonly limit: number;
}

export interface DecisionPage {
  readonly items: readonly Readonly<Record<string, unknown>>[];
  readonly nextCursor?: string;
}

export interface DecisionLogApi {
  append(decisions: readonly LoggedDecision[]): Promise<void>;
  query(query: DecisionQuery): Promise<DecisionPage>;
  /** Takes a subject's name out of what is kept; gives how many decisions had it. */
  forget(issuer: string, subject: string): Promise<number>;
}

type LogConfig = Pick<Config, 'decisionLogEntries' | 'decisionLogSeconds'>;

const MIGRATIONS: readonly string[] = [
  `CREATE TABLE decision (
     position INTEGER PRIMARY KEY AUTOINCREMENT, ring TEXT NOT NULL, at INTEGER NOT NULL, decision TEXT NOT NULL, reason TEXT,
     issuer TEXT, subject TEXT, tool TEXT, event TEXT NOT NULL);
   CREATE INDEX decision_ring ON decision (ring, position);
   CREATE INDEX decision_at ON decision (at);
   CREATE INDEX decision_subject ON decision (issuer, subject, position);`,
];

/** Of what is kept about known callers, as much is kept about unknown ones. */
const ANONYMOUS_SHARE = 0.1;

export function createDecisionLog(configOf: (env: Env) => LogConfig) {
  return class DecisionLog extends DurableObject<Env> implements DecisionLogApi {
    readonly #sql: SqlStorage;
    readonly #config: LogConfig;

    constructor(ctx: DurableObjectState, env: Env) {
      super(ctx, env);
      this.#config = configOf(env);
      this.#sql = ctx.storage.sql;
      ctx.storage.transactionSync(() => {
        this.#sql.exec('CREATE TABLE IF NOT EXISTS migration (version INTEGER PRIMARY KEY)');
        const done = Number(this.#sql.exec('SELECT COUNT(*) AS count FROM migration').one().count);
        for (const [version, statements] of MIGRATIONS.entries()) {
          if (version < done) continue;
          this.#sql.exec(statements);
          this.#sql.exec('INSERT INTO migration (version) VALUES (?)', version);
        }
      });
    }

    async append(decisions: readonly LoggedDecision[]): Promise<void> {
      this.ctx.storage.transactionSync(() => {
        for (const { at, ...event } of decisions) {
          const { decision, reason, issuer, subject, tool } = event;
          this.#sql.exec(
            'INSERT INTO decision (ring, at, decision, reason, issuer, subject, tool, event) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
            issuer === undefined ? 'anonymous' : 'known',
            at,
            decision,
            reason ?? null,
            issuer ?? null,
            subject ?? null,
            tool ?? null,
            JSON.stringify(event),
          );
        }
        const { decisionLogEntries: entries, decisionLogSeconds } = this.#config;
        this.#trim('known', entries);
        this.#trim('anonymous', Math.ceil(entries * ANONYMOUS_SHARE));
        this.#sql.exec(
          'DELETE FROM decision WHERE at < ?',
          Math.floor(Date.now() / 1_000) - decisionLogSeconds,
        );
      });
    }

    /** Forgets the oldest of a ring. Finds where they end by the index, and touches only what it deletes. */
    #trim(ring: string, most: number): void {
      this.#sql.exec(
        `DELETE FROM decision WHERE ring = ?1 AND position <=
           (SELECT position FROM decision WHERE ring = ?1 ORDER BY position DESC LIMIT 1 OFFSET ?2)`,
        ring,
        most,
      );
    }

    async query({ since, cursor, limit, ...filter }: DecisionQuery): Promise<DecisionPage> {
      const columns = ['decision', 'reason', 'issuer', 'subject', 'tool'] as const;
      const wanted = columns.filter((column) => filter[column] !== undefined);
      const conditions = wanted.map((column) => `${column} = ?`);
      const bindings: SqlStorageValue[] = wanted.map((column) => filter[column] ?? '');
      if (since !== undefined) {
        conditions.push('at >= ?');
        bindings.push(since);
      }
      if (cursor !== undefined) {
        conditions.push('position < ?');
        bindings.push(Number(cursor));
      }
      const where = conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : '';
      const rows = this.#sql
        .exec<{ position: number; at: number; event: string }>(
          `SELECT position, at, event FROM decision ${where} ORDER BY position DESC LIMIT ?`,
          ...bindings,
          limit + 1,
        )
        .toArray();
      const shown = rows.slice(0, limit);
      const last = shown.at(-1);
      return {
        items: shown.map(({ at, event }) => ({ at, ...JSON.parse(event) })),
        ...(rows.length > limit && last ? { nextCursor: String(last.position) } : {}),
      };
    }

    async forget(issuer: string, subject: string): Promise<number> {
      const { count } = this.#sql
        .exec('SELECT COUNT(*) AS count FROM decision WHERE issuer = ? AND subject = ?', issuer, subject)
        .one();
      this.#sql.exec(
        "UPDATE decision SET subject = NULL, event = json_remove(event, '$.subject') WHERE issuer = ? AND subject = ?",
        issuer,
        subject,
      );
      return Number(count);
    }
  };
}
