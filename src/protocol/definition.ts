// What the definitions of an app have in common: members that exist, and what a caller needs.
//
// Whatever a definition says is applied or refused when the Worker starts: a misspelt `freshness` must not become a tool
// that is less strict than its author believes.

import type { Requirement } from '../policy/authorize.ts';
import { SCOPE_TOKEN, unknownMember } from '../shapes.ts';

/** Stops the Worker, naming what is being defined. */
export type Fail = (problem: string) => never;

export const failing =
  (what: string, name: unknown): Fail =>
  (problem) => {
    throw new Error(`${what} ${JSON.stringify(name)}: ${problem}`);
  };

export function checkMembers(definition: object, members: readonly string[], fail: Fail): void {
  const problem = unknownMember(definition, members);
  if (problem) fail(problem);
}

/** What tools, resources and prompts have all. test/protocol/definitions.test.ts sees that no list lacks a member. */
export const COMMON_MEMBERS = ['name', 'title', 'description', 'icons', 'scopes', 'permissions', 'freshness'];

export function checkRequirement(
  { scopes, permissions, freshness = 'published' }: Requirement,
  fail: Fail,
): Required<Requirement> {
  if (!Array.isArray(scopes) || !Array.isArray(permissions))
    fail('scopes and permissions must be given; use [] for none');
  const badScope = scopes.find((scope) => typeof scope !== 'string' || !SCOPE_TOKEN.test(scope));
  if (badScope !== undefined) fail(`${JSON.stringify(badScope)} is not a scope name (RFC 6749 section 3.3)`);
  const badPermission = permissions.find((permission) => typeof permission !== 'string' || permission === '');
  if (badPermission !== undefined) fail(`${JSON.stringify(badPermission)} is not a permission`);
  if (freshness !== 'published' && freshness !== 'strict') fail("freshness must be 'published' or 'strict'");
  return { scopes: Object.freeze([...scopes]), permissions: Object.freeze([...permissions]), freshness };
}

/** For the parts of a definition that must be code. */
export function checkFunction(value: unknown, name: string, fail: Fail): void {
  if (typeof value !== 'function') fail(`${name} must be a function`);
}
