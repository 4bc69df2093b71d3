// The SQL of DecisionLog: schema, migrations, named statements. Decides nothing.
//
// Migrations are appended and never changed. Written rows are what costs, so whatever can be remembered is: how many
// decisions there are and what number the next one gets is one row, written with the transaction. The refusals of one
// subject are numbered without a gap, so that its oldest are found by the index, and forgetting them costs as much as there
// is to forget. There is no index for what is true of most decisions, as an issuer: going through the newest finds a page
// of them sooner.

import type { AuditEvent, DecisionEvent } from '../log.ts';

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
  // Until here there was a ring of strangers' refusals, one row each. Those that are left count as nobody's, and go by age.
  `DROP INDEX decision_of_ring;
   ALTER TABLE decision ADD COLUMN own INTEGER;
   CREATE INDEX refusal_of_subject ON decision (issuer, subject, own) WHERE own IS NOT NULL;
   CREATE TABLE refused (
     minute INTEGER NOT NULL, reason TEXT NOT NULL, position INTEGER NOT NULL, at INTEGER NOT NULL, json TEXT NOT NULL,
     count INTEGER NOT NULL, PRIMARY KEY (minute, reason)) WITHOUT ROWID;
   CREATE TABLE tally (position INTEGER NOT NULL, known INTEGER NOT NULL, refused INTEGER NOT NULL);
   INSERT INTO tally SELECT COALESCE(MAX(position), 0), COALESCE(SUM(ring = 'known'), 0), 0 FROM decision;`,
];

/** A decision, or the end of a call, and when it was made, epoch seconds. */
export type LoggedDecision = AuditEvent & { readonly at: number };

/** How often callers who are not known were refused for a reason; the rest is of the last of them, who was at `at`. */
export type CountedRefusals = Pick<DecisionEvent, 'event' | 'status' | 'detail' | 'method' | 'operation'> & {
  readonly decision: 'deny';
  readonly reason: string;
  readonly count: number;
  readonly at: number;
};

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

interface Tally {
  /** Of the newest: decisions and counts are numbered together. */
  readonly position: number;
  /** Decisions about callers who are known. */
  readonly known: number;
  /** Rows of counts. */
  readonly refused: number;
}

