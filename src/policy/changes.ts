// What each change does to the registry's rows, and when it is refused. Runs inside one transaction.
//
// A refusal is thrown and takes everything back. Whatever is done gets a version and a line of history, also when it
// changes nothing that is published, so that the history is complete.

import type { Config } from '../config.ts';
import type { Change, ChangeBy, ChangeOutcome, RoleChange } from './change.ts';
import type { PolicyStore } from './policy-store.ts';
import { withEdits } from './publication.ts';
import { type RoleDefinition, type RoleDefinitions, type Roles, resolveRoles } from './roles.ts';

/** All of them are in the head, which every isolate reads. */
const SERVICE_KEYS_MOST = 500;
/** So many fit into one KV value of 25 MiB, with room to spare. */
const REVOCATIONS_MOST = 2_000_000;
const ASSIGNMENTS_MOST = 1_000_000;
/** All of them are in the head, and in a line of history. */
const ROLES_BYTES = 262_144;

export interface ChangeContext {
  readonly store: PolicyStore;
  /** Roles of the app, taken over by the first edit. */
  readonly seed: Roles;
  readonly config: Pick<Config, 'defaultRoles' | 'clockToleranceSeconds' | 'serviceKeyMaxSeconds'>;
  /** Epoch seconds. */
  readonly at: number;
}

type Problem = Extract<ChangeOutcome, { isDone: false }>['problem'];

/** A change that cannot be made; nothing of it is kept. */
export class Refused extends Error {
  readonly outcome: Extract<ChangeOutcome, { isDone: false }>;
  constructor(problem: Problem, detail: string, currentVersion?: number) {
    super(detail);
    this.outcome = {
      isDone: false,
      problem,
      detail,
      ...(currentVersion === undefined ? {} : { currentVersion }),
    };
  }
}

/** What was done, for the answer and for the history. */
interface Done {
  readonly result: Readonly<Record<string, unknown>>;
  /** What it was done to. */
  readonly target: unknown;
  readonly about?: { readonly issuer: string; readonly subject?: string };
  readonly change?: unknown;
}

/** `key` is what the target is published under. @throws {Refused} */
export function applyChange(
  change: Change,
  key: string,
  by: ChangeBy,
  context: ChangeContext,
): { readonly version: number; readonly result: Readonly<Record<string, unknown>> } {
  const version = context.store.nextVersion();
  const { result, target, about, change: what } = make(change, key, by, version, context);
  context.store.addHistory({
    version,
    at: context.at,
    action: change.action,
    operator: by.operator,
    issuer: about?.issuer ?? null,
    subject: about?.subject ?? null,
    target,
    reason: by.reason,
    change: what,
  });
  return { version, result };
}

