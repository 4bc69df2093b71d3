// The local stack: the authorization server and the Worker on localhost, with data to play with. Used by start and demo.
//
// The Worker runs in workerd with hot reload, from wrangler.toml; only what a deployment must decide is set here.
// Does not configure anything else: what works here works deployed.

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { KVNamespace } from '@cloudflare/workers-types';
import { getPlatformProxy, unstable_startWorker } from 'wrangler';
import { INTROSPECTOR } from './authorization-server/accounts.ts';
import { startAuthorizationServer } from './authorization-server.ts';
import { REPORTS } from './seed.ts';

export interface LocalStackOptions {
  /** Of the Worker. */
  readonly port: number;
  readonly authorizationServerPort: number;
  /** Folder of the Worker's storage. Default: .wrangler/state, as with `wrangler dev`. */
  readonly persist?: string;
  /** Access tokens are opaque, and the Worker asks about them: its entry has to have the feature for it. */
  readonly opaque?: boolean;
  /** Of the Worker, instead of the one of wrangler.toml. */
  readonly entry?: string;
  /** Gets each line the Worker logs. */
  readonly log?: (line: string) => void;
  /** Whether to take in changes of the source while running. */
  readonly watch?: boolean;
}

export interface LocalStack {
  readonly mcp: string;
  /** A resource of the same authorization server that is not this one: its tokens are refused here. */
  readonly otherResource: string;
  readonly issuer: string;
  close(): Promise<void>;
}

const CONFIG_PATH = join(import.meta.dirname, '../wrangler.toml');
/** Only the namespace that is seeded: the proxy cannot host Durable Objects and would say so at length. */
const SEED_CONFIG_PATH = join(import.meta.dirname, 'seed.toml');
const DEFAULT_PERSIST = join(import.meta.dirname, '../.wrangler/state');

/** @throws {Error} that says what to do, when a port is taken */
export async function startLocalStack(options: LocalStackOptions): Promise<LocalStack> {
  const {
    port,
    authorizationServerPort,
    persist = DEFAULT_PERSIST,
    opaque = false,
    entry,
    log = () => {},
    watch = false,
  } = options;
  // Miniflare asks the internet what request.cf would look like here; nothing of ours looks at it.
  process.env.CLOUDFLARE_CF_FETCH_ENABLED ??= 'false';
  await checkFree(port);
  const mcp = `http://localhost:${port}/mcp`;
  const otherResource = `http://localhost:${port}/another`;
  const authorizationServer = await startAuthorizationServer({
    port: authorizationServerPort,
    resources: [mcp, otherResource],
    opaque,
  });
  try {
    await seed(persist);
    const worker = await unstable_startWorker({
      config: CONFIG_PATH,
      ...(entry === undefined ? {} : { entrypoint: entry }),
      bindings: {
        RESOURCE: { type: 'plain_text', value: mcp },
        REQUEST_STATE_SECRET: { type: 'plain_text', value: randomBytes(32).toString('base64url') },
        SERVICE_KEYS: { type: 'plain_text', value: 'true' },
        AUTHORIZATION_SERVERS: { type: 'json', value: [trusted(authorizationServer.issuer, opaque)] },
        ...(opaque ? { INTROSPECTION_SECRET: { type: 'plain_text', value: INTROSPECTOR.secret } } : {}),
      },
      dev: {
        server: { hostname: 'localhost', port },
        inspector: false,
        watch,
        logLevel: 'error',
        persist,
        structuredLogsHandler: ({ message }: { message: string }) => log(message),
      },
    });
    await worker.ready;
    const close = async () => {
      await Promise.allSettled([worker.dispose(), authorizationServer.close()]);
    };
    return { mcp, otherResource, issuer: authorizationServer.issuer, close };
  } catch (error) {
    await authorizationServer.close();
    throw error;
  }
}

/** An entry of AUTHORIZATION_SERVERS. */
const trusted = (issuer: string, opaque: boolean) => ({
  issuer,
  ...(opaque
    ? {
        introspection: {
          url: `${issuer}/introspect`,
          clientId: INTROSPECTOR.id,
          secret: 'INTROSPECTION_SECRET',
        },
        // A machine's opaque token has no subject of its own.
        subject: [['sub'], ['client_id']],
      }
    : {}),
});

/** Puts the example's reports where there are none, so that nobody's changes are lost on a restart. */
async function seed(persist: string): Promise<void> {
  const { env, dispose } = await getPlatformProxy<{ REPORTS: KVNamespace }>({
    configPath: SEED_CONFIG_PATH,
    persist: { path: `${persist}/v3` },
  });
  try {
    const { keys } = await env.REPORTS.list({ prefix: 'report:', limit: 1 });
    if (keys.length > 0) return;
    for (const report of REPORTS) {
      await env.REPORTS.put(`report:${report.id}`, JSON.stringify(report), {
        metadata: { title: report.title },
      });
    }
  } finally {
    await dispose();
  }
}

async function checkFree(port: number): Promise<void> {
  const server = createServer().listen(port, 'localhost');
  try {
    await once(server, 'listening');
  } catch {
    throw new Error(`port ${port} is taken; choose another with --port or PORT`);
  }
  server.close();
  await once(server, 'close');
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, 'localhost');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