export class DecisionStore {
  readonly #storage: DurableObjectStorage;
  readonly #sql: SqlStorage;
  #tally: Tally;

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
    this.#tally = this.#one('SELECT position, known, refused FROM tally') as unknown as Tally;
  }

  /** All or nothing. */
  transaction(write: () => void): void {
    const before = this.#tally;
    try {
      this.#storage.transactionSync(() => {
        write();
        const { position, known, refused } = this.#tally;
        if (this.#tally !== before)
          this.#all('UPDATE tally SET position = ?, known = ?, refused = ?', position, known, refused);
      });
    } catch (error) {
      this.#tally = before;
      throw error;
    }
  }

  #add(more: Partial<Tally>): void {
    const { position, known, refused } = this.#tally;
    this.#tally = {
      position: position + (more.position ?? 0),
      known: known + (more.known ?? 0),
      refused: refused + (more.refused ?? 0),
    };
  }

  /** A decision about somebody. Of the refusals of one subject no more than `share` are kept, the newest. */
  addKnown({ at, ...event }: LoggedDecision, share: number): void {
    const { issuer = null, subject = null } = event;
    const isShared = event.decision === 'deny' && subject !== null;
    const newest =
      'SELECT own FROM decision WHERE issuer = ? AND subject = ? AND own > 0 ORDER BY own DESC LIMIT 1';
    const own = isShared ? Number(this.#one(newest, issuer, subject)?.own ?? 0) + 1 : null;
    this.#add({ position: 1, known: 1 });
    this.#all(
      `INSERT INTO decision (position, ring, number, at, decision, reason, issuer, subject, tool, json, own)
       VALUES (?, 'known', 0, ?, ?, ?, ?, ?, ?, ?, ?)`,
      this.#tally.position,
      at,
      event.decision,
      event.reason ?? null,
      issuer,
      subject,
      event.tool ?? null,
      JSON.stringify(event),
      own,
    );
    if (own === null || own <= share) return;
    const oldest = 'DELETE FROM decision WHERE issuer = ? AND subject = ? AND own <= ? RETURNING own';
    this.#add({ known: -this.#all(oldest, issuer, subject, own - share).length });
  }

  /** Adds to the row of that minute and reason, or makes it. */
  addRefused({ at, count, reason, ...example }: CountedRefusals): void {
    const next = this.#tally.position + 1;
    const row = this.#one(
      `INSERT INTO refused (minute, reason, position, at, count, json) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET at = excluded.at, count = count + excluded.count, json = excluded.json
       RETURNING position`,
      Math.floor(at / 60),
      reason,
      next,
      at,
      count,
      JSON.stringify(example),
    );
    if (row?.position === next) this.#add({ position: 1, refused: 1 });
  }

  /** Forgets the oldest decisions about somebody until no more than `most` are left. */
  trimKnown(most: number): void {
    const excess = this.#tally.known - most;
    if (excess <= 0) return;
    const last = "SELECT position FROM decision WHERE ring = 'known' ORDER BY position LIMIT 1 OFFSET ?";
    this.#all(`DELETE FROM decision WHERE position <= (${last}) AND ring = 'known'`, excess - 1);
    this.#add({ known: -excess });
  }

  /** The same of counts. */
  trimRefused(most: number): void {
    const excess = this.#tally.refused - most;
    if (excess <= 0) return;
    const oldest = 'SELECT minute, reason FROM refused ORDER BY minute LIMIT ?';
    this.#all(`DELETE FROM refused WHERE (minute, reason) IN (${oldest})`, excess);
    this.#add({ refused: -excess });
  }

  /** Forgets the oldest decisions up to the first that is not older, and counts whose last refusal is older. */
  expire(before: number): void {
    const kept = 'SELECT position FROM decision WHERE at >= ? ORDER BY position LIMIT 1';
    const gone = this.#all(
      `DELETE FROM decision WHERE position < COALESCE((${kept}), ?) RETURNING ring`,
      before,
      Number.MAX_SAFE_INTEGER,
    );
    const old = 'DELETE FROM refused WHERE minute <= ? AND at < ? RETURNING minute';
    const counts = this.#all(old, Math.floor(before / 60), before);
    const known = gone.filter(({ ring }) => ring === 'known').length;
    if (known + counts.length > 0) this.#add({ known: -known, refused: -counts.length });
  }

  /** Newest first, with the position of each. */
  find(
    filter: DecisionFilter,
    since: number,
    before: number,
    limit: number,
  ): readonly { readonly position: number; readonly decision: LoggedDecision | CountedRefusals }[] {
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
    // Strangers have no name and no tenant, and no tool was looked for.
    const isOfStrangers = decision !== 'allow' && (issuer ?? subject ?? tool ?? tenant) === undefined;
    const counts =
      isOfStrangers && this.#tally.refused > 0
        ? this.#all(
            `SELECT position, at, json, reason, count FROM refused
             WHERE at >= ?1 AND position < ?2 AND (?4 IS NULL OR reason = ?4) ORDER BY position DESC LIMIT ?3`,
            since,
            before,
            limit,
            reason ?? null,
          )
        : [];
    return [...rows, ...counts]
      .sort((one, other) => Number(other.position) - Number(one.position))
      .slice(0, limit)
      .map(({ position, json, ...rest }) => ({
        position: Number(position),
        decision: { ...rest, ...JSON.parse(String(json)) },
      }));
  }

  /** Takes a subject out, also where it acted for another; gives how many decisions had it. */
  eraseSubject(issuer: string, subject: string): number {
    const erase = (set: string, where: string) =>
      this.#all(`UPDATE decision SET ${set} WHERE issuer = ? AND ${where} = ? RETURNING 1`, issuer, subject)
        .length;
    // Not found by an index: it is asked for seldom, and few tokens have one.
    const acted = erase("json = json_remove(json, '$.act.subject')", "json_extract(json, '$.act.subject')");
    return acted + erase("subject = NULL, json = json_remove(json, '$.subject')", 'subject');
  }

  addLost(count: number): void {
    if (count > 0) this.#all('UPDATE lost SET count = count + ?', count);
  }

  lost(): number {
    return Number(this.#one('SELECT count FROM lost')?.count);
  }

  counts(): Pick<Tally, 'known' | 'refused'> {
    return this.#tally;
  }

  /** When the oldest that is kept was made. */
  oldestAt(): number | undefined {
    const { at } = this.#one(
      `SELECT MIN(at) AS at FROM (SELECT * FROM (SELECT at FROM decision ORDER BY position LIMIT 1)
       UNION ALL SELECT * FROM (SELECT at FROM refused ORDER BY minute LIMIT 1))`,
    ) ?? { at: null };
    return at === null ? undefined : Number(at);
  }

  #one(query: string, ...bindings: SqlStorageValue[]): Row | undefined {
    return this.#all(query, ...bindings)[0];
  }

  #all(query: string, ...bindings: SqlStorageValue[]): Row[] {
    return this.#sql.exec<Row>(query, ...bindings).toArray();
  }
}
