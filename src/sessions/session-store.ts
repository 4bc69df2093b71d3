// The SQL of ClientSession: schema, migrations, named statements. Decides nothing.
//
// Migrations are appended and never changed: an object may wake up after a year with any older schema.

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
  readonly isDone: boolean;
}

type Row = Record<string, SqlStorageValue>;

export class SessionStore {
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    this.#sql = storage.sql;
    storage.transactionSync(() => {
      this.#sql.exec('CREATE TABLE IF NOT EXISTS migration (version INTEGER PRIMARY KEY)');
      const done = Number(this.#one('SELECT COUNT(*) AS count FROM migration')?.count);
      for (const [version, statements] of MIGRATIONS.entries()) {
        if (version < done) continue;
        this.#sql.exec(statements);
        this.#sql.exec('INSERT INTO migration (version) VALUES (?)', version);
      }
    });
  }

  // ---- sessions ----

  addSession(row: Omit<SessionRow, 'logLevel'>): void {
    this.#sql.exec(
      'INSERT INTO session VALUES (?, ?, ?, ?, NULL, 1, ?, ?)',
      row.id,
      row.protocolVersion,
      JSON.stringify(row.clientInfo ?? null),
      JSON.stringify(row.capabilities),
      row.createdAt,
      row.usedAt,
    );
    this.#sql.exec('INSERT INTO stream VALUES (?, 0, NULL, 0, 0)', row.id);
  }

  session(id: string): SessionRow | undefined {
    const row = this.#one('SELECT * FROM session WHERE id = ?', id);
    return row && sessionOf(row);
  }

  /** The one that was not used for the longest time first. */
  sessions(): readonly SessionRow[] {
    return this.#sql.exec<Row>('SELECT * FROM session ORDER BY used_at, created_at').toArray().map(sessionOf);
  }

  touchSession(id: string, usedAt: number): void {
    this.#sql.exec('UPDATE session SET used_at = ? WHERE id = ?', usedAt, id);
  }

  setLogLevel(id: string, level: string): void {
    this.#sql.exec('UPDATE session SET log_level = ? WHERE id = ?', level, id);
  }

  deleteSession(id: string): void {
    this.#sql.exec('DELETE FROM event WHERE session = ?', id);
    this.#sql.exec('DELETE FROM stream WHERE session = ?', id);
    this.#sql.exec('DELETE FROM subscription WHERE session = ?', id);
    this.#sql.exec('DELETE FROM session WHERE id = ?', id);
  }

  // ---- streams and their events ----

  /** Gives the number of a new stream. */
  addStream(session: string, requestId: string): number {
    const id = Number(
      this.#one(
        'UPDATE session SET next_stream = next_stream + 1 WHERE id = ? RETURNING next_stream - 1 AS id',
        session,
      )?.id,
    );
    this.#sql.exec('INSERT INTO stream VALUES (?, ?, ?, 0, 0)', session, id, requestId);
    return id;
  }

  stream(session: string, id: number): StreamRow | undefined {
    const row = this.#one('SELECT request_id, is_done FROM stream WHERE session = ? AND id = ?', session, id);
    return row && { requestId: row.request_id as string | null, isDone: row.is_done === 1 };
  }

  /** The stream gets no more events. Those that have ended and of which nothing is left are forgotten. */
  finishStream(session: string, id: number): void {
    this.#sql.exec('UPDATE stream SET is_done = 1 WHERE session = ? AND id = ?', session, id);
    this.#sql.exec(
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
      this.#sql.exec(
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
    return this.#sql.exec<{ seq: number; json: string }>(query, session, stream, seq).toArray();
  }

  /** Forgets the oldest events of a session until the rest fits. */
  trimEvents(session: string, maxEvents: number, maxBytes: number): void {
    const query = `DELETE FROM event WHERE position IN (
      SELECT position FROM (
        SELECT position, ROW_NUMBER() OVER newest AS number, SUM(LENGTH(CAST(json AS BLOB))) OVER newest AS bytes
        FROM event WHERE session = ? WINDOW newest AS (ORDER BY position DESC))
      WHERE number > ? OR bytes > ?)`;
    this.#sql.exec(query, session, maxEvents, maxBytes);
  }

  // ---- subscriptions ----

  subscriptions(session: string): readonly string[] {
    return this.#sql
      .exec<{ uri: string }>('SELECT uri FROM subscription WHERE session = ?', session)
      .toArray()
      .map(({ uri }) => uri);
  }

  addSubscription(session: string, uri: string): void {
    this.#sql.exec('INSERT OR IGNORE INTO subscription VALUES (?, ?)', session, uri);
  }

  deleteSubscription(session: string, uri: string): void {
    this.#sql.exec('DELETE FROM subscription WHERE session = ? AND uri = ?', session, uri);
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
    this.#sql.exec('INSERT OR REPLACE INTO state VALUES (?, ?)', key, json);
  }

  deleteState(key: string): void {
    this.#sql.exec('DELETE FROM state WHERE key = ?', key);
  }

  stateKeys(prefix: string): readonly string[] {
    const query = 'SELECT key FROM state WHERE substr(key, 1, length(?)) = ? ORDER BY key';
    return this.#sql
      .exec<{ key: string }>(query, prefix, prefix)
      .toArray()
      .map(({ key }) => key);
  }

  // ---- answers that serve once ----

  /** `false` when the nonce is there already. */
  useNonce(nonce: string, expiresAt: number): boolean {
    return this.#sql.exec('INSERT OR IGNORE INTO used_nonce VALUES (?, ?)', nonce, expiresAt).rowsWritten > 0;
  }

  deleteNonces(now: number): void {
    // The clock of who checks the time may be a little behind.
    this.#sql.exec('DELETE FROM used_nonce WHERE expires_at <= ?', now - 60);
  }

  /** Whether anything is there that will expire. */
  hasExpiring(): boolean {
    return this.#one('SELECT 1 AS found FROM session UNION SELECT 1 FROM used_nonce LIMIT 1') !== undefined;
  }

  #one(query: string, ...bindings: SqlStorageValue[]): Row | undefined {
    return this.#sql.exec<Row>(query, ...bindings).toArray()[0];
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
