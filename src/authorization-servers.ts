// Whom a deployment trusts: the entries of AUTHORIZATION_SERVERS.
//
// Nothing here has a default that decides trust: an issuer, its audience and its algorithms are as written, as a preset
// that was named says, or refused. What is given beside a preset replaces the preset's, except for `require`, which only
// gets stricter. Settings that would let another kind of token in are refused with what to do instead.
// Does not check that an issuer exists or answers.

import { type Audience, type AudienceSettings, checkAudience } from './audience-settings.ts';
import { PRESETS } from './auth/providers/index.ts';
import { type ClaimPath, type ClaimRule, checkRules, isPath, type Rule } from './claim-rules.ts';
import {
  checkIntrospection,
  type Introspection,
  type IntrospectionSettings,
  type Variable,
} from './introspection-settings.ts';
import { isRecord, stringList } from './shapes.ts';
import { isLoopback, isSafeUrl, parseUrl } from './url.ts';

export type { ClaimPath, ClaimRule, Rule };

/** Reports a problem, as the end of a sentence that begins with the setting's name. */
export type Fail = (problem: string) => undefined;

/** One trusted authorization server, as written in AUTHORIZATION_SERVERS. */
export interface AuthorizationServerSettings {
  /** What is known about a product: `workos`, `auth0`, `okta`, `entra` ...; see docs/authorization-servers.md. */
  preset?: string;
  /** `iss` of its tokens, compared byte for byte; a list when one server issues under several names. */
  issuer: string | readonly string[];
  /** Where its keys are. Default: `jwks_uri` of the issuer's metadata (RFC 8414, OpenID Connect Discovery). */
  jwksUri?: string;
  /** Signature algorithms accepted. Default: RS256, PS256, ES256, ES384, EdDSA. Only asymmetric ones exist here. */
  algs?: readonly string[];
  /** Accepted `typ` headers; `absent` stands for no typ. Default: at+jwt, JWT, absent. */
  typ?: readonly string[];
  /** Accepted audience values, or where the audience is. Default: exactly RESOURCE in `aud`. */
  audience?: string | readonly string[] | AudienceSettings;
  /** What else must hold: what tells access tokens from the issuer's other tokens. Beside a preset: what must hold too. */
  require?: readonly (ClaimRule | { readonly anyOf: readonly ClaimRule[] })[];
  /** Where to find things in the payload; the defaults are in auth/claims.ts. */
  subject?: readonly ClaimPath[];
  clientId?: readonly ClaimPath[];
  scopes?: readonly ClaimPath[];
  roles?: readonly ClaimPath[];
  permissions?: readonly ClaimPath[];
  tokenId?: readonly ClaimPath[];
  /**
   * The organization a token speaks for, and which of them are served; without `values` all. Beside a preset that knows
   * the claim, `values` alone.
   */
  tenant?: { claim?: readonly ClaimPath[]; values?: readonly string[] };
  /**
   * What the authorization server has before a scope: `api://reports/` makes `api://reports/read` in a token `read`, and
   * clients are told to ask for `api://reports/read`.
   */
  scopePrefix?: string;
  /**
   * Scopes that each of its tokens has besides those it names: for products that cannot carry yours, and whose users are
   * asked only whether the client may act for them at all.
   */
  grantedScopes?: readonly string[];
  /** Where its tokens come in instead of the Authorization header, for proxies that put them elsewhere. */
  tokenSource?: { header: string };
  /** Where its tokens that are no JWTs are asked about. Without it such tokens are refused. */
  introspection?: IntrospectionSettings;
  /** What clients are told instead of the issuer, where the authorization server has another URL. */
  advertise?: string | false;
  /**
   * Serves a copy of its metadata at `/.well-known/oauth-authorization-server` of the resource's origin. `true`: as it is,
   * for clients of the first revisions of MCP. `pkce`: under the name of that origin, which clients are told instead, and
   * with `code_challenge_methods_supported`, for a server that does PKCE with S256 and does not say so.
   */
  mirror?: true | 'pkce';
}

export const CLAIM_NAMES = [
  'subject',
  'clientId',
  'scopes',
  'roles',
  'permissions',
  'tokenId',
  'tenant',
] as const;
export type ClaimName = (typeof CLAIM_NAMES)[number];

