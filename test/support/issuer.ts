// An issuer in a test's own hands: it signs whatever it is told to, and can be rotated, broken and counted.
//
// For what a well-behaved authorization server never does. What one does is tested with the local authorization server.

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose';
import { RESOURCE } from './worker.ts';

export interface SigningKey {
  readonly alg: string;
  readonly kid: string | undefined;
  readonly privateKey: CryptoKey;
  readonly publicJwk: JWK;
}

export async function signingKey(
  alg = 'ES256',
  kid: string | undefined = crypto.randomUUID(),
): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  const publicJwk = {
    ...(await exportJWK(publicKey)),
    alg,
    use: 'sig',
    ...(kid === undefined ? {} : { kid }),
  };
  return { alg, kid, privateKey, publicJwk };
}

export interface SignOptions {
  /** Merged into the claims of a good access token; `undefined` leaves one out. */
  readonly claims?: Readonly<Record<string, unknown>>;
  /** Merged into the header; `undefined` leaves a member out. */
  readonly header?: Readonly<Record<string, unknown>>;
  readonly key?: SigningKey;
}

export class TestIssuer implements AsyncDisposable {
  readonly issuer: string;
  /** Paths that were asked for, in order. */
  readonly requests: string[] = [];
  /** What the JWKS contains. */
  jwks: { keys: JWK[] };
  /** Replaces answers by path: status and body. */
  readonly answers = new Map<string, { status: number; body: string; headers?: Record<string, string> }>();
  readonly key: SigningKey;
  readonly #close: () => Promise<void>;

  constructor(issuer: string, key: SigningKey, close: () => Promise<void>) {
    this.issuer = issuer;
    this.key = key;
    this.jwks = { keys: [key.publicJwk] };
    this.#close = close;
  }

  get metadata(): Record<string, unknown> {
    return { issuer: this.issuer, jwks_uri: `${this.issuer}/jwks` };
  }

  answer(path: string): { status: number; body: string; headers?: Record<string, string> } {
    const { pathname } = new URL(this.issuer);
    const root = pathname === '/' ? '' : pathname;
    const given = this.answers.get(path);
    if (given) return given;
    if (path === `/.well-known/oauth-authorization-server${root}`)
      return { status: 200, body: JSON.stringify(this.metadata) };
    if (path === `${root}/jwks`) return { status: 200, body: JSON.stringify(this.jwks) };
    return { status: 404, body: '{}' };
  }

  /** A good access token for alice the editor, spoilt as told. */
  async sign({ claims = {}, header = {}, key = this.key }: SignOptions = {}): Promise<string> {
    const now = Math.floor(Date.now() / 1_000);
    const good = {
      iss: this.issuer,
      sub: 'alice',
      aud: RESOURCE,
      client_id: 'test-client',
      scope: 'reports:read',
      roles: ['editor'],
      jti: crypto.randomUUID(),
      iat: now,
      exp: now + 600,
    };
    const protectedHeader = {
      alg: key.alg,
      typ: 'at+jwt',
      ...(key.kid === undefined ? {} : { kid: key.kid }),
      ...header,
    };
    const defined = (object: object) =>
      Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));
    return new SignJWT(defined({ ...good, ...claims }) as JWTPayload)
      .setProtectedHeader(defined(protectedHeader) as never)
      .sign(key.privateKey);
  }

  /** Stops answering; what it has signed stays signed. */
  async close(): Promise<void> {
    await this.#close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#close();
  }
}

/** `path` makes an issuer with a path, such as `/tenant`. */
export async function startIssuer({ alg = 'ES256', path = '' } = {}): Promise<TestIssuer> {
  const key = await signingKey(alg);
  let issuer: TestIssuer | undefined;
  const server = createServer((request, response) => {
    const url = request.url ?? '/';
    issuer?.requests.push(url);
    const { status, body, headers } = issuer?.answer(url) ?? { status: 500, body: '' };
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body);
  }).listen(0, 'localhost');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const close = async () => {
    if (!server.listening) return;
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  };
  issuer = new TestIssuer(`http://localhost:${port}${path}`, key, close);
  return issuer;
}

/** The value of AUTHORIZATION_SERVERS that trusts these. */
export const trusting = (
  ...issuers: (TestIssuer | Readonly<Record<string, unknown>>)[]
): { AUTHORIZATION_SERVERS: unknown } => ({
  AUTHORIZATION_SERVERS: issuers.map((entry) =>
    entry instanceof TestIssuer ? { issuer: entry.issuer } : entry,
  ),
});