function make(change: Change, key: string, by: ChangeBy, version: number, context: ChangeContext): Done {
  const { store, at, config } = context;
  switch (change.action) {
    case 'revoke': {
      const { target, until } = change;
      const known = store.revocation(key);
      if (!known && store.countRevocations() >= REVOCATIONS_MOST)
        throw new Refused(
          'conflict',
          `There are ${REVOCATIONS_MOST} revocations already; revoke clients or the issuer.`,
        );
      const before = Number(known?.revoked_at ?? 0);
      // Whoever revokes again does not lift a block that reaches further.
      const revokedAt = Math.max(until ?? at, before);
      store.putRevocation(key, target, revokedAt, { ...by, at, version });
      const newTokensFrom = revokedAt + config.clockToleranceSeconds + 1;
      return {
        result: { id: key, target, revokedAt, newTokensFrom },
        target,
        about: target as { issuer: string; subject?: string },
        change: { revokedAt },
      };
    }
    case 'unrevoke': {
      const row = store.revocation(change.id);
      if (!row) throw new Refused('not_found', `There is no revocation ${change.id}.`);
      store.deleteRevocation(change.id, version);
      const target = JSON.parse(String(row.target));
      return {
        result: { id: change.id, target, revokedAt: Number(row.revoked_at) },
        target,
        about: target,
        change: { revokedAt: row.revoked_at },
      };
    }
    case 'put_role':
    case 'delete_role':
      return editRole(change, version, context);
    case 'put_shadow_role':
    case 'delete_shadow_role':
      return editShadow(change, version, context);
    case 'apply_shadow': {
      const edits = store.shadowEdits();
      if (edits.length === 0) throw new Refused('not_found', 'There is no role change on trial.');
      takeOver(context);
      const roles = store.roles();
      for (const { name, definition, baseVersion } of edits) {
        const current = roles.get(name)?.version ?? null;
        if (current !== baseVersion)
          throw new Refused(
            'conflict',
            `The role "${name}" was changed since it was put on trial; discard the trial and put it again.`,
          );
        if (definition) store.putRole(name, definition, version);
        else store.deleteRole(name);
      }
      store.deleteShadowEdits();
      checkRoles(definitionsOf(context), context);
      return { result: {}, target: { roles: edits.map(({ name }) => name) }, change: { edits } };
    }
    case 'discard_shadow': {
      const edits = store.shadowEdits();
      if (edits.length === 0) throw new Refused('not_found', 'There is no role change on trial.');
      store.deleteShadowEdits();
      return { result: {}, target: { roles: edits.map(({ name }) => name) }, change: { edits } };
    }
    case 'reset_roles': {
      const before = definitionsOf(context);
      store.deleteRoles();
      store.deleteShadowEdits();
      store.unset('roles_source');
      checkRoles(context.seed.definitions, context);
      return { result: { source: 'app' }, target: { roles: Object.keys(before) }, change: { before } };
    }
    case 'assign':
    case 'unassign':
      return assign(change, key, by, version, context);
    case 'create_key': {
      const { action, ...key } = change;
      const item = addKey(key, context);
      const { id, service, scopes, roles, expiresAt } = item;
      return { result: item, target: { id, service }, change: { scopes, roles, expiresAt } };
    }
    case 'rotate_key': {
      const old = usableKey(change.id, context);
      const { service, owner, scopes, roles } = old;
      const expiresInSeconds = change.expiresInSeconds ?? old.expiresAt - old.createdAt;
      const { newId: id, hash, overlapSeconds } = change;
      const item = addKey({ id, hash, service, owner, scopes, roles, expiresInSeconds }, context);
      if (overlapSeconds === 0) store.revokeServiceKey(old.id, at);
      else store.endServiceKey(old.id, at + overlapSeconds);
      const previous = { id: old.id, expiresAt: Math.min(old.expiresAt, at + overlapSeconds) };
      const { expiresAt } = item;
      return { result: { ...item, previous }, target: { id, service }, change: { expiresAt, previous } };
    }
    case 'revoke_key': {
      const { id, service } = usableKey(change.id, context);
      store.revokeServiceKey(id, at);
      return { result: { id, service, revokedAt: at }, target: { id, service } };
    }
    case 'end_sessions': {
      const { action, ...target } = change;
      return { result: {}, target, about: target };
    }
    case 'forget':
      return forget(change, version, context);
  }
}

// ---- roles ----

function definitionsOf({ store, seed }: ChangeContext): RoleDefinitions {
  if (store.get('roles_source') !== 'registry') return seed.definitions;
  return Object.fromEntries([...store.roles()].map(([name, { definition }]) => [name, definition]));
}

/** The first edit makes the registry the source of all roles. */
function takeOver({ store, seed }: ChangeContext): void {
  if (store.get('roles_source') === 'registry') return;
  store.set('roles_source', 'registry');
  for (const [name, definition] of Object.entries(seed.definitions)) store.putRole(name, definition, 0);
}

/** @throws {Refused} unless the roles can be resolved */
function checkSound(definitions: RoleDefinitions, where = ''): void {
  try {
    resolveRoles(definitions);
  } catch (error) {
    throw new Refused('invalid_role', where + (error instanceof Error ? error.message : 'not resolvable'));
  }
}

