// What each change does to the registry's rows, and when it is refused. Runs inside one transaction.
//
// A refusal is thrown and takes everything back. Whatever is done gets a version and a line of history, also when it
// changes nothing that is published, so that the history is complete.

import type { Change, ChangeBy, RoleChange } from './change.ts';
import { type ChangeContext, Refused } from './change-context.ts';
import { forgetAuthor, forgetSubject } from './forgetting.ts';
import type { RevocationTarget } from './keys.ts';
import { checkGain, checkGiven, checkSweep } from './operator-limits.ts';
import { withEdits } from './publication.ts';
import { type RoleDefinition, type RoleDefinitions, type Roles, resolveRoles } from './roles.ts';

/** All of them are in the head, which every isolate reads. */
const SERVICE_KEYS_MOST = 500;
/** So many fit into one KV value of 25 MiB, with room to spare. */
const REVOCATIONS_MOST = 2_000_000;
const ASSIGNMENTS_MOST = 1_000_000;
/** All of them are in the head, and in a line of history. */
const ROLES_BYTES = 262_144;

/** What was done, for the answer and for the history. */
interface Done {
  readonly result: Readonly<Record<string, unknown>>;
  /** What it was done to. */
  readonly target: unknown;
  readonly about?: { readonly issuer: string; readonly subject?: string };
  readonly change?: unknown;
}

/** `keys` are what the target is published under, of several the first is the one in use. @throws {Refused} */
export function applyChange(
  change: Change,
  keys: readonly string[],
  by: ChangeBy,
  context: ChangeContext,
): { readonly version: number } & Pick<Done, 'result' | 'target'> {
  const version = context.store.nextVersion();
  const { result, target, about, change: what } = make(change, keys, by, version, context);
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
  if (change.action === 'forget') forgetAuthor(change, context.store);
  return { version, result, target };
}

