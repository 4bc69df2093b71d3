// From the registry's rows to what KV carries: the head, and the tables it names (snapshot.ts).
//
// What changed since the tables were made is in the head; when that gets long, new tables are made first and then named
// by the next head. Tables that are not named any more stay for as long as an isolate may use an old head.
// Does not decide when to publish, and does not retry: policy-registry.ts.

import { ASSIGNMENT_KEY_WORDS, REVOCATION_KEY_WORDS } from './keys.ts';
import type { PolicyStore } from './policy-store.ts';
import type { RoleDefinitions } from './roles.ts';
import { FORMAT, HEAD_KEY, type Head } from './snapshot.ts';
import { TableWriter } from './table.ts';

/** A head stays small: isolates read it again and again. A hundredth of a large table may be in it. */
const RECENT_LEAST = 500;
const RECENT_MOST = 5_000;
/** Longer than any isolate may use a head. */
const OLD_TABLE_SECONDS = 2 * 86_400;

const KINDS = ['revocations', 'assignments'] as const;
type TableKind = (typeof KINDS)[number];

interface TableEntry {
  readonly name: string;
  /** The version it has everything up to. */
  readonly version: number;
  readonly count: number;
}

export class Publication {
  readonly #store: PolicyStore;
  readonly #kv: KVNamespace;
  /** Roles of the app: what a trial edits until the registry has roles of its own. */
  readonly #seed: RoleDefinitions;
  #head: Head | undefined;

  constructor(store: PolicyStore, kv: KVNamespace, seed: RoleDefinitions) {
    this.#store = store;
    this.#kv = kv;
    this.#seed = seed;
  }

