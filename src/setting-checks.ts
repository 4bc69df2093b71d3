// What a single setting may be: each check gives the value, or reports the end of a sentence that begins with its name.
//
// Does not know which setting it is about, or what settings mean together (config.ts).

import type { AuthorizationServer, Fail } from './authorization-servers.ts';
import { isRecord, SCOPE_TOKEN, stringList, unknownMember } from './shapes.ts';
import { isLoopback, parseUrl } from './url.ts';

export const oneOf = <T extends string>(known: readonly T[], value: unknown, fail: Fail): T | undefined =>
  known.find((name) => name === value) ?? fail(`must be one of ${known.join(', ')}`);

export function checkNumber(value: unknown, least: number, most: number, fail: Fail): number | undefined {
  const number = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
  return typeof number === 'number' && Number.isInteger(number) && number >= least && number <= most
    ? number
    : fail(`must be a whole number from ${least} to ${most}`);
}

export function checkBoolean(value: unknown, fail: Fail): boolean | undefined {
  if (value === true || value === 'true') return true;
  return value === false || value === 'false' ? false : fail('must be true or false');
}

/** What clients are shown; only code can declare it. */
export function isServerInfo(value: unknown): boolean {
  const isText = (part: unknown): boolean => typeof part === 'string' && part !== '';
  return (
    isRecord(value) &&
    unknownMember(value, ['name', 'version', 'title']) === undefined &&
    isText(value.name) &&
    isText(value.version) &&
    (value.title === undefined || isText(value.title))
  );
}

export function checkResource(value: unknown, fail: Fail): string | undefined {
  const url = parseUrl(value);
  if (!url || typeof value !== 'string')
    return fail('must be the absolute URL of the MCP endpoint, such as https://mcp.example.com/mcp');
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url.hostname)))
    return fail('must use https (http only on localhost)');
  if (url.hash !== '' || value.includes('#')) return fail('must not have a fragment');
  if (url.search !== '' || value.includes('?')) return fail('must not have a query');
  if (url.username !== '' || url.password !== '') return fail('must not contain a user name or password');
  if (value.endsWith('/')) return fail('must not end with a slash');
  const canonical = url.pathname === '/' ? url.origin : url.href;
  if (value !== canonical)
    return fail(`is compared byte for byte, so write it in its canonical form: ${canonical}`);
  if (url.pathname.includes('//')) return fail('must not have two slashes in a row in its path');
  if (!/^[\w.~/-]*$/.test(url.pathname))
    return fail('has a path with characters other than letters, digits and . _ ~ - /');
  if (url.pathname.startsWith('/.well-known/'))
    return fail('must not be below /.well-known/, where the metadata is served');
  return value;
}

export const checkScope = (value: unknown, fail: Fail): string | undefined =>
  typeof value === 'string' && SCOPE_TOKEN.test(value) ? value : fail('must be one scope name');

export const checkScopes = (value: unknown, fail: Fail): readonly string[] | undefined =>
  stringList(value)?.every((scope) => SCOPE_TOKEN.test(scope))
    ? stringList(value)
    : fail('must be a list of scope names');

/** An empty list could mean any client or none, so it means nothing. */
export function checkClients(value: unknown, fail: Fail): readonly string[] | undefined {
  const clients = stringList(value);
  return clients?.length ? clients : fail('must be a list of client ids, at least one');
}

export function checkImplications(
  value: unknown,
  fail: Fail,
): Readonly<Record<string, readonly string[]>> | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return fail('must be an object of scope lists');
  const good = Object.entries(value).every(
    ([scope, implied]) =>
      SCOPE_TOKEN.test(scope) && stringList(implied)?.every((name) => SCOPE_TOKEN.test(name)),
  );
  return good
    ? (value as Record<string, readonly string[]>)
    : fail('must map a scope to a list of scopes: {"reports:write":["reports:read"]}');
}

/**
 * The scope of the operators' API, where tokens would have it without anybody having agreed to it by its name. An
 * authorization server without scopes of one's own leaves no other way: then a setting says that it is meant.
 */
export function adminScopeProblems(
  {
    adminScope,
    adminScopeGranted,
    authorizationServers,
    scopeImplications,
  }: {
    readonly adminScope: string;
    readonly adminScopeGranted: boolean;
    readonly authorizationServers: readonly Pick<AuthorizationServer, 'grantedScopes'>[];
    readonly scopeImplications: Readonly<Record<string, readonly string[]>>;
  },
  where: (name: string) => string,
): readonly string[] {
  if (adminScopeGranted) return [];
  const names = {
    authorizationServers: authorizationServers.some(({ grantedScopes }) =>
      grantedScopes.includes(adminScope),
    ),
    scopeImplications: Object.entries(scopeImplications).some(
      ([scope, implied]) => scope !== adminScope && implied.includes(adminScope),
    ),
  };
  return Object.entries(names).flatMap(([name, hasIt]) =>
    hasIt
      ? [
          `${where(name)}: gives ${adminScope}, the scope of operators; leave it out, or set ADMIN_SCOPE_GRANTED = true.`,
        ]
      : [],
  );
}
