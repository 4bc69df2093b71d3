// What a deployment must decide. Checked once per isolate, then frozen.
//
// A setting comes from a Worker variable (wrangler.toml [vars], `wrangler dev --var`, the dashboard) or from
// src/app/config.ts; the variable wins. Nothing that decides trust has a default. All problems are reported together,
// each with the name of the setting, where to set it and what is wrong with it.
// Does not check that an issuer exists or answers: that is found out on first use (auth/issuers.ts).

/** The way to a claim in a token's payload, one segment per level. Segments are never split: claim names have dots and colons. */
export type ClaimPath = readonly string[];

/** One trusted authorization server, as written in AUTHORIZATION_SERVERS. */
export interface AuthorizationServerSettings {
  /** `iss` of its tokens, compared byte for byte; a list when one server issues under several names. */
  issuer: string | readonly string[];
  /** Where its keys are. Default: `jwks_uri` of the issuer's metadata (RFC 8414, OpenID Connect Discovery). */
  jwksUri?: string;
  /** Signature algorithms accepted. Default: RS256, PS256, ES256, ES384, EdDSA. Only asymmetric ones exist here. */
  algs?: readonly string[];
  /** Accepted `aud` values, one of which a token must carry exactly. Default: RESOURCE. */
  audience?: string | readonly string[];
  /** Accepted `typ` headers; `absent` stands for no typ. Default: at+jwt, JWT, absent. */
  typ?: readonly string[];
  /** Where to find things in the payload; the defaults are in auth/claims.ts. */
  claims?: Partial<Record<ClaimName, readonly ClaimPath[]>>;
}

const CLAIM_NAMES = ['subject', 'clientId', 'scopes', 'roles', 'permissions', 'tokenId'] as const;
export type ClaimName = (typeof CLAIM_NAMES)[number];

/** One trusted authorization server, checked. */
export interface AuthorizationServer {
  readonly issuers: readonly string[];
  readonly jwksUri: string | undefined;
  readonly algs: readonly string[];
  readonly audience: readonly string[];
  readonly typ: readonly string[];
  readonly claims: Readonly<Partial<Record<ClaimName, readonly ClaimPath[]>>>;
}

/** Numbers: default, smallest, largest. The variable is the name in capitals: clockToleranceSeconds, CLOCK_TOLERANCE_SECONDS. */
const NUMBERS = {
  /** How far our clock and the issuer's may differ: exp, nbf, iat. */
  clockToleranceSeconds: [5, 0, 60],
  /** A longer credential is malformed. */
  maxTokenBytes: [16_384, 512, 65_536],
  /** Verified tokens remembered per isolate; 0 verifies every time. */
  verifiedTokenCacheEntries: [2_000, 0, 100_000],
  /** How long a verified token is remembered, never beyond its exp. */
  verifiedTokenCacheSeconds: [300, 1, 3_600],
  /** How old an issuer's keys may get before they are fetched again. */
  jwksFreshSeconds: [600, 60, 86_400],
  /** The least time between two fetches of one issuer's keys by one isolate. */
  jwksCooldownSeconds: [30, 1, 600],
  /** How old keys may get while the issuer does not answer. */
  jwksStaleLimitSeconds: [86_400, 60, 604_800],
  /** For an issuer's metadata, and again for its keys. */
  issuerTimeoutMs: [3_000, 100, 30_000],
  maxIssuerResponseBytes: [262_144, 1_024, 4_194_304],
  maxBodyBytes: [1_048_576, 1_024, 67_108_864],
  maxJsonDepth: [64, 8, 1_000],
  /** Entries of one page of a list. */
  pageSize: [100, 1, 1_000],
  /** How long a client may consider a list fresh. */
  listTtlMs: [60_000, 0, 86_400_000],
} as const satisfies Record<string, readonly [value: number, least: number, most: number]>;

type NumberName = keyof typeof NUMBERS;

