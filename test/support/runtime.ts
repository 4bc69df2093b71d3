// A built Worker in a workerd process of its own, with storage on disk that outlives the process.
//
// Two of them over one folder stand for two isolates, or for one machine before and after it was killed.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Miniflare } from 'miniflare';
import type { Build } from './build.ts';
import { REQUEST_STATE_SECRET, RESOURCE } from './worker.ts';

export interface Runtime extends AsyncDisposable {
  fetch(url: string, init?: RequestInit): Promise<Response>;
  /** A value of KIT_KV, as bytes; `null` when there is none. */
  stored(key: string): Promise<ArrayBuffer | null>;
  /** Ends the process at once, whatever it is doing. */
  kill(): Promise<void>;
}

export interface RuntimeOptions {
  readonly build: Build;
  readonly authorizationServers: unknown;
  readonly vars?: Readonly<Record<string, string>>;
  /** Gets every URL the Worker fetches. */
  readonly outgoing?: string[];
}

export async function startRuntime({
  build,
  authorizationServers,
  vars = {},
  outgoing = [],
}: RuntimeOptions): Promise<Runtime> {
  const { folder } = build;
  const contents = await readFile(build.file, 'utf8');
  const object = (exportName: string) =>
    ({ type: 'durable-object', worker: 'mcp-edge', exportName }) as const;
  const runtime = new Miniflare({
    resourcePersistencePath: join(folder, 'state'),
    cf: false,
    handleStructuredLogs: () => {},
    workers: [
      {
        config: {
          name: 'mcp-edge',
          compatibilityDate: '2026-10-20',
          compatibilityFlags: ['enable_request_signal', 'disallow_importable_env'],
          manifest: {
            mainModule: 'worker.js',
            modulesRoot: folder,
            modules: { 'worker.js': { type: 'esm', contents } },
          },
          env: {
            RESOURCE: { type: 'text', value: RESOURCE },
            REQUEST_STATE_SECRET: { type: 'text', value: REQUEST_STATE_SECRET },
            AUTHORIZATION_SERVERS: { type: 'json', value: authorizationServers as never },
            ...Object.fromEntries(
              Object.entries(vars).map(([name, value]) => [name, { type: 'text', value } as const]),
            ),
            KIT_KV: { type: 'kv', id: 'kit' },
            REPORTS: { type: 'kv', id: 'reports' },
            CLIENT_SESSION: object('ClientSession'),
            NOTIFICATION_HUB: object('NotificationHub'),
            POLICY_REGISTRY: object('PolicyRegistry'),
            DECISION_LOG: object('DecisionLog'),
          },
          exports: {
            ClientSession: { type: 'durable-object', storage: 'sqlite' },
            NotificationHub: { type: 'durable-object', storage: 'sqlite' },
            PolicyRegistry: { type: 'durable-object', storage: 'sqlite' },
            DecisionLog: { type: 'durable-object', storage: 'sqlite' },
          },
        },
        dev: {
          rootPath: folder,
          outboundService: {
            type: 'fetcher',
            handler: (request) => {
              outgoing.push(request.url);
              return fetch(request.url, { redirect: 'manual' }) as never;
            },
          },
        },
      },
    ],
  });
  await runtime.ready;
  const kill = () => runtime.dispose();
  return {
    fetch: (url, init) => runtime.dispatchFetch(url, init as never) as unknown as Promise<Response>,
    stored: async (key) => (await runtime.getKVNamespace('KIT_KV')).get(key, 'arrayBuffer'),
    kill,
    [Symbol.asyncDispose]: kill,
  };
}
