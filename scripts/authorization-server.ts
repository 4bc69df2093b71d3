// A real OAuth 2.1 authorization server on localhost, for development and tests.
//
// Listens on loopback only, keeps everything in memory and forgets it on exit. What it allows is in
// authorization-server/provider.ts, whom it knows in authorization-server/accounts.ts.
// Does not belong on any network: signing in takes one click and no password.
// Metadata: RFC 8414, also served as OpenID Connect Discovery. Issuer in authorization responses: RFC 9207.

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CLIENTS, INTROSPECTOR, MACHINES, SCOPES, USERS } from './authorization-server/accounts.ts';
import { createProvider } from './authorization-server/provider.ts';
import { createStorage } from './authorization-server/storage.ts';
import { runCommand, UsageError, wholeNumber } from './command.ts';

export interface AuthorizationServerOptions {
  /** 0 takes any free port. */
  readonly port: number;
  /** The resource identifiers (RFC 8707) it issues tokens for; the first is the default. */
  readonly resources: readonly string[];
  readonly accessTokenSeconds?: number;
  /** Access tokens are not JWTs: a resource server asks about them at the introspection endpoint. */
  readonly opaque?: boolean;
  /** Gets one line per decision. Default: nothing is written. */
  readonly log?: (line: string) => void;
}

export interface LocalAuthorizationServer {
  readonly issuer: string;
  readonly port: number;
  /** Signs with a new key from now on; the old one is gone from the JWKS. Everything else stays as it is. */
  rotateKeys(): Promise<void>;
  close(): Promise<void>;
}

const DEFAULT_PORT = 9000;
const DEFAULT_RESOURCE = 'http://localhost:8787/mcp';
const DEFAULT_ACCESS_TOKEN_SECONDS = 3_600;

export async function startAuthorizationServer(
  options: AuthorizationServerOptions,
): Promise<LocalAuthorizationServer> {
  const {
    resources,
    accessTokenSeconds = DEFAULT_ACCESS_TOKEN_SECONDS,
    opaque = false,
    log = () => {},
  } = options;
  const storage = createStorage();
  const cookieKeys = [randomBytes(32).toString('base64url')];

  let handle: RequestListener;
  const listener: RequestListener = (request, response) => handle(request, response);
  const servers = [createServer(listener), createServer(listener)] as const;

  await listen(servers[0], options.port, '127.0.0.1');
  const { port } = servers[0].address() as AddressInfo;
  const issuer = new URL(`http://localhost:${port}`).origin;
  const renew = () => {
    const provider = createProvider({
      issuer,
      resources,
      accessTokenSeconds,
      opaque,
      storage,
      cookieKeys,
      log,
    });
    handle = onlyFor(new URL(issuer).host, provider.callback());
  };
  renew();

  const close = async () => {
    await Promise.all(servers.filter(({ listening }) => listening).map(closeServer));
  };
  try {
    await listen(servers[1], port, '::1');
  } catch (error) {
    // Without IPv6 there is nobody to miss.
    if (!['EADDRNOTAVAIL', 'EAFNOSUPPORT'].includes(codeOf(error) ?? '')) {
      await close();
      throw error;
    }
  }
  return { issuer, port, rotateKeys: async () => renew(), close };
}

async function listen(server: Server, port: number, host: string): Promise<void> {
  try {
    server.listen(port, host);
    await once(server, 'listening');
  } catch (error) {
    if (codeOf(error) !== 'EADDRINUSE') throw error;
    throw new Error(`port ${port} is taken; choose another with --port or AUTHORIZATION_SERVER_PORT`);
  }
}

async function closeServer(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}

/** Answers to one Host only: a page whose name was rebound to this machine in the DNS gets nothing. */
function onlyFor(host: string, handle: RequestListener): RequestListener {
  return (request, response) => {
    if (request.headers.host === host) return handle(request, response);
    response.writeHead(421, { 'content-type': 'text/plain' }).end(`this is http://${host}\n`);
  };
}

const HELP = `A local OAuth 2.1 authorization server, for development only.

Usage: npx node scripts/authorization-server.ts [options]

  --port N                  where to listen, 0 for any free port
                            (default: AUTHORIZATION_SERVER_PORT or ${DEFAULT_PORT})
  --resource URL            a resource to issue tokens for; repeat it for more (default: ${DEFAULT_RESOURCE})
  --access-token-seconds N  how long access tokens live (default: ${DEFAULT_ACCESS_TOKEN_SECONDS})
  --opaque                  issue opaque access tokens instead of JWTs
  --json                    print one line of JSON on start: {"issuer", "pid"}
  --help                    print this

SIGUSR2 rotates the signing key; SIGINT and SIGTERM stop the server.
`;

function welcome(issuer: string, resources: readonly string[]): string {
  const people = Object.entries(USERS).map(([name, roles]) => `  ${name.padEnd(16)}${roles.join(', ')}`);
  const machines = Object.entries(MACHINES).map(([id, { secret }]) => `  ${id.padEnd(16)}${secret}`);
  const cli = CLIENTS.find(({ client_id }) => client_id === 'cli');
  return `Authorization server for local development: ${issuer}

Tokens for:
${resources.map((resource) => `  ${resource}`).join('\n')}
People and their roles (no passwords: pick one in the browser):
${people.join('\n')}
Clients and their secrets (any other registers itself or is a metadata document):
  ${'cli'.padEnd(16)}no secret, ${cli?.redirect_uris?.[0]} on any port
${machines.join('\n')}
  ${INTROSPECTOR.id.padEnd(16)}${INTROSPECTOR.secret} (introspection)
Scopes:
  ${Object.keys(SCOPES).join(' ')}

A token:        npm run -s token -- --user alice --issuer ${issuer}
Rotate the key: kill -USR2 ${process.pid}
`;
}

if (import.meta.main) {
  await runCommand({
    help: HELP,
    options: {
      port: { type: 'string', default: process.env.AUTHORIZATION_SERVER_PORT || String(DEFAULT_PORT) },
      resource: { type: 'string', multiple: true, default: [DEFAULT_RESOURCE] },
      'access-token-seconds': { type: 'string', default: String(DEFAULT_ACCESS_TOKEN_SECONDS) },
      opaque: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
    async run({ port, resource: resources, opaque, json, 'access-token-seconds': seconds }) {
      const wrong = resources.find((resource) => !URL.canParse(resource) || resource.includes('#'));
      if (wrong !== undefined) {
        throw new UsageError(
          `--resource must be an absolute URL without a fragment, not ${JSON.stringify(wrong)}`,
        );
      }
      // With --json, standard output is for the program that started this one.
      const log = json ? console.error : console.log;
      const server = await startAuthorizationServer({
        port: wholeNumber('port', port, 0, 65_535),
        resources,
        accessTokenSeconds: wholeNumber('access-token-seconds', seconds, 1, 31_536_000),
        opaque,
        log,
      });
      const { issuer } = server;
      console.log(json ? JSON.stringify({ issuer, pid: process.pid }) : welcome(issuer, resources));
      process.on('SIGUSR2', () => server.rotateKeys().then(() => log('signing key rotated')));
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => server.close());
      return true;
    },
  });
}
