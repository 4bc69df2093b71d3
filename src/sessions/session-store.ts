// The SQL of ClientSession: schema, migrations, named statements. Decides nothing.
//
// Sessions are also kept in memory: there are few, every request reads one, and this object is the only one that writes
// them. When one was used last is written now and then only (touchSession), so that a request need not wait for a disk.
// Migrations are appended and never changed: an object may wake up after a year with any older schema. An object that
// keeps nothing has no schema either, so that it costs nothing: tables are made when the first thing is written.

import type { Grant } from '../grant.ts';

const MIGRATIONS: readonly string[] = [
  `CREATE TABLE session (
     id TEXT PRIMARY KEY, protocol_version TEXT NOT NULL, client_info TEXT, capabilities TEXT NOT NULL, log_level TEXT,
     next_stream INTEGER NOT NULL, created_at INTEGER NOT NULL, used_at INTEGER NOT NULL);
   CREATE TABLE stream (
     session TEXT NOT NULL, id INTEGER NOT NULL, request_id TEXT, next_seq INTEGER NOT NULL, is_done INTEGER NOT NULL,
     PRIMARY KEY (session, id));
   CREATE TABLE event (
     position INTEGER PRIMARY KEY AUTOINCREMENT, session TEXT NOT NULL, stream INTEGER NOT NULL, seq INTEGER NOT NULL, json TEXT NOT NULL);
   CREATE INDEX event_of_stream ON event (session, stream, seq);
   CREATE TABLE subscription (session TEXT NOT NULL, uri TEXT NOT NULL, PRIMARY KEY (session, uri));
   CREATE TABLE state (key TEXT PRIMARY KEY, json TEXT NOT NULL);
   CREATE TABLE used_nonce (nonce TEXT PRIMARY KEY, expires_at INTEGER NOT NULL);`,
  `ALTER TABLE stream ADD COLUMN requirement TEXT;
   CREATE TABLE index_entry (owner TEXT NOT NULL, is_written INTEGER NOT NULL);`,
];

export interface SessionRow {
  readonly id: string;
  readonly protocolVersion: string;
  readonly clientInfo: unknown;
  readonly capabilities: Readonly<Record<string, unknown>>;
  readonly logLevel: string | undefined;
  /** Epoch seconds. */
  readonly createdAt: number;
  readonly usedAt: number;
}

export interface StreamRow {
  /** The id of the request it answers, as JSON; null for the stream of a GET. */
  readonly requestId: string | null;
  /** What that request needed, as JSON; null for the stream of a GET. */
  readonly requirement: string | null;
  readonly isDone: boolean;
}

/** The entry of this object in the index of sessions. */
export interface IndexEntry {
  readonly owner: Grant;
  readonly isWritten: boolean;
}

type Row = Record<string, SqlStorageValue>;

export class SessionStore {
  readonly #storage: DurableObjectStorage;
  readonly #sql: SqlStorage;
  readonly #touchSeconds: number;
  #hasSchema = false;
  /** By id, as far as they were read; `undefined` before that. */
  #sessions: Map<string, SessionRow> | undefined;
  /** What is stored of `usedAt`, by session. */
  readonly #storedUse = new Map<string, number>();

  /** `touchSeconds` is by how much what is stored of a session's use may be behind. */
  constructor(storage: DurableObjectStorage, touchSeconds = 0) {
    this.#storage = storage;
    this.#touchSeconds = touchSeconds;
    this.#sql = storage.sql;
    const tables = this.#sql.exec("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'migration'");
    if (tables.toArray().length > 0) this.#ensureSchema();
  }

