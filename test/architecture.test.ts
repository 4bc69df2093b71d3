// Who may import whom, and what may stand where: the rules of src/ that a compiler does not know.
// Works on the text of the sources, with a small scanner that the last part of this file puts to the proof.

import { globSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { describe, expect, test } from 'vitest';

const SRC = join(import.meta.dirname, '../src');

/** What each part may import of the others, as values and types, or only as types. Within itself everything may. */
const MAY_IMPORT: Readonly<Record<string, { values: readonly string[]; types?: readonly string[] }>> = {
  app: { values: ['kit.ts'] },
  'server.ts': {
    values: ['context.ts', 'http', 'policy', 'audit', 'sessions', 'shapes.ts'],
    types: ['protocol'],
  },
  'bindings.ts': { values: [], types: ['config.ts'] },
  'hash.ts': { values: [] },
  'limit.ts': { values: [] },
  'config.ts': {
    values: ['authorization-servers.ts', 'operator-settings.ts', 'setting-checks.ts', 'shapes.ts', 'url.ts'],
    types: ['introspection-settings.ts'],
  },
  'authorization-servers.ts': {
    values: [
      'audience-settings.ts',
      'auth/providers',
      'claim-rules.ts',
      'introspection-settings.ts',
      'shapes.ts',
      'url.ts',
    ],
  },
  'audience-settings.ts': {
    values: ['claim-rules.ts', 'shapes.ts', 'url.ts'],
    types: ['authorization-servers.ts'],
  },
  'introspection-settings.ts': { values: ['shapes.ts', 'url.ts'], types: ['authorization-servers.ts'] },
  'operator-settings.ts': { values: ['shapes.ts'], types: ['authorization-servers.ts'] },
  'claim-rules.ts': { values: ['shapes.ts'] },
  'setting-checks.ts': { values: ['shapes.ts', 'url.ts'], types: ['authorization-servers.ts'] },
  'shapes.ts': { values: [] },
  'url.ts': { values: [] },
  'auth/providers': { values: [], types: ['authorization-servers.ts'] },
  'denial.ts': { values: [] },
  'log.ts': { values: [] },
  'grant.ts': { values: [], types: ['auth'] },
  'objects.ts': { values: ['grant.ts'], types: ['audit', 'auth', 'policy', 'sessions', 'config.ts'] },
  auth: { values: ['config.ts', 'denial.ts', 'hash.ts', 'limit.ts', 'log.ts', 'shapes.ts'] },
  policy: {
    values: ['grant.ts', 'hash.ts', 'log.ts', 'shapes.ts'],
    types: ['auth', 'config.ts', 'denial.ts'],
  },
  protocol: {
    values: ['denial.ts', 'grant.ts', 'hash.ts', 'log.ts', 'shapes.ts'],
    types: ['auth', 'policy', 'bindings.ts', 'config.ts'],
  },
  audit: { values: ['hash.ts', 'log.ts'], types: ['auth', 'config.ts'] },
  sessions: {
    values: ['protocol', 'policy', 'bindings.ts', 'denial.ts', 'grant.ts', 'hash.ts', 'log.ts', 'objects.ts'],
    types: ['audit', 'auth', 'config.ts'],
  },
  'context.ts': {
    values: ['config.ts', 'auth', 'policy', 'protocol', 'audit', 'sessions', 'limit.ts', 'objects.ts'],
  },
  admin: {
    values: [
      'auth',
      'policy',
      'protocol',
      'sessions',
      'audit',
      'denial.ts',
      'grant.ts',
      'hash.ts',
      'objects.ts',
      'shapes.ts',
    ],
    types: ['config.ts', 'context.ts'],
  },
  http: {
    values: [
      'auth',
      'policy',
      'protocol',
      'sessions',
      'admin',
      'audit',
      'bindings.ts',
      'config.ts',
      'context.ts',
      'denial.ts',
      'log.ts',
      'objects.ts',
      'shapes.ts',
    ],
  },
  'kit.ts': { values: ['auth', 'policy', 'protocol', 'http'], types: ['bindings.ts', 'config.ts'] },
  'worker.ts': { values: ['app', 'server.ts'] },
};

/** Packages, by who may import values of them; of any other package everybody may import types. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  app: ['valibot', '@valibot/to-json-schema'],
  auth: ['jose'],
  protocol: ['jose'],
  policy: ['cloudflare:workers'],
  sessions: ['cloudflare:workers'],
  audit: ['cloudflare:workers'],
  admin: ['itty-router'],
  http: ['itty-router'],
  'server.ts': ['cloudflare:workers'],
};

/** Words of code, and the only files that may have them. */
const ONLY_IN: readonly (readonly [name: string, pattern: RegExp, files: readonly string[]])[] = [
  ['console', /\bconsole\b/, ['log.ts']],
  ['idFromName', /\bidFromName\b/, ['objects.ts']],
  ['AutoRouter', /\bAutoRouter\b/, []],
  ['private, which Durable Objects do not keep over RPC: use #', /\bprivate\b/, []],
  ['a variable by a computed name', /\b(?:env|vars)\s*(?:\?\.)?\s*\[/, ['config.ts']],
];

/** No file but config.ts may have the name of one in its code. */
const VARIABLES = [
  'RESOURCE',
  'AUTHORIZATION_SERVERS',
  'INSTRUCTIONS',
  'RESOURCE_NAME',
  'RESOURCE_DOCUMENTATION',
  'SCOPES_SUPPORTED',
  'SCOPE_IMPLICATIONS',
  'DEFAULT_ROLES',
  'ADMIN_SCOPE',
  'ADMIN_PERMISSION',
  'ADMIN_SCOPE_IN_KEYS',
  'ADMIN_SCOPE_GRANTED',
  'ADMIN_CLIENTS',
  'ADMIN_TOKEN_SECONDS',
  'ADMIN_MAX_AUTH_AGE_SECONDS',
  'OPERATORS',
  'OPERATOR_TENANTS',
  'SERVICE_KEYS',
  'AUDIT_LOG',
  'SESSION_LISTENING',
  'AUDIT_SUBJECTS',
  'AUDIT_SECRET',
  'AUDIT_SECRET_PREVIOUS',
  'STEP_UP',
  'ALLOWED_ORIGINS',
  'ALLOWED_HEADERS',
  'ALLOWED_HOSTS',
  'CLOCK_TOLERANCE_SECONDS',
  'MAX_TOKEN_LIFETIME_SECONDS',
  'MAX_TOKEN_BYTES',
  'VERIFIED_TOKEN_CACHE_ENTRIES',
  'VERIFIED_TOKEN_CACHE_SECONDS',
  'INTROSPECTION_CACHE_SECONDS',
  'INTROSPECTIONS_PER_SECOND',
  'JWKS_FRESH_SECONDS',
  'JWKS_COOLDOWN_SECONDS',
  'JWKS_STALE_LIMIT_SECONDS',
  'ISSUER_TIMEOUT_MS',
  'MAX_ISSUER_RESPONSE_BYTES',
  'POLICY_FRESH_SECONDS',
  'POLICY_HARD_LIMIT_SECONDS',
  'SERVICE_KEY_MAX_SECONDS',
  'DECISION_LOG_ENTRIES',
  'DECISION_LOG_SECONDS',
  'DECISION_LOG_ALLOWS_PER_THOUSAND',
  'MAX_BODY_BYTES',
  'MAX_JSON_DEPTH',
  'PAGE_SIZE',
  'LIST_TTL_MS',
  'REQUEST_STATE_SECONDS',
  'ANSWER_TIMEOUT_SECONDS',
  'STREAM_RECHECK_SECONDS',
  'STREAM_KEEP_ALIVE_SECONDS',
  'STREAM_MAX_AGE_SECONDS',
  'SESSION_IDLE_SECONDS',
  'SESSION_MAX_SECONDS',
  'SESSIONS_PER_CLIENT',
  'SESSION_EVENTS',
  'SESSION_EVENT_BYTES',
  'SESSION_STATE_KEYS',
  'SESSION_STATE_VALUE_BYTES',
  'SESSION_STATE_BYTES',
  'NOTIFICATION_SHARDS',
  'REQUEST_STATE_SECRET',
  'REQUEST_STATE_SECRET_PREVIOUS',
  'OBJECT_JURISDICTION',
  'OBJECT_LOCATION_HINT',
];

const MAX_LINES = 450;

interface Import {
  readonly specifier: string;
  /** Path below src, or the package. */
  readonly target: string;
  readonly isType: boolean;
  /** The names imported, before any `as`. */
  readonly names: readonly string[];
}

/** Comments, text, templates and regular expressions, so that each is known by where it begins. */
const LEXICAL =
  /(?<comment>\/\/.*|\/\*[\s\S]*?\*\/)|(?<text>'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*")|(?<template>`(?:\\.|[^`\\])*`)|(?<=[(,=:[!&|?{};>]\s*)(?<regex>\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\/[a-z]*)/g;

/** Source without comments. With `onlyCode`, also without what stands in text: templates keep their expressions. */
function strip(source: string, onlyCode: boolean): string {
  return source.replace(LEXICAL, (whole, ...rest) => {
    const { comment, template } = rest.at(-1) as Record<string, string | undefined>;
    if (comment !== undefined) return ' ';
    if (!onlyCode) return whole;
    return template === undefined ? "''" : (template.match(/\$\{[^}]*\}/g) ?? []).join(' ');
  });
}

const IMPORT =
  /\b(?:import|export)\s+(?:(?<type>type)\s+(?!from\b))?(?<clause>[\w*{][^;'"()]*?)\s*\bfrom\s*(?<from>['"][^'"]+['"])|\bimport\s*(?<bare>['"][^'"]+['"])|\bimport\s*\(\s*(?<dynamic>['"][^'"]+['"])/g;

function importsOf(path: string, source: string): Import[] {
  return [...strip(source, false).matchAll(IMPORT)].map(({ groups = {} }) => {
    const specifier = (groups.from ?? groups.bare ?? groups.dynamic ?? '').slice(1, -1);
    const isRelative = specifier.startsWith('.');
    return {
      specifier,
      target: isRelative ? posix.join(posix.dirname(path), specifier) : specifier,
      isType: groups.type !== undefined,
      names: [...(groups.clause ?? '').matchAll(/(?<!\bas\s+)\b(?!type\b|as\b)\w+/g)].map(([name]) => name),
    };
  });
}

/** The presets are a part of their own: what decides trust reads them, and they only know its types. */
const partOf = (path: string): string =>
  path.startsWith('auth/providers/') ? 'auth/providers' : (path.split('/')[0] ?? path);
const isRelative = ({ specifier }: Import): boolean => specifier.startsWith('.');

/** Everything that breaks a rule, a sentence each. */
function complaintsAbout(sources: ReadonlyMap<string, string>): string[] {
  const complaints: string[] = [];
  for (const [path, source] of sources) {
    const complain = (problem: string): void => {
      complaints.push(`${path}: ${problem}`);
    };
    const part = partOf(path);
    const may = MAY_IMPORT[part];
    if (!may) complain(`${part} is not in the table of who may import whom`);
    if (!source.startsWith('// ')) complain('does not start with a comment that says what it is for');
    const lines = source.trimEnd().split('\n').length;
    if (lines > MAX_LINES) complain(`has ${lines} lines`);

    for (const imported of importsOf(path, source)) {
      const { specifier, target, isType, names } = imported;
      if (isRelative(imported)) {
        if (!specifier.endsWith('.ts')) complain(`imports ${specifier} without .ts`);
        const other = partOf(target);
        const allowed = [part, ...(may?.values ?? []), ...(isType ? (may?.types ?? []) : [])];
        if (!allowed.includes(other)) complain(`must not import ${isType ? 'types' : 'values'} of ${target}`);
        continue;
      }
      if (!isType && !PACKAGES[part]?.includes(specifier)) complain(`must not import values of ${specifier}`);
      if (specifier === 'itty-router' && names.includes('error'))
        complain('must not import error of itty-router');
    }

    const code = strip(source, true);
    for (const [name, pattern, files] of ONLY_IN) {
      if (pattern.test(code) && !files.includes(path)) complain(`must not use ${name}`);
    }
    const variable = VARIABLES.find((name) => new RegExp(`\\b${name}\\b`).test(code));
    if (variable && path !== 'config.ts') complain(`must not read the variable ${variable}`);
  }
  return [...complaints, ...cyclesIn(sources)];
}

/** Cycles of imports that exist at run time, each once. */
function cyclesIn(sources: ReadonlyMap<string, string>): string[] {
  const cycles: string[] = [];
  const done = new Set<string>();
  function visit(path: string, way: readonly string[]): void {
    if (way.includes(path)) {
      cycles.push(`${[...way.slice(way.indexOf(path)), path].join(' -> ')} is a cycle`);
      return;
    }
    if (done.has(path)) return;
    for (const imported of importsOf(path, sources.get(path) ?? '')) {
      if (isRelative(imported) && !imported.isType) visit(imported.target, [...way, path]);
    }
    done.add(path);
  }
  for (const path of sources.keys()) visit(path, []);
  return cycles;
}

const SOURCES: ReadonlyMap<string, string> = new Map(
  globSync('**/*.ts', { cwd: SRC })
    .map((path) => path.replaceAll('\\', '/'))
    .sort()
    .map((path) => [path, readFileSync(join(SRC, path), 'utf8')]),
);

test('src keeps every rule', () => {
  expect(complaintsAbout(SOURCES)).toEqual([]);
});

test('every import of src is seen, and leads to a file of src or to a package', () => {
  const seen = [...SOURCES].flatMap(([path, source]) => importsOf(path, source));
  const written = [...SOURCES.values()].flatMap(
    (source) => source.match(/^(?!\s*\/\/).* from '\S+';$/gm) ?? [],
  );
  expect(written.length).toBeGreaterThan(80);
  expect(seen.length).toBe(written.length);
  const local = seen.filter(isRelative).map(({ target }) => target);
  expect(local.filter((target) => !SOURCES.has(target))).toEqual([]);
});

test('the names of all settings are in the table', () => {
  const config = SOURCES.get('config.ts') ?? '';
  const block = (start: string) =>
    config.slice(config.indexOf(start), config.indexOf('\n}', config.indexOf(start)));
  const names = [
    ...`${block('const NUMBERS')}${block('export interface Settings')}`.matchAll(/^ {2}(\w+)\??: /gm),
  ];
  const variables = names.map(([, name = '']) =>
    name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase(),
  );
  expect(variables.filter((name) => name !== 'SERVER_INFO').sort()).toEqual([...VARIABLES].sort());
});

describe('the scanner finds', () => {
  const about = (files: Readonly<Record<string, string>>) =>
    complaintsAbout(new Map(Object.entries(files).map(([path, code]) => [path, `// What for.\n${code}\n`])));

  test.each<[string, string, string, string]>([
    [
      'a value where only types may be imported',
      'protocol/a.ts',
      "import { authorize } from '../policy/authorize.ts';",
      'must not import values of policy/authorize.ts',
    ],
    [
      'a value among types',
      'policy/a.ts',
      "import { type A, b } from '../auth/b.ts';",
      'must not import values of auth/b.ts',
    ],
    [
      'braces with only types, which still load the file',
      'policy/a.ts',
      "import { type A } from '../auth/b.ts';",
      'must not import values of auth/b.ts',
    ],
    [
      'an import over several lines',
      'auth/a.ts',
      "import {\n  a,\n  b as c,\n} from '../http/b.ts';",
      'must not import values of http/b.ts',
    ],
    [
      'a type of a part that is closed',
      'auth/a.ts',
      "import type { A } from '../policy/a.ts';",
      'must not import types of policy/a.ts',
    ],
    [
      'an export from elsewhere',
      'denial.ts',
      "export * from './log.ts';",
      'must not import values of log.ts',
    ],
    ['an import for its effects', 'log.ts', "import './config.ts';", 'must not import values of config.ts'],
    [
      'an import in an expression',
      'app/a.ts',
      "const a = await import('../config.ts');",
      'must not import values of config.ts',
    ],
    [
      'a preset that verifies',
      'auth/providers/a.ts',
      "import { readClaims } from '../claims.ts';",
      'must not import values of auth/claims.ts',
    ],
    [
      'trust that is decided where tokens are verified',
      'authorization-servers.ts',
      "import { readClaims } from './auth/claims.ts';",
      'must not import values of auth/claims.ts',
    ],
    [
      'an app that goes past the kit',
      'app/tools/a.ts',
      "import { ToolError } from '../../protocol/tool.ts';",
      'must not import values of protocol/tool.ts',
    ],
    ['a part nobody knows', 'utils/a.ts', '', 'utils is not in the table of who may import whom'],
    [
      'a package of the app in the kit',
      'protocol/a.ts',
      "import * as v from 'valibot';",
      'must not import values of valibot',
    ],
    [
      'a package of the kit in the app',
      'app/a.ts',
      "import { jwtVerify } from 'jose';",
      'must not import values of jose',
    ],
    [
      'a package of another part of the kit',
      'http/a.ts',
      "import { DurableObject } from 'cloudflare:workers';",
      'must not import values of cloudflare:workers',
    ],
    [
      'a session that verifies',
      'sessions/a.ts',
      "import { readClaims } from '../auth/claims.ts';",
      'must not import values of auth/claims.ts',
    ],
    [
      'a policy that verifies',
      'policy/a.ts',
      "import { readClaims } from '../auth/claims.ts';",
      'must not import values of auth/claims.ts',
    ],
    [
      'a policy that calls an object by itself',
      'policy/a.ts',
      "import { policyRegistry } from '../objects.ts';",
      'must not import values of objects.ts',
    ],
    [
      'an audit that knows the policy',
      'audit/a.ts',
      "import type { Policy } from '../policy/snapshot.ts';",
      'must not import types of policy/snapshot.ts',
    ],
    [
      'names of objects that load what the objects are',
      'objects.ts',
      "import { createPolicyRegistry } from './policy/policy-registry.ts';",
      'must not import values of policy/policy-registry.ts',
    ],
    [
      'an endpoint of operators that goes past the gate',
      'admin/a.ts',
      "import { mcpEndpoint } from '../http/mcp-endpoint.ts';",
      'must not import values of http/mcp-endpoint.ts',
    ],
    [
      'a context that operations make themselves',
      'admin/a.ts',
      "import { createContext } from '../context.ts';",
      'must not import values of context.ts',
    ],
    [
      'a protocol that knows sessions',
      'protocol/a.ts',
      "import type { State } from '../sessions/state.ts';",
      'must not import types of sessions/state.ts',
    ],
    [
      'values of the official package',
      'protocol/a.ts',
      "import { McpServer } from '@modelcontextprotocol/server';",
      'must not import values of @modelcontextprotocol/server',
    ],
    [
      'itty-router answering errors',
      'http/a.ts',
      "import { error as e, Router } from 'itty-router';",
      'must not import error of itty-router',
    ],
    ['AutoRouter', 'http/a.ts', "import { AutoRouter } from 'itty-router';", 'must not use AutoRouter'],
    ['data of another kind', 'admin/a.ts', "import a from './a.json';", 'imports ./a.json without .ts'],
    ['an import without .ts', 'auth/a.ts', "import { a } from './b';", 'imports ./b without .ts'],
    ['console', 'auth/a.ts', "console.log('x');", 'must not use console'],
    ['idFromName beside a session', 'sessions/a.ts', 'env.HUB.idFromName(name);', 'must not use idFromName'],
    ['idFromName', 'http/a.ts', 'env.SESSIONS.idFromName(name);', 'must not use idFromName'],
    [
      'private',
      'policy/a.ts',
      'class A { private a = 1; }',
      'must not use private, which Durable Objects do not keep over RPC: use #',
    ],
    ['a variable by name', 'http/a.ts', 'const a = env.RESOURCE;', 'must not read the variable RESOURCE'],
    [
      'a variable taken out',
      'http/a.ts',
      'const { STEP_UP: stepUp } = env;',
      'must not read the variable STEP_UP',
    ],
    [
      'a variable in a template',
      'http/a.ts',
      `const a = \`x\${env.PAGE_SIZE}\`;`,
      'must not read the variable PAGE_SIZE',
    ],
    [
      'a variable by a computed name',
      'http/a.ts',
      "const a = env['RESOURCE'];",
      'must not use a variable by a computed name',
    ],
    [
      'code after text that looks like a comment',
      'auth/a.ts',
      "const a = 'http://x'; console.log(/[/'\"]/, a);",
      'must not use console',
    ],
    ['a file that is too long', 'auth/a.ts', 'a;\n'.repeat(450), 'has 451 lines'],
  ])('%s', (_, path, code, complaint) => {
    expect(about({ [path]: code })).toEqual([`${path}: ${complaint}`]);
  });

  test('a file without a header', () => {
    expect(complaintsAbout(new Map([['log.ts', 'export {};\n']]))).toEqual([
      'log.ts: does not start with a comment that says what it is for',
    ]);
  });

  test('a cycle of values, and none where one way is of types', () => {
    const b = "import { c } from './c.ts';";
    const c = "import { a } from './a.ts';";
    const values = { 'auth/a.ts': "import { b } from './b.ts';", 'auth/b.ts': b, 'auth/c.ts': c };
    expect(about(values)).toEqual(['auth/a.ts -> auth/b.ts -> auth/c.ts -> auth/a.ts is a cycle']);
    expect(about({ ...values, 'auth/a.ts': "import type { b } from './b.ts';" })).toEqual([]);
  });

  test('nothing in comments, text and what is allowed', () => {
    const code = [
      "// import { a } from '../http/a.ts'; console.log, AutoRouter, private",
      "/* import '../http/a.ts'; */",
      "const a = 'private console env.RESOURCE';",
      `const b = \`private \${a} RESOURCE\`;`,
      'const c = /private|"console/.test(a); // env[a]',
      "import type { CallToolResult } from '@modelcontextprotocol/server';",
      "import type { Config } from '../config.ts';",
      "export type { Principal } from '../auth/principal.ts';",
      "import { log } from '../log.ts';",
      "import { privateKeys, consoles } from './a.ts';",
      "import { base64url } from 'jose';",
    ];
    expect(about({ 'protocol/b.ts': code.join('\n') })).toEqual([]);
    expect(about({ 'objects.ts': 'env.HUB.idFromName(name);' })).toEqual([]);
    for (const part of ['sessions', 'policy', 'audit'])
      expect(about({ [`${part}/a.ts`]: "import { DurableObject } from 'cloudflare:workers';" })).toEqual([]);
  });
});
