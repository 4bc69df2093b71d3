// The SQL of PolicyRegistry: named statements. Decides nothing. The tables are in policy-schema.ts.
//
// Every row that is published carries the version of its last change, so that
// "what changed since a table was made" is a query; what was deleted since leaves a row in `gone`.

import type { ServiceKeyRecord } from '../auth/service-key.ts';
import type { Author } from './change.ts';
import { type Assignee, type KeyKind, keyKindOf, type RevocationTarget, SERVICES } from './keys.ts';
import type { RoleDefinition } from './roles.ts';
import { type Row, Sql } from './sql.ts';

export type { Row } from './sql.ts';

export interface HistoryEntry {
  readonly version: number;
  readonly at: number;
  readonly action: string;
  readonly operator: Author;
  readonly issuer: string | null;
  readonly subject: string | null;
  readonly target: unknown;
  readonly reason: string;
  readonly change: unknown;
}

/** Who changed a row last, when and why. */
interface Written {
  /** Epoch seconds. */
  readonly at: number;
  readonly reason: string;
  readonly operator: Author;
  readonly version: number;
}

/** A column to filter by and what it must be; `undefined` is any. A tenant is JSON. */
export type Filter = Readonly<Record<string, string | undefined>>;

/** What a target says, and no column, or one that says more. */
const IN_TARGET: Readonly<Record<string, string>> = {
  kind: "target ->> '$.kind'",
  tenant: "target -> '$.tenant'",
};

export class PolicyStore extends Sql {
  /** The version in force; every change makes the next one. */
  get version(): number {
    return Number(this.get('version') ?? 0);
  }

  nextVersion(): number {
    const version = this.version + 1;
    this.set('version', version);
    return version;
  }

  /** Of the last change of roles, or of what is on trial. */
  get rolesVersion(): number {
    return Number(this.get('roles_version') ?? 0);
  }

  set rolesVersion(version: number) {
    this.set('roles_version', version);
  }

  // ---- revocations ----

  putRevocation(id: string, target: RevocationTarget, revokedAt: number, row: Written): void {
    const { issuer = null, subject = null } = target as { issuer?: string; subject?: string };
    const kind = keyKindOf(target);
    if (!this.revocation(id)) this.#addTo(`revocation ${kind}`, 1);
    this.run(
      'INSERT OR REPLACE INTO revocation VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
      id,
      kind,
      JSON.stringify(target),
      issuer,
      subject,
      revokedAt,
      row.at,
      row.reason,
      JSON.stringify(row.operator),
      row.version,
    );
    this.run('DELETE FROM gone WHERE key = ?', id);
  }

  revocation(id: string): Row | undefined {
    return this.one('SELECT * FROM revocation WHERE id = ?', id);
  }

  deleteRevocation(id: string, version: number): void {
    const kind = this.revocation(id)?.kind;
    if (kind === undefined) return;
    this.run('DELETE FROM revocation WHERE id = ?', id);
    this.#addTo(`revocation ${kind}`, -1);
    this.#markGone(id, version);
  }

  /**
   * Those that cover nothing that can be alive: no token, and, those that cover services, no key either. They may stay in
   * a table: nothing comes of it.
   */
  deleteRevocationsBefore(at: number, servicesAt: number): void {
    const old =
      "revoked_at < ? AND (revoked_at < ? OR NOT (kind = 'everything' OR COALESCE(issuer, '') = ?))";
    const query = `SELECT kind, COUNT(*) AS count FROM revocation WHERE ${old} GROUP BY kind`;
    for (const { kind, count } of this.rows(query, at, servicesAt, SERVICES))
      this.#addTo(`revocation ${kind}`, -Number(count));
    this.run(`DELETE FROM revocation WHERE ${old}`, at, servicesAt, SERVICES);
  }

  revokedKinds(): readonly KeyKind[] {
    const query = "SELECT name FROM counter WHERE name LIKE 'revocation %' AND value > 0 ORDER BY name";
    return this.rows(query).map(({ name }) => String(name).slice('revocation '.length) as KeyKind);
  }

  /** Without counting rows: there may be millions. */
  countRevocations(): number {
    return Number(
      this.one("SELECT COALESCE(SUM(value), 0) AS sum FROM counter WHERE name LIKE 'revocation %'")?.sum,
    );
  }

  /** Id -> revokedAt of what changed after a version; 0: not revoked any more. */
  revocationsSince(version: number): Record<string, number> {
    const recent: Record<string, number> = {};
    for (const { key } of this.rows('SELECT key FROM gone WHERE version > ? AND length(key) = 16', version))
      recent[String(key)] = 0;
    for (const row of this.rows('SELECT id, revoked_at FROM revocation WHERE version > ?', version))
      recent[String(row.id)] = Number(row.revoked_at);
    return recent;
  }

  /** In the order of their ids, one at a time: there may be millions. */
  *allRevocations(): Generator<{ readonly id: string; readonly revokedAt: number }> {
    for (const [id, revokedAt] of this.each('SELECT id, revoked_at FROM revocation ORDER BY id'))
      yield { id: String(id), revokedAt: Number(revokedAt) };
  }

