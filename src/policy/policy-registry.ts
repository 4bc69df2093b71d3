// PolicyRegistry (Durable Object): the one writer of roles, assignments, revocations and service keys.
//
// A change is one transaction: its rows, a version and a line of history. It is durable before it is answered, and is
// published to KV afterwards: an alarm collects what came in (KV takes about one write a second per key), tries until it
// holds, and looks from time to time whether KV still has it.
// What must stay true: versions only grow; a change that would leave the roles unsound is refused whole.
// Does not check who asks: only the operators' API and the gate can reach it, and the first has checked (admin/operator.ts).

import { DurableObject } from 'cloudflare:workers';
import type { Config } from '../config.ts';
import { grantName } from '../grant.ts';
import { describeError, log } from '../log.ts';
import type { Change, ChangeBy, ChangeOutcome, Page, RegistryStatus, RoleItem, RoleList } from './change.ts';
import { Refused } from './change-context.ts';
import { applyChange } from './changes.ts';
import { assignmentKey, revocationKey, SERVICES } from './keys.ts';
import { type Filter, PolicyStore, type Row } from './policy-store.ts';
import { Publication, withEdits } from './publication.ts';
import { type RoleDefinitions, type Roles, resolveRoles } from './roles.ts';
import type { Head } from './snapshot.ts';

export interface ListQuery {
  readonly filter: Filter;
  readonly cursor?: number;
  readonly limit: number;
}

/** What is called over RPC. Data in, data out: nothing is thrown on purpose. */
export interface RegistryApi {
  /** The policy, or `null` when `knownVersion` is still in force. */
  head(knownVersion: number): Promise<Head | null>;
  change(change: Change, by: ChangeBy): Promise<ChangeOutcome>;
  roles(): Promise<RoleList>;
  list(what: 'revocations' | 'assignments' | 'serviceKeys' | 'history', query: ListQuery): Promise<Page>;
  status(): Promise<RegistryStatus>;
  /** An isolate could not read a table of the head: KV is looked at, and what it lost is made anew. */
  missing(table: string): Promise<void>;
  /** Coarse: the hour in which a service key was used. */
  noteKeyUse(uses: readonly { readonly id: string; readonly at: number }[]): Promise<void>;
}

const PUBLISH_EVERY_MS = 1_000;
const LONGEST_RETRY_MS = 30_000;
const REPAIR_EVERY_MS = 300_000;
const LOOK_EVERY_MS = 5_000;
const IDEMPOTENCY_SECONDS = 86_400;

