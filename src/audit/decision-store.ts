// The SQL of DecisionLog: schema, migrations, named statements. Decides nothing.
//
// Migrations are appended and never changed. Decisions are in rings; those of one ring are numbered without a gap, so that
// its oldest are found by the index, and forgetting them costs as much as there is to forget. There is no index for what
// is true of most decisions, as an issuer: going through the newest finds a page of them sooner.

import type { DecisionEvent } from '../log.ts';

const MIGRATIONS: readonly string[] = [
  `CREATE TABLE decision (
     position INTEGER PRIMARY KEY, ring TEXT NOT NULL, number INTEGER NOT NULL, at INTEGER NOT NULL, decision TEXT NOT NULL,
     reason TEXT, issuer TEXT, subject TEXT, tool TEXT, json TEXT NOT NULL);
   CREATE UNIQUE INDEX decision_of_ring ON decision (ring, number);
   CREATE INDEX decision_of_subject ON decision (issuer, subject) WHERE subject IS NOT NULL;
   CREATE INDEX decision_with_reason ON decision (reason) WHERE reason IS NOT NULL;
   CREATE INDEX decision_about_tool ON decision (tool) WHERE tool IS NOT NULL;
   CREATE TABLE lost (count INTEGER NOT NULL);
   INSERT INTO lost VALUES (0);`,
];

/** Decisions about callers who are known, and refusals of those who are not. */
export type Ring = 'known' | 'anonymous';

/** A decision and when it was made, epoch seconds. */
export type LoggedDecision = DecisionEvent & { readonly at: number };

export interface DecisionFilter {
  readonly decision?: string;
  readonly reason?: string;
  readonly issuer?: string;
  /** One of these, if it is a list. */
  readonly subject?: string | readonly string[];
  readonly tool?: string;
  /** As JSON: tokens that name none have `null`. */
  readonly tenant?: string;
}

/** What is no column. */
const TENANT = "json -> '$.tenant'";

type Row = Record<string, SqlStorageValue>;

export class DecisionStore {
  readonly #storage: DurableObjectStorage;
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    this.#sql = storage.sql;
    storage.transactionSync(() => {
      this.#all('CREATE TABLE IF NOT EXISTS migration (version INTEGER PRIMARY KEY)');
      const done = Number(this.#one('SELECT COUNT(*) AS count FROM migration')?.count);
      for (const [version, statements] of MIGRATIONS.entries()) {
        if (version < done) continue;
        this.#sql.exec(statements);
        this.#all('INSERT INTO migration (version) VALUES (?)', version);
      }
    });
  }

  /** All or nothing. */
  transaction(write: () => void): void {
    this.#storage.transactionSync(write);
  }

  add(ring: Ring, { at, ...event }: LoggedDecision): void {
    this.#all(
      `INSERT INTO decision (ring, number, at, decision, reason, issuer, subject, tool, json)
       SELECT ?1, COALESCE(MAX(number), 0) + 1, ?2, ?3, ?4, ?5, ?6, ?7, ?8 FROM decision WHERE ring = ?1`,
      ring,
      at,
      event.decision,
      event.reason ?? null,
      event.issuer ?? null,
      event.subject ?? null,
      event.tool ?? null,
      JSON.stringify(event),
    );
  }

  /** Forgets the oldest of a ring until no more than `most` are left. */
  trim(ring: Ring, most: number): void {
    this.#all(
      'DELETE FROM decision WHERE ring = ?1 AND number <= (SELECT MAX(number) FROM decision WHERE ring = ?1) - ?2',
      ring,
      most,
    );
  }

  /** Forgets the oldest of a ring up to the first that is not older. */
  expire(ring: Ring, before: number): void {
    this.#all(
      `DELETE FROM decision WHERE ring = ?1 AND number < COALESCE(
         (SELECT number FROM decision WHERE ring = ?1 AND at >= ?2 ORDER BY number LIMIT 1),
         (SELECT MAX(number) + 1 FROM decision WHERE ring = ?1))`,
      ring,
      before,
    );
  }

  /** Newest first, with the position of each. */
  find(
    filter: DecisionFilter,
    since: number,
    before: number,
    limit: number,
  ): readonly { readonly position: number; readonly decision: LoggedDecision }[] {
    const { decision, reason, issuer, subject, tool, tenant } = filter;
    const columns = { decision, reason, issuer, subject, tool, [TENANT]: tenant };
    const wanted = Object.entries(columns).flatMap(([column, value]) =>
      value === undefined ? [] : [{ column, values: [value].flat() }],
    );
    const conditions = wanted.map(
      ({ column, values }) => `${column} IN (${values.map(() => '?').join(', ')})`,
    );
    const rows = this.#all(
      `SELECT position, at, json FROM decision
       WHERE ${[...conditions, 'at >= ?', 'position < ?'].join(' AND ')}
       ORDER BY position DESC LIMIT ?`,
      ...wanted.flatMap(({ values }) => values),
      since,
      before,
      limit,
    );
    return rows.map(({ position, at, json }) => ({
      position: Number(position),
      decision: { at: Number(at), ...JSON.parse(String(json)) },
    }));
  }

  /** Takes a subject out; gives how many decisions had it. */
  eraseSubject(issuer: string, subject: string): number {
    const where = 'WHERE issuer = ? AND subject = ?';
    const count = Number(
      this.#one(`SELECT COUNT(*) AS count FROM decision ${where}`, issuer, subject)?.count,
    );
    const set = "SET subject = NULL, json = json_remove(json, '$.subject')";
    this.#all(`UPDATE decision ${set} ${where}`, issuer, subject);
    return count;
  }

  addLost(count: number): void {
    if (count > 0) this.#all('UPDATE lost SET count = count + ?', count);
  }

  lost(): number {
    return Number(this.#one('SELECT count FROM lost')?.count);
  }

  count(ring: Ring): number {
    const query = 'SELECT COALESCE(MAX(number) - MIN(number) + 1, 0) AS count FROM decision WHERE ring = ?';
    return Number(this.#one(query, ring)?.count);
  }

  /** When the oldest decision of a ring was made. */
  oldestAt(ring: Ring): number | undefined {
    const row = this.#one('SELECT at FROM decision WHERE ring = ? ORDER BY number LIMIT 1', ring);
    return row === undefined ? undefined : Number(row.at);
  }

  #one(query: string, ...bindings: SqlStorageValue[]): Row | undefined {
    return this.#all(query, ...bindings)[0];
  }

  #all(query: string, ...bindings: SqlStorageValue[]): Row[] {
    return this.#sql.exec<Row>(query, ...bindings).toArray();
  }
}
