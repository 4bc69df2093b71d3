// A server as operators see it, for the tests of the command line: metadata, an authorization server, and an /admin that
// remembers what it was asked and answers what a test wants.
//
// Does not decide anything: the real API is walked in admin-walk.test.ts.

import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

export const TOKEN = 'token-that-nobody-may-see';

/** What a request to /admin was. */
export interface Asked {
  readonly method: string;
  /** What follows /admin. */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly body: unknown;
  readonly headers: IncomingMessage['headers'];
}

export interface Answer {
  readonly status?: number;
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export const CHANGED = {
  version: 17,
  inForceWithinSeconds: { strictTools: 0, openStreams: 10, requests: 92 },
  publishing: 'pending',
};

export class FakeAdminServer {
  readonly asked: Asked[] = [];
  /** Requests to the token endpoint, to the device endpoint, and to the one that a person opens. */
  readonly granted: Record<string, string>[] = [];
  readonly #server = createServer((request, response) => void this.#serve(request, response));
  /** Of the metadata. */
  issuers: readonly string[] = [];
  resource = '';
  /** Members of the authorization server's metadata, instead of its own. */
  metadata: object = {};
  url = '';
  issuer = '';
  /** A folder for kept tokens and other files. */
  folder = '';
  /** An answer, or 'cut' for a connection that breaks. */
  answer: (asked: Asked) => Answer | 'cut' | undefined = () => undefined;
  /** Of the token endpoint. */
  grant: () => Answer = () => ({ body: { access_token: TOKEN, token_type: 'Bearer', expires_in: 600 } });

