// Claim paths -> subject, client, scopes, roles, permissions, token id, tenant; and what must hold of the claims.
//
// Authorization servers put the same things under different names and in different shapes; what is configured for
// an issuer replaces the default paths below. Reads only; trusts nothing about the shape of the payload.
// Rules: scopes may be one space-separated string or a list; roles and permissions a string, a list, or the keys of an
// object or of the objects in a list (those whose value is not false or null; where a preset says that it names the tenants
// that gave a role, those of the token's own), and are never split; an empty string is the same as an absent claim. Several
// paths: the first that names a subject, client or tenant wins, lists are joined. A claim of an impossible shape makes the
// whole token invalid, and so does a subject, client or tenant that no operator could name: it could not be revoked. A token
// id that is text, but nothing to call a token by, is the same as an absent one: the token is then called by its hash
// (token-rules.ts), and to refuse it would protect nobody.

import type { AuthorizationServer, ClaimName, ClaimPath, Rule } from '../config.ts';
import { isIdentifier, isRecord } from '../shapes.ts';

export type Payload = Readonly<Record<string, unknown>>;

const DEFAULT_PATHS: Readonly<Record<ClaimName, readonly ClaimPath[]>> = {
  subject: [['sub']],
  clientId: [['client_id'], ['azp']],
  scopes: [['scope'], ['scp']],
  roles: [['roles']],
  permissions: [['permissions']],
  tokenId: [['jti']],
  tenant: [],
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
  /** `null`: it has none, and could have had one. */
  readonly tenant: string | null | undefined;
}

/** Payload -> claims, or `undefined` when one of them has an impossible shape. Does not check: that any is present. */
export function readClaims(
  payload: Payload,
  server: Pick<AuthorizationServer, 'claims' | 'rolesNameTenants' | 'scopePrefix' | 'grantedScopes'>,
): Claims | undefined {
  const { claims: paths, rolesNameTenants, scopePrefix, grantedScopes } = server;
  const values = (name: ClaimName): unknown[] =>
    (paths[name] ?? DEFAULT_PATHS[name])
      .map((path) => readPath(payload, path))
      .filter((value) => value !== undefined);

  const text = (name: ClaimName): unknown => values(name).find((value) => value !== '');
  const subject = text('subject');
  const clientId = text('clientId');
  const tokenId = text('tokenId');
  const tenant = text('tenant');
  const scopes = joined(values('scopes'), splitScopes);
  const grantedBy = rolesNameTenants && typeof tenant === 'string' ? tenant : undefined;
  const roles = joined(values('roles'), (value) => names(value, grantedBy));
  const permissions = joined(values('permissions'), (value) => names(value));
  if (!isOptional(subject) || !isOptional(clientId) || !isOptional(tenant)) return undefined;
  if (tokenId !== undefined && typeof tokenId !== 'string') return undefined;
  if (!scopes || !roles || !permissions) return undefined;
  const short = (scope: string): string =>
    scope.startsWith(scopePrefix) ? scope.slice(scopePrefix.length) : scope;
  return {
    subject,
    clientId,
    scopes: Object.freeze([...new Set([...scopes.map(short), ...grantedScopes])]),
    roles,
    permissions,
    tokenId: isIdentifier(tokenId) ? tokenId : undefined,
    // By what the entry says, never by the token: whoever leaves the claim out must not get out of its tenant.
    tenant: paths.tenant && (tenant ?? null),
  };
}

/**
 * What is wrong with a token's audience, if anything. Byte for byte, any of the accepted ones. A token without an audience
 * is accepted only from a server that is configured as bound to its issuer; one made out to somebody else never is.
 */
export function audienceProblem(
  payload: Payload,
  { claim, values, aud }: AuthorizationServer['audience'],
): 'aud_missing' | 'aud_check_failed' | undefined {
  const found = readPath(payload, claim);
  if (values.length > 0 && found === undefined) return 'aud_missing';
  if (values.length > 0 && !isOneOf(values, found)) return 'aud_check_failed';
  const named = readPath(payload, ['aud']);
  return named === undefined || isOneOf(aud, named) ? undefined : 'aud_check_failed';
}

/** The first entry of `require` of which no rule holds, by its place in the list. */
export function brokenRule(payload: Payload, require: AuthorizationServer['require']): number | undefined {
  const index = require.findIndex((alternatives) => !alternatives.some((rule) => holds(payload, rule)));
  return index < 0 ? undefined : index;
}

function holds(payload: Payload, { claim, must, values }: Rule): boolean {
  const found = readPath(payload, claim);
  if (must === 'be_absent') return found === undefined;
  if (must === 'be_present') return found !== undefined && found !== '';
  return isOneOf(values, found) === (must === 'equal');
}

/** Of a list, whether one of its members is. */
function isOneOf(values: readonly string[], found: unknown): boolean {
  const members = Array.isArray(found) ? found : [found];
  return members.some((member) => typeof member === 'string' && values.includes(member));
}

/**
 * Own properties only: a path can never reach into a prototype. null counts as absent. A segment that is another claim's
 * value leads nowhere when that claim is not text: it must not lead to everybody's.
 */
function readPath(payload: Payload, path: ClaimPath): unknown {
  let value: unknown = payload;
  for (const segment of path) {
    const name = typeof segment === 'string' ? segment : readPath(payload, segment.claim);
    if (typeof name !== 'string' || (name === '' && typeof segment !== 'string')) return undefined;
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as Record<string, unknown>)[name];
  }
  return value ?? undefined;
}

const isOptional = (value: unknown): value is string | undefined =>
  value === undefined || isIdentifier(value);

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

/** `grantedBy`: where each name of an object leads to those who gave it, it counts only if they are among them. */
function names(value: unknown, grantedBy?: string): unknown {
  if (typeof value === 'string') return [value];
  if (Array.isArray(value))
    return value.flatMap((item) => (isRecord(item) ? heldIn(item, grantedBy) : [item]));
  return isRecord(value) ? heldIn(value, grantedBy) : value;
}

const heldIn = (value: Record<string, unknown>, grantedBy?: string): string[] =>
  Object.entries(value).flatMap(([name, held]) => {
    const isHeld =
      grantedBy === undefined
        ? held !== false && held !== null
        : isRecord(held) && Object.hasOwn(held, grantedBy);
    return isHeld ? [name] : [];
  });
