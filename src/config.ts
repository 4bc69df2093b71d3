// What a deployment must decide. Checked once per isolate, then frozen.
//
// A setting comes from a Worker variable (wrangler.toml [vars], `wrangler dev --var`, the dashboard) or from
// src/app/config.ts; the variable wins. Nothing that decides trust has a default. All problems are reported together,
// each with the name of the setting, where to set it and what is wrong with it.
// Does not check that an issuer exists or answers: that is found out on first use (auth/issuers.ts).

import {
  type AuthorizationServer,
  type AuthorizationServerSettings,
  checkServers,
  type Fail,
} from './authorization-servers.ts';
import {
  checkOperators,
  checkOperatorTenants,
  type Operator,
  type OperatorTenant,
  operatorProblem,
} from './operator-settings.ts';
import {
  adminScopeProblems,
  checkBoolean,
  checkClients,
  checkImplications,
  checkNumber,
  checkResource,
  checkScope,
  checkScopes,
  isServerInfo,
  oneOf,
} from './setting-checks.ts';
import { stringList } from './shapes.ts';
import { parseUrl } from './url.ts';

export {
  ASYMMETRIC_ALGS,
  type AuthorizationServer,
  type AuthorizationServerSettings,
  type ClaimName,
  type ClaimPath,
  type ClaimRule,
  type Mirror,
  type Rule,
} from './authorization-servers.ts';
export type { ClientAuthentication, Introspection, IntrospectionSettings } from './introspection-settings.ts';
export type { Operator, OperatorTenant } from './operator-settings.ts';
export { isLoopback, isSafeUrl } from './url.ts';

