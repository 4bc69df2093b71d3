// A built contender running in a workerd process of its own, with real KV and Durable Objects.
//
// Requests go to a socket that leads straight into the Worker: through miniflare's main socket they would pass its entry
// Worker first, and that would be measured too.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Miniflare } from 'miniflare';
import type { AuditLog } from '../../src/config.ts';
import type { Build } from './build.ts';
import type { Contender } from './contenders.ts';
import { type Issuer, RESOURCE } from './issuer.ts';
import { children } from './process-cost.ts';

export interface Running extends AsyncDisposable {
  readonly contender: Contender;
  /** Where the Worker itself listens. */
  readonly port: number;
  /** `undefined` where a platform does not tell. */
  readonly pid: number | undefined;
  /** Where CDP is spoken, with a slash at the end. */
  inspector(): Promise<string>;
  /** Writes into one of its KV namespaces. */
  store(namespace: string, key: string, value: ArrayBuffer | string): Promise<void>;
}

export interface RunOptions {
  readonly contender: Contender;
  readonly build: Build;
  readonly issuer: Issuer;
  /** Of CDP: for a profile. */
  readonly inspectorPort?: number;
  /** How the log has what was allowed. If it does, so has every sink of the audit that needs no other Worker. */
  readonly auditLog?: AuditLog;
}

const SECRET = 'a secret of the benchmark, long enough';

/** What every contender is told; each takes what it needs. */
export const variablesOf = (issuer: Issuer, auditLog: AuditLog = 'refusals') => ({
  text: {
    RESOURCE,
    ISSUER: issuer.url,
    REQUEST_STATE_SECRET: SECRET,
    AUDIT_LOG: auditLog,
  },
  json: { JWKS: issuer.jwks, AUTHORIZATION_SERVERS: [{ issuer: issuer.url }] },
});

export async function run(options: RunOptions): Promise<Running> {
  const { contender, build, issuer, inspectorPort, auditLog = 'refusals' } = options;
  const folder = await mkdtemp(join(tmpdir(), 'mcp-edge-bench-state-'));
  const before = children('workerd');
  const variables = variablesOf(issuer, auditLog);
  const miniflare = new Miniflare({
    resourcePersistencePath: folder,
    cf: false,
    handleStructuredLogs: () => {},
    ...(inspectorPort === undefined ? {} : { inspectorPort }),
    workers: [
      {
        config: {
          name: 'bench',
          compatibilityDate: build.compatibilityDate,
          compatibilityFlags: [...contender.compatibilityFlags],
          manifest: {
            mainModule: 'worker.js',
            modulesRoot: folder,
            modules: { 'worker.js': { type: 'esm', contents: build.code } },
          },
          env: {
            ...Object.fromEntries(
              Object.entries(variables.text).map(([name, value]) => [name, { type: 'text' as const, value }]),
            ),
            ...Object.fromEntries(
              Object.entries(variables.json).map(([name, value]) => [
                name,
                { type: 'json' as const, value: value as never },
              ]),
            ),
            ...Object.fromEntries(contender.kv.map((name) => [name, { type: 'kv' as const, id: name }])),
            ...Object.fromEntries(
              Object.entries(contender.objects).map(([name, exportName]) => [
                name,
                { type: 'durable-object' as const, worker: 'bench', exportName },
              ]),
            ),
            ...(auditLog !== 'refusals'
              ? { AUDIT_ANALYTICS: { type: 'analytics-engine-dataset' as const } }
              : {}),
          },
          exports: Object.fromEntries(
            Object.values(contender.objects).map((name) => [
              name,
              { type: 'durable-object' as const, storage: 'sqlite' as const },
            ]),
          ),
        },
        dev: { rootPath: folder, unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }] },
      },
    ],
  });
  try {
    await miniflare.ready;
    const { port } = await miniflare.unsafeGetDirectURL('bench');
    const [pid] = [...children('workerd')].filter((id) => !before.has(id));
    return {
      contender,
      port: Number(port),
      pid,
      inspector: async () => String(await miniflare.getInspectorURL()),
      async store(namespace, key, value) {
        const kv = await miniflare.getKVNamespace(namespace);
        await kv.put(key, value);
      },
      async [Symbol.asyncDispose]() {
        await miniflare.dispose();
        await rm(folder, { recursive: true, force: true });
      },
    };
  } catch (error) {
    await miniflare.dispose();
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}
