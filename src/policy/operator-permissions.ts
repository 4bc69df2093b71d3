// What an operator may do, as permissions: one for everything, and one for each part of it. Pure.
//
// They are ordinary permissions, given by roles like all others. What is special about them: nobody gives one that he
// lacks (changes.ts), or operators with a part of it could give themselves the rest.
// Does not decide which operation needs which part: admin/routes.ts.

import type { Rights } from './authorize.ts';
import type { Roles } from './roles.ts';

/** What follows the permission for everything: `mcp:operate:read`. */
export const OPERATOR_PARTS = ['read', 'revoke', 'grant', 'keys', 'privacy'] as const;
export type OperatorPart = (typeof OPERATOR_PARTS)[number];

/** All of them; `base`, the first, stands for the others. */
export const operatorPermissions = (base: string): readonly string[] => [
  base,
  ...OPERATOR_PARTS.map((part) => `${base}:${part}`),
];

/** Those that somebody with these rights has. */
export function heldPermissions(
  { permissions }: Pick<Rights, 'permissions'>,
  base: string,
): readonly string[] {
  const all = operatorPermissions(base);
  return permissions.has(base) ? all : all.filter((permission) => permissions.has(permission));
}

/** An operator permission that somebody gets by roles which he had not by those before, and that the author lacks. */
export function lackedOf(
  roles: readonly string[],
  { permissions }: Roles,
  before: Roles | undefined,
  held: readonly string[],
  base: string,
): string | undefined {
  return operatorPermissions(base).find(
    (permission) =>
      !held.includes(permission) &&
      roles.some(
        (role) => permissions.get(role)?.has(permission) && !before?.permissions.get(role)?.has(permission),
      ),
  );
}
