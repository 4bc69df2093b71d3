// The keys of trusted issuers, and how old they may be.
//
// Looked for in this isolate's memory, then KV (shared by all isolates), then the network. What must stay true:
// - keys belong to one issuer: nothing here is looked up by `kid` alone, and the header's jku, x5u and jwk are ignored;
// - one isolate asks one issuer (for its metadata and keys) at most once per cool-down, whatever tokens it is shown; a
//   `kid` that was asked for in vain is remembered as long;
// - an issuer that is down is a reason to use older keys (until the stale limit), never a reason to refuse a token as
//   invalid: without usable keys the answer is `keys_unavailable`;
// - no promise is shared between requests. On Workers a request that is cancelled takes its pending I/O with it, and
//   whoever awaited the same promise hangs; so requests share only data, and wait for each other with timers of their own.
// Whoever can write to the KV namespace can forge tokens: it is as sensitive as a signing key.

import { createLocalJWKSet, errors, type JWTHeaderParameters } from 'jose';
import type { AuthorizationServer, Config } from '../config.ts';
import type { Denial } from '../denial.ts';
import { describeError, log } from '../log.ts';
import { type FetchLimits, fetchKeys, type IssuerKeys, publicKeys } from './issuer-documents.ts';

/** What a look-up may use. The same for every look-up of one request. */
export interface IssuerIo {
  readonly kv: KVNamespace;
  /** Epoch seconds. */
  now(): number;
  waitUntil(promise: Promise<unknown>): void;
}

type IssuerConfig = FetchLimits &
  Pick<Config, 'authorizationServers' | 'jwksFreshSeconds' | 'jwksCooldownSeconds' | 'jwksStaleLimitSeconds'>;

/** One issuer in this isolate: what is configured for it, and the keys it is known to have. */
interface Issuer {
  readonly name: string;
  readonly server: AuthorizationServer;
  /** How old its keys may get in this isolate. */
  readonly freshSeconds: number;
  loaded: LoadedKeys | undefined;
  /** Changes when the set of keys changes; whatever was verified with an older one is to be verified again. */
  keysVersion: number;
  kvReadAt: number;
  networkAskedAt: number;
  /** When a request to it last failed, epoch seconds. */
  failedAt: number;
  /** Epoch milliseconds until which another request of this isolate is refreshing. */
  busyUntil: number;
  /** Key ids the issuer was asked for in vain, and until when (epoch seconds) it is not asked again. */
  readonly unknownKids: Map<string, number>;
}

interface LoadedKeys extends IssuerKeys {
  readonly resolve: ReturnType<typeof createLocalJWKSet>;
}

export interface Issuers {
  /** What is configured for an issuer; `undefined` for one that is not trusted. Byte for byte. */
  server(issuer: string): AuthorizationServer | undefined;
  /** The keys of a trusted issuer that can have made a signature with this header; none when it has no such key. */
  keys(issuer: string, header: JWTHeaderParameters, io: IssuerIo): Promise<readonly CryptoKey[] | Denial>;
  /** Which set of keys is in force for an issuer in this isolate. */
  keysVersion(issuer: string): number | undefined;
}

const MAX_UNKNOWN_KIDS = 256;
/** A token without `kid` is tried against every fitting key, but not against more than these. */
const MAX_CANDIDATES = 4;
const POLL_MS = 20;
/** In time-outs: KV, four places for the metadata, the keys. */
const LONGEST_REFRESH = 6;
/**
 * All isolates know when the keys were fetched. If all found them old in the same second, each would ask the issuer; so
 * each takes off up to this part. Of the default that is two minutes, and KV shows what one has fetched after one.
 */
const SPREAD = 0.2;