/** What src/app/config.ts declares. Everything here can also be given as a variable, lists and objects as JSON. */
export interface Settings extends Partial<Record<NumberName, number>> {
  /** This server's name and version, shown to clients. */
  serverInfo: { name: string; version: string; title?: string };
  /** Guidance for the model on how to use this server. */
  instructions?: string;
  /** RESOURCE: the URL of the MCP endpoint as clients write it; the audience of its tokens. */
  resource?: string;
  /** AUTHORIZATION_SERVERS: whose tokens are accepted. */
  authorizationServers?: readonly AuthorizationServerSettings[];
  resourceName?: string;
  /** A page for developers who want to use this server. */
  resourceDocumentation?: string;
  /** What a client should ask for at first: keep it minimal, tools ask for more when they are called. */
  scopesSupported?: readonly string[];
  /** A scope that stands for others: `{ 'reports:write': ['reports:read'] }`. */
  scopeImplications?: Readonly<Record<string, readonly string[]>>;
  /** Roles of callers whose token names none. */
  defaultRoles?: readonly string[];
  /** How a missing scope is told: HTTP 403, or a tool result for clients that cannot step up on a 403. */
  stepUp?: 'http' | 'tool-result';
  /** Origins of browser clients, besides this server's own; `*` for any. On localhost every localhost origin is allowed. */
  allowedOrigins?: readonly string[];
  /** Host names this Worker also answers on, besides RESOURCE's. */
  allowedHosts?: readonly string[];
}

/** A deployment's decisions, checked and frozen. */
export interface Config extends Readonly<Record<NumberName, number>> {
  readonly serverInfo: { readonly name: string; readonly version: string; readonly title?: string };
  readonly instructions: string | undefined;
  readonly resource: string;
  readonly authorizationServers: readonly AuthorizationServer[];
  readonly resourceName: string | undefined;
  readonly resourceDocumentation: string | undefined;
  readonly scopesSupported: readonly string[];
  readonly scopeImplications: Readonly<Record<string, readonly string[]>>;
  readonly defaultRoles: readonly string[];
  readonly stepUp: 'http' | 'tool-result';
  readonly allowedOrigins: readonly string[];
  readonly allowedHosts: readonly string[];
}

export const ASYMMETRIC_ALGS: readonly string[] = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];
const DEFAULT_ALGS = ['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA'];
const DEFAULT_TYP = ['at+jwt', 'jwt', 'absent'];
const SERVER_KEYS = ['issuer', 'jwksUri', 'algs', 'audience', 'typ', 'claims'];
/** scope-token of RFC 6749 section 3.3. */
const SCOPE_TOKEN = /^[\x21\x23-\x5B\x5D-\x7E]+$/;

/** Everything that is wrong with a configuration. `problems` are complete sentences for the operator's log. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}

/** True for the host names of this machine; http is allowed for nothing else. `host` as in URL.hostname. */
export function isLoopback(host: string): boolean {
  return (
    host === 'localhost' ||
    host.endsWith('.localhost') ||
    host === '[::1]' ||
    /^127(\.\d{1,3}){3}$/.test(host)
  );
}

/**
 * Settings and variables -> Config. `vars` is the Worker's env; only the names of settings are read from it.
 * @throws {ConfigError} with every problem found
 */