function make(
  change: Change,
  keys: readonly string[],
  by: ChangeBy,
  version: number,
  context: ChangeContext,
): Done {
  const { store, at, config } = context;
  const [key = ''] = keys;
  switch (change.action) {
    case 'revoke': {
      const { target, until } = change;
      checkSweep(target, context);
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
      const made = keysMadeBy(target, change.endKeys === true, context);
      return {
        result: { id: key, target, revokedAt, newTokensFrom, ...made },
        target,
        about: target as { issuer: string; subject?: string },
        change: { revokedAt, ...('endedKeys' in made ? made : {}) },
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
      return editRole(change, by, version, context);
    case 'put_shadow_role':
    case 'delete_shadow_role':
      return editShadow(change, by, version, context);
    case 'apply_shadow': {
      const edits = editsOnTrial(change.expected, version, context);
      const before = rolesNow(context);
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
      checkGain(rolesNow(context), before, by, context);
      return { result: {}, target: { roles: edits.map(({ name }) => name) }, change: { edits } };
    }
    case 'discard_shadow': {
      const edits = editsOnTrial(change.expected, version, context);
      store.deleteShadowEdits();
      return { result: {}, target: { roles: edits.map(({ name }) => name) }, change: { edits } };
    }
    case 'reset_roles': {
      checkRolesSeen(change.expected, version, context);
      const before = definitionsOf(context);
      store.deleteRoles();
      store.deleteShadowEdits();
      store.unset('roles_source');
      checkRoles(context.seed.definitions, context);
      checkGain(context.seed, resolveRoles(before), by, context);
      return { result: { source: 'app' }, target: { roles: Object.keys(before) }, change: { before } };
    }
    case 'assign':
    case 'unassign':
      return assign(change, keys, by, version, context);
    case 'create_key': {
      const { action, ...key } = change;
      const item = addKey(key, by, context);
      const { id, service, scopes, roles, expiresAt } = item;
      return { result: item, target: { id, service }, change: { scopes, roles, expiresAt } };
    }
    case 'rotate_key': {
      const old = usableKey(change.id, context);
      const { service, owner, scopes, roles } = old;
      const expiresInSeconds = change.expiresInSeconds ?? old.expiresAt - old.createdAt;
      const { newId: id, hash, overlapSeconds } = change;
      const item = addKey({ id, hash, service, owner, scopes, roles, expiresInSeconds }, by, context);
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
    case 'forget': {
      const { issuer, subject } = change;
      const erased = forgetSubject({ issuer, subject }, version, store);
      return { result: { erased }, target: { issuer, subject: null }, about: { issuer } };
    }
  }
}

// ---- revocations ----

/** Keys that a revoked operator has made know nothing of it: they are named, or end with it. */
function keysMadeBy(target: RevocationTarget, areEnded: boolean, { store, at }: ChangeContext): object {
  if (target.kind !== 'subject') return {};
  const keys = store.usableKeysMadeBy(target, at).map(({ id, service }) => ({ id, service }));
  if (keys.length === 0) return {};
  if (!areEnded) return { madeKeys: keys };
  for (const { id } of keys) store.revokeServiceKey(String(id), at);
  return { endedKeys: keys };
}

// ---- roles ----

const rolesNow = (context: ChangeContext): Roles => resolveRoles(definitionsOf(context));

/** @throws {Refused} when roles, or what is on trial, were changed since the version an operator has seen */
function checkRolesSeen(expected: number, version: number, { store }: ChangeContext): void {
  const current = store.rolesVersion;
  if (current !== expected)
    throw new Refused('precondition_failed', 'The roles were changed by somebody else.', {
      currentVersion: current,
    });
  store.rolesVersion = version;
}

/** @throws {Refused} when there are none, or others than an operator has seen */
function editsOnTrial(expected: number, version: number, context: ChangeContext) {
  checkRolesSeen(expected, version, context);
  const edits = context.store.shadowEdits();
  if (edits.length === 0) throw new Refused('not_found', 'There is no role change on trial.');
  return edits;
}

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
    throw new Refused('precondition_failed', `There is a role "${name}" already.`, {
      currentVersion: current,
    });
  if (expected !== null && current === undefined)
    throw new Refused('not_found', `There is no role "${name}".`);
  if (expected !== null && current !== expected)
    throw new Refused('precondition_failed', `The role "${name}" was changed by somebody else.`, {
      currentVersion: Number(current),
    });
}

function editRole(change: RoleChange, by: ChangeBy, version: number, context: ChangeContext): Done {
  const { store } = context;
  const { name, expected } = change;
  const inForce = rolesNow(context);
  takeOver(context);
  const before = store.roles().get(name);
  checkExpected(name, before?.version, expected);
  const after = 'definition' in change ? change.definition : null;
  if (after) store.putRole(name, after, version);
  else store.deleteRole(name);
  checkRoles(definitionsOf(context), context);
  // What is on trial is published together with it, and a policy that is not sound is adopted by nobody.
  checkSound(withEdits(definitionsOf(context), store.shadowEdits()), 'on trial, ');
  checkGain(rolesNow(context), inForce, by, context);
  store.rolesVersion = version;
  return roleDone(name, before?.definition ?? null, after, definitionsOf(context), version);
}

/** Kept as an edit of whatever is in force, the app's roles or the registry's: a trial alone makes neither the source. */
function editShadow(change: RoleChange, by: ChangeBy, version: number, context: ChangeContext): Done {
  const { store } = context;
  const { name, expected } = change;
  const inForce = definitionsOf(context);
  const before = Object.hasOwn(inForce, name) ? (inForce[name] ?? null) : null;
  const baseVersion = before ? (store.roles().get(name)?.version ?? 0) : null;
  const edits = store.shadowEdits();
  const onTrial = edits.find((edit) => edit.name === name);
  const current = onTrial ? (onTrial.definition ? onTrial.version : undefined) : (baseVersion ?? undefined);
  checkExpected(name, current, expected);
  const after = 'definition' in change ? change.definition : null;
  store.putShadowEdit(name, after, onTrial ? onTrial.baseVersion : baseVersion, version);
  const definitions = withEdits(inForce, store.shadowEdits());
  checkRoles(definitions, context);
  // It gives nothing yet; but whoever applies the trial may not look at every edit.
  checkGain(resolveRoles(definitions), resolveRoles(withEdits(inForce, edits)), by, context);
  store.rolesVersion = version;
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
  keys: readonly string[],
  by: ChangeBy,
  version: number,
  context: ChangeContext,
): Done {
  const { store, at } = context;
  if (action === 'unassign') {
    // Whichever way it was given.
    if (keys.map((key) => store.deleteAssignment(key, role, version)).every((isDeleted) => !isDeleted))
      throw new Refused('not_found', `The role "${role}" is not assigned to that.`);
  } else {
    if (!Object.hasOwn(definitionsOf(context), role))
      throw new Refused('unknown_role', `There is no role "${role}"; define it first.`);
    if (store.countAssignments() >= ASSIGNMENTS_MOST)
      throw new Refused(
        'conflict',
        `There are ${ASSIGNMENTS_MOST} assignments already; have the tokens name them.`,
      );
    checkGiven([role], rolesNow(context), undefined, by, context);
    const [key = ''] = keys;
    store.putAssignment(key, role, assignee, { ...by, at, version });
  }
  const { everybody, ...named } = { everybody: undefined, ...assignee };
  const done = {
    ...named,
    ...('subject' in assignee || action === 'unassign' ? {} : { everybody: everybody === true }),
    role,
  };
  return {
    result: done,
    target: done,
    about: assignee,
  };
}

// ---- service keys ----

/** Gives the key as lists have it. */
function addKey(
  key: Omit<Extract<Change, { action: 'create_key' }>, 'action'>,
  by: ChangeBy,
  context: ChangeContext,
) {
  const { store, at, config } = context;
  const { id, hash, service, owner, scopes, roles, expiresInSeconds } = key;
  const unknown = roles.find((role) => !Object.hasOwn(definitionsOf(context), role));
  if (unknown !== undefined)
    throw new Refused('unknown_role', `There is no role "${unknown}"; define it first.`);
  checkGiven(roles, rolesNow(context), undefined, by, context);
  if (scopes.includes(config.adminScope) && !config.adminScopeInKeys)
    throw new Refused(
      'forbidden',
      `No service key has the scope ${config.adminScope} unless ADMIN_SCOPE_IN_KEYS is set.`,
    );
  if (Object.keys(store.usableServiceKeys(at)).length >= SERVICE_KEYS_MOST)
    throw new Refused('conflict', `There are ${SERVICE_KEYS_MOST} service keys already; revoke some.`);
  const expiresAt = at + Math.min(expiresInSeconds, config.serviceKeyMaxSeconds);
  const record = { id, service, scopes, roles, createdAt: at, expiresAt };
  // Of a rotated key whoever has rotated it: who made the old one does not know the new one.
  const { operator } = by;
  store.addServiceKey(hash, owner, operator, record);
  return { ...record, owner, operator, revokedAt: null, lastUsedAt: null };
}

function usableKey(id: string, { store, at }: ChangeContext) {
  const key = store.serviceKey(id);
  if (!key) throw new Refused('not_found', `There is no service key ${id}.`);
  if (key.isRevoked || key.expiresAt <= at)
    throw new Refused('conflict', `The service key ${id} is revoked or expired.`);
  return key;
}
