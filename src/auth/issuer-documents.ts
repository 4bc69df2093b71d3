// What an issuer publishes, from the network: its metadata (RFC 8414, OpenID Connect Discovery) and its JWKS (RFC 7517).
//
// Everything read here is untrusted until it is known to be the configured issuer's: a document has to name exactly that
// issuer, over https, without redirects, within a time and a size limit. Of the keys only public signature keys are kept.
// Does not cache and does not decide when to ask (issuers.ts).

import type { JWK } from 'jose';
import { type AuthorizationServer, type Config, isSafeUrl } from '../config.ts';
import { describeError } from '../log.ts';

export type FetchLimits = Pick<Config, 'issuerTimeoutMs' | 'maxIssuerResponseBytes'>;

/** An issuer's keys and where they are from. */
export interface IssuerKeys {
  readonly jwksUri: string;
  /** Epoch seconds when they came from the network. */
  readonly fetchedAt: number;
  readonly keys: readonly JWK[];
}

const MAX_KEYS = 100;

/** @throws {Error} whose message says which document could not be used and why */
export async function fetchKeys(
  issuer: string,
  server: AuthorizationServer,
  now: number,
  config: FetchLimits,
): Promise<IssuerKeys> {
  const jwksUri = server.jwksUri ?? (await discoverJwksUri(issuer, config));
  try {
    const keys = publicKeys(await fetchJson(jwksUri, config));
    if (keys.length === 0) throw new Error('has no key that can verify a signature');
    return { jwksUri, fetchedAt: now, keys };
  } catch (error) {
    throw new Error(`${jwksUri}: ${describeError(error)}`);
  }
}

/** Where an issuer's metadata can be: RFC 8414 and OIDC, well-known part inserted before the path or appended to it. */
function metadataUrls(issuer: string): readonly string[] {
  const { origin, pathname } = new URL(issuer);
  const path = pathname.replace(/\/$/, '');
  const urls = [
    `${origin}/.well-known/oauth-authorization-server${path}`,
    `${origin}/.well-known/openid-configuration${path}`,
    `${origin}${path}/.well-known/openid-configuration`,
    `${origin}${path}/.well-known/oauth-authorization-server`,
  ];
  return [...new Set(urls)];
}

async function discoverJwksUri(issuer: string, config: FetchLimits): Promise<string> {
  const metadata = await discoverMetadata(issuer, config, ({ jwks_uri: uri }) => {
    if (!isSafeUrl(uri) || (issuer.startsWith('https:') && !uri.startsWith('https:')))
      throw new Error('has no https jwks_uri');
  });
  return String(metadata.jwks_uri);
}

/**
 * The first document that can be used. One counts only if it names exactly this issuer (RFC 8414 section 3.3): anyone can
 * host one that names another. `check` throws when it lacks what is wanted of it.
 * @throws {Error} whose message says why none could be used
 */
export async function discoverMetadata(
  issuer: string,
  config: FetchLimits,
  check: (metadata: Record<string, unknown>) => void,
): Promise<Record<string, unknown>> {
  const failures: string[] = [];
  for (const url of metadataUrls(issuer)) {
    try {
      const metadata = await fetchJson(url, config);
      if (metadata.issuer !== issuer) throw new Error('names another issuer');
      check(metadata);
      return metadata;
    } catch (error) {
      failures.push(`${url}: ${describeError(error)}`);
    }
  }
  throw new Error(`no usable metadata: ${failures.join('; ')}`);
}

/** Does not follow redirects: a redirect would let another host speak for the issuer. Reads no further than the size limit. */
async function fetchJson(url: string, config: FetchLimits): Promise<Record<string, unknown>> {
  const response = await fetch(url, {
    headers: { accept: 'application/json' },
    redirect: 'manual',
    cache: 'no-store',
    signal: AbortSignal.timeout(config.issuerTimeoutMs),
  });
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new Error(`status ${response.status}`);
  }
  return readObject(response, config);
}

/** The JSON object of an answer. @throws {Error} that may have a few characters of the answer in its message */
export async function readObject(
  { body }: Response,
  config: Pick<FetchLimits, 'maxIssuerResponseBytes'>,
): Promise<Record<string, unknown>> {
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for await (const chunk of body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > config.maxIssuerResponseBytes)
      throw new Error(`longer than ${config.maxIssuerResponseBytes} bytes`);
    text += decoder.decode(chunk, { stream: true });
  }
  const json: unknown = JSON.parse(text);
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw new Error('not a JSON object');
  return json as Record<string, unknown>;
}

const PUBLIC_MEMBERS = ['kty', 'kid', 'use', 'key_ops', 'alg', 'crv', 'x', 'y', 'n', 'e'] as const;

/** Document -> the public signature keys in it. Everything else is dropped: secrets, encryption keys, RSA below 2048 bits. */
export function publicKeys(document: { readonly keys?: unknown }): JWK[] {
  if (!Array.isArray(document.keys)) return [];
  const keys: JWK[] = [];
  for (const key of document.keys.slice(0, MAX_KEYS) as Record<string, unknown>[]) {
    if (typeof key !== 'object' || key === null) continue;
    const isSignatureKey =
      key.kty === 'EC' || key.kty === 'OKP' || (key.kty === 'RSA' && isLongEnough(key.n));
    if (!isSignatureKey || (key.use !== undefined && key.use !== 'sig')) continue;
    keys.push(
      Object.fromEntries(
        PUBLIC_MEMBERS.filter((name) => name in key).map((name) => [name, key[name]]),
      ) as JWK,
    );
  }
  return keys;
}

/** 2048 bits are 256 bytes, 342 characters of base64url. */
const isLongEnough = (modulus: unknown): boolean => typeof modulus === 'string' && modulus.length >= 342;
