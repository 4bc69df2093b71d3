// The authorization server of the benchmark: one key, its documents over HTTP, and as many tokens as wanted.
//
// Signs good tokens and, for the checks before timing, bad ones. Counts what it is asked for.

import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';

/** What the tokens are for: requests name this host, whatever port they really go to. One of the few hosts for which all
 * contenders take http. */
export const RESOURCE = 'http://localhost/mcp';
/** What the tool of the benchmark needs: the user's consent, and the organization's. */
export const SCOPE = 'notes:read';
export const ROLE = 'reader';

export interface Issuer extends AsyncDisposable {
  readonly url: string;
  readonly jwks: { readonly keys: readonly JWK[] };
  /** How often its keys were fetched. */
  keyFetches(): number;
  /** A good access token, spoilt as told. */
  sign(claims?: Readonly<Record<string, unknown>>, spoilt?: Spoilt): Promise<string>;
}

export interface Spoilt {
  /** Signed by a key that the issuer does not have, under its name. */
  readonly isForged?: boolean;
  readonly kid?: string;
}

const ALG = 'ES256';
/** Longer than any run. */
const LIFETIME_SECONDS = 7_200;

export async function startIssuer(): Promise<Issuer> {
  const [own, stranger] = await Promise.all([generateKeyPair(ALG), generateKeyPair(ALG)]);
  const kid = randomUUID();
  const jwks = { keys: [{ ...(await exportJWK(own.publicKey)), alg: ALG, use: 'sig', kid }] };
  let fetches = 0;
  const server = createServer((request, response) => {
    const documents: Record<string, object> = {
      '/.well-known/oauth-authorization-server': { issuer: url, jwks_uri: `${url}/jwks` },
      '/jwks': jwks,
    };
    if (request.url === '/jwks') fetches += 1;
    const document = documents[request.url ?? ''];
    response.writeHead(document ? 200 : 404, { 'content-type': 'application/json' });
    response.end(JSON.stringify(document ?? {}));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://localhost:${(server.address() as AddressInfo).port}`;

  return {
    url,
    jwks,
    keyFetches: () => fetches,
    sign: (claims = {}, { isForged = false, kid: named = kid } = {}) => {
      const now = Math.floor(Date.now() / 1_000);
      return new SignJWT({
        iss: url,
        sub: 'user-0',
        aud: RESOURCE,
        client_id: 'bench',
        scope: SCOPE,
        roles: [ROLE],
        jti: randomUUID(),
        iat: now,
        exp: now + LIFETIME_SECONDS,
        ...claims,
      })
        .setProtectedHeader({ alg: ALG, typ: 'at+jwt', kid: named })
        .sign((isForged ? stranger : own).privateKey);
    },
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
