// Roles and scopes, resolved: role -> permissions with inheritance, scope -> scopes it implies. Pure.
//
// A mistake in a definition (a cycle, an unknown name) is found when the Worker starts, not when someone is refused.
// Does not decide anything about a caller: see authorize.ts.

/** What one role permits, and the roles whose permissions it has as well. */
export interface RoleDefinition {
  readonly permissions?: readonly string[];
  readonly inherits?: readonly string[];
}

/** Role names -> permissions, inheritance resolved. */
export type Roles = ReadonlyMap<string, ReadonlySet<string>>;

/** @throws {Error} naming the roles on the way to an unknown name or a cycle */
export function resolveRoles(definitions: Readonly<Record<string, RoleDefinition>>): Roles {
  const resolved = new Map<string, ReadonlySet<string>>();

  function resolve(name: string, path: readonly string[]): ReadonlySet<string> {
    const way = [...path, name].join(' -> ');
    if (path.includes(name)) throw new Error(`roles: ${way} is a cycle; remove one "inherits"`);
    const definition = Object.hasOwn(definitions, name) ? definitions[name] : undefined;
    if (!definition) throw new Error(`roles: ${way}: there is no role "${name}"`);
    const known = resolved.get(name);
    if (known) return known;
    const permissions = new Set(definition.permissions);
    for (const parent of definition.inherits ?? []) {
      for (const permission of resolve(parent, [...path, name])) permissions.add(permission);
    }
    resolved.set(name, permissions);
    return permissions;
  }

  for (const name of Object.keys(definitions)) resolve(name, []);
  return resolved;
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