  #ensureSchema(): void {
    if (this.#hasSchema) return;
    this.#storage.transactionSync(() => {
      this.#sql.exec('CREATE TABLE IF NOT EXISTS migration (version INTEGER PRIMARY KEY)');
      const [row] = this.#sql.exec<Row>('SELECT COUNT(*) AS count FROM migration').toArray();
      for (const [version, statements] of MIGRATIONS.entries()) {
        if (version < Number(row?.count)) continue;
        this.#sql.exec(statements);
        this.#sql.exec('INSERT INTO migration (version) VALUES (?)', version);
      }
    });
    this.#hasSchema = true;
  }

  /** Everything, the tables and the alarm included. What is written afterwards starts anew. */
  async deleteAll(): Promise<void> {
    this.#hasSchema = false;
    this.#sessions = undefined;
    await this.#storage.deleteAll();
  }

  // ---- sessions ----

  addSession(row: Omit<SessionRow, 'logLevel'>): void {
    this.#ensureSchema();
    this.#all(
      'INSERT INTO session VALUES (?, ?, ?, ?, NULL, 1, ?, ?)',
      row.id,
      row.protocolVersion,
      JSON.stringify(row.clientInfo ?? null),
      JSON.stringify(row.capabilities),
      row.createdAt,
      row.usedAt,
    );
    this.#all('INSERT INTO stream VALUES (?, 0, NULL, 0, 0, NULL)', row.id);
    this.#known().set(row.id, { ...row, logLevel: undefined });
    this.#storedUse.set(row.id, row.usedAt);
  }

  session(id: string): SessionRow | undefined {
    return this.#known().get(id);
  }

  /** The one that was not used for the longest time first. */
  sessions(): readonly SessionRow[] {
    return [...this.#known().values()].sort((a, b) => a.usedAt - b.usedAt || a.createdAt - b.createdAt);
  }

  touchSession(id: string, usedAt: number): void {
    this.#change(id, { usedAt });
    if (usedAt - (this.#storedUse.get(id) ?? 0) < this.#touchSeconds) return;
    this.#all('UPDATE session SET used_at = ? WHERE id = ?', usedAt, id);
    this.#storedUse.set(id, usedAt);
  }

  setLogLevel(id: string, level: string): void {
    this.#all('UPDATE session SET log_level = ? WHERE id = ?', level, id);
    this.#change(id, { logLevel: level });
  }

  #known(): Map<string, SessionRow> {
    if (this.#sessions) return this.#sessions;
    const sessions = this.#all('SELECT * FROM session').map(sessionOf);
    this.#storedUse.clear();
    for (const { id, usedAt } of sessions) this.#storedUse.set(id, usedAt);
    this.#sessions = new Map(sessions.map((session) => [session.id, session]));
    return this.#sessions;
  }

  #change(id: string, changed: Partial<SessionRow>): void {
    const session = this.#known().get(id);
    if (session) this.#known().set(id, { ...session, ...changed });
  }

  deleteSession(id: string): void {
    this.#known().delete(id);
    this.#storedUse.delete(id);
    this.#all('DELETE FROM event WHERE session = ?', id);
    this.#all('DELETE FROM stream WHERE session = ?', id);
    this.#all('DELETE FROM subscription WHERE session = ?', id);
    this.#all('DELETE FROM session WHERE id = ?', id);
  }

  // ---- streams and their events ----

  /** Gives the number of a new stream. */
  addStream(session: string, requestId: string, requirement: string): number {
    const id = Number(
      this.#one(
        'UPDATE session SET next_stream = next_stream + 1 WHERE id = ? RETURNING next_stream - 1 AS id',
        session,
      )?.id,
    );
    this.#all('INSERT INTO stream VALUES (?, ?, ?, 0, 0, ?)', session, id, requestId, requirement);
    return id;
  }

  stream(session: string, id: number): StreamRow | undefined {
    const row = this.#one('SELECT * FROM stream WHERE session = ? AND id = ?', session, id);
    return (
      row && {
        requestId: row.request_id as string | null,
        requirement: row.requirement as string | null,
        isDone: row.is_done === 1,
      }
    );
  }

  /** The stream gets no more events. Those that have ended and of which nothing is left are forgotten. */
  finishStream(session: string, id: number): void {
    this.#all('UPDATE stream SET is_done = 1 WHERE session = ? AND id = ?', session, id);
    this.#all(
      `DELETE FROM stream WHERE session = ? AND is_done = 1 AND NOT EXISTS
         (SELECT 1 FROM event WHERE event.session = stream.session AND event.stream = stream.id)`,
      session,
    );
  }

  /** Gives the event's number in its stream. An empty `json` is remembered by its number only. */
  addEvent(session: string, stream: number, json: string): number {
    const row = this.#one(
      'UPDATE stream SET next_seq = next_seq + 1 WHERE session = ? AND id = ? RETURNING next_seq - 1 AS seq',
      session,
      stream,
    );
    const seq = Number(row?.seq);
    if (json !== '')
      this.#all(
        'INSERT INTO event (session, stream, seq, json) VALUES (?, ?, ?, ?)',
        session,
        stream,
        seq,
        json,
      );
    return seq;
  }

  eventsAfter(
    session: string,
    stream: number,
    seq: number,
  ): readonly { readonly seq: number; readonly json: string }[] {
    const query = 'SELECT seq, json FROM event WHERE session = ? AND stream = ? AND seq > ? ORDER BY seq';
    return this.#all(query, session, stream, seq) as unknown as { seq: number; json: string }[];
  }

  /** Forgets the oldest events of a session until the rest fits. */
  trimEvents(session: string, maxEvents: number, maxBytes: number): void {
    const query = `DELETE FROM event WHERE position IN (
      SELECT position FROM (
        SELECT position, ROW_NUMBER() OVER newest AS number, SUM(LENGTH(CAST(json AS BLOB))) OVER newest AS bytes
        FROM event WHERE session = ? WINDOW newest AS (ORDER BY position DESC))
      WHERE number > ? OR bytes > ?)`;
    this.#all(query, session, maxEvents, maxBytes);
  }

  // ---- subscriptions ----

  subscriptions(session: string): readonly string[] {
    return this.#all('SELECT uri FROM subscription WHERE session = ?', session).map(({ uri }) => String(uri));
  }

  addSubscription(session: string, uri: string): void {
    this.#all('INSERT OR IGNORE INTO subscription VALUES (?, ?)', session, uri);
  }

  deleteSubscription(session: string, uri: string): void {
    this.#all('DELETE FROM subscription WHERE session = ? AND uri = ?', session, uri);
  }

  // ---- state for tools ----

  state(key: string): string | undefined {
    return this.#one('SELECT json FROM state WHERE key = ?', key)?.json as string | undefined;
  }

  /** How many values there are besides this one, and how long they are together. */
  stateBesides(key: string): { readonly count: number; readonly bytes: number } {
    const row = this.#one(
      'SELECT COUNT(*) AS count, COALESCE(SUM(LENGTH(CAST(json AS BLOB))), 0) AS bytes FROM state WHERE key <> ?',
      key,
    );
    return { count: Number(row?.count), bytes: Number(row?.bytes) };
  }

  putState(key: string, json: string): void {
    this.#ensureSchema();
    this.#all('INSERT OR REPLACE INTO state VALUES (?, ?)', key, json);
  }

  stateKeys(prefix: string): readonly string[] {
    const query = 'SELECT key FROM state WHERE substr(key, 1, length(?)) = ? ORDER BY key';
    return this.#all(query, prefix, prefix).map(({ key }) => String(key));
  }

  /** Gives whether there was one. */
  deleteState(key: string): boolean {
    return this.#all('DELETE FROM state WHERE key = ? RETURNING key', key).length > 0;
  }

  /** Gives how many values there were. */
  deleteAllState(): number {
    return this.#all('DELETE FROM state RETURNING key').length;
  }

  // ---- answers that serve once ----

  /** `false` when the nonce is there already. */
  useNonce(nonce: string, expiresAt: number): boolean {
    this.#ensureSchema();
    const query = 'INSERT OR IGNORE INTO used_nonce VALUES (?, ?) RETURNING nonce';
    return this.#all(query, nonce, expiresAt).length > 0;
  }

  deleteNonces(now: number): void {
    // The clock of who checks the time may be a little behind.
    this.#all('DELETE FROM used_nonce WHERE expires_at <= ?', now - 60);
  }

  // ---- what is left, and the entry in the index of sessions (session-index.ts) ----

  /** Whether there is a session or state: what operators want to find. */
  isKeeping(): boolean {
    return this.#one('SELECT 1 FROM session UNION SELECT 1 FROM state LIMIT 1') !== undefined;
  }

  /** Whether anything is there that will expire. */
  hasExpiring(): boolean {
    return this.#one('SELECT 1 FROM session UNION SELECT 1 FROM used_nonce LIMIT 1') !== undefined;
  }

  /** Until it is known to be gone there may be one. */
  indexEntry(): IndexEntry | undefined {
    const row = this.#one('SELECT owner, is_written FROM index_entry');
    return row && { owner: JSON.parse(String(row.owner)), isWritten: row.is_written === 1 };
  }

  setIndexEntry(entry: IndexEntry | undefined): void {
    this.#all('DELETE FROM index_entry');
    if (!entry) return;
    const { owner, isWritten } = entry;
    this.#all('INSERT INTO index_entry VALUES (?, ?)', JSON.stringify(owner), isWritten ? 1 : 0);
  }

  #one(query: string, ...bindings: SqlStorageValue[]): Row | undefined {
    return this.#all(query, ...bindings)[0];
  }

  /** Without tables there is nothing to find and nothing to change. */
  #all(query: string, ...bindings: SqlStorageValue[]): Row[] {
    return this.#hasSchema ? this.#sql.exec<Row>(query, ...bindings).toArray() : [];
  }
}

function sessionOf(row: Row): SessionRow {
  return {
    id: String(row.id),
    protocolVersion: String(row.protocol_version),
    clientInfo: JSON.parse(String(row.client_info)) ?? undefined,
    capabilities: JSON.parse(String(row.capabilities)),
    logLevel: typeof row.log_level === 'string' ? row.log_level : undefined,
    createdAt: Number(row.created_at),
    usedAt: Number(row.used_at),
  };
}