  // ---- roles ----

  roles(): ReadonlyMap<string, { readonly definition: RoleDefinition; readonly version: number }> {
    return new Map(
      this.rows('SELECT * FROM role ORDER BY name').map(({ name, definition, version }) => [
        String(name),
        { definition: JSON.parse(String(definition)) as RoleDefinition, version: Number(version) },
      ]),
    );
  }

  putRole(name: string, definition: RoleDefinition, version: number): void {
    this.run('INSERT OR REPLACE INTO role VALUES (?, ?, ?)', name, JSON.stringify(definition), version);
  }

  deleteRole(name: string): void {
    this.run('DELETE FROM role WHERE name = ?', name);
  }

  deleteRoles(): void {
    this.run('DELETE FROM role');
  }

  /** Edits on trial: a definition, or `null` for a role that is to be deleted. `baseVersion` is `null` for a new role. */
  shadowEdits(): readonly {
    readonly name: string;
    readonly definition: RoleDefinition | null;
    readonly baseVersion: number | null;
    readonly version: number;
  }[] {
    return this.rows('SELECT * FROM shadow_edit ORDER BY name').map((row) => ({
      name: String(row.name),
      definition: row.definition === null ? null : (JSON.parse(String(row.definition)) as RoleDefinition),
      baseVersion: row.base_version === null ? null : Number(row.base_version),
      version: Number(row.version),
    }));
  }

  putShadowEdit(
    name: string,
    definition: RoleDefinition | null,
    baseVersion: number | null,
    version: number,
  ): void {
    this.run(
      'INSERT OR REPLACE INTO shadow_edit VALUES (?, ?, ?, ?)',
      name,
      definition && JSON.stringify(definition),
      baseVersion,
      version,
    );
  }

  deleteShadowEdits(): void {
    this.run('DELETE FROM shadow_edit');
  }

  // ---- assignments ----

  putAssignment(key: string, role: string, assignee: Assignee, row: Written): void {
    const isNew = this.one('SELECT 1 FROM assignment WHERE key = ? AND role = ?', key, role) === undefined;
    if (isNew) this.#addTo('assignment', 1);
    this.run(
      'INSERT OR IGNORE INTO assignment VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
      key,
      role,
      assignee.issuer,
      'subject' in assignee ? assignee.subject : null,
      'clientId' in assignee ? assignee.clientId : null,
      row.at,
      row.reason,
      JSON.stringify(row.operator),
      row.version,
      assignee.tenant === undefined ? null : JSON.stringify(assignee.tenant),
      'clientId' in assignee && assignee.everybody !== true ? 1 : 0,
    );
    this.#markGone(key, row.version);
  }

  /** `false` when there was none. */
  deleteAssignment(key: string, role: string, version: number): boolean {
    const isDeleted = this.run('DELETE FROM assignment WHERE key = ? AND role = ?', key, role) > 0;
    if (isDeleted) this.#addTo('assignment', -1);
    this.#markGone(key, version);
    return isDeleted;
  }

  /** Without counting rows. */
  countAssignments(): number {
    return Number(this.one("SELECT value FROM counter WHERE name = 'assignment'")?.value ?? 0);
  }

  hasAssignmentsInTenants(): boolean {
    return this.one('SELECT 1 FROM assignment WHERE tenant IS NOT NULL LIMIT 1') !== undefined;
  }

  assignees(role: string): number {
    return Number(this.one('SELECT COUNT(*) AS count FROM assignment WHERE role = ?', role)?.count);
  }

  /** Key -> all its roles, of whom anything changed after a version. */
  assignmentsSince(version: number): Record<string, string[]> {
    const recent: Record<string, string[]> = {};
    const rows = this.rows(
      `SELECT gone.key, role FROM gone LEFT JOIN assignment ON assignment.key = gone.key
       WHERE gone.version > ? AND length(gone.key) = 32 ORDER BY gone.key, role`,
      version,
    );
    for (const { key, role } of rows) {
      const roles = recent[String(key)] ?? [];
      if (role !== null) roles.push(String(role));
      recent[String(key)] = roles;
    }
    return recent;
  }

  /** In the order of their keys, with the roles of each as JSON. */
  *allAssignments(): Generator<{ readonly key: string; readonly roles: string }> {
    const query =
      'SELECT key, json_group_array(role) AS roles FROM (SELECT key, role FROM assignment ORDER BY key, role) GROUP BY key ORDER BY key';
    for (const [key, roles] of this.each(query)) yield { key: String(key), roles: String(roles) };
  }

  countAssignees(): number {
    return Number(this.one('SELECT COUNT(DISTINCT key) AS count FROM assignment')?.count);
  }

  // ---- what left a table, or whose roles in it are out of date ----

