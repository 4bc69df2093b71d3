// The keys of trusted issuers: issuer -> metadata (RFC 8414, OpenID Connect Discovery) -> JWKS (RFC 7517).
//
// Looked for in this isolate's memory, then KV (shared by all isolates), then the network. What must stay true:
// - keys belong to one issuer: nothing here is looked up by `kid` alone, and the header's jku, x5u and jwk are ignored;
// - one isolate asks one issuer at most once per cool-down, whatever tokens it is shown: unknown `kid`s are remembered;
// - an issuer that is down is a reason to use older keys (until the stale limit), never a reason to refuse a token as
//   invalid: without usable keys the answer is `keys_unavailable`;
// - no promise is shared between requests. On Workers a request that is cancelled takes its pending I/O with it, and
//   whoever awaited the same promise hangs; so requests share only data, and wait for each other with timers of their own.
// Whoever can write to the KV namespace can forge tokens: it is as sensitive as a signing key.

import { createLocalJWKSet, errors, type JWK, type JWTHeaderParameters } from 'jose';
import { type AuthorizationServer, type Config, isSafeUrl } from '../config.ts';
import type { Denial } from '../denial.ts';
import { describeError, log } from '../log.ts';

/** What a look-up may use. The same for every look-up of one request. */
export interface IssuerIo {
  readonly kv: KVNamespace;
  /** Epoch seconds. */
  now(): number;
  waitUntil(promise: Promise<unknown>): void;
}

type IssuerConfig = Pick<
  Config,
  | 'jwksFreshSeconds'
  | 'jwksCooldownSeconds'
  | 'jwksStaleLimitSeconds'
  | 'issuerTimeoutMs'
  | 'maxIssuerResponseBytes'
>;

/** An issuer's keys as they are kept in KV. */
interface StoredKeys {
  readonly jwksUri: string;
  /** Epoch seconds when they came from the network. */
  readonly fetchedAt: number;
  readonly keys: readonly JWK[];
}

interface LoadedKeys extends StoredKeys {
  readonly resolve: ReturnType<typeof createLocalJWKSet>;
}

interface IssuerState {
  loaded: LoadedKeys | undefined;
  /** Changes when the set of keys changes; whatever was verified with an older one is to be verified again. */
  version: number;
  kvReadAt: number;
  networkAskedAt: number;
  /** Epoch milliseconds until which another request of this isolate is refreshing. */
  busyUntil: number;
  readonly unknownKids: Set<string>;
}

export interface Issuers {
  /** The issuer's keys that can have made a signature with this header; none when the issuer has no such key. */
  keys(
    issuer: string,
    server: AuthorizationServer,
    header: JWTHeaderParameters,
    io: IssuerIo,
  ): Promise<readonly CryptoKey[] | Denial>;
  /** Which set of keys is in force for an issuer in this isolate. */
  version(issuer: string): number;
}

const MAX_UNKNOWN_KIDS = 256;
const MAX_KEYS = 100;
/** A token without `kid` is tried against every fitting key, but not against more than these. */
const MAX_CANDIDATES = 4;
const POLL_MS = 20;