/** Numbers: default, smallest, largest. The variable is the name in capitals: clockToleranceSeconds, CLOCK_TOLERANCE_SECONDS. */
const NUMBERS = {
  /** How far our clock and the issuer's may differ: exp, nbf, iat. */
  clockToleranceSeconds: [5, 0, 60],
  /** A token that lives longer is refused, so that a revocation may be forgotten after this. */
  maxTokenLifetimeSeconds: [2_678_400, 60, 31_536_000],
  /** A longer credential is malformed. */
  maxTokenBytes: [16_384, 512, 65_536],
  /** Verified tokens remembered per isolate; 0 verifies every time. */
  verifiedTokenCacheEntries: [2_000, 0, 100_000],
  /** How long a verified token is remembered, never beyond its exp. */
  verifiedTokenCacheSeconds: [300, 1, 3_600],
  /** How long an authorization server's answer about an opaque token counts, never beyond its exp; 0 asks every time. */
  introspectionCacheSeconds: [30, 0, 300],
  /** How many opaque tokens it does not know one isolate asks about per second; beyond, they are answered with 503. */
  introspectionsPerSecond: [20, 1, 1_000],
  /** How old an issuer's keys may get before they are fetched again. */
  jwksFreshSeconds: [600, 60, 86_400],
  /** The least time between two fetches of one issuer's keys by one isolate. */
  jwksCooldownSeconds: [30, 1, 600],
  /** How old keys may get while the issuer does not answer. */
  jwksStaleLimitSeconds: [86_400, 60, 604_800],
  /** For an issuer's metadata, and again for its keys. */
  issuerTimeoutMs: [3_000, 100, 30_000],
  maxIssuerResponseBytes: [262_144, 1_024, 4_194_304],
  /** How old the policy of an isolate may get before requests wait for a newer one. */
  policyFreshSeconds: [30, 1, 300],
  /** How old it may get while it cannot be renewed; beyond, requests are refused with 503. */
  policyHardLimitSeconds: [300, 2, 86_400],
  /** The longest that the token of an operator may live, from iat to exp. */
  adminTokenSeconds: [43_200, 60, 31_536_000],
  /** How long ago an operator may have signed in (`auth_time`); 0: it is not looked at. */
  adminMaxAuthAgeSeconds: [0, 0, 31_536_000],
  /** The longest a service key may be valid. */
  serviceKeyMaxSeconds: [7_776_000, 60, 31_536_000],
  /** Newest decisions kept for operators. */
  decisionLogEntries: [10_000, 0, 1_000_000],
  decisionLogSeconds: [604_800, 60, 31_536_000],
  /** Of a thousand allowed requests, how many are kept there. Every refusal is. */
  decisionLogAllowsPerThousand: [10, 0, 1_000],
  maxBodyBytes: [1_048_576, 1_024, 67_108_864],
  maxJsonDepth: [64, 8, 1_000],
  /** Entries of one page of a list. */
  pageSize: [100, 1, 1_000],
  /** How long a client may consider a list fresh. */
  listTtlMs: [60_000, 0, 86_400_000],
  /** How long a question of a tool may be answered in the modern era. */
  requestStateSeconds: [600, 10, 86_400],
  /** How long a tool waits for the answer to its question in the legacy era. */
  answerTimeoutSeconds: [300, 1, 3_600],
  /** How often an open stream is checked for whether its caller may still have it. */
  streamRecheckSeconds: [5, 1, 60],
  /** Silence after which an open stream gets a sign of life. */
  streamKeepAliveSeconds: [20, 1, 300],
  /** A stream is closed after this, and clients come back. */
  streamMaxAgeSeconds: [600, 5, 86_400],
  /** A legacy session that is not used is forgotten after this. */
  sessionIdleSeconds: [1_800, 5, 86_400],
  /** A legacy session is forgotten after this in any case. */
  sessionMaxSeconds: [86_400, 60, 2_592_000],
  /** Legacy sessions of one issuer, subject and client. */
  sessionsPerClient: [16, 1, 1_000],
  /** Events of a legacy session that are kept for a client that lost its connection. */
  sessionEvents: [256, 1, 10_000],
  sessionEventBytes: [1_048_576, 1_024, 67_108_864],
  /** State that tools keep for one issuer, subject and client. */
  sessionStateKeys: [256, 1, 10_000],
  sessionStateValueBytes: [65_536, 256, 1_048_576],
  sessionStateBytes: [1_048_576, 1_024, 67_108_864],
  /** Durable Objects that changes of resources are spread over. */
  notificationShards: [8, 1, 1_000],
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
  /** The scope that the operators' API needs. */
  adminScope?: string;
  /** The permission for all of the operators' API; with `:read`, `:revoke`, `:grant`, `:keys`, `:privacy` for parts of it. */
  adminPermission?: string;
  /** Whether service keys may have the scope of the operators' API. */
  adminScopeInKeys?: boolean;
  /** Whether `grantedScopes` and `scopeImplications` may give it, to whoever did not agree to it by its name. */
  adminScopeGranted?: boolean;
  /** Ids of the clients that operators sign in with; none: any client. */
  adminClients?: readonly string[];
  /** Operators whatever the roles say: for when a role edit has locked everybody out. They need the scope all the same. */
  operators?: readonly Operator[];
  /**
   * Where tokens have a tenant: whose roles can make operators. The only one that is served (`tenant.values`) can without
   * being named.
   */
  operatorTenants?: readonly OperatorTenant[];
  /** Whether service keys are accepted. */
  serviceKeys?: boolean;
  /**
   * Which decisions are in the log: all of them a line each, what was allowed many to a line, or refusals only. What is
   * bound besides (Analytics Engine, a Queue, DecisionLog) gets them anyway.
   */
  auditLog?: AuditLog;
  /** Whether the audit has subjects as they are, or only pseudonyms of them. */
  auditSubjects?: 'plain' | 'hashed';
  /** AUDIT_SECRET: what pseudonyms are made with; at least 32 characters. A secret (`wrangler secret put`). */
  auditSecret?: string;
  /** AUDIT_SECRET_PREVIOUS: the secret before, to find what has pseudonyms made with it. */
  auditSecretPrevious?: string;
  /**
   * Whether clients of the older era may keep a stream open to hear of changes (GET). Its object is billed for as long as it
   * is open; without it they get 405, and calls, questions and resuming a call are as before.
   */
  sessionListening?: boolean;
  /** How a missing scope is told: HTTP 403, or a tool result for clients that cannot step up on a 403. */
  stepUp?: 'http' | 'tool-result';
  /** Origins of browser clients, besides this server's own; `*` for any. On localhost every localhost origin is allowed. */
  allowedOrigins?: readonly string[];
  /** Headers that pages of those origins may send besides what means something here: for a server behind `protect`, say. */
  allowedHeaders?: readonly string[];
  /** Host names this Worker also answers on, besides RESOURCE's. */
  allowedHosts?: readonly string[];
  /**
   * REQUEST_STATE_SECRET: seals what modern clients carry between a tool's question and its answer; at least 32
   * characters. A secret (`wrangler secret put`). Without it tools cannot ask modern clients.
   */
  requestStateSecret?: string;
  /** REQUEST_STATE_SECRET_PREVIOUS: the secret before, to open what was sealed with it. Nothing new is. */
  requestStateSecretPrevious?: string;
  /** Where Durable Objects must stay (`eu`, `fedramp`). Changing it later starts with empty objects. */
  objectJurisdiction?: string;
  /** Where Durable Objects should be created (`weur`, `enam`, ...), if not near the first caller. */
  objectLocationHint?: string;
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
  readonly adminScope: string;
  readonly adminPermission: string;
  readonly adminScopeInKeys: boolean;
  readonly adminScopeGranted: boolean;
  readonly adminClients: readonly string[] | undefined;
  readonly operators: readonly Operator[];
  readonly operatorTenants: readonly OperatorTenant[];
  readonly serviceKeys: boolean;
  readonly auditLog: AuditLog;
  readonly auditSubjects: 'plain' | 'hashed';
  readonly auditSecret: string | undefined;
  readonly auditSecretPrevious: string | undefined;
  readonly sessionListening: boolean;
  readonly stepUp: 'http' | 'tool-result';
  readonly allowedOrigins: readonly string[];
  readonly allowedHeaders: readonly string[];
  readonly allowedHosts: readonly string[];
  readonly requestStateSecret: string | undefined;
  readonly requestStateSecretPrevious: string | undefined;
  readonly objectJurisdiction: string | undefined;
  readonly objectLocationHint: string | undefined;
  /** Variables, secrets and bindings that only the kit may read. */
  readonly secretNames: readonly string[];
}

