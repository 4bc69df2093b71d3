// Roles and scopes, resolved: role -> permissions with inheritance, scope -> scopes it implies. Pure.
//
// A mistake in a definition (a cycle, an unknown name) is found when the Worker starts or an operator edits a role, not
// when someone is refused. Does not decide anything about a caller: see authorize.ts.

import { stringList, unknownMember } from '../shapes.ts';

/** What one role permits, and the roles whose permissions it has as well. */
export interface RoleDefinition {
  readonly permissions?: readonly string[];
  readonly inherits?: readonly string[];
}

export type RoleDefinitions = Readonly<Record<string, RoleDefinition>>;

/** Roles as they were defined, and the permissions of each with inheritance resolved. */
export interface Roles {
  readonly definitions: RoleDefinitions;
  readonly permissions: ReadonlyMap<string, ReadonlySet<string>>;
}

/**
 * Of an app's own code only: a published policy may have members that only a newer version knows.
 * @throws {Error} naming the role and what is wrong with it
 */
export function checkDefinitions(definitions: RoleDefinitions): void {
  for (const [name, definition] of Object.entries(definitions)) {
    const { permissions = [], inherits = [] } = definition;
    const isGood = stringList(permissions) && stringList(inherits);
    const problem =
      unknownMember(definition, ['permissions', 'inherits']) ?? (isGood ? undefined : 'needs lists of names');
    if (problem) throw new Error(`roles: "${name}" ${problem}`);
  }
}

/** @throws {Error} naming the roles on the way to an unknown name or a cycle */
export function resolveRoles(definitions: RoleDefinitions): Roles {
  const permissions = new Map<string, ReadonlySet<string>>();

  function resolve(name: string, path: readonly string[]): ReadonlySet<string> {
    const way = [...path, name].join(' -> ');
    if (path.includes(name)) throw new Error(`roles: ${way} is a cycle; remove one "inherits"`);
    const definition = Object.hasOwn(definitions, name) ? definitions[name] : undefined;
    if (!definition) throw new Error(`roles: ${way}: there is no role "${name}"`);
    const known = permissions.get(name);
    if (known) return known;
    const resolved = new Set(definition.permissions);
    for (const parent of definition.inherits ?? []) {
      for (const permission of resolve(parent, [...path, name])) resolved.add(permission);
    }
    permissions.set(name, resolved);
    return resolved;
  }

  for (const name of Object.keys(definitions)) resolve(name, []);
  return { definitions, permissions };
}

/** The roles on the way from one to the one that has the permission itself: `['editor', 'reader']`. */
export function wayTo(
  permission: string,
  role: string,
  definitions: RoleDefinitions,
  seen: Set<string> = new Set(),
): readonly string[] | undefined {
  // Many ways can lead to the same role; one look at it is enough.
  if (seen.has(role)) return undefined;
  seen.add(role);
  const definition = Object.hasOwn(definitions, role) ? definitions[role] : undefined;
  if (definition?.permissions?.includes(permission)) return [role];
  for (const parent of definition?.inherits ?? []) {
    const way = wayTo(permission, parent, definitions, seen);
    if (way) return [role, ...way];
  }
  return undefined;
}

/** All scopes that holding `granted` amounts to. Cycles are harmless: they make scopes equivalent. */
export function impliedScopes(
  granted: readonly string[],
  implications: Readonly<Record<string, readonly string[]>>,
): ReadonlySet<string> {
  const all = new Set<string>(granted);
  for (const scope of all) {
    // A Set's iteration reaches what is added on the way.
    if (Object.hasOwn(implications, scope)) for (const implied of implications[scope] ?? []) all.add(implied);
  }
  return all;
}