  /** The policy as it is now. */
  head(now: number): Head {
    const { version } = this.#store;
    if (this.#head?.version === version) return this.#head;
    const [revocations, assignments] = [this.#table('revocations'), this.#table('assignments')];
    const roles = this.#store.get('roles_source') === 'registry' ? this.#roles() : undefined;
    const shadowRoles = this.#shadowRoles(roles ?? this.#seed);
    this.#head = {
      format: FORMAT,
      version,
      ...(roles ? { roles } : {}),
      ...(shadowRoles ? { shadowRoles } : {}),
      revocations: {
        ...(revocations ? { table: revocations.name } : {}),
        recent: this.#store.revocationsSince(revocations?.version ?? 0),
        kinds: this.#store.revokedKinds(),
      },
      assignments: {
        ...(assignments ? { table: assignments.name } : {}),
        recent: this.#store.assignmentsSince(assignments?.version ?? 0),
        ...(this.#store.hasAssignmentsInTenants() ? { inTenants: true } : {}),
      },
      serviceKeys: this.#store.usableServiceKeys(now),
    };
    return this.#head;
  }

  /** Puts the head into KV, and new tables before it when it has become long. Gives its version. @throws when KV does not take it */
  async publish(now: number): Promise<number> {
    for (const kind of KINDS) {
      const isLost = this.#store.get(`lost_${kind}`) !== undefined;
      if (isLost || isLong(this.head(now)[kind].recent, this.#table(kind))) await this.#makeTable(kind, now);
    }
    const head = this.head(now);
    await this.#kv.put(HEAD_KEY, JSON.stringify(head));
    return head.version;
  }

  /**
   * Looks whether KV has what was published last, and notes what has to be made anew: a table that is lost, or a version
   * above one that is ahead of this registry's. Gives whether there is nothing to publish.
   */
  async isIntact(publishedVersion: number): Promise<boolean> {
    const stored = await this.#kv.get<Partial<Head>>(HEAD_KEY, 'json');
    if (typeof stored?.version === 'number') this.passVersion(stored.version);
    let isComplete = stored?.version === publishedVersion && publishedVersion === this.#store.version;
    for (const kind of KINDS) {
      const table = this.#table(kind);
      if (!table) continue;
      const { keys } = await this.#kv.list({ prefix: table.name });
      if (keys.some(({ name }) => name === table.name)) continue;
      // Made from the rows, one at a time: the head must not have to carry all of them.
      this.#store.set(`lost_${kind}`, 1);
      isComplete = false;
    }
    return isComplete;
  }

  /**
   * Goes above a version that was seen and is later than this registry's, whose storage was set back then, or begun anew:
   * isolates would not adopt anything older than what they have.
   */
  passVersion(seen: number): boolean {
    if (seen <= this.#store.version) return false;
    this.#store.set('version', seen + 1);
    return true;
  }

  async #makeTable(kind: TableKind, now: number): Promise<void> {
    const { version } = this.#store;
    const old = this.#table(kind);
    const { buffer, count } = kind === 'revocations' ? this.#revocationTable() : this.#assignmentTable();
    const name = `policy:${kind}:${version}-${crypto.randomUUID().slice(0, 8)}`;
    await this.#kv.put(name, buffer);
    // Changes made while KV was writing have later versions: they stay in the head.
    this.#store.transaction(() => {
      this.#store.set(kind, JSON.stringify({ name, version, count }));
      this.#store.unset(`lost_${kind}`);
      this.#store.forgetGone(kind === 'revocations' ? 16 : 32, version);
      this.#store.nextVersion();
      if (old)
        this.#store.set('old_tables', JSON.stringify([...this.#oldTables(), { name: old.name, at: now }]));
    });
  }

  /** Deletes tables that nobody can be using any more. */
  async deleteOldTables(now: number): Promise<void> {
    const tables = this.#oldTables();
    const over = tables.filter(({ at }) => now - at > OLD_TABLE_SECONDS);
    for (const { name } of over) await this.#kv.delete(name);
    if (over.length > 0)
      this.#store.set(
        'old_tables',
        JSON.stringify(this.#oldTables().filter(({ name }) => !over.some((gone) => gone.name === name))),
      );
  }

  #oldTables(): readonly { readonly name: string; readonly at: number }[] {
    return JSON.parse(this.#store.get('old_tables') ?? '[]');
  }

  #table(kind: TableKind): TableEntry | undefined {
    const entry = this.#store.get(kind);
    return entry === undefined ? undefined : (JSON.parse(entry) as TableEntry);
  }

  #revocationTable(): { readonly buffer: ArrayBuffer; readonly count: number } {
    const count = this.#store.countRevocations();
    const writer = new TableWriter(REVOCATION_KEY_WORDS, count);
    for (const { id, revokedAt } of this.#store.allRevocations()) writer.add(id, revokedAt);
    return { buffer: writer.finish(), count };
  }

  #assignmentTable(): { readonly buffer: ArrayBuffer; readonly count: number } {
    const sets = new Map<string, number>();
    const count = this.#store.countAssignees();
    // The sets of roles come behind the entries, so they have to be known first. There are few of them.
    for (const { roles } of this.#store.allAssignments()) if (!sets.has(roles)) sets.set(roles, sets.size);
    const writer = new TableWriter(ASSIGNMENT_KEY_WORDS, count, `[${[...sets.keys()].join(',')}]`);
    for (const { key, roles } of this.#store.allAssignments()) writer.add(key, sets.get(roles) ?? 0);
    return { buffer: writer.finish(), count };
  }

  #roles(): RoleDefinitions {
    return Object.fromEntries([...this.#store.roles()].map(([name, { definition }]) => [name, definition]));
  }

  #shadowRoles(roles: RoleDefinitions): RoleDefinitions | undefined {
    const edits = this.#store.shadowEdits();
    return edits.length === 0 ? undefined : withEdits(roles, edits);
  }
}

/** Roles as they would be with the edits on trial. */
export function withEdits(
  roles: RoleDefinitions,
  edits: ReturnType<PolicyStore['shadowEdits']>,
): RoleDefinitions {
  const edited = { ...roles };
  for (const { name, definition } of edits) {
    if (definition) edited[name] = definition;
    else delete edited[name];
  }
  return edited;
}

const isLong = (recent: object, table: TableEntry | undefined): boolean =>
  Object.keys(recent).length >
  Math.min(RECENT_MOST, Math.max(RECENT_LEAST, Math.floor((table?.count ?? 0) / 100)));