/** @throws {Refused} unless the roles can be resolved and whoever has a role still can have it */
function checkRoles(definitions: RoleDefinitions, { store, config, at }: ChangeContext): void {
  checkSound(definitions);
  if (JSON.stringify(definitions).length > ROLES_BYTES)
    throw new Refused('conflict', `All roles together would be longer than ${ROLES_BYTES} characters.`);
  for (const name of config.defaultRoles) {
    if (!Object.hasOwn(definitions, name))
      throw new Refused('conflict', `The role "${name}" is in DEFAULT_ROLES; change that first.`);
  }
  const inKeys = Object.values(store.usableServiceKeys(at)).find(({ roles }) =>
    roles.some((role) => !Object.hasOwn(definitions, role)),
  );
  if (inKeys)
    throw new Refused(
      'conflict',
      `A role of the service key ${inKeys.id} would be gone; revoke the key first.`,
    );
  const names = store.rows('SELECT DISTINCT role FROM assignment').map(({ role }) => String(role));
  for (const name of names) {
    if (!Object.hasOwn(definitions, name))
      throw new Refused(
        'conflict',
        `The role "${name}" is assigned to ${store.assignees(name)}; take it away first.`,
      );
  }
}

/** @throws {Refused} when somebody else has changed the role since `expected` */
function checkExpected(name: string, current: number | undefined, expected: number | null): void {
  if (expected === null && current !== undefined)
    throw new Refused('precondition_failed', `There is a role "${name}" already.`, current);
  if (expected !== null && current === undefined)
    throw new Refused('not_found', `There is no role "${name}".`);
  if (expected !== null && current !== expected)
    throw new Refused('precondition_failed', `The role "${name}" was changed by somebody else.`, current);
}

function editRole(change: RoleChange, version: number, context: ChangeContext): Done {
  const { store } = context;
  const { name, expected } = change;
  takeOver(context);
  const before = store.roles().get(name);
  checkExpected(name, before?.version, expected);
  const after = 'definition' in change ? change.definition : null;
  if (after) store.putRole(name, after, version);
  else store.deleteRole(name);
  checkRoles(definitionsOf(context), context);
  // What is on trial is published together with it, and a policy that is not sound is adopted by nobody.
  checkSound(withEdits(definitionsOf(context), store.shadowEdits()), 'on trial, ');
  return roleDone(name, before?.definition ?? null, after, definitionsOf(context), version);
}

/** Kept as an edit of whatever is in force, the app's roles or the registry's: a trial alone makes neither the source. */
function editShadow(change: RoleChange, version: number, context: ChangeContext): Done {
  const { store } = context;
  const { name, expected } = change;
  const inForce = definitionsOf(context);
  const before = Object.hasOwn(inForce, name) ? (inForce[name] ?? null) : null;
  const baseVersion = before ? (store.roles().get(name)?.version ?? 0) : null;
  const onTrial = store.shadowEdits().find((edit) => edit.name === name);
  const current = onTrial ? (onTrial.definition ? onTrial.version : undefined) : (baseVersion ?? undefined);
  checkExpected(name, current, expected);
  const after = 'definition' in change ? change.definition : null;
  store.putShadowEdit(name, after, onTrial ? onTrial.baseVersion : baseVersion, version);
  const definitions = withEdits(inForce, store.shadowEdits());
  checkRoles(definitions, context);
  return roleDone(name, before, after, definitions, version);
}

function roleDone(
  name: string,
  before: RoleDefinition | null,
  after: Required<RoleDefinition> | null,
  definitions: RoleDefinitions,
  version: number,
): Done {
  const resolved = after ? [...(resolveRoles(definitions).permissions.get(name) ?? [])] : [];
  const result = after ? { name, ...after, resolved, version } : { name };
  return { result: { ...result, isNew: before === null }, target: { role: name }, change: { before, after } };
}

// ---- assignments ----

function assign(
  { action, assignee, role }: Extract<Change, { action: 'assign' | 'unassign' }>,
  key: string,
  by: ChangeBy,
  version: number,
  context: ChangeContext,
): Done {
  const { store, at } = context;
  if (action === 'unassign') {
    if (!store.deleteAssignment(key, role, version))
      throw new Refused('not_found', `The role "${role}" is not assigned to that.`);
  } else {
    if (!Object.hasOwn(definitionsOf(context), role))
      throw new Refused('unknown_role', `There is no role "${role}"; define it first.`);
    if (store.countAssignments() >= ASSIGNMENTS_MOST)
      throw new Refused(
        'conflict',
        `There are ${ASSIGNMENTS_MOST} assignments already; have the tokens name them.`,
      );
    store.putAssignment(key, role, assignee, { ...by, at, version });
  }
  return {
    result: { ...assignee, role },
    target: { ...assignee, role },
    about: assignee,
  };
}