export function createIssuers(config: IssuerConfig): Issuers {
  const states = new Map<string, IssuerState>();

  function stateOf(issuer: string): IssuerState {
    let state = states.get(issuer);
    if (!state) {
      state = {
        loaded: undefined,
        version: 0,
        kvReadAt: 0,
        networkAskedAt: 0,
        busyUntil: 0,
        unknownKids: new Set(),
      };
      states.set(issuer, state);
    }
    return state;
  }

  const ageOf = (keys: StoredKeys, now: number): number => now - keys.fetchedAt;
  const isFresh = (state: IssuerState, now: number): boolean =>
    state.loaded !== undefined && ageOf(state.loaded, now) < config.jwksFreshSeconds;

  return {
    version: (issuer) => stateOf(issuer).version,

    async keys(issuer, server, header, io) {
      const state = stateOf(issuer);
      if (!isFresh(state, io.now()))
        await refreshOnce(
          state,
          issuer,
          server,
          io,
          (keys) => ageOf(keys, io.now()) < config.jwksFreshSeconds,
        );

      if (!state.loaded || ageOf(state.loaded, io.now()) >= config.jwksStaleLimitSeconds) {
        const wait = config.jwksCooldownSeconds - (io.now() - state.networkAskedAt);
        return { reason: 'keys_unavailable', detail: 'no_usable_keys', retryAfterSeconds: Math.max(1, wait) };
      }

      const found = await matching(state.loaded, header);
      const kid = String(header.kid ?? '');
      if (found.length > 0 || state.unknownKids.has(kid)) return found;
      // The issuer may have a new key since: ask again, but only as often as the cool-down allows.
      const before = state.loaded.fetchedAt;
      await refreshOnce(
        state,
        issuer,
        server,
        io,
        (keys) => keys.fetchedAt > before && keys.keys.some((key) => key.kid === header.kid),
      );
      const now = await matching(state.loaded, header);
      if (now.length === 0 && state.loaded.fetchedAt > before && state.unknownKids.size < MAX_UNKNOWN_KIDS)
        state.unknownKids.add(kid);
      return now;
    },
  };

  /** Refreshes unless another request of this isolate is at it, and then waits for that one instead. */
  async function refreshOnce(
    state: IssuerState,
    issuer: string,
    server: AuthorizationServer,
    io: IssuerIo,
    isEnough: (keys: StoredKeys) => boolean,
  ): Promise<void> {
    if (state.busyUntil > Date.now()) {
      while (state.busyUntil > Date.now()) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      return;
    }
    // Twice the time-out: once for the metadata, once for the keys.
    state.busyUntil = Date.now() + 2 * config.issuerTimeoutMs;
    const refreshing = refresh(state, issuer, server, io, isEnough).finally(() => {
      state.busyUntil = 0;
    });
    io.waitUntil(refreshing);
    await refreshing;
  }

  /** KV, then the network, each at most once per cool-down. Leaves the state as it is when neither helps. Never throws. */
  async function refresh(
    state: IssuerState,
    issuer: string,
    server: AuthorizationServer,
    io: IssuerIo,
    isEnough: (keys: StoredKeys) => boolean,
  ): Promise<void> {
    const now = io.now();
    if (now - state.kvReadAt >= config.jwksCooldownSeconds) {
      state.kvReadAt = now;
      const stored = await readStored(issuer, server, io, config);
      if (stored && stored.fetchedAt > (state.loaded?.fetchedAt ?? 0)) {
        adopt(state, stored);
        log({ event: 'issuer_keys_loaded', issuer, from: 'kv', keys: stored.keys.length });
      }
      if (stored && isEnough(stored)) return;
      // Another isolate's fetch counts: all isolates together shall not hammer the issuer either.
      state.networkAskedAt = Math.max(state.networkAskedAt, Math.min(stored?.fetchedAt ?? 0, now));
    }
    if (now - state.networkAskedAt < config.jwksCooldownSeconds) return;
    state.networkAskedAt = now;
    try {
      const fetched = await fetchKeys(issuer, server, now, config);
      adopt(state, fetched);
      log({ event: 'issuer_keys_loaded', issuer, from: 'network', keys: fetched.keys.length });
      io.waitUntil(writeStored(issuer, fetched, io, config));
    } catch (error) {
      log({ event: 'issuer_keys_failed', issuer, detail: describeError(error) });
    }
  }
}

function adopt(state: IssuerState, stored: StoredKeys): void {
  const changed = JSON.stringify(state.loaded?.keys) !== JSON.stringify(stored.keys);
  if (changed) state.version += 1;
  const resolve =
    changed || !state.loaded ? createLocalJWKSet({ keys: [...stored.keys] }) : state.loaded.resolve;
  state.loaded = { ...stored, resolve };
  state.unknownKids.clear();
}

/** Keys that fit the header. One that cannot be imported (malformed, unknown curve) is not there. */
async function matching(keys: LoadedKeys, header: JWTHeaderParameters): Promise<CryptoKey[]> {
  try {
    return [await keys.resolve(header)];
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) return [];
    const candidates: CryptoKey[] = [];
    for await (const key of error) if (candidates.push(key) === MAX_CANDIDATES) break;
    return candidates;
  }
}

// ---- KV ----

