// Is a configuration understood, and is everything that is wrong with it said at once, under the name of the setting?

import { describe, expect, test } from 'vitest';
import {
  type Config,
  ConfigError,
  checkConfig,
  isLoopback,
  isSafeUrl,
  type Settings,
} from '../src/config.ts';

type Vars = Readonly<Record<string, unknown>>;

const RESOURCE = 'https://mcp.example.com/mcp';
const ISSUER = 'https://issuer.example.com';
const GOOD: Vars = { RESOURCE, AUTHORIZATION_SERVERS: [{ issuer: ISSUER }] };
const serverInfo = { name: 'test', version: '1' };

const check = (vars: Vars = {}, settings: object = {}): Config =>
  checkConfig({ serverInfo, ...settings } as Settings, { ...GOOD, ...vars });

function problems(vars: Vars, settings: object = {}): readonly string[] {
  try {
    check(vars, settings);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

const where = (variable: string, name: string): string =>
  `${variable} (in wrangler.toml [vars], or ${name} in src/app/config.ts)`;
const RESOURCE_AT = where('RESOURCE', 'resource');
const SERVERS_AT = where('AUTHORIZATION_SERVERS', 'authorizationServers');
const UNUSABLE = 'is missing. It decides whom this server trusts, so it has no default.';
const MISSING_SERVERS = `${SERVERS_AT}: ${UNUSABLE} Example: AUTHORIZATION_SERVERS = [{ issuer = "https://your-authorization-server" }]`;
const MISSING_RESOURCE = `${RESOURCE_AT}: ${UNUSABLE} Example: RESOURCE = "https://mcp.example.com/mcp"`;

interface SettingRow {
  readonly variable: string;
  readonly default: unknown;
  readonly declared: unknown;
  /** The variable as a string; `understood` is what it stands for, when that is not the string itself. */
  readonly given: string;
  readonly understood?: unknown;
  readonly bad: unknown;
  readonly complaint: string;
}

const number = (variable: string, byDefault: number, least: number, most: number): SettingRow => ({
  variable,
  default: byDefault,
  declared: least,
  given: String(most),
  understood: most,
  bad: most + 1,
  complaint: `must be a whole number from ${least} to ${most}`,
});

const NUMBERS = {
  clockToleranceSeconds: number('CLOCK_TOLERANCE_SECONDS', 5, 0, 60),
  maxTokenLifetimeSeconds: number('MAX_TOKEN_LIFETIME_SECONDS', 2_678_400, 60, 31_536_000),
  maxTokenBytes: number('MAX_TOKEN_BYTES', 16_384, 512, 65_536),
  verifiedTokenCacheEntries: number('VERIFIED_TOKEN_CACHE_ENTRIES', 2_000, 0, 100_000),
  verifiedTokenCacheSeconds: number('VERIFIED_TOKEN_CACHE_SECONDS', 300, 1, 3_600),
  introspectionCacheSeconds: number('INTROSPECTION_CACHE_SECONDS', 30, 0, 300),
  introspectionsPerSecond: number('INTROSPECTIONS_PER_SECOND', 20, 1, 1_000),
  jwksFreshSeconds: number('JWKS_FRESH_SECONDS', 600, 60, 86_400),
  jwksCooldownSeconds: number('JWKS_COOLDOWN_SECONDS', 30, 1, 600),
  jwksStaleLimitSeconds: number('JWKS_STALE_LIMIT_SECONDS', 86_400, 60, 604_800),
  issuerTimeoutMs: number('ISSUER_TIMEOUT_MS', 3_000, 100, 30_000),
  maxIssuerResponseBytes: number('MAX_ISSUER_RESPONSE_BYTES', 262_144, 1_024, 4_194_304),
  policyFreshSeconds: number('POLICY_FRESH_SECONDS', 30, 1, 300),
  policyHardLimitSeconds: number('POLICY_HARD_LIMIT_SECONDS', 300, 2, 86_400),
  adminTokenSeconds: number('ADMIN_TOKEN_SECONDS', 43_200, 60, 31_536_000),
  adminMaxAuthAgeSeconds: number('ADMIN_MAX_AUTH_AGE_SECONDS', 0, 0, 31_536_000),
  serviceKeyMaxSeconds: number('SERVICE_KEY_MAX_SECONDS', 7_776_000, 60, 31_536_000),
  decisionLogEntries: number('DECISION_LOG_ENTRIES', 10_000, 0, 1_000_000),
  decisionLogSeconds: number('DECISION_LOG_SECONDS', 604_800, 60, 31_536_000),
  decisionLogAllowsPerThousand: number('DECISION_LOG_ALLOWS_PER_THOUSAND', 10, 0, 1_000),
  maxBodyBytes: number('MAX_BODY_BYTES', 1_048_576, 1_024, 67_108_864),
  maxJsonDepth: number('MAX_JSON_DEPTH', 64, 8, 1_000),
  pageSize: number('PAGE_SIZE', 100, 1, 1_000),
  listTtlMs: number('LIST_TTL_MS', 60_000, 0, 86_400_000),
  requestStateSeconds: number('REQUEST_STATE_SECONDS', 600, 10, 86_400),
  answerTimeoutSeconds: number('ANSWER_TIMEOUT_SECONDS', 300, 1, 3_600),
  streamRecheckSeconds: number('STREAM_RECHECK_SECONDS', 5, 1, 60),
  streamKeepAliveSeconds: number('STREAM_KEEP_ALIVE_SECONDS', 20, 1, 300),
  streamMaxAgeSeconds: number('STREAM_MAX_AGE_SECONDS', 600, 5, 86_400),
  sessionIdleSeconds: number('SESSION_IDLE_SECONDS', 1_800, 5, 86_400),
  sessionMaxSeconds: number('SESSION_MAX_SECONDS', 86_400, 60, 2_592_000),
  sessionsPerClient: number('SESSIONS_PER_CLIENT', 16, 1, 1_000),
  sessionEvents: number('SESSION_EVENTS', 256, 1, 10_000),
  sessionEventBytes: number('SESSION_EVENT_BYTES', 1_048_576, 1_024, 67_108_864),
  sessionStateKeys: number('SESSION_STATE_KEYS', 256, 1, 10_000),
  sessionStateValueBytes: number('SESSION_STATE_VALUE_BYTES', 65_536, 256, 1_048_576),
  sessionStateBytes: number('SESSION_STATE_BYTES', 1_048_576, 1_024, 67_108_864),
  notificationShards: number('NOTIFICATION_SHARDS', 8, 1, 1_000),
};

/** Every setting but the two that have no default. The type makes sure that none is forgotten. */
const SETTINGS: Readonly<
  Record<Exclude<keyof Settings, 'serverInfo' | 'resource' | 'authorizationServers'>, SettingRow>
> = {
  ...NUMBERS,
  instructions: {
    variable: 'INSTRUCTIONS',
    default: undefined,
    declared: 'Declared.',
    given: '[Given] "as is"',
    bad: 5,
    complaint: 'must be a non-empty string',
  },
  resourceName: {
    variable: 'RESOURCE_NAME',
    default: undefined,
    declared: 'Declared',
    given: '"[Given]"',
    bad: ['no', 'text'],
    complaint: 'must be a non-empty string',
  },
  resourceDocumentation: {
    variable: 'RESOURCE_DOCUMENTATION',
    default: undefined,
    declared: 'https://docs.example.com/a',
    given: 'https://docs.example.com/b',
    bad: '/docs',
    complaint: 'must be an absolute URL',
  },
  scopesSupported: {
    variable: 'SCOPES_SUPPORTED',
    default: [],
    declared: ['a'],
    given: ' ["b", "c:d"]',
    understood: ['b', 'c:d'],
    bad: ['a', 'a b'],
    complaint: 'must be a list of scope names',
  },
  scopeImplications: {
    variable: 'SCOPE_IMPLICATIONS',
    default: {},
    declared: { write: ['read'] },
    given: '{"admin":["write","read"]}',
    understood: { admin: ['write', 'read'] },
    bad: { write: ['read', '"'], admin: ['write'] },
    complaint: 'must map a scope to a list of scopes: {"reports:write":["reports:read"]}',
  },
  defaultRoles: {
    variable: 'DEFAULT_ROLES',
    default: [],
    declared: ['reader'],
    given: '["writer"]',
    understood: ['writer'],
    bad: 'reader',
    complaint: 'must be a list of strings',
  },
  adminScope: {
    variable: 'ADMIN_SCOPE',
    default: 'mcp:admin',
    declared: 'operate',
    given: 'https://mcp.example.com/admin',
    bad: 5,
    complaint: 'must be one scope name',
  },
  adminPermission: {
    variable: 'ADMIN_PERMISSION',
    default: 'mcp:operate',
    declared: 'operate',
    given: 'any text',
    bad: ['mcp:operate'],
    complaint: 'must be a non-empty string',
  },
  adminScopeInKeys: {
    variable: 'ADMIN_SCOPE_IN_KEYS',
    default: false,
    declared: true,
    given: 'true',
    understood: true,
    bad: 'yes',
    complaint: 'must be true or false',
  },
  adminScopeGranted: {
    variable: 'ADMIN_SCOPE_GRANTED',
    default: false,
    declared: true,
    given: 'true',
    understood: true,
    bad: 'yes',
    complaint: 'must be true or false',
  },
  adminClients: {
    variable: 'ADMIN_CLIENTS',
    default: undefined,
    declared: ['cli'],
    given: '["cli","https://app.example.com/client.json"]',
    understood: ['cli', 'https://app.example.com/client.json'],
    bad: [],
    complaint: 'must be a list of client ids, at least one',
  },
  operators: {
    variable: 'OPERATORS',
    default: [],
    declared: [{ issuer: ISSUER, subject: 'root' }],
    given: `[{"issuer":"${ISSUER}","subject":"a"},{"subject":"b","issuer":"${ISSUER}"}]`,
    understood: [
      { issuer: ISSUER, subject: 'a' },
      { issuer: ISSUER, subject: 'b' },
    ],
    bad: [{ issuer: ISSUER }],
    complaint: 'must be a list of {"issuer":"…","subject":"…"}, with "tenant":"…" where tokens have one',
  },
  operatorTenants: {
    variable: 'OPERATOR_TENANTS',
    default: [],
    // What is named has to be in AUTHORIZATION_SERVERS: see below.
    declared: [],
    given: '[]',
    understood: [],
    bad: [{ issuer: ISSUER }],
    complaint: 'must be a list of {"issuer":"…","tenant":"…"}',
  },
  sessionListening: {
    variable: 'SESSION_LISTENING',
    default: true,
    declared: true,
    given: 'false',
    understood: false,
    bad: 'no',
    complaint: 'must be true or false',
  },
  serviceKeys: {
    variable: 'SERVICE_KEYS',
    default: false,
    declared: false,
    given: 'true',
    understood: true,
    bad: 'yes',
    complaint: 'must be true or false',
  },
  auditLog: {
    variable: 'AUDIT_LOG',
    default: 'all',
    declared: 'all',
    given: 'batched',
    bad: 'none',
    complaint: 'must be one of all, batched, refusals',
  },
  auditSubjects: {
    variable: 'AUDIT_SUBJECTS',
    default: 'plain',
    declared: 'plain',
    given: 'hashed',
    bad: 'none',
    complaint: 'must be "plain" or "hashed"',
  },
  auditSecret: {
    variable: 'AUDIT_SECRET',
    default: undefined,
    declared: 'd'.repeat(32),
    given: '["is no JSON, whatever it looks like',
    bad: 's'.repeat(31),
    complaint: 'must have at least 32 characters, random ones',
  },
  auditSecretPrevious: {
    variable: 'AUDIT_SECRET_PREVIOUS',
    default: undefined,
    declared: 'd'.repeat(32),
    given: 'g'.repeat(32),
    bad: 's'.repeat(31),
    complaint: 'must have at least 32 characters, random ones',
  },
  stepUp: {
    variable: 'STEP_UP',
    default: 'http',
    declared: 'http',
    given: 'tool-result',
    bad: 'HTTP',
    complaint: 'must be "http" or "tool-result"',
  },
  allowedOrigins: {
    variable: 'ALLOWED_ORIGINS',
    default: [],
    declared: ['https://app.example.com'],
    given: '["*","http://localhost:6274"]',
    understood: ['*', 'http://localhost:6274'],
    bad: ['*', 'https://app.example.com/'],
    complaint:
      'must be a list of origins such as "https://app.example.com" (no path, no trailing slash), or ["*"]',
  },
  allowedHeaders: {
    variable: 'ALLOWED_HEADERS',
    default: [],
    declared: ['X-Api-Key'],
    given: '["x-tenant"]',
    understood: ['x-tenant'],
    bad: ['X-Api-Key', '*'],
    complaint: 'must be a list of header names such as "X-Api-Key"; there is no "*" for all of them',
  },
  allowedHosts: {
    variable: 'ALLOWED_HOSTS',
    default: [],
    declared: ['a.example.com'],
    given: '["b.example.com:8443"]',
    understood: ['b.example.com:8443'],
    bad: ['a.example.com', 5],
    complaint: 'must be a list of strings',
  },
  requestStateSecret: {
    variable: 'REQUEST_STATE_SECRET',
    default: undefined,
    declared: 'd'.repeat(32),
    given: '{"is":"no JSON, whatever it looks like',
    bad: 's'.repeat(31),
    complaint: 'must have at least 32 characters, random ones',
  },
  requestStateSecretPrevious: {
    variable: 'REQUEST_STATE_SECRET_PREVIOUS',
    default: undefined,
    declared: 'd'.repeat(32),
    given: 'g'.repeat(32),
    bad: 's'.repeat(31),
    complaint: 'must have at least 32 characters, random ones',
  },
  objectJurisdiction: {
    variable: 'OBJECT_JURISDICTION',
    default: undefined,
    declared: 'fedramp',
    given: 'eu',
    bad: 'EU',
    complaint: 'must be one of eu, fedramp',
  },
  objectLocationHint: {
    variable: 'OBJECT_LOCATION_HINT',
    default: undefined,
    declared: 'me',
    given: 'weur',
    bad: ['weur', 'eeur'],
    complaint: 'must be one of wnam, enam, sam, weur, eeur, apac, oc, afr, me',
  },
};

/** So that no row of the table is in conflict with the default of another one. */
const noConflict = {
  jwksFreshSeconds: 60,
  policyFreshSeconds: 1,
  policyHardLimitSeconds: 301,
  auditSecret: 's'.repeat(32),
  requestStateSecret: 's'.repeat(32),
};

describe.each(Object.entries(SETTINGS))('%s', (name, row) => {
  const { variable, given, understood = given } = row;
  const value = (vars: Vars, settings: object = {}) =>
    check(vars, { ...noConflict, ...settings })[name as keyof typeof SETTINGS];

  test('has its default when nobody sets it', () => {
    expect(check()[name as keyof typeof SETTINGS]).toEqual(row.default);
  });
  test('can be declared', () => {
    expect(value({}, { [name]: row.declared })).toEqual(row.declared);
  });
  test('can be a variable, which wins over the declaration', () => {
    expect(value({ [variable]: given }, { [name]: row.declared })).toEqual(understood);
    expect(value({ [variable]: understood })).toEqual(understood);
  });
  test('counts as not given when the variable is empty', () => {
    expect(value({ [variable]: '' }, { [name]: row.declared })).toEqual(row.declared);
  });
  test('is refused by name when it is wrong, wherever it is set', () => {
    const isSecret = /Secret(Previous)?$/.test(name);
    const place = isSecret ? `${variable} (wrangler secret put ${variable})` : where(variable, name);
    const complaint = `${place}: ${row.complaint}.`;
    expect(problems({ [variable]: row.bad }, noConflict)).toEqual([complaint]);
    expect(problems({}, { ...noConflict, [name]: row.bad })).toEqual([complaint]);
  });
});

test.each(Object.entries(NUMBERS))('%s is a whole number within its bounds', (name, row) => {
  const { variable, declared: least, understood: most, complaint } = row;
  for (const good of [least, most, String(least), String(most)]) {
    expect(check({ [variable]: good }, noConflict)[name as keyof typeof NUMBERS]).toBe(Number(good));
  }
  for (const bad of [
    Number(least) - 1,
    Number(most) + 1,
    Number(least) + 0.5,
    NaN,
    '1e3',
    '-1',
    ' 60',
    true,
    null,
  ]) {
    expect(problems({ [variable]: bad }, noConflict), String(bad)).toEqual([
      `${where(variable, name)}: ${complaint}.`,
    ]);
  }
});

test.each([
  ['objectJurisdiction', 'OBJECT_JURISDICTION', ['eu', 'fedramp']],
  [
    'objectLocationHint',
    'OBJECT_LOCATION_HINT',
    ['wnam', 'enam', 'sam', 'weur', 'eeur', 'apac', 'oc', 'afr', 'me'],
  ],
] as const)('%s is one of the names of the platform', (name, variable, names) => {
  for (const good of names) expect(check({ [variable]: good })[name]).toBe(good);
  for (const bad of ['', [names[0]], `${names[0]} `, 5, null, true, {}]) {
    expect(problems({}, { [name]: bad }), JSON.stringify(bad)).toEqual([
      `${where(variable, name)}: must be one of ${names.join(', ')}.`,
    ]);
  }
});

test.each(['REQUEST_STATE_SECRET', 'REQUEST_STATE_SECRET_PREVIOUS', 'AUDIT_SECRET', 'AUDIT_SECRET_PREVIOUS'])(
  '%s is not repeated when it is refused',
  (variable) => {
    const found = problems({ [variable]: 'hunter2' }).join();
    expect(found).toContain(variable);
    expect(found).not.toContain('hunter2');
  },
);

describe.each(['REQUEST_STATE_SECRET', 'AUDIT_SECRET'])('%s_PREVIOUS', (variable) => {
  const [before, current] = ['b'.repeat(32), 'c'.repeat(32)];
  const at = (name: string) => `${name} (wrangler secret put ${name})`;

  test('stands beside another current one', () => {
    expect(problems({ [variable]: current, [`${variable}_PREVIOUS`]: before })).toEqual([]);
  });
  test('does not stand alone', () => {
    expect(problems({ [`${variable}_PREVIOUS`]: before })).toEqual([
      `${at(variable)}: is missing, and ${variable}_PREVIOUS only helps to replace it: set the new secret here, or delete the previous one.`,
    ]);
  });
  test('is not the current one again', () => {
    expect(problems({ [variable]: before, [`${variable}_PREVIOUS`]: before })).toEqual([
      `${at(`${variable}_PREVIOUS`)}: is the same as ${variable}: keep the secret from before in it, or delete it.`,
    ]);
  });
  test('says nothing more where the current one is no good', () => {
    expect(problems({ [variable]: 'short', [`${variable}_PREVIOUS`]: before })).toHaveLength(1);
  });
});

test.each([[null], [[]], ['write'], [5]])('scopeImplications are an object, not %j', (given) => {
  expect(problems({ SCOPE_IMPLICATIONS: given })).toEqual([
    `${where('SCOPE_IMPLICATIONS', 'scopeImplications')}: must be an object of scope lists.`,
  ]);
});

test('the stale limit is not below the fresh time', () => {
  expect(problems({ JWKS_FRESH_SECONDS: 120, JWKS_STALE_LIMIT_SECONDS: 120 })).toEqual([]);
  expect(problems({ JWKS_FRESH_SECONDS: 120, JWKS_STALE_LIMIT_SECONDS: 119 })).toEqual([
    `${where('JWKS_STALE_LIMIT_SECONDS', 'jwksStaleLimitSeconds')}: must not be below jwksFreshSeconds (120).`,
  ]);
});

test('the hard limit of the policy is above the time it is fresh', () => {
  expect(problems({ POLICY_FRESH_SECONDS: 60, POLICY_HARD_LIMIT_SECONDS: 61 })).toEqual([]);
  expect(problems({ POLICY_FRESH_SECONDS: 60, POLICY_HARD_LIMIT_SECONDS: 60 })).toEqual([
    `${where('POLICY_HARD_LIMIT_SECONDS', 'policyHardLimitSeconds')}: must be above policyFreshSeconds (60).`,
  ]);
});

test('pseudonyms of subjects are not made without a secret', () => {
  expect(problems({ AUDIT_SUBJECTS: 'hashed' })).toEqual([
    'AUDIT_SECRET (wrangler secret put AUDIT_SECRET): is missing; AUDIT_SUBJECTS = "hashed" needs it.',
  ]);
  expect(problems({ AUDIT_SUBJECTS: 'hashed', AUDIT_SECRET: 's'.repeat(32) })).toEqual([]);
});

describe('OPERATORS', () => {
  const OPERATORS_AT = where('OPERATORS', 'operators');

  test.each<[string, unknown]>([
    ['no list', { issuer: ISSUER, subject: 'root' }],
    ['a text', 'root'],
    ['a list with a text', ['root']],
    ['a list with nothing', [null]],
    ['one without an issuer', [{ subject: 'root' }]],
    ['one with an empty subject', [{ issuer: ISSUER, subject: '' }]],
    ['one with an empty issuer', [{ issuer: '', subject: 'root' }]],
    ['one whose subject is no text', [{ issuer: ISSUER, subject: 5 }]],
    ['a client: whoever signs in with it would be an operator', [{ issuer: ISSUER, clientId: 'cli' }]],
    ['a client beside the subject', [{ issuer: ISSUER, subject: 'root', clientId: 'cli' }]],
    ['a tenant without a name', [{ issuer: ISSUER, subject: 'root', tenant: '' }]],
    ['a subject that is null', [{ issuer: ISSUER, subject: null }]],
    ['one that is no good among good ones', [{ issuer: ISSUER, subject: 'root' }, {}]],
  ])('refuses %s', (_, given) => {
    expect(problems({ OPERATORS: given })).toEqual([
      `${OPERATORS_AT}: must be a list of {"issuer":"…","subject":"…"}, with "tenant":"…" where tokens have one.`,
    ]);
  });

  test('refuses an operator of an issuer that is not trusted', () => {
    const OPERATORS = [
      { issuer: ISSUER, subject: 'root' },
      { issuer: `${ISSUER}/`, subject: 'root' },
    ];
    expect(problems({ OPERATORS })).toEqual([
      `${OPERATORS_AT}: ${ISSUER}/ is not an issuer in AUTHORIZATION_SERVERS.`,
    ]);
  });

  test('accepts an operator of any issuer of an entry with several', () => {
    const vars = {
      AUTHORIZATION_SERVERS: [{ issuer: [ISSUER, 'https://b.example'] }],
      OPERATORS: [{ issuer: 'https://b.example', subject: 'root' }],
    };
    expect(check(vars).operators).toEqual(vars.OPERATORS);
  });
});

describe('operators of an issuer whose tokens have a tenant', () => {
  const AS = { issuer: ISSUER, tenant: { claim: [['org']] } };
  const entry = (values?: readonly string[]) => ({
    AUTHORIZATION_SERVERS: [{ ...AS, tenant: { ...AS.tenant, ...(values ? { values } : {}) } }],
  });
  const root = (tenant?: string | null) => ({
    OPERATORS: [{ issuer: ISSUER, subject: 'root', ...(tenant === undefined ? {} : { tenant }) }],
  });
  const operators = where('OPERATORS', 'operators');
  const unclear = `${operators}: tokens of ${ISSUER} have a tenant, and more than one is served: give "tenant" as well.`;
  const unserved = `${operators}: ${ISSUER} has the tenant "c" not among its tenant.values.`;

  test.each<[string, object, string[]]>([
    ['need one, where all are served', { ...entry(), ...root() }, [unclear]],
    ['need one, where several are', { ...entry(['a', 'b']), ...root() }, [unclear]],
    ['need none, where one is', { ...entry(['a']), ...root() }, []],
    ['may be of a tenant', { ...entry(), ...root('a') }, []],
    ['may be of none', { ...entry(), ...root(null) }, []],
    ['are of a tenant that is served', { ...entry(['a', 'b']), ...root('c') }, [unserved]],
    [
      'have none, where tokens have none',
      { AUTHORIZATION_SERVERS: [{ issuer: ISSUER }], ...root('a') },
      [`${operators}: tokens of ${ISSUER} have no tenant: leave "tenant" out.`],
    ],
    [
      'come by role from a tenant that can be',
      {
        ...entry(['a', 'b']),
        OPERATOR_TENANTS: [
          { issuer: ISSUER, tenant: 'a' },
          { issuer: ISSUER, tenant: null },
          { issuer: 'https://b.example', tenant: 'a' },
        ],
      },
      [
        `${where('OPERATOR_TENANTS', 'operatorTenants')}: ${ISSUER} has the tenant null not among its tenant.values.`,
        `${where('OPERATOR_TENANTS', 'operatorTenants')}: https://b.example is not an issuer in AUTHORIZATION_SERVERS.`,
      ],
    ],
  ])('%s', (_, vars, expected) => {
    expect(problems(vars as Record<string, unknown>)).toEqual(expected);
  });

  test('come by role from the tenants that are named', () => {
    const OPERATOR_TENANTS = [{ issuer: ISSUER, tenant: 'a' }];
    expect(check({ ...entry(), OPERATOR_TENANTS }).operatorTenants).toEqual(OPERATOR_TENANTS);
  });
});

test.each([[true], ['true']])('service keys are on with %j', (given) => {
  expect(check({ SERVICE_KEYS: given }).serviceKeys).toBe(true);
  expect(check({}, { serviceKeys: given }).serviceKeys).toBe(true);
});

test.each([[false], ['false']])('service keys are off with %j', (given) => {
  expect(check({ SERVICE_KEYS: given }, { serviceKeys: true }).serviceKeys).toBe(false);
});

test.each([[1], ['1'], ['TRUE'], ['on'], [[]], [null]])(
  'service keys are neither on nor off with %j',
  (given) => {
    expect(problems({ SERVICE_KEYS: given })).toEqual([
      `${where('SERVICE_KEYS', 'serviceKeys')}: must be true or false.`,
    ]);
  },
);

describe('the scope of operators', () => {
  const given = { AUTHORIZATION_SERVERS: [{ issuer: ISSUER, grantedScopes: ['reports:read', 'mcp:admin'] }] };
  const implied = { SCOPE_IMPLICATIONS: { all: ['reports:read'], more: ['all', 'mcp:admin'] } };

  test('is in no token that nobody agreed to it for, unless that is set', () => {
    for (const [vars, name] of [
      [given, where('AUTHORIZATION_SERVERS', 'authorizationServers')],
      [implied, where('SCOPE_IMPLICATIONS', 'scopeImplications')],
    ] as const) {
      const [problem, ...more] = problems(vars);
      expect(more).toEqual([]);
      expect(problem).toMatch(/mcp:admin.*ADMIN_SCOPE_GRANTED = true\.$/);
      expect(problem?.startsWith(name)).toBe(true);
      expect(check({ ...vars, ADMIN_SCOPE_GRANTED: true }).adminScopeGranted).toBe(true);
      expect(check({ ...vars, ADMIN_SCOPE: 'ops' }).adminScope).toBe('ops');
    }
  });

  test('may imply others', () => {
    expect(problems({ SCOPE_IMPLICATIONS: { 'mcp:admin': ['reports:read', 'mcp:admin'] } })).toEqual([]);
  });
});

test.each([['mcp:admin reports:read'], ['"'], ['mcp:ädmin'], [' ']])(
  'adminScope is one scope, not %j',
  (given) => {
    const found = problems({ ADMIN_SCOPE: given });
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(/^ADMIN_SCOPE .*: must be one scope name/);
  },
);

test('nothing that decides trust has a default', () => {
  const bare = () => checkConfig({ serverInfo }, {});
  expect(bare).toThrow(new ConfigError([MISSING_RESOURCE, MISSING_SERVERS]));
  expect(problems({ RESOURCE: '' })).toEqual([MISSING_RESOURCE]);
  expect(problems({ AUTHORIZATION_SERVERS: undefined })).toEqual([MISSING_SERVERS]);
});

test('all problems are reported at once', () => {
  const vars = { RESOURCE: 'mcp', AUTHORIZATION_SERVERS: [{ issuer: '' }, {}], PAGE_SIZE: 0, STEP_UP: 'no' };
  const found = problems(vars, { instructions: '' });
  expect(found).toEqual([
    `${RESOURCE_AT}: must be the absolute URL of the MCP endpoint, such as https://mcp.example.com/mcp.`,
    `${SERVERS_AT}: entry 0: issuer must be a string, or a list of strings.`,
    `${SERVERS_AT}: entry 1: issuer must be a string, or a list of strings.`,
    `${where('PAGE_SIZE', 'pageSize')}: must be a whole number from 1 to 1000.`,
    `${where('INSTRUCTIONS', 'instructions')}: must be a non-empty string.`,
    `${where('STEP_UP', 'stepUp')}: must be "http" or "tool-result".`,
  ]);
  expect(new ConfigError(found).message).toBe(found.join('\n'));
});

test('variables that are no settings are not looked at', () => {
  expect(check({ SERVER_INFO: '{}', KIT_KV: {}, OTHER: 5 })).toEqual(check());
});

test('a configuration is frozen to the last list in it', () => {
  const roles = [['realm_access', 'roles']];
  const require = [{ anyOf: [{ claim: ['typ'], equals: 'Bearer' }] }];
  const entries = [
    { issuer: ISSUER, audience: ['a'], roles, require },
    { preset: 'auth0', issuer: 'https://tenant.eu.auth0.com/' },
  ];
  const config = check({
    AUTHORIZATION_SERVERS: JSON.stringify(entries),
    SCOPE_IMPLICATIONS: '{"write":["read"]}',
  });
  const objects = (value: unknown): object[] =>
    typeof value === 'object' && value !== null ? [value, ...Object.values(value).flatMap(objects)] : [];
  expect(objects(config).length).toBeGreaterThan(15);
  expect(objects(config).filter((part) => !Object.isFrozen(part))).toEqual([]);
});

describe('RESOURCE', () => {
  test.each([
    RESOURCE,
    'https://mcp.example.com',
    'https://mcp.example.com:8443/a/b.c_d~e-f',
    'http://localhost:8787/mcp',
    'http://mcp.localhost/mcp',
    'http://127.0.0.1/mcp',
    'http://[::1]:8787/mcp',
  ])('%s is fine, declared or as a variable', (resource) => {
    expect(check({ RESOURCE: resource }).resource).toBe(resource);
    expect(check({ RESOURCE: undefined }, { resource }).resource).toBe(resource);
  });

  const canonical = (form: string) => `is compared byte for byte, so write it in its canonical form: ${form}`;
  const NO_URL = 'must be the absolute URL of the MCP endpoint, such as https://mcp.example.com/mcp';
  const ODD_PATH = 'has a path with characters other than letters, digits and . _ ~ - /';
  test.each([
    ['/mcp', NO_URL],
    ['mcp.example.com/mcp', NO_URL],
    [5, NO_URL],
    [[RESOURCE], NO_URL],
    ['http://mcp.example.com/mcp', 'must use https (http only on localhost)'],
    ['http://localhost.example.com/mcp', 'must use https (http only on localhost)'],
    ['ftp://mcp.example.com/mcp', 'must use https (http only on localhost)'],
    ['https://mcp.example.com/mcp#a', 'must not have a fragment'],
    ['https://mcp.example.com/mcp#', 'must not have a fragment'],
    ['https://mcp.example.com/mcp?a=b', 'must not have a query'],
    ['https://mcp.example.com/mcp?', 'must not have a query'],
    ['https://user:secret@mcp.example.com/mcp', 'must not contain a user name or password'],
    ['https://user@mcp.example.com/mcp', 'must not contain a user name or password'],
    ['https://mcp.example.com/', 'must not end with a slash'],
    ['https://mcp.example.com/mcp/', 'must not end with a slash'],
    ['https://MCP.example.com/mcp', canonical(RESOURCE)],
    ['HTTPS://mcp.example.com/mcp', canonical(RESOURCE)],
    ['https://mcp.example.com:443/mcp', canonical(RESOURCE)],
    ['https://mcp.example.com/a/../mcp', canonical(RESOURCE)],
    [' https://mcp.example.com/mcp', canonical(RESOURCE)],
    ['https://mcp.example.com/mäp', canonical('https://mcp.example.com/m%C3%A4p')],
    ['https://mcp.example.com/m%C3%A4p', ODD_PATH],
    ['https://mcp.example.com/mcp/:id', ODD_PATH],
    ['https://mcp.example.com/mcp*', ODD_PATH],
    ['https://mcp.example.com//mcp', 'must not have two slashes in a row in its path'],
    [
      'https://mcp.example.com/.well-known/mcp',
      'must not be below /.well-known/, where the metadata is served',
    ],
  ])('%s is refused', (resource, complaint) => {
    const first = `${RESOURCE_AT}: ${complaint}.`;
    expect(problems({ RESOURCE: resource })).toEqual([first]);
  });
});

test.each([
  ['localhost', true],
  ['as.localhost', true],
  ['127.0.0.1', true],
  ['127.8.9.1', true],
  ['[::1]', true],
  ['notlocalhost', false],
  ['localhost.example.com', false],
  ['127.0.0.1.example.com', false],
  ['1127.0.0.1', false],
  ['0.0.0.0', false],
  ['10.0.0.1', false],
])('the host %s is this machine: %s', (host, expected) => {
  expect(isLoopback(host)).toBe(expected);
});

test.each([
  ['https://a.example/jwks', true],
  ['http://localhost:1/jwks', true],
  ['http://a.example/jwks', false],
  ['file:///etc/jwks', false],
  ['data:application/json,{}', false],
  ['/jwks', false],
  [undefined, false],
])('keys may come from %s: %s', (url, expected) => {
  expect(isSafeUrl(url)).toBe(expected);
});

test('a setting that there is not is a problem, for nobody would apply it', () => {
  expect(problems({}, { streamRecheckSecond: 1 })).toEqual([
    'streamRecheckSecond (in src/app/config.ts): there is no such setting.',
  ]);
});

test.each<[string, unknown]>([
  ['none', undefined],
  ['no name', { version: '1' }],
  ['an empty version', { name: 'a', version: '' }],
  ['a title that is no text', { name: 'a', version: '1', title: 5 }],
  ['a member that is not shown', { name: 'a', version: '1', titel: 'A' }],
])('what clients are shown of this server has name and version, and nothing unknown: %s', (_, info) => {
  expect(problems({}, { serverInfo: info })).toEqual([
    'serverInfo (in src/app/config.ts): must have name and version, may have title, all texts.',
  ]);
});

test('the kit keeps to itself its secrets, and what its authorization servers name', () => {
  const introspection = { url: `${ISSUER}/introspect`, clientId: 'us', secret: 'MY_SECRET' };
  const AUTHORIZATION_SERVERS = [{ issuer: ISSUER, introspection }];
  const { secretNames } = check({ AUTHORIZATION_SERVERS, MY_SECRET: 'x', MINE: 'y' });
  expect(secretNames).toEqual(expect.arrayContaining(['MY_SECRET', 'REQUEST_STATE_SECRET', 'AUDIT_SECRET']));
  expect(secretNames).not.toContain('MINE');
});