// ---- service keys ----

/** Gives the key as lists have it. */
function addKey(key: Omit<Extract<Change, { action: 'create_key' }>, 'action'>, context: ChangeContext) {
  const { store, at, config } = context;
  const { id, hash, service, owner, scopes, roles, expiresInSeconds } = key;
  const unknown = roles.find((role) => !Object.hasOwn(definitionsOf(context), role));
  if (unknown !== undefined)
    throw new Refused('unknown_role', `There is no role "${unknown}"; define it first.`);
  if (Object.keys(store.usableServiceKeys(at)).length >= SERVICE_KEYS_MOST)
    throw new Refused('conflict', `There are ${SERVICE_KEYS_MOST} service keys already; revoke some.`);
  const expiresAt = at + Math.min(expiresInSeconds, config.serviceKeyMaxSeconds);
  const record = { id, service, scopes, roles, createdAt: at, expiresAt };
  store.addServiceKey(hash, owner, record);
  return { ...record, owner, revokedAt: null, lastUsedAt: null };
}

function usableKey(id: string, { store, at }: ChangeContext) {
  const key = store.serviceKey(id);
  if (!key) throw new Refused('not_found', `There is no service key ${id}.`);
  if (key.isRevoked || key.expiresAt <= at)
    throw new Refused('conflict', `The service key ${id} is revoked or expired.`);
  return key;
}

// ---- privacy ----

/** Takes a subject's name out of everything that is kept. Revocations stay in force: they are published as hashes. */
function forget(
  { issuer, subject }: Extract<Change, { action: 'forget' }>,
  version: number,
  { store }: ChangeContext,
): Done {
  const query = 'SELECT key, role FROM assignment WHERE issuer = ? AND subject = ?';
  const assigned = store.rows(query, issuer, subject);
  for (const { key, role } of assigned) store.deleteAssignment(String(key), String(role), version);
  const count = (query: string, ...bindings: string[]): number =>
    Number(store.one(`SELECT COUNT(*) AS count FROM ${query}`, ...bindings)?.count);
  const revocations = count('revocation WHERE issuer = ? AND subject = ?', issuer, subject);
  store.run(
    "UPDATE revocation SET target = json_set(target, '$.subject', NULL), subject = NULL, reason = '' WHERE issuer = ? AND subject = ?",
    issuer,
    subject,
  );
  const author = `json_extract(operator, '$.issuer') = ? AND json_extract(operator, '$.subject') = ?`;
  const historyEntries = count(
    `history WHERE (issuer = ? AND subject = ?) OR (${author})`,
    issuer,
    subject,
    issuer,
    subject,
  );
  store.run(
    "UPDATE history SET target = json_set(target, '$.subject', NULL), subject = NULL, reason = '' WHERE issuer = ? AND subject = ?",
    issuer,
    subject,
  );
  for (const table of ['history', 'revocation', 'assignment']) {
    store.run(
      `UPDATE ${table} SET operator = json_set(operator, '$.subject', NULL) WHERE ${author}`,
      issuer,
      subject,
    );
  }
  // Answers that are kept for a repeated request; it will be done anew.
  store.run(
    "DELETE FROM answered WHERE json_extract(operator, '$[0]') = ? AND json_extract(operator, '$[1]') = ?",
    issuer,
    subject,
  );
  for (const at of ['$', '$.target']) {
    store.run(
      `DELETE FROM answered WHERE json_extract(result, '${at}.issuer') = ? AND json_extract(result, '${at}.subject') = ?`,
      issuer,
      subject,
    );
  }
  return {
    result: { erased: { assignments: assigned.length, historyEntries, revocations } },
    target: { issuer, subject: null },
    about: { issuer },
  };
}