/** One trusted authorization server, checked. */
export interface AuthorizationServer {
  readonly preset: string | undefined;
  readonly issuers: readonly string[];
  readonly jwksUri: string | undefined;
  /** Empty when none of its JWTs is an access token. */
  readonly algs: readonly string[];
  readonly audience: Audience;
  readonly typ: readonly string[];
  /** Of each of these lists one rule must hold. */
  readonly require: readonly (readonly Rule[])[];
  readonly claims: Readonly<Partial<Record<ClaimName, readonly ClaimPath[]>>>;
  /** Tenants that are served; `undefined` for all. */
  readonly tenants: readonly string[] | undefined;
  /** Whether the value of each role is an object of the tenants that gave it. Of products only. */
  readonly rolesNameTenants: boolean;
  readonly scopePrefix: string;
  readonly grantedScopes: readonly string[];
  /** In lower case; `undefined` for Authorization. */
  readonly tokenHeader: string | undefined;
  /** `undefined` when its opaque tokens are refused. */
  readonly introspection: Introspection | undefined;
  /** URLs for the protected resource metadata. */
  readonly advertised: readonly string[];
  readonly mirror: Mirror | undefined;
}

/** A copy of metadata at the resource's origin. */
export interface Mirror {
  /** The issuer whose metadata is copied. */
  readonly source: string;
  /** What the copy calls itself; `undefined` when it is served as it is. */
  readonly name: string | undefined;
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
const PATH_KEYS = ['subject', 'clientId', 'scopes', 'roles', 'permissions', 'tokenId'] as const;
const SERVER_KEYS: readonly string[] = [
  'preset',
  'issuer',
  'jwksUri',
  'algs',
  'audience',
  'typ',
  'require',
  ...PATH_KEYS,
  'tenant',
  'scopePrefix',
  'grantedScopes',
  'tokenSource',
  'introspection',
  'advertise',
  'mirror',
];

/** Any number of characters of scope-token (RFC 6749 section 3.3). */
const SCOPE_CHARACTERS = /^[\x21\x23-\x5B\x5D-\x7E]*$/;
/** These issue opaque access tokens only; a JWT of theirs is an ID token. */
const OPAQUE_ONLY: readonly (string | undefined)[] = ['google-tokeninfo', 'service-binding'];

/** The value of AUTHORIZATION_SERVERS -> checked entries; problems go to `fail`, each naming its entry. */
export function checkServers(
  value: unknown,
  resource: string | undefined,
  variable: Variable,
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
    const server = checkServer(entry, resource, variable, at);
    if (!server) continue;
    for (const issuer of server.issuers) {
      if (seen.has(issuer))
        at(`the issuer ${issuer} is listed twice; one entry per issuer, or its rules would be ambiguous`);
      seen.add(issuer);
    }
    if (server.introspection && servers.some(({ introspection }) => introspection !== undefined))
      at(
        'only one entry can have introspection: an opaque token does not say whose it is, and must not be shown to another server',
      );
    if (server.mirror && servers.some(({ mirror }) => mirror !== undefined))
      at('only one entry can have mirror: there is one place for the copy');
    servers.push(server);
  }
  const told = servers.filter(({ advertised }) => advertised.length > 0);
  if (told.some(({ scopePrefix }) => scopePrefix !== told[0]?.scopePrefix)) {
    fail(
      'scopePrefix must be the same in all entries: clients are told one list of scopes, whichever authorization server they choose. advertise = false exempts one that clients are not told of',
    );
  }
  return servers;
}

