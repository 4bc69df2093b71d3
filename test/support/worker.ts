// The real Worker in workerd, with real KV, under the configuration a test wants.
//
// Requests are dispatched with absolute URLs, so the Worker sees the scheme and host a test names, wherever it really
// listens.

import { join } from 'node:path';
import { createTestHarness } from 'wrangler';

export const RESOURCE = 'https://mcp.example.com/mcp';
export const REQUEST_STATE_SECRET = 'a secret for tests that is long enough';

export interface TestWorker extends AsyncDisposable {
  /** Where it really listens. */
  readonly url: URL;
  fetch(url: string, init?: RequestInit): Promise<Response>;
  /** Everything logged since the last call, parsed. */
  logs(): Record<string, unknown>[];
  env(): Promise<Env>;
  /** Throws a ClientSession out of memory; its storage stays. */
  evict(owner: Owner): Promise<void>;
  /** Runs a query in a ClientSession's storage. */
  query(owner: Owner, sql: string): Promise<unknown[]>;
  /** The PolicyRegistry: thrown out of memory, and its storage asked. */
  readonly registry: { evict(): Promise<void>; query(sql: string): Promise<unknown[]> };
}

/** Whose ClientSession. */
export interface Owner {
  readonly issuer: string;
  readonly subject: string;
  readonly clientId: string | null;
  readonly tenant?: string | null | undefined;
}

export interface TestWorkerOptions {
  readonly vars: Readonly<Record<string, unknown>>;
  /** Entry to run instead of src/worker.ts. */
  readonly main?: string;
  /** Instead of those of wrangler.toml. */
  readonly compatibilityFlags?: readonly string[];
  /** A Worker beside it, and the Service Binding that leads there. */
  readonly neighbour?: Neighbour;
}

export interface Neighbour {
  readonly binding: string;
  readonly main: string;
  /** The host it answers on. */
  readonly host: string;
  readonly vars: Readonly<Record<string, string>>;
  readonly kvNamespaces: readonly string[];
}

const ROOT = join(import.meta.dirname, '../..');

/** A Worker that trusts one issuer, with RESOURCE and whatever else a test sets. */
export async function startWorker({
  vars,
  main: entry,
  compatibilityFlags = ['enable_request_signal', 'disallow_importable_env'],
  neighbour,
}: TestWorkerOptions): Promise<TestWorker> {
  // A neighbour is not in wrangler.toml.
  const main = entry ?? (neighbour && 'src/worker.ts');
  const options = { RESOURCE, REQUEST_STATE_SECRET, ...vars } as Record<string, string>;
  const harness = createTestHarness({
    root: ROOT,
    workers: [
      main === undefined
        ? { configPath: 'wrangler.toml', vars: options }
        : {
            config: {
              name: 'test',
              main,
              compatibility_date: '2026-10-20',
              compatibility_flags: [...compatibilityFlags],
              // What comes in by the socket has an https URL, as behind a front that speaks TLS.
              dev: { upstream_protocol: 'https' },
              vars: options,
              kv_namespaces: [{ binding: 'KIT_KV' }, { binding: 'REPORTS' }],
              services: neighbour ? [{ binding: neighbour.binding, service: 'neighbour' }] : [],
              durable_objects: {
                bindings: [
                  { name: 'CLIENT_SESSION', class_name: 'ClientSession' },
                  { name: 'NOTIFICATION_HUB', class_name: 'NotificationHub' },
                  { name: 'POLICY_REGISTRY', class_name: 'PolicyRegistry' },
                  { name: 'DECISION_LOG', class_name: 'DecisionLog' },
                ],
              },
              migrations: [
                { tag: 'v1', new_sqlite_classes: ['ClientSession', 'NotificationHub'] },
                { tag: 'v2', new_sqlite_classes: ['PolicyRegistry', 'DecisionLog'] },
              ],
            },
          },
      ...(neighbour ? [{ config: neighbourConfig(neighbour) }] : []),
    ],
  });
  const { url } = await harness.listen();
  return {
    url: new URL(url.href),
    fetch(url, init) {
      // By name, past the harness's proxy: that makes every URL http.
      const name = neighbour && new URL(url).host === neighbour.host ? 'neighbour' : undefined;
      // The harness has its own (undici) fetch types; they describe the same thing.
      const given = { redirect: 'manual', ...init } as never;
      return harness.getWorker(name).fetch(url, given) as unknown as Promise<Response>;
    },
    logs() {
      const lines = harness.getLogs().map(({ message }) => parse(message));
      harness.clearLogs();
      return lines;
    },
    env: () => harness.getWorker<Env>().getEnv(),
    evict: (owner) => harness.getWorker().evictDurableObject('ClientSession', { name: nameOf(owner) }),
    async query(owner, sql) {
      const storage = await harness
        .getWorker()
        .getDurableObjectStorage('ClientSession', { name: nameOf(owner) });
      return storage.exec(sql);
    },
    registry: {
      evict: () => harness.getWorker().evictDurableObject('PolicyRegistry', { name: 'policy' }),
      async query(sql) {
        const storage = await harness
          .getWorker()
          .getDurableObjectStorage('PolicyRegistry', { name: 'policy' });
        return storage.exec(sql);
      },
    },
    [Symbol.asyncDispose]: () => harness.close(),
  };
}

const neighbourConfig = ({ main, host, vars, kvNamespaces }: Neighbour) => ({
  name: 'neighbour',
  main,
  compatibility_date: '2026-10-20',
  routes: [`${host}/*`],
  vars,
  kv_namespaces: kvNamespaces.map((binding) => ({ binding })),
});

const nameOf = ({ issuer, subject, clientId, tenant }: Owner): string =>
  JSON.stringify([issuer, subject, clientId, ...(tenant === undefined ? [] : [tenant])]);

function parse(line: string): Record<string, unknown> {
  try {
    return JSON.parse(line);
  } catch {
    return { line };
  }
}