export function createPolicyRegistry(
  deploymentOf: (env: Env) => { readonly config: Config; readonly roles: Roles },
) {
  return class PolicyRegistry extends DurableObject<Env> implements RegistryApi {
    readonly #store: PolicyStore;
    readonly #publication: Publication;
    readonly #config: Config;
    /** Of the app: in force until the first edit. */
    readonly #seed: Roles;
    /** Epoch milliseconds, of an alarm that this object has set. */
    #alarmAt: number | undefined;
    /** When KV was looked at, epoch milliseconds; never, by an object that has just begun. */
    #lookedAt = 0;

    constructor(ctx: DurableObjectState, env: Env) {
      super(ctx, env);
      ({ config: this.#config, roles: this.#seed } = deploymentOf(env));
      this.#store = new PolicyStore(ctx.storage);
      this.#publication = new Publication(this.#store, env.KIT_KV, this.#seed.definitions);
      const { adminScope, adminScopeInKeys } = this.#config;
      const refused = Object.values(this.#store.usableServiceKeys(now())).filter(({ scopes }) =>
        scopes.includes(adminScope),
      );
      if (refused.length > 0 && !adminScopeInKeys)
        log({ event: 'admin_keys_refused', keys: refused.map(({ id }) => id) });
    }

    async head(knownVersion: number): Promise<Head | null> {
      // The first that asks: from now on a KV without a head is a KV that lost it.
      const isFirst = this.#store.version === 0;
      if (isFirst) this.#store.nextVersion();
      if (this.#publication.passVersion(knownVersion) || isFirst) this.#schedule();
      return knownVersion === this.#store.version ? null : this.#publication.head(now());
    }

    async change(change: Change, by: ChangeBy): Promise<ChangeOutcome> {
      const keys = await keysOfChange(change);
      try {
        const outcome = this.#store.transaction(() => this.#apply(change, keys, by));
        // Nothing is awaited in between, so the alarm is as durable as the change.
        if (!outcome.isReplayed) this.#schedule();
        return outcome;
      } catch (error) {
        if (error instanceof Refused) return error.outcome;
        throw error;
      }
    }

    /** @throws {Refused} and leaves nothing behind */
    #apply(change: Change, keys: readonly string[], by: ChangeBy): Extract<ChangeOutcome, { isDone: true }> {
      const { idempotency } = by;
      const { issuer, subject } = by.operator;
      const operator = grantName(by.operator);
      const before = idempotency && this.#store.answered(idempotency.key, operator);
      if (before) {
        if (before.fingerprint !== idempotency.fingerprint)
          throw new Refused(
            'idempotency_mismatch',
            'This Idempotency-Key was used for another request; choose another key.',
          );
        const version = Number(before.version);
        const line = this.#store.one('SELECT target FROM history WHERE version = ?', version);
        const target = line ? JSON.parse(String(line.target)) : null;
        return this.#done({ version, result: JSON.parse(String(before.result)), target }, true);
      }
      const at = now();
      const done = applyChange(change, keys, by, {
        store: this.#store,
        seed: this.#seed,
        config: this.#config,
        at,
      });
      // An answer is kept under its author's name, and would say whose line of history it is that she has taken hers out of.
      const isOwn = change.action === 'forget' && change.issuer === issuer && change.subject === subject;
      if (idempotency && !isOwn) {
        const { key, fingerprint } = idempotency;
        this.#store.addAnswered(key, operator, fingerprint, done.version, done.result, at);
      }
      return this.#done(done, false);
    }

    #done(done: ReturnType<typeof applyChange>, isReplayed: boolean) {
      return { isDone: true, ...done, isReplayed, failingSince: this.#failingSince } as const;
    }

    // ---- publishing ----

    get #failingSince(): number | null {
      const since = this.#store.get('failing_since');
      return since === undefined ? null : Number(since);
    }

    /** Publishes soon, but not more often than KV takes it. */
    #schedule(): void {
      const earliest = Number(this.#store.get('published_at_ms') ?? 0) + PUBLISH_EVERY_MS;
      const at = Math.max(Date.now(), earliest);
      if (this.#alarmAt !== undefined && this.#alarmAt <= at) return;
      this.#setAlarm(at);
    }

    #setAlarm(at: number): void {
      this.#alarmAt = at;
      void this.ctx.storage.setAlarm(at);
    }

    override async alarm(): Promise<void> {
      this.#alarmAt = undefined;
      try {
        if (await this.#hasToPublish()) {
          // Also when it fails: KV counts attempts.
          this.#store.set('published_at_ms', Date.now());
          const version = await this.#publication.publish(now());
          this.#store.set('published_at_ms', Date.now());
          this.#store.set('published_version', version);
          this.#store.set('published_at', now());
          log({ event: 'policy_published', version });
        }
        this.#store.unset('failing_since');
        this.#store.unset('failures');
        this.#forgetOld();
        await this.#publication.deleteOldTables(now());
        const isBehind = Number(this.#store.get('published_version')) !== this.#store.version;
        this.#setAlarm(Date.now() + (isBehind ? PUBLISH_EVERY_MS : REPAIR_EVERY_MS));
      } catch (error) {
        const failures = Number(this.#store.get('failures') ?? 0) + 1;
        this.#store.set('failures', failures);
        if (this.#failingSince === null) this.#store.set('failing_since', now());
        log({ event: 'policy_publish_failed', version: this.#store.version, detail: describeError(error) });
        const retryMs = Math.min(LONGEST_RETRY_MS, PUBLISH_EVERY_MS * 2 ** Math.min(failures, 10));
        this.#setAlarm(Date.now() + retryMs);
      }
    }

    /** Whether KV lacks something. KV itself is looked at when this object has just begun, and every now and then. */
    async #hasToPublish(): Promise<boolean> {
      const published = Number(this.#store.get('published_version') ?? -1);
      const isBehind = published !== this.#store.version;
      if (isBehind && Date.now() - this.#lookedAt < REPAIR_EVERY_MS) return true;
      const isIntact = await this.#publication.isIntact(published);
      this.#lookedAt = Date.now();
      return !isIntact;
    }

    #forgetOld(): void {
      const { tokens, services } = lifetimes(this.#config);
      this.#store.deleteRevocationsBefore(now() - tokens, now() - services);
      this.#store.deleteAnsweredBefore(now() - IDEMPOTENCY_SECONDS);
    }

    // ---- reading ----

    async roles(): Promise<RoleList> {
      const isEdited = this.#store.get('roles_source') === 'registry';
      const stored = this.#store.roles();
      const definitions: RoleDefinitions = isEdited
        ? Object.fromEntries([...stored].map(([name, { definition }]) => [name, definition]))
        : this.#seed.definitions;
      const edits = this.#store.shadowEdits();
      const versions = new Map(edits.map(({ name, version }) => [name, version]));
      return {
        source: isEdited ? 'registry' : 'app',
        version: this.#store.rolesVersion,
        items: itemsOf(definitions, (name) => stored.get(name)?.version ?? 0),
        shadow:
          edits.length === 0
            ? null
            : itemsOf(
                withEdits(definitions, edits),
                (name) => versions.get(name) ?? stored.get(name)?.version ?? 0,
              ),
      };
    }

    async list(
      what: 'revocations' | 'assignments' | 'serviceKeys' | 'history',
      { filter, cursor, limit }: ListQuery,
    ): Promise<Page> {
      const [table, by, render] = LISTS[what];
      const rows = this.#store.list(table, by, filter, cursor, limit);
      const shown = rows.slice(0, limit);
      const last = shown.at(-1);
      return {
        items: shown.map((row) => render(row, this.#config)),
        ...(rows.length > limit && last ? { nextCursor: String(last.position) } : {}),
      };
    }

    async status(): Promise<RegistryStatus> {
      const publishedAt = this.#store.get('published_at');
      return {
        version: this.#store.version,
        publishedVersion: Number(this.#store.get('published_version') ?? 0),
        publishedAt: publishedAt === undefined ? null : Number(publishedAt),
        failingSince: this.#failingSince,
        counts: {
          revocations: this.#store.countRevocations(),
          assignments: this.#store.countAssignments(),
          roles: this.#store.roles().size || this.#seed.permissions.size,
          serviceKeys: Object.keys(this.#store.usableServiceKeys(now())).length,
        },
      };
    }

    async missing(table: string): Promise<void> {
      // Where it is only late, everybody who waits for it asks.
      if (Date.now() - this.#lookedAt < LOOK_EVERY_MS) return;
      this.#lookedAt = 0;
      log({ event: 'policy_failed', from: 'kv', detail: `${table} is not there` });
      this.#schedule();
    }

    async noteKeyUse(uses: readonly { readonly id: string; readonly at: number }[]): Promise<void> {
      this.#store.transaction(() => {
        for (const { id, at } of uses) this.#store.noteServiceKeyUse(id, at - (at % 3_600));
      });
    }
  };
}

/** The keys that a change is published under, if it has any. */
async function keysOfChange(change: Change): Promise<readonly string[]> {
  switch (change.action) {
    case 'revoke':
      return [(await revocationKey(change.target)).id];
    case 'assign':
      return [(await assignmentKey(change.assignee)).hex];
    case 'unassign':
      return Promise.all(
        [change.assignee, { ...change.assignee, everybody: true }].map(
          async (assignee) => (await assignmentKey(assignee)).hex,
        ),
      );
    default:
      return [];
  }
}

function itemsOf(definitions: RoleDefinitions, versionOf: (name: string) => number): readonly RoleItem[] {
  const { permissions } = resolveRoles(definitions);
  return Object.entries(definitions).map(([name, definition]) => ({
    name,
    permissions: definition.permissions ?? [],
    inherits: definition.inherits ?? [],
    resolved: [...(permissions.get(name) ?? [])],
    version: versionOf(name),
  }));
}

type Render = (row: Row, config: Config) => Readonly<Record<string, unknown>>;

const LISTS = {
  revocations: [
    'revocation',
    'rowid',
    (row, config) => ({
      id: row.id,
      target: JSON.parse(String(row.target)),
      revokedAt: row.revoked_at,
      createdAt: row.created_at,
      expiresAt: Number(row.revoked_at) + lifetimes(config)[coversServices(row) ? 'services' : 'tokens'],
      reason: row.reason,
      operator: JSON.parse(String(row.operator)),
    }),
  ],
  assignments: [
    'assignment',
    'rowid',
    (row) => ({
      issuer: row.issuer,
      ...(row.subject === null
        ? { clientId: row.client_id, everybody: row.is_machine === 0 }
        : { subject: row.subject }),
      ...(row.tenant === null ? {} : { tenant: JSON.parse(String(row.tenant)) }),
      role: row.role,
      createdAt: row.created_at,
      reason: row.reason,
      operator: JSON.parse(String(row.operator)),
    }),
  ],
  serviceKeys: [
    'service_key',
    'rowid',
    (row) => ({
      id: row.id,
      service: row.service,
      owner: row.owner,
      operator: row.operator === null ? null : JSON.parse(String(row.operator)),
      scopes: JSON.parse(String(row.scopes)),
      roles: JSON.parse(String(row.roles)),
      createdAt: row.created_at,
      expiresAt: row.expires_at,
      revokedAt: row.revoked_at,
      lastUsedAt: row.last_used_at,
    }),
  ],
  history: [
    'history',
    'version',
    (row) => ({
      version: row.version,
      at: row.at,
      operator: JSON.parse(String(row.operator)),
      action: row.action,
      target: JSON.parse(String(row.target)),
      reason: row.reason,
      change: JSON.parse(String(row.change)),
    }),
  ],
} as const satisfies Record<string, readonly [string, 'rowid' | 'version', Render]>;

/** The longest a service key can ever have been allowed to live: keys outlive a setting that was lowered. */
const SERVICE_SECONDS = 31_536_000;

/** How long a revocation is of use, in seconds: as long as something that it covers can live. */
function lifetimes({ maxTokenLifetimeSeconds, clockToleranceSeconds, sessionMaxSeconds }: Config) {
  const tokens = Math.max(maxTokenLifetimeSeconds, sessionMaxSeconds) + 2 * clockToleranceSeconds;
  return { tokens, services: Math.max(tokens, SERVICE_SECONDS) };
}

const coversServices = ({ kind, issuer }: Row): boolean => kind === 'everything' || issuer === SERVICES;

const now = (): number => Math.floor(Date.now() / 1_000);
