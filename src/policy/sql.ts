// The storage of PolicyRegistry: schema brought up to date, statements, transactions, single values. Knows no table but its
// own; what is kept is said in policy-schema.ts, and asked for in policy-store.ts.

import { MIGRATIONS } from './policy-schema.ts';

export type Row = Record<string, SqlStorageValue>;

export class Sql {
  readonly #storage: DurableObjectStorage;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    storage.transactionSync(() => {
      storage.sql.exec('CREATE TABLE IF NOT EXISTS migration (version INTEGER PRIMARY KEY)');
      const done = Number(this.one('SELECT COUNT(*) AS count FROM migration')?.count);
      for (const [version, statements] of MIGRATIONS.entries()) {
        if (version < done) continue;
        storage.sql.exec(statements);
        storage.sql.exec('INSERT INTO migration (version) VALUES (?)', version);
      }
    });
  }

  /** All or nothing. */
  transaction<T>(write: () => T): T {
    return this.#storage.transactionSync(write);
  }

  // ---- single values ----

  get(name: string): string | undefined {
    return this.one('SELECT value FROM meta WHERE name = ?', name)?.value as string | undefined;
  }

  set(name: string, value: string | number): void {
    this.run('INSERT OR REPLACE INTO meta VALUES (?, ?)', name, String(value));
  }

  unset(name: string): void {
    this.run('DELETE FROM meta WHERE name = ?', name);
  }

  // ---- statements ----

  /** Gives the number of rows written. */
  run(query: string, ...bindings: SqlStorageValue[]): number {
    return this.#storage.sql.exec(query, ...bindings).rowsWritten;
  }

  rows(query: string, ...bindings: SqlStorageValue[]): readonly Row[] {
    return this.#storage.sql.exec<Row>(query, ...bindings).toArray();
  }

  one(query: string, ...bindings: SqlStorageValue[]): Row | undefined {
    return this.rows(query, ...bindings)[0];
  }

  /** One row at a time, its columns in a list: there may be millions. */
  each(query: string): Iterable<readonly SqlStorageValue[]> {
    return this.#storage.sql.exec(query).raw();
  }
}