  /** Text of 16 characters is a revocation's id, of 32 an assignee's key. */
  #markGone(key: string, version: number): void {
    this.run('INSERT OR REPLACE INTO gone VALUES (?, ?)', key, version);
  }

  forgetGone(keyLength: number, upTo: number): void {
    this.run('DELETE FROM gone WHERE length(key) = ? AND version <= ?', keyLength, upTo);
  }

  // ---- service keys ----

  addServiceKey(hash: string, owner: string, maker: Author, record: ServiceKeyRecord): void {
    const { id, service, scopes, roles, createdAt, expiresAt } = record;
    this.run(
      'INSERT INTO service_key VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL, ?)',
      id,
      hash,
      service,
      owner,
      JSON.stringify(scopes),
      JSON.stringify(roles),
      createdAt,
      expiresAt,
      JSON.stringify(maker),
    );
  }

  serviceKey(
    id: string,
  ): (ServiceKeyRecord & { readonly owner: string; readonly isRevoked: boolean }) | undefined {
    const row = this.one('SELECT * FROM service_key WHERE id = ?', id);
    return row && { ...recordOf(row), owner: String(row.owner), isRevoked: row.revoked_at !== null };
  }

  /** Hash -> record of those that can be used. */
  usableServiceKeys(now: number): Record<string, ServiceKeyRecord> {
    const rows = this.rows('SELECT * FROM service_key WHERE revoked_at IS NULL AND expires_at > ?', now);
    return Object.fromEntries(rows.map((row) => [String(row.hash), recordOf(row)]));
  }

  /** Those that somebody made and that can be used. */
  usableKeysMadeBy({ issuer, subject }: Pick<Author, 'issuer' | 'subject'>, now: number): readonly Row[] {
    return this.rows(
      `SELECT id, service FROM service_key WHERE revoked_at IS NULL AND expires_at > ?
       AND json_extract(operator, '$.issuer') = ? AND json_extract(operator, '$.subject') = ?`,
      now,
      issuer,
      subject,
    );
  }

  endServiceKey(id: string, expiresAt: number): void {
    this.run('UPDATE service_key SET expires_at = MIN(expires_at, ?) WHERE id = ?', expiresAt, id);
  }

  revokeServiceKey(id: string, at: number): void {
    this.run('UPDATE service_key SET revoked_at = ? WHERE id = ?', at, id);
  }

  noteServiceKeyUse(id: string, at: number): void {
    this.run('UPDATE service_key SET last_used_at = MAX(COALESCE(last_used_at, 0), ?) WHERE id = ?', at, id);
  }

  // ---- history and idempotency ----

  addHistory({ version, at, action, operator, issuer, subject, target, reason, change }: HistoryEntry): void {
    this.run(
      'INSERT INTO history VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
      version,
      at,
      action,
      JSON.stringify(operator),
      issuer,
      subject,
      JSON.stringify(target),
      reason,
      JSON.stringify(change ?? null),
    );
  }

  answered(key: string, operator: string): Row | undefined {
    return this.one('SELECT * FROM answered WHERE key = ? AND operator = ?', key, operator);
  }

  addAnswered(
    key: string,
    operator: string,
    fingerprint: string,
    version: number,
    result: unknown,
    at: number,
  ): void {
    this.run(
      'INSERT INTO answered VALUES (?, ?, ?, ?, ?, ?)',
      key,
      operator,
      fingerprint,
      version,
      JSON.stringify(result),
      at,
    );
  }

  deleteAnsweredBefore(at: number): void {
    this.run('DELETE FROM answered WHERE at < ?', at);
  }

  // ---- lists ----

  /** Rows that match, from a cursor on, in the order of `by`; one more than `limit`, so that one sees whether there is more. */
  list(
    table: 'revocation' | 'assignment' | 'service_key' | 'history',
    by: 'rowid' | 'version',
    filter: Filter,
    cursor: number | undefined,
    limit: number,
  ): readonly (Row & { readonly position: number })[] {
    const wanted = Object.entries(filter).filter(
      (entry): entry is [string, string] => entry[1] !== undefined,
    );
    const where = [
      ...wanted.map(([column]) => `${(table !== 'assignment' && IN_TARGET[column]) || column} = ?`),
      ...(cursor === undefined ? [] : [`${by} < ?`]),
    ];
    const query = `SELECT ${by} AS position, * FROM ${table} ${where.length > 0 ? `WHERE ${where.join(' AND ')}` : ''} ORDER BY ${by} DESC LIMIT ?`;
    const bindings = [
      ...wanted.map(([, value]) => value),
      ...(cursor === undefined ? [] : [cursor]),
      limit + 1,
    ];
    return this.rows(query, ...bindings) as readonly (Row & { readonly position: number })[];
  }

  #addTo(counter: string, difference: number): void {
    this.run(
      'INSERT INTO counter VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = value + excluded.value',
      counter,
      difference,
    );
  }
}

function recordOf(row: Row): ServiceKeyRecord {
  return {
    id: String(row.id),
    service: String(row.service),
    scopes: JSON.parse(String(row.scopes)),
    roles: JSON.parse(String(row.roles)),
    createdAt: Number(row.created_at),
    expiresAt: Number(row.expires_at),
  };
}