const kvKey = (issuer: string): string => `jwks:${issuer}`;

/** What KV has for the issuer, if it is of use: of the configured place, young enough, and of the right shape. */
async function readStored(
  issuer: string,
  server: AuthorizationServer,
  io: IssuerIo,
  config: IssuerConfig,
): Promise<StoredKeys | undefined> {
  try {
    const value = await io.kv.get<Partial<StoredKeys>>(kvKey(issuer), 'json');
    if (!value || typeof value.jwksUri !== 'string' || typeof value.fetchedAt !== 'number') return undefined;
    if (server.jwksUri !== undefined && value.jwksUri !== server.jwksUri) return undefined;
    if (value.fetchedAt > io.now() || io.now() - value.fetchedAt >= config.jwksStaleLimitSeconds)
      return undefined;
    return { jwksUri: value.jwksUri, fetchedAt: value.fetchedAt, keys: publicKeys({ keys: value.keys }) };
  } catch (error) {
    log({ event: 'kv_failed', operation: 'read', key: kvKey(issuer), detail: describeError(error) });
    return undefined;
  }
}

async function writeStored(
  issuer: string,
  stored: StoredKeys,
  io: IssuerIo,
  config: IssuerConfig,
): Promise<void> {
  try {
    await io.kv.put(kvKey(issuer), JSON.stringify(stored), { expirationTtl: config.jwksStaleLimitSeconds });
  } catch (error) {
    log({ event: 'kv_failed', operation: 'write', key: kvKey(issuer), detail: describeError(error) });
  }
}

// ---- network ----

/** @throws {Error} whose message says which document could not be used and why */
async function fetchKeys(
  issuer: string,
  server: AuthorizationServer,
  now: number,
  config: IssuerConfig,
): Promise<StoredKeys> {
  const jwksUri = server.jwksUri ?? (await discoverJwksUri(issuer, config));
  try {
    const keys = publicKeys(await fetchJson(jwksUri, AbortSignal.timeout(config.issuerTimeoutMs), config));
    if (keys.length === 0) throw new Error('has no key that can verify a signature');
    return { jwksUri, fetchedAt: now, keys };
  } catch (error) {
    throw new Error(`${jwksUri}: ${describeError(error)}`);
  }
}

/** Where an issuer's metadata can be: RFC 8414 and OIDC, well-known part inserted before the path or appended to it. */
export function metadataUrls(issuer: string): readonly string[] {
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

/** A document counts only if it names exactly this issuer (RFC 8414 section 3.3): anyone can host one that names another. */
async function discoverJwksUri(issuer: string, config: IssuerConfig): Promise<string> {
  const signal = AbortSignal.timeout(config.issuerTimeoutMs);
  const failures: string[] = [];
  for (const url of metadataUrls(issuer)) {
    try {
      const metadata = await fetchJson(url, signal, config);
      if (metadata.issuer !== issuer) throw new Error('names another issuer');
      if (!isSafeUrl(metadata.jwks_uri)) throw new Error('has no https jwks_uri');
      return metadata.jwks_uri;
    } catch (error) {
      failures.push(`${url}: ${describeError(error)}`);
    }
  }
  throw new Error(`no usable metadata: ${failures.join('; ')}`);
}

/** Does not follow redirects: a redirect would let another host speak for the issuer. Reads no further than the size limit. */
async function fetchJson(
  url: string,
  signal: AbortSignal,
  config: IssuerConfig,
): Promise<Record<string, unknown>> {
  const response = await fetch(url, {
    headers: { accept: 'application/json' },
    redirect: 'manual',
    cache: 'no-store',
    signal,
  });
  if (response.status !== 200 || !response.body) {
    await response.body?.cancel();
    throw new Error(`status ${response.status}`);
  }
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for await (const chunk of response.body) {
    bytes += chunk.byteLength;
    if (bytes > config.maxIssuerResponseBytes)
      throw new Error(`longer than ${config.maxIssuerResponseBytes} bytes`);
    text += decoder.decode(chunk, { stream: true });
  }
  const json: unknown = JSON.parse(text);
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw new Error('not a JSON object');
  return json as Record<string, unknown>;
}

// ---- keys ----

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