  async start(): Promise<void> {
    this.folder = await mkdtemp(join(tmpdir(), 'admin-'));
    this.#server.listen(0, 'localhost');
    await once(this.#server, 'listening');
    this.issuer = `http://localhost:${(this.#server.address() as AddressInfo).port}`;
    this.url = `${this.issuer}/mcp`;
  }

  async stop(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await rm(this.folder, { recursive: true, force: true });
  }

  reset(): void {
    this.asked.length = 0;
    this.granted.length = 0;
    this.issuers = [this.issuer];
    this.resource = this.url;
    this.metadata = {};
    this.answer = () => undefined;
    this.grant = () => ({ body: { access_token: TOKEN, token_type: 'Bearer', expires_in: 600 } });
  }

  /** Runs the command with a token at hand, unless `env` says otherwise. */
  run(
    args: readonly string[],
    {
      env = {},
      input,
      open,
    }: {
      readonly env?: Record<string, string>;
      readonly input?: string;
      /** Gets each URL that a person is told to open. */
      readonly open?: (url: string) => void;
    } = {},
  ): Promise<Outcome> {
    const own = { ADMIN_TOKEN: TOKEN, MCP_URL: this.url, ADMIN_TOKEN_FOLDER: this.tokens, TZ: 'Etc/GMT-1' };
    return runAdmin(args, { ...own, ...env }, input, open);
  }

  /** Of the first request. */
  get body(): unknown {
    return this.asked[0]?.body;
  }

  get tokens(): string {
    return join(this.folder, 'tokens');
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '', this.issuer);
    const raw = await text(request);
    const send = ({ status = 200, body = {}, headers = {} }: Answer): void => {
      response.writeHead(status, { 'content-type': 'application/json', ...headers });
      response.end(JSON.stringify(body));
    };
    if (url.pathname === '/.well-known/oauth-protected-resource/mcp')
      return send({ body: { resource: this.resource, authorization_servers: this.issuers } });
    if (url.pathname === '/.well-known/oauth-authorization-server') return send({ body: this.#metadata });
    if (url.pathname === '/device' || url.pathname === '/token') {
      this.granted.push(Object.fromEntries(new URLSearchParams(raw)));
      return send(url.pathname === '/token' ? this.grant() : { body: DEVICE });
    }
    if (!url.pathname.startsWith('/admin/')) return send({ status: 404 });
    const asked: Asked = {
      method: request.method ?? '',
      path: url.pathname.slice('/admin'.length),
      query: Object.fromEntries(url.searchParams),
      body: raw === '' ? undefined : JSON.parse(raw),
      headers: request.headers,
    };
    this.asked.push(asked);
    const answer = this.answer(asked) ?? defaultAnswer(asked);
    if (answer === 'cut') request.socket.destroy();
    else send(answer);
  }

  get #metadata() {
    return {
      issuer: this.issuer,
      authorization_endpoint: `${this.issuer}/authorize?tenant=1`,
      token_endpoint: `${this.issuer}/token`,
      device_authorization_endpoint: `${this.issuer}/device`,
      ...this.metadata,
    };
  }
}

const DEVICE = {
  device_code: 'device-code',
  user_code: 'WDJB-MJHT',
  verification_uri: 'https://as.example.com/device',
  expires_in: 600,
  interval: 0,
};

/** An answer to `status`. */
export const STATUS = {
  version: 17,
  registry: {
    version: 17,
    publishedVersion: 16,
    publishedAt: 1_700_000_000,
    publishing: 'pending',
    failingSince: null as number | null,
    counts: { revocations: 1, assignments: 2, roles: 3, serviceKeys: 4 },
  },
  isolate: { version: 17, ageSeconds: 3, source: 'registry' },
  kv: { version: 16 },
  roles: { source: 'app', shadow: false },
  serviceKeys: 'on',
  inForceWithinSeconds: CHANGED.inForceWithinSeconds,
  now: 1_700_000_003,
};

export const statusAnswer = ({ path }: Asked): Answer | undefined =>
  path === '/status' ? { body: STATUS } : undefined;

const ROLE = { permissions: ['reports:read'], inherits: [], resolved: ['reports:read'], version: 5 };

/** Enough of each answer for a command to go on. */
function defaultAnswer({ method, path, body }: Asked): Answer {
  if (method === 'GET' && path.startsWith('/roles/'))
    return { body: { name: decodeURIComponent(path.slice(7)), ...ROLE }, headers: { etag: 'W/"5"' } };
  if (method === 'GET') return { body: { source: 'app', version: 7, items: [], shadow: null } };
  if (path === '/explain') return { body: { decision: 'allow', rules: [], policyVersion: 17 } };
  const { target = { kind: 'everything' } } = (body ?? {}) as { target?: object };
  const key = {
    id: 'key_1',
    service: 'nightly',
    owner: 'ops',
    scopes: [],
    roles: [],
    expiresAt: 1,
    key: KEY,
  };
  return {
    status: method === 'POST' ? 201 : 200,
    body: {
      ...ROLE,
      ...key,
      ...CHANGED,
      id: '0123456789abcdef',
      target,
      revokedAt: 1,
      newTokensFrom: 7,
      erased: {},
      ended: 0,
      erasedKeys: 0,
    },
  };
}

export const KEY = 'mcpk_the-key-that-is-shown-once';

const ROOT = join(import.meta.dirname, '../..');
/** The command is started some hundred times. */
const COMPILED = join(ROOT, 'node_modules/.cache/admin');

/** Standard input is `input`, or nothing; it is never a terminal. */
export function runAdmin(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  input = '',
  open: (url: string) => void = () => {},
): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [join(ROOT, 'scripts/admin.ts'), ...args],
      { env: { PATH: process.env.PATH ?? '', NODE_COMPILE_CACHE: COMPILED, ...env }, cwd: tmpdir() },
      (_error, stdout, stderr) => resolve({ code: child.exitCode ?? -1, stdout, stderr }),
    );
    let text = '';
    child.stderr?.on('data', (part: string) => {
      text += part;
      for (const [line, url = ''] of text.matchAll(/: open (\S+)\n/g)) {
        text = text.slice(text.indexOf(line) + line.length);
        open(url);
      }
    });
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
  });
}