export function checkConfig(settings: Settings, vars: Readonly<Record<string, unknown>>): Config {
  const problems: string[] = [];
  const read = reader(settings, vars, problems);

  const resource = read('resource', checkResource);
  if (problems.length === 0 && resource === undefined)
    problems.push(missing('resource', '"https://mcp.example.com/mcp"'));
  const before = problems.length;
  const servers = read('authorizationServers', (value, fail) => checkServers(value, resource, fail));
  if (problems.length === before && servers === undefined) {
    problems.push(missing('authorizationServers', '[{ issuer = "https://your-authorization-server" }]'));
  }

  const text = (value: unknown, fail: Fail): string | undefined =>
    typeof value === 'string' && value !== '' ? value : fail('must be a non-empty string');
  const url = (value: unknown, fail: Fail): string | undefined =>
    parseUrl(value) ? String(value) : fail('must be an absolute URL');
  const scopes = (value: unknown, fail: Fail): readonly string[] | undefined =>
    stringList(value)?.every((scope) => SCOPE_TOKEN.test(scope))
      ? stringList(value)
      : fail('must be a list of scope names');
  const list = (value: unknown, fail: Fail): readonly string[] | undefined =>
    stringList(value) ?? fail('must be a list of strings');

  const numbers = {} as Record<NumberName, number>;
  for (const [name, [byDefault, least, most]] of Object.entries(NUMBERS) as [
    NumberName,
    readonly [number, number, number],
  ][]) {
    numbers[name] = read(name, (value, fail) => checkNumber(value, least, most, fail)) ?? byDefault;
  }

  const config: Config = {
    ...numbers,
    serverInfo: settings.serverInfo,
    instructions: read('instructions', text),
    resource: resource ?? '',
    authorizationServers: servers ?? [],
    resourceName: read('resourceName', text),
    resourceDocumentation: read('resourceDocumentation', url),
    scopesSupported: read('scopesSupported', scopes) ?? [],
    scopeImplications: read('scopeImplications', checkImplications) ?? {},
    defaultRoles: read('defaultRoles', list) ?? [],
    stepUp:
      read('stepUp', (value, fail) =>
        value === 'http' || value === 'tool-result' ? value : fail('must be "http" or "tool-result"'),
      ) ?? 'http',
    allowedOrigins:
      read('allowedOrigins', (value, fail) =>
        stringList(value)?.every((origin) => origin === '*' || parseUrl(origin)?.origin === origin)
          ? stringList(value)
          : fail(
              'must be a list of origins such as "https://app.example.com" (no path, no trailing slash), or ["*"]',
            ),
      ) ?? [],
    allowedHosts: read('allowedHosts', list) ?? [],
  };
  if (config.jwksStaleLimitSeconds < config.jwksFreshSeconds) {
    problems.push(
      `${where('jwksStaleLimitSeconds')}: must not be below jwksFreshSeconds (${config.jwksFreshSeconds}).`,
    );
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return deepFreeze(config);
}

type SettingName = Exclude<keyof Settings, 'serverInfo'>;
type Fail = (problem: string) => undefined;
type Check<T> = (value: unknown, fail: Fail) => T | undefined;

const variableName = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
const where = (name: string): string =>
  `${variableName(name)} (in wrangler.toml [vars], or ${name} in src/app/config.ts)`;
const missing = (name: string, example: string): string =>
  `${where(name)}: is missing. It decides whom this server trusts, so it has no default. Example: ${variableName(name)} = ${example}`;

/** Reads one setting: the variable if there is one, else the declaration. JSON in variables is parsed where a check wants more than a string. */
function reader(settings: Settings, vars: Readonly<Record<string, unknown>>, problems: string[]) {
  return function read<T>(name: SettingName, check: Check<T>): T | undefined {
    const variable = vars[variableName(name)];
    const raw = variable === undefined || variable === '' ? settings[name] : variable;
    if (raw === undefined) return undefined;
    const fail: Fail = (problem) => {
      problems.push(`${where(name)}: ${problem}.`);
      return undefined;
    };
    return check(raw === variable ? parseVariable(raw) : raw, fail);
  };
}

/** A variable is a string, or already JSON when wrangler.toml has a TOML value. Strings that are JSON lists or objects become such. */
function parseVariable(value: unknown): unknown {
  if (typeof value !== 'string' || !/^\s*[[{]/.test(value)) return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

function checkNumber(value: unknown, least: number, most: number, fail: Fail): number | undefined {
  const number = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
  return typeof number === 'number' && Number.isInteger(number) && number >= least && number <= most
    ? number
    : fail(`must be a whole number from ${least} to ${most}`);
}

function checkResource(value: unknown, fail: Fail): string | undefined {
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

function checkServers(
  value: unknown,
  resource: string | undefined,
  fail: Fail,
): readonly AuthorizationServer[] | undefined {
  if (!Array.isArray(value) || value.length === 0) {
    return fail(
      'must be a list with at least one entry, as a TOML value or as JSON: [{"issuer":"https://your-authorization-server"}]',
    );
  }
  const servers: AuthorizationServer[] = [];
  const seen = new Set<string>();
  for (const [index, entry] of value.entries()) {
    const at: Fail = (problem) => fail(`entry ${index}: ${problem}`);
    const server = checkServer(entry, resource, at);
    if (!server) continue;
    for (const issuer of server.issuers) {
      if (seen.has(issuer))
        at(`the issuer ${issuer} is listed twice; one entry per issuer, or its rules would be ambiguous`);
      seen.add(issuer);
    }
    servers.push(server);
  }
  return servers;
}

function checkServer(
  entry: unknown,
  resource: string | undefined,
  fail: Fail,
): AuthorizationServer | undefined {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry))
    return fail('must be an object with an issuer');
  const given = entry as Record<string, unknown>;
  for (const key of Object.keys(given)) {
    if (!SERVER_KEYS.includes(key))
      fail(`unknown key ${JSON.stringify(key)}; known are ${SERVER_KEYS.join(', ')}`);
  }

  const issuers = typeof given.issuer === 'string' ? [given.issuer] : stringList(given.issuer);
  if (!issuers || issuers.length === 0 || issuers.includes(''))
    return fail('issuer must be a string, or a list of strings');

  const jwksUri = given.jwksUri;
  if (jwksUri !== undefined && !isSafeUrl(jwksUri))
    fail('jwksUri must be an https URL (http only on localhost)');
  for (const issuer of issuers) {
    if (issuer.length > 400) fail('issuer must not be longer than 400 characters');
    const url = parseUrl(issuer);
    if (url?.protocol === 'http:' && !isLoopback(url.hostname))
      fail(`issuer ${issuer} must use https (http only on localhost)`);
    else if (!isSafeUrl(issuer) && jwksUri === undefined) {
      fail(
        `issuer ${JSON.stringify(issuer)} is not an https URL, so its keys cannot be discovered: give jwksUri as well`,
      );
    } else if (url && (url.search !== '' || url.hash !== ''))
      fail(`issuer ${issuer} must not have a query or fragment (RFC 8414 section 2)`);
  }

  const algs = given.algs === undefined ? DEFAULT_ALGS : stringList(given.algs);
  if (!algs || algs.length === 0 || !algs.every((alg) => ASYMMETRIC_ALGS.includes(alg))) {
    fail(
      `algs must be a list from ${ASYMMETRIC_ALGS.join(', ')}; "none" and shared-secret algorithms (HS256 ...) cannot prove who issued a token`,
    );
  }

  const audience =
    given.audience === undefined
      ? [resource ?? '']
      : typeof given.audience === 'string'
        ? [given.audience]
        : stringList(given.audience);
  if (!audience || audience.length === 0 || (given.audience !== undefined && audience.includes(''))) {
    fail('audience must be a non-empty string, or a list of them');
  }

  const typ = given.typ === undefined ? DEFAULT_TYP : stringList(given.typ);
  if (!typ || typ.length === 0) fail('typ must be a list such as ["at+jwt", "JWT", "absent"]');

  return {
    issuers,
    jwksUri: typeof jwksUri === 'string' ? jwksUri : undefined,
    algs: algs ?? [],
    audience: audience ?? [],
    typ: (typ ?? []).map((value) => value.toLowerCase().replace(/^application\//, '')),
    claims: checkClaims(given.claims, fail) ?? {},
  };
}

function checkClaims(value: unknown, fail: Fail): AuthorizationServer['claims'] | undefined {
  if (value === undefined) return {};
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return fail('claims must be an object of claim paths');
  for (const [name, paths] of Object.entries(value)) {
    if (!CLAIM_NAMES.includes(name as ClaimName))
      fail(`claims has an unknown key ${JSON.stringify(name)}; known are ${CLAIM_NAMES.join(', ')}`);
    const good =
      Array.isArray(paths) && paths.length > 0 && paths.every((path) => (stringList(path)?.length ?? 0) > 0);
    if (!good)
      fail(
        `claims.${name} must be a list of paths, each a list of segments, such as [["realm_access", "roles"]]`,
      );
  }
  return value as AuthorizationServer['claims'];
}

function checkImplications(
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

/** An https URL, or http on this machine. The same rule for what is configured and what an issuer's metadata says. */
export function isSafeUrl(value: unknown): value is string {
  const url = parseUrl(value);
  return (
    url !== undefined && (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname)))
  );
}

function parseUrl(value: unknown): URL | undefined {
  return typeof value === 'string' ? (URL.parse(value) ?? undefined) : undefined;
}

function stringList(value: unknown): readonly string[] | undefined {
  return Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : undefined;
}

function deepFreeze<T extends object>(value: T): T {
  for (const part of Object.values(value)) if (typeof part === 'object' && part !== null) deepFreeze(part);
  return Object.freeze(value);
}