/** token of RFC 9110 section 5.6.2, without the `*` that browsers take for every header but Authorization. */
const HEADER_NAME = /^[!#$%&'+.^_`|~\w-]+$/;

/** Everything that is wrong with a configuration. `problems` are complete sentences for the operator's log. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}

/**
 * Settings and variables -> Config. `vars` is the Worker's env; only the names of settings are read from it.
 * @throws {ConfigError} with every problem found
 */
export function checkConfig(settings: Settings, vars: Readonly<Record<string, unknown>>): Config {
  const problems: string[] = [];
  /** Settings that exist, and variables that are nobody's business but the kit's. */
  const known = new Set<string>(['serverInfo']);
  const secretNames = new Set<string>();
  const note = (name: SettingName): void => {
    known.add(name);
    if (isSecret(name)) secretNames.add(variableName(name));
  };
  const read = reader(settings, vars, problems, note);

  const resource = read('resource', checkResource);
  if (problems.length === 0 && resource === undefined)
    problems.push(missing('resource', '"https://mcp.example.com/mcp"'));
  const before = problems.length;
  const servers = read('authorizationServers', (value, fail) =>
    checkServers(
      value,
      resource,
      (name) => {
        secretNames.add(name);
        return vars[name];
      },
      fail,
    ),
  );
  if (problems.length === before && servers === undefined) {
    problems.push(missing('authorizationServers', '[{ issuer = "https://your-authorization-server" }]'));
  }

  const text = (value: unknown, fail: Fail): string | undefined =>
    typeof value === 'string' && value !== '' ? value : fail('must be a non-empty string');
  const url = (value: unknown, fail: Fail): string | undefined =>
    parseUrl(value) ? String(value) : fail('must be an absolute URL');
  const list = (value: unknown, fail: Fail): readonly string[] | undefined =>
    stringList(value) ?? fail('must be a list of strings');

  const secret = (value: unknown, fail: Fail): string | undefined =>
    typeof value === 'string' && value.length >= 32
      ? value
      : fail('must have at least 32 characters, random ones');

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
    scopesSupported: read('scopesSupported', checkScopes) ?? [],
    scopeImplications: read('scopeImplications', checkImplications) ?? {},
    defaultRoles: read('defaultRoles', list) ?? [],
    adminScope: read('adminScope', checkScope) ?? 'mcp:admin',
    adminPermission: read('adminPermission', text) ?? 'mcp:operate',
    adminScopeInKeys: read('adminScopeInKeys', checkBoolean) ?? false,
    adminScopeGranted: read('adminScopeGranted', checkBoolean) ?? false,
    adminClients: read('adminClients', checkClients),
    operators: read('operators', checkOperators) ?? [],
    operatorTenants: read('operatorTenants', checkOperatorTenants) ?? [],
    serviceKeys: read('serviceKeys', checkBoolean) ?? false,
    auditLog: read('auditLog', (value, fail) => oneOf(AUDIT_LOGS, value, fail)) ?? 'all',
    auditSubjects:
      read('auditSubjects', (value, fail) =>
        value === 'plain' || value === 'hashed' ? value : fail('must be "plain" or "hashed"'),
      ) ?? 'plain',
    auditSecret: read('auditSecret', secret),
    auditSecretPrevious: read('auditSecretPrevious', secret),
    sessionListening: read('sessionListening', checkBoolean) ?? true,
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
    allowedHeaders:
      read('allowedHeaders', (value, fail) =>
        stringList(value)?.every((name) => HEADER_NAME.test(name))
          ? stringList(value)
          : fail('must be a list of header names such as "X-Api-Key"; there is no "*" for all of them'),
      ) ?? [],
    allowedHosts: read('allowedHosts', list) ?? [],
    requestStateSecret: read('requestStateSecret', secret),
    requestStateSecretPrevious: read('requestStateSecretPrevious', secret),
    objectJurisdiction: read('objectJurisdiction', (value, fail) => oneOf(JURISDICTIONS, value, fail)),
    objectLocationHint: read('objectLocationHint', (value, fail) => oneOf(LOCATION_HINTS, value, fail)),
    secretNames: [...secretNames],
  };
  if (!isServerInfo(settings.serverInfo))
    problems.push(
      'serverInfo (in src/app/config.ts): must have name and version, may have title, all texts.',
    );
  for (const name of Object.keys(settings))
    if (!known.has(name)) problems.push(`${name} (in src/app/config.ts): there is no such setting.`);
  if (config.jwksStaleLimitSeconds < config.jwksFreshSeconds) {
    problems.push(
      `${where('jwksStaleLimitSeconds')}: must not be below jwksFreshSeconds (${config.jwksFreshSeconds}).`,
    );
  }
  if (config.policyHardLimitSeconds <= config.policyFreshSeconds) {
    problems.push(
      `${where('policyHardLimitSeconds')}: must be above policyFreshSeconds (${config.policyFreshSeconds}).`,
    );
  }
  if (config.auditSubjects === 'hashed' && config.auditSecret === undefined) {
    problems.push(`${where('auditSecret')}: is missing; AUDIT_SUBJECTS = "hashed" needs it.`);
  }
  for (const name of ['requestStateSecret', 'auditSecret'] as const) {
    const [current, before, previous] = [config[name], config[`${name}Previous`], `${name}Previous`];
    if (before === undefined || problems.some((problem) => problem.startsWith(where(name)))) continue;
    if (current === undefined)
      problems.push(
        `${where(name)}: is missing, and ${variableName(previous)} only helps to replace it: set the new secret here, or delete the previous one.`,
      );
    if (current === before)
      problems.push(
        `${where(previous)}: is the same as ${variableName(name)}: keep the secret from before in it, or delete it.`,
      );
  }
  problems.push(...adminScopeProblems(config, where));
  for (const name of ['operators', 'operatorTenants'] as const) {
    for (const operator of config[name]) {
      const problem = operatorProblem(operator, config.authorizationServers);
      if (problem) problems.push(`${where(name)}: ${problem}.`);
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return deepFreeze(config);
}

type SettingName = Exclude<keyof Settings, 'serverInfo'>;
type Check<T> = (value: unknown, fail: Fail) => T | undefined;

const variableName = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
const isSecret = (name: string): boolean => /Secret(?:Previous)?$/.test(name);
const where = (name: string): string =>
  isSecret(name)
    ? `${variableName(name)} (wrangler secret put ${variableName(name)})`
    : `${variableName(name)} (in wrangler.toml [vars], or ${name} in src/app/config.ts)`;
const missing = (name: string, example: string): string =>
  `${where(name)}: is missing. It decides whom this server trusts, so it has no default. Example: ${variableName(name)} = ${example}`;

/** Reads one setting: the variable if there is one, else the declaration. JSON in variables is parsed where a check wants more than a string. */
function reader(
  settings: Settings,
  vars: Readonly<Record<string, unknown>>,
  problems: string[],
  note: (name: SettingName) => void,
) {
  return function read<T>(name: SettingName, check: Check<T>): T | undefined {
    note(name);
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

const JURISDICTIONS = ['eu', 'fedramp'];
const LOCATION_HINTS = ['wnam', 'enam', 'sam', 'weur', 'eeur', 'apac', 'oc', 'afr', 'me'];

const AUDIT_LOGS = ['all', 'batched', 'refusals'] as const;
export type AuditLog = (typeof AUDIT_LOGS)[number];

function deepFreeze<T extends object>(value: T): T {
  for (const part of Object.values(value)) if (typeof part === 'object' && part !== null) deepFreeze(part);
  return Object.freeze(value);
}