function checkServer(
  entry: unknown,
  resource: string | undefined,
  variable: Variable,
  fail: Fail,
): AuthorizationServer | undefined {
  if (!isRecord(entry)) return fail('must be an object with an issuer');
  for (const key of Object.keys(entry)) {
    if (key === 'claims')
      fail('claims is not known any more: write its members directly, roles = [["realm_access", "roles"]]');
    else if (!SERVER_KEYS.includes(key))
      fail(`unknown key ${JSON.stringify(key)}; known are ${SERVER_KEYS.join(', ')}`);
  }
  const given = withPreset(entry, fail);
  if (!given) return undefined;

  const issuers = typeof given.issuer === 'string' ? [given.issuer] : stringList(given.issuer);
  if (!issuers || issuers.length === 0 || issuers.includes(''))
    return fail('issuer must be a string, or a list of strings');
  const jwksUri = checkKeys(issuers, given.jwksUri, fail);

  const algs = given.algs === undefined ? DEFAULT_ALGS : stringList(given.algs);
  if (!algs || algs.length === 0 || !algs.every((alg) => ASYMMETRIC_ALGS.includes(alg))) {
    fail(
      `algs must be a list from ${ASYMMETRIC_ALGS.join(', ')}; "none" and shared-secret algorithms (HS256 ...) cannot prove who issued a token`,
    );
  }
  const typ = given.typ === undefined ? DEFAULT_TYP : stringList(given.typ);
  if (!typ || typ.length === 0) fail('typ must be a list such as ["at+jwt", "JWT", "absent"]');
  const require = checkRules(given.require, fail);
  const introspection = checkIntrospection(given.introspection, variable, fail);
  const isOpaqueOnly = OPAQUE_ONLY.includes(introspection?.kind);
  for (const key of ['algs', 'typ', 'jwksUri'] as const) {
    if (isOpaqueOnly && given[key] !== undefined)
      fail(`${key} is about JWTs, and introspection.kind "${introspection?.kind}" takes none: leave it out`);
  }
  const tenant = checkTenant(given.tenant, fail);
  const tokenSource = given.tokenSource;
  if (tokenSource !== undefined && !(isRecord(tokenSource) && isHeaderName(tokenSource.header)))
    fail('tokenSource must be { header = "Cf-Access-Jwt-Assertion" }');

  const claims: Partial<Record<ClaimName, readonly ClaimPath[]>> = {};
  for (const name of PATH_KEYS) {
    const paths = checkPaths(name, given[name], fail);
    if (paths) claims[name] = paths;
  }
  if (tenant) claims.tenant = tenant.claim;
  const { scopePrefix = '' } = given;
  if (typeof scopePrefix !== 'string' || !SCOPE_CHARACTERS.test(scopePrefix))
    fail('scopePrefix must be what stands before a scope, such as "api://reports/"');
  const grantedScopes = given.grantedScopes === undefined ? [] : stringList(given.grantedScopes);
  if (!grantedScopes?.every((scope) => scope !== '' && SCOPE_CHARACTERS.test(scope)))
    fail('grantedScopes must be a list of scope names');

  const audience = checkAudience(given.audience, resource, require, fail) ?? {
    claim: ['aud'],
    values: [''],
    aud: [],
  };
  if (
    introspection?.kind === 'google-tokeninfo' &&
    (given.audience === undefined || audience.values.length === 0)
  )
    fail('audience must list the client ids of your own apps: Google vouches for the tokens of every app');

  const mirror = checkMirror(given, issuers, resource, fail);
  return {
    preset: typeof given.preset === 'string' ? given.preset : undefined,
    issuers,
    jwksUri,
    algs: isOpaqueOnly ? [] : (algs ?? []),
    audience,
    typ: (typ ?? []).map((value) => value.toLowerCase().replace(/^application\//, '')),
    require,
    claims,
    tenants: tenant?.values,
    rolesNameTenants: given.rolesNameTenants === true,
    scopePrefix: String(scopePrefix),
    grantedScopes: grantedScopes ?? [],
    tokenHeader: isRecord(tokenSource) ? String(tokenSource.header).toLowerCase() : undefined,
    introspection,
    advertised: mirror?.name === undefined ? checkAdvertised(given.advertise, issuers, fail) : [mirror.name],
    mirror,
  };
}

/** An entry with what its preset says about everything it does not say itself. */
function withPreset(entry: Record<string, unknown>, fail: Fail): Record<string, unknown> | undefined {
  if (entry.preset === undefined) return entry;
  const preset =
    typeof entry.preset === 'string' && Object.hasOwn(PRESETS, entry.preset)
      ? PRESETS[entry.preset]
      : undefined;
  if (!preset) return fail(`preset must be one of ${Object.keys(PRESETS).join(', ')}`);
  for (const [key, what] of Object.entries(preset.needs ?? {})) {
    if (entry[key] === undefined) fail(`preset ${entry.preset} needs ${key}: ${what}`);
  }
  const issuers = typeof entry.issuer === 'string' ? [entry.issuer] : (stringList(entry.issuer) ?? []);
  const { issuerForm } = preset;
  for (const issuer of issuers) {
    if (issuerForm && !issuerForm.pattern.test(issuer))
      fail(
        `issuer ${JSON.stringify(issuer)} is none of ${entry.preset}, which looks like ${issuerForm.like}`,
      );
  }
  const { jwksUri, require = [], ...settings } = preset.settings;
  const { audience, tenant } = settings;
  const { rolesNameTenants } = preset;
  const given: Record<string, unknown> = { ...settings, ...entry, rolesNameTenants };
  if (jwksUri !== undefined && entry.jwksUri === undefined)
    given.jwksUri = jwksUri.replace('{issuer}', () => (issuers[0] ?? '').replace(/\/$/, ''));
  given.require = Array.isArray(entry.require) ? [...require, ...entry.require] : (entry.require ?? require);
  // Where the product has its audience and its tenant the preset knows, which of them are ours only the deployment.
  if (entry.audience !== undefined && isRecord(audience) && audience.claim) {
    const values = isRecord(entry.audience) ? entry.audience : { values: [entry.audience].flat() };
    given.audience = { claim: audience.claim, ...values };
  }
  if (isRecord(entry.tenant)) given.tenant = { ...tenant, ...entry.tenant };
  return given;
}

/** Whether the keys of these issuers can be had over a trustworthy way; gives where they are if that is configured. */
function checkKeys(issuers: readonly string[], jwksUri: unknown, fail: Fail): string | undefined {
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
  return typeof jwksUri === 'string' ? jwksUri : undefined;
}

function checkTenant(
  value: unknown,
  fail: Fail,
): { readonly claim: readonly ClaimPath[]; readonly values: readonly string[] | undefined } | undefined {
  if (value === undefined) return undefined;
  const wrong = 'tenant must be { claim = [["org_id"]] }, with values = ["org_1"] to serve only those';
  if (!isRecord(value) || Object.keys(value).some((key) => key !== 'claim' && key !== 'values'))
    return fail(wrong);
  const claim = checkPaths('tenant.claim', value.claim, fail);
  const values = value.values === undefined ? undefined : stringList(value.values);
  if (!claim || (value.values !== undefined && (!values || values.length === 0 || values.includes(''))))
    return fail(wrong);
  return { claim, values };
}

function checkPaths(name: string, value: unknown, fail: Fail): readonly ClaimPath[] | undefined {
  if (value === undefined) return undefined;
  if (Array.isArray(value) && value.length > 0 && value.every(isPath)) return value;
  return fail(
    `${name} must be a list of claim paths, each a list of segments, such as [["realm_access", "roles"]]`,
  );
}

function checkAdvertised(value: unknown, issuers: readonly string[], fail: Fail): readonly string[] {
  if (value === undefined) return issuers.filter(isSafeUrl).slice(0, 1);
  if (value === false) return [];
  if (isSafeUrl(value)) return [value];
  return (
    fail('advertise must be an https URL, or false for an authorization server clients need not know') ?? []
  );
}

function checkMirror(
  { mirror, advertise }: Record<string, unknown>,
  issuers: readonly string[],
  resource: string | undefined,
  fail: Fail,
): Mirror | undefined {
  if (mirror === undefined) return undefined;
  if (mirror !== true && mirror !== 'pkce')
    return fail('mirror must be true, or "pkce" for a server that does PKCE without saying so');
  if (mirror === 'pkce' && advertise === false)
    return fail('mirror "pkce" is what clients are told: leave advertise = false out');
  const source = isSafeUrl(advertise) ? advertise : issuers.find(isSafeUrl);
  if (source === undefined)
    return fail('mirror needs an issuer that is an https URL: its metadata is copied');
  return { source, name: mirror === 'pkce' ? parseUrl(resource)?.origin : undefined };
}

const isHeaderName = (value: unknown): boolean =>
  typeof value === 'string' && /^[A-Za-z0-9-]{1,64}$/.test(value) && value.toLowerCase() !== 'authorization';
