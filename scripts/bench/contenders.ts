// Who is compared: each is a Worker of its own that does the same job, written as its own documentation shows.
//
// What a contender cannot do is not asked of it: it is absent from that table.

import { join } from 'node:path';

/** The one of a workload, or several. */
export type WorkloadName =
  | 'call'
  | 'tokens'
  | 'policy'
  | 'list'
  | 'session'
  | 'stream'
  | 'storm'
  | 'idle'
  | 'elicit';

/** The revision that a contender's clients speak. */
export type Dialect = '2026-07-28' | '2025-11-25' | '2025-06-18';

/** What `--only` calls the other checkout of `--against`, and its second process. */
export const BEFORE = 'before';
export const CONTROL = 'before-again';

export interface Contender {
  /** What `--only` calls it. */
  readonly name: string;
  readonly title: string;
  readonly group: 'ours' | 'floors' | 'rivals' | 'added' | 'before';
  /** Beside this file, or an absolute path. */
  readonly entry: string;
  readonly dialect: Dialect;
  readonly workloads: readonly WorkloadName[];
  /** Whether it has a scope of its own for each tool, or a caller with any valid token may use all. */
  readonly checksScope: boolean;
  /** Whether it looks at tokens at all. */
  readonly checksToken: boolean;
  /** Whether it answers calls in a session only. */
  readonly needsSession: boolean;
  readonly kv: readonly string[];
  /** Binding -> exported class. */
  readonly objects: Readonly<Record<string, string>>;
  readonly compatibilityFlags: readonly string[];
  /** Whose wrangler.toml it is built by, if not this checkout's. */
  readonly checkout?: string;
}

const floor = {
  group: 'floors',
  dialect: '2026-07-28',
  checksScope: true,
  checksToken: true,
  needsSession: false,
  kv: [],
  objects: {},
  compatibilityFlags: [],
} as const;

const rival = { ...floor, group: 'rivals' } as const;

export const CONTENDERS: readonly Contender[] = [
  {
    name: 'ours',
    title: 'this template',
    group: 'ours',
    entry: 'workers/ours.ts',
    dialect: '2026-07-28',
    workloads: ['call', 'tokens', 'policy', 'list', 'session', 'stream', 'storm', 'idle', 'elicit'],
    checksScope: true,
    checksToken: true,
    needsSession: false,
    kv: ['KIT_KV', 'REPORTS'],
    objects: {
      CLIENT_SESSION: 'ClientSession',
      NOTIFICATION_HUB: 'NotificationHub',
      POLICY_REGISTRY: 'PolicyRegistry',
      DECISION_LOG: 'DecisionLog',
    },
    compatibilityFlags: ['enable_request_signal', 'disallow_importable_env'],
  },
  {
    ...floor,
    name: 'floor-empty',
    title: 'floor: empty answer',
    entry: 'workers/floor-empty.ts',
    workloads: ['call'],
    checksScope: false,
    checksToken: false,
  },
  {
    ...floor,
    name: 'floor-cached',
    title: 'floor: cached token + JSON',
    entry: 'workers/floor-cached.ts',
    workloads: ['call', 'tokens'],
  },
  {
    ...floor,
    name: 'floor-verifying',
    title: 'floor: verifying every time',
    entry: 'workers/floor-verifying.ts',
    workloads: ['call', 'tokens', 'storm'],
  },
  {
    ...floor,
    name: 'floor-object',
    title: 'floor: cached token + JSON + one Durable Object RPC',
    entry: 'workers/floor-object.ts',
    workloads: ['call', 'session'],
    objects: { NOTES: 'Notes' },
  },
  {
    ...rival,
    name: 'sdk',
    title: 'official SDK: createMcpHandler + requireBearerAuth + jose',
    entry: 'rivals/sdk.ts',
    workloads: ['call', 'tokens', 'list', 'stream', 'elicit'],
  },
  {
    ...rival,
    name: 'sdk-tuned',
    title: 'official SDK, tuned: token cache, hoisted schemas, parsed body',
    entry: 'rivals/sdk-tuned.ts',
    workloads: ['call', 'list'],
  },
  {
    ...rival,
    name: 'agents',
    title: 'Cloudflare agents: createMcpHandler + jose',
    entry: 'rivals/agents.ts',
    workloads: ['call', 'list', 'stream', 'elicit'],
  },
  {
    ...rival,
    name: 'oauth-provider',
    title: 'Cloudflare workers-oauth-provider: OAuthResourceServer + agents',
    entry: 'rivals/oauth-provider.ts',
    workloads: ['call', 'list', 'stream', 'elicit'],
  },
  {
    ...rival,
    name: 'mcp-lite',
    title: 'mcp-lite + jose',
    entry: 'rivals/mcp-lite.ts',
    dialect: '2025-06-18',
    workloads: ['call', 'list'],
  },
  {
    ...rival,
    name: 'mcp-agent',
    title: 'Cloudflare McpAgent: a Durable Object per session',
    entry: 'rivals/mcp-agent.ts',
    dialect: '2025-11-25',
    needsSession: true,
    workloads: ['session', 'idle'],
    objects: { MCP_OBJECT: 'NotesAgent' },
  },
];

/** A Worker of somebody's own that is compared as well. */
export const added = (file: string): Contender => ({
  ...rival,
  name: 'added',
  title: file,
  group: 'added',
  entry: file,
  workloads: ['call', 'tokens'],
});

/** This template as another checkout has it, twice: what the second differs from the first by is chance. */
export const against = (checkout: string): readonly Contender[] =>
  CONTENDERS.filter(({ group }) => group === 'ours').flatMap((ours) =>
    [BEFORE, CONTROL].map((name) => ({
      ...ours,
      name,
      title: name === BEFORE ? `this template in ${checkout}` : 'the same again: the control',
      group: 'before' as const,
      entry: join(checkout, 'scripts/bench', ours.entry),
      workloads: ['call', 'list', 'session'] as const,
      checkout,
    })),
  );
