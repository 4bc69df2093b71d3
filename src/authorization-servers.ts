// Whom a deployment trusts: the entries of AUTHORIZATION_SERVERS, and what a trustworthy URL is.
//
// Nothing here has a default that decides trust: an issuer, its audience and its algorithms are as written or refused.
// Does not check that an issuer exists or answers.

/** Reports a problem, as the end of a sentence that begins with the setting's name. */
export type Fail = (problem: string) => undefined;

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
/** True for the host names of this machine; http is allowed for nothing else. `host` as in URL.hostname. */
export function isLoopback(host: string): boolean {
  return (
    host === 'localhost' ||
    host.endsWith('.localhost') ||
    host === '[::1]' ||
    /^127(\.\d{1,3}){3}$/.test(host)
  );
}

/** The value of AUTHORIZATION_SERVERS -> checked entries; problems go to `fail`, each naming its entry. */
export function checkServers(
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

/** An https URL, or http on this machine. The same rule for what is configured and what an issuer's metadata says. */
export function isSafeUrl(value: unknown): value is string {
  const url = parseUrl(value);
  return (
    url !== undefined && (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname)))
  );
}

export function parseUrl(value: unknown): URL | undefined {
  return typeof value === 'string' ? (URL.parse(value) ?? undefined) : undefined;
}

export function stringList(value: unknown): readonly string[] | undefined {
  return Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : undefined;
}