export function createIssuers(config: IssuerConfig): Issuers {
  const issuers = new Map<string, Issuer>();
  for (const server of config.authorizationServers) {
    for (const name of server.issuers) {
      const unasked = {
        loaded: undefined,
        keysVersion: 0,
        kvReadAt: 0,
        networkAskedAt: 0,
        failedAt: 0,
        busyUntil: 0,
      };
      const freshSeconds = config.jwksFreshSeconds * (1 - SPREAD * Math.random());
      issuers.set(name, { name, server, freshSeconds, ...unasked, unknownKids: new Map() });
    }
  }

  return {
    server: (name) => issuers.get(name)?.server,
    keysVersion: (name) => issuers.get(name)?.keysVersion,

    async keys(name, header, io) {
      const issuer = issuers.get(name);
      if (!issuer) return [];
      const startedAt = io.now();
      const isYoung = (keys: IssuerKeys): boolean => io.now() - keys.fetchedAt < issuer.freshSeconds;
      const isUsable = (keys: IssuerKeys): boolean =>
        io.now() - keys.fetchedAt < config.jwksStaleLimitSeconds;
      // While one request fetches newer keys, the others go on with those at hand.
      const isBeingRenewed =
        issuer.busyUntil > Date.now() && issuer.loaded !== undefined && isUsable(issuer.loaded);
      if (!issuer.loaded || (!isYoung(issuer.loaded) && !isBeingRenewed))
        await refreshOnce(issuer, io, isYoung);
      if (!issuer.loaded || !isUsable(issuer.loaded)) return unavailable(issuer, io);

      // Nobody has checked the header's types yet, and String() of an object can throw.
      const kid = typeof header.kid === 'string' ? header.kid : '';
      const found = await matching(issuer.loaded, header);
      if (found.length > 0 || (issuer.unknownKids.get(kid) ?? 0) > io.now()) return found;

      // The issuer may have a new key since: ask again, but only as often as the cool-down allows.
      await refreshOnce(issuer, io, (keys) => keys.keys.some((key) => key.kid === header.kid));
      const foundNow = await matching(issuer.loaded, header);
      if (foundNow.length > 0) return foundNow;
      if (io.now() - issuer.failedAt < config.jwksCooldownSeconds) return unavailable(issuer, io);
      if (issuer.networkAskedAt >= startedAt && issuer.unknownKids.size < MAX_UNKNOWN_KIDS) {
        issuer.unknownKids.set(kid, io.now() + config.jwksCooldownSeconds);
      }
      return [];
    },
  };

  function unavailable(issuer: Issuer, io: IssuerIo): Denial {
    const wait = config.jwksCooldownSeconds - (io.now() - issuer.networkAskedAt);
    return { reason: 'keys_unavailable', detail: 'no_usable_keys', retryAfterSeconds: Math.max(1, wait) };
  }

  /** Refreshes; if another request of this isolate is at it, waits for that one first. Never throws. */
  async function refreshOnce(
    issuer: Issuer,
    io: IssuerIo,
    isEnough: (keys: IssuerKeys) => boolean,
  ): Promise<void> {
    while (issuer.busyUntil > Date.now()) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    if (issuer.loaded && isEnough(issuer.loaded)) return;
    // Nobody waits longer than this for a request that was cut off.
    issuer.busyUntil = Date.now() + LONGEST_REFRESH * config.issuerTimeoutMs;
    const refreshing = refresh(issuer, io, isEnough).finally(() => {
      issuer.busyUntil = 0;
    });
    io.waitUntil(refreshing);
    await refreshing;
  }

  /** KV, then the network, each at most once per cool-down. Leaves everything as it is when neither helps. */
  async function refresh(
    issuer: Issuer,
    io: IssuerIo,
    isEnough: (keys: IssuerKeys) => boolean,
  ): Promise<void> {
    const now = io.now();
    if (now - issuer.kvReadAt >= config.jwksCooldownSeconds) {
      issuer.kvReadAt = now;
      const stored = await readStored(issuer, io, config);
      if (stored && stored.fetchedAt > (issuer.loaded?.fetchedAt ?? 0)) {
        adopt(issuer, stored, 'kv');
        // Another isolate's fetch counts: all isolates together shall not hammer the issuer either.
        issuer.networkAskedAt = Math.max(issuer.networkAskedAt, stored.fetchedAt);
        if (isEnough(stored)) return;
      }
    }
    if (now - issuer.networkAskedAt < config.jwksCooldownSeconds) return;
    issuer.networkAskedAt = now;
    try {
      const fetched = await fetchKeys(issuer.name, issuer.server, now, config);
      issuer.failedAt = 0;
      adopt(issuer, fetched, 'network');
      io.waitUntil(writeStored(issuer, fetched, io, config));
    } catch (error) {
      issuer.failedAt = io.now();
      log({ event: 'issuer_keys_failed', issuer: issuer.name, detail: describeError(error) });
    }
  }
}

function adopt(issuer: Issuer, keys: IssuerKeys, from: 'kv' | 'network'): void {
  const { loaded } = issuer;
  const isSame = loaded !== undefined && JSON.stringify(loaded.keys) === JSON.stringify(keys.keys);
  if (!isSame) issuer.keysVersion += 1;
  issuer.loaded = { ...keys, resolve: isSame ? loaded.resolve : createLocalJWKSet({ keys: [...keys.keys] }) };
  issuer.unknownKids.clear();
  log({ event: 'issuer_keys_loaded', issuer: issuer.name, from, keys: keys.keys.length });
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

const kvKey = ({ name }: Issuer): string => `jwks:${name}`;

/** What KV has for the issuer, if it is of use: of the configured place, young enough, and of the right shape. */
async function readStored(
  issuer: Issuer,
  io: IssuerIo,
  config: IssuerConfig,
): Promise<IssuerKeys | undefined> {
  const { jwksUri } = issuer.server;
  try {
    const value = await inTime(io.kv.get<Partial<IssuerKeys>>(kvKey(issuer), 'json'), config.issuerTimeoutMs);
    if (!value || typeof value.jwksUri !== 'string' || typeof value.fetchedAt !== 'number') return undefined;
    if (jwksUri !== undefined && value.jwksUri !== jwksUri) return undefined;
    const age = io.now() - value.fetchedAt;
    if (age < 0 || age >= config.jwksStaleLimitSeconds) return undefined;
    // Without a usable key it would keep from asking the issuer, and every token would seem to be forged.
    const keys = publicKeys({ keys: value.keys });
    if (keys.length === 0) return undefined;
    return { jwksUri: value.jwksUri, fetchedAt: value.fetchedAt, keys };
  } catch (error) {
    log({ event: 'kv_failed', operation: 'read', key: kvKey(issuer), detail: describeError(error) });
    return undefined;
  }
}

async function writeStored(
  issuer: Issuer,
  keys: IssuerKeys,
  io: IssuerIo,
  config: IssuerConfig,
): Promise<void> {
  try {
    await io.kv.put(kvKey(issuer), JSON.stringify(keys), { expirationTtl: config.jwksStaleLimitSeconds });
  } catch (error) {
    log({ event: 'kv_failed', operation: 'write', key: kvKey(issuer), detail: describeError(error) });
  }
}

/** @throws {Error} when the promise takes longer */
function inTime<T>(promise: Promise<T>, timeoutMs: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no answer in ${timeoutMs} ms`)), timeoutMs);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
