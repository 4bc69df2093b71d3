// Claim paths -> subject, client, scopes, roles, permissions, token id.
//
// Authorization servers put the same things under different names and in different shapes; what is configured for
// an issuer replaces the default paths below. Reads only; trusts nothing about the shape of the payload.
// Rules: scopes may be one space-separated string or a list; roles and permissions a string, a list, or the keys of an
// object (those whose value is not false or null), and are never split; an empty string is the same as an absent claim. Several paths: the first that names a
// subject or client wins, lists are joined. A claim of an impossible shape makes the whole token invalid.

import type { AuthorizationServer, ClaimName, ClaimPath } from '../config.ts';

export type Payload = Readonly<Record<string, unknown>>;

const DEFAULT_PATHS: Readonly<Record<ClaimName, readonly ClaimPath[]>> = {
  subject: [['sub']],
  clientId: [['client_id'], ['azp']],
  scopes: [['scope'], ['scp']],
  roles: [['roles']],
  permissions: [['permissions']],
  tokenId: [['jti']],
};

/** Bounds for what one token may carry; beyond them it is somebody's mistake or attack. */
const MAX_STRING = 1_024;
const MAX_LIST = 1_000;

export interface Claims {
  readonly subject: string | undefined;
  readonly clientId: string | undefined;
  readonly scopes: readonly string[];
  readonly roles: readonly string[];
  readonly permissions: readonly string[];
  readonly tokenId: string | undefined;
}

/** Payload -> claims, or `undefined` when one of them has an impossible shape. Does not check: that any is present. */
export function readClaims(payload: Payload, paths: AuthorizationServer['claims']): Claims | undefined {
  const values = (name: ClaimName): unknown[] =>
    (paths[name] ?? DEFAULT_PATHS[name])
      .map((path) => readPath(payload, path))
      .filter((value) => value !== undefined);

  const text = (name: ClaimName): unknown => values(name).find((value) => value !== '');
  const [subject, clientId, tokenId] = [text('subject'), text('clientId'), text('tokenId')];
  const scopes = joined(values('scopes'), splitScopes);
  const roles = joined(values('roles'), names);
  const permissions = joined(values('permissions'), names);
  if (!isOptionalText(subject) || !isOptionalText(clientId) || !isOptionalText(tokenId)) return undefined;
  if (!scopes || !roles || !permissions) return undefined;
  return { subject, clientId, scopes, roles, permissions, tokenId };
}

/** Own properties only: a path can never reach into a prototype. null counts as absent. */
function readPath(payload: Payload, path: ClaimPath): unknown {
  let value: unknown = payload;
  for (const segment of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, segment)) return undefined;
    value = (value as Record<string, unknown>)[segment];
  }
  return value ?? undefined;
}

function isOptionalText(value: unknown): value is string | undefined {
  return value === undefined || (typeof value === 'string' && value.length <= MAX_STRING);
}

function joined(
  values: readonly unknown[],
  toList: (value: unknown) => unknown,
): readonly string[] | undefined {
  const all = new Set<string>();
  for (const value of values) {
    const list = toList(value);
    if (!Array.isArray(list)) return undefined;
    for (const item of list) {
      if (typeof item !== 'string' || item.length > MAX_STRING || all.size >= MAX_LIST) return undefined;
      if (item !== '') all.add(item);
    }
  }
  return Object.freeze([...all]);
}

const splitScopes = (value: unknown): unknown => (typeof value === 'string' ? value.split(' ') : value);

function names(value: unknown): unknown {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.entries(value).flatMap(([name, held]) => (held === false || held === null ? [] : [name]))
    : value;
}
