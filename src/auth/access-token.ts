// A JWT access token -> Principal (RFC 9068, RFC 8725, and what authorization servers really send).
//
// Each `if` below is one check with an attack test of its own (test/attacks). The order is: cheap and unverified first,
// then the signature, then what the signed claims say. Validity before policy: nothing here looks at scopes.
// Does not check: that a token without a type of its own is no ID token that says so nowhere, which matters when
// `audience` is a client id (use `typ: ["at+jwt"]`, or an audience of its own); revocation (every request, also on a cache hit: policy), scopes and roles (policy), that the client is
// who it says it is (bearer tokens cannot tell), or that a token is used once.

import {
  decodeJwt,
  decodeProtectedHeader,
  errors,
  type JWTHeaderParameters,
  type JWTPayload,
  jwtVerify,
} from 'jose';
import type { AuthorizationServer, Config } from '../config.ts';
import { type Denial, isDenial } from '../denial.ts';
import { readClaims } from './claims.ts';
import type { IssuerIo, Issuers } from './issuers.ts';
import type { Principal } from './principal.ts';

type TokenConfig = Pick<
  Config,
  | 'clockToleranceSeconds'
  | 'maxTokenLifetimeSeconds'
  | 'verifiedTokenCacheEntries'
  | 'verifiedTokenCacheSeconds'
>;

/** Credential -> Principal, at once when this isolate has verified the same credential before. */
export type AccessTokenVerifier = (
  credential: string,
  io: IssuerIo,
) => Principal | Denial | Promise<Principal | Denial>;

/**
 * The cache may be trusted because an entry is found only by the whole token, is used no longer than
 * verifiedTokenCacheSeconds and never beyond exp, and only while the issuer's keys are the ones it was verified with.
 */
interface CacheEntry {
  readonly principal: Principal;
  readonly keysVersion: number | undefined;
  /** Epoch seconds. */
  readonly usableUntil: number;
}

const invalid = (detail: string): Denial => ({ reason: 'token_invalid', detail });

export function createAccessTokenVerifier(config: TokenConfig, issuers: Issuers): AccessTokenVerifier {
  const cache = new Map<string, CacheEntry>();

  return (credential, io) => {
    const entry = cache.get(credential);
    if (
      entry &&
      io.now() < entry.usableUntil &&
      entry.keysVersion === issuers.keysVersion(entry.principal.issuer)
    )
      return entry.principal;
    return verifyAndRemember(credential, io);
  };

  async function verifyAndRemember(credential: string, io: IssuerIo): Promise<Principal | Denial> {
    const verified = await verify(credential, io);
    if (isDenial(verified)) {
      cache.delete(credential);
      return verified;
    }
    const { principal, keysVersion } = verified;
    if (config.verifiedTokenCacheEntries > 0) {
      if (cache.size >= config.verifiedTokenCacheEntries) cache.delete(cache.keys().next().value ?? '');
      const end = principal.expiresAt + config.clockToleranceSeconds;
      cache.set(credential, {
        ...verified,
        usableUntil: Math.min(io.now() + config.verifiedTokenCacheSeconds, end),
        keysVersion,
      });
    }
    return principal;
  }

  async function verify(credential: string, io: IssuerIo): Promise<Omit<CacheEntry, 'usableUntil'> | Denial> {
    const unverified = decode(credential);
    if (isDenial(unverified)) return unverified;
    const { header, issuer } = unverified;

    const server = issuers.server(issuer);
    if (!server) return { reason: 'issuer_not_trusted' };
    if (!server.algs.includes(header.alg)) return invalid('alg_not_allowed');
    if (!server.typ.includes(typOf(header))) return invalid('typ_not_allowed');

    const keys = await issuers.keys(issuer, header, io);
    if (isDenial(keys)) return keys;
    const keysVersion = issuers.keysVersion(issuer);
    const verified = await verifySignatureAndTime(
      credential,
      keys,
      server,
      io.now(),
      config.clockToleranceSeconds,
    );
    if (isDenial(verified)) return verified;
    const { payload } = verified;

    const impostor = notAnAccessToken(payload, typOf(header));
    if (impostor) return invalid(impostor);
    if (!Number.isFinite(payload.exp)) return invalid('exp_unbounded');
    if (!hasIssuedAt(payload, io.now() + config.clockToleranceSeconds)) return invalid('iat_in_the_future');
    // A revocation is forgotten when no token it covers can be alive any more.
    if (lifetime(payload, io.now()) > config.maxTokenLifetimeSeconds) return invalid('lifetime_too_long');
    const claims = readClaims(payload, server.claims);
    if (!claims) return invalid('claim_malformed');
    if (claims.subject === undefined) return invalid('subject_missing');

    const principal: Principal = Object.freeze({
      kind: 'oauth',
      ...claims,
      subject: claims.subject,
      issuer,
      tokenId: claims.tokenId ?? (await hashOf(credential)),
      issuedAt: payload.iat ?? 0,
      expiresAt: payload.exp ?? 0,
    });
    return { principal, keysVersion };
  }
}

/** What must be known to choose the keys. Nothing here is authenticated yet. */
function decode(credential: string): { header: JWTHeaderParameters; issuer: string } | Denial {
  // Five parts are an encrypted token (JWE): somebody has to turn encryption off at the authorization server.
  if (credential.split('.', 6).length === 5) return invalid('encrypted');
  try {
    const header = decodeProtectedHeader(credential);
    const { iss } = decodeJwt(credential);
    if (typeof header.alg !== 'string' || typeof iss !== 'string') return invalid('not_a_jwt');
    return { header: header as JWTHeaderParameters, issuer: iss };
  } catch {
    return invalid('not_a_jwt');
  }
}

/** RFC 7515 section 4.1.9: a media type, compared without case, `application/` may be left out. */
function typOf(header: JWTHeaderParameters): string {
  if (header.typ === undefined) return 'absent';
  return typeof header.typ === 'string' ? header.typ.toLowerCase().replace(/^application\//, '') : '';
}

/** Signature, then aud, exp and nbf, as jose does them. Does not check iss and alg: they chose the keys. */
async function verifySignatureAndTime(
  credential: string,
  keys: readonly CryptoKey[],
  server: AuthorizationServer,
  now: number,
  clockTolerance: number,
): Promise<{ payload: JWTPayload } | Denial> {
  const options = {
    audience: [...server.audience],
    requiredClaims: ['exp'],
    clockTolerance,
    currentDate: new Date(now * 1_000),
  };
  for (const key of keys) {
    try {
      return await jwtVerify(credential, key, options);
    } catch (error) {
      if (error instanceof errors.JWSSignatureVerificationFailed) continue;
      if (error instanceof errors.JWTExpired) return { reason: 'token_expired' };
      if (error instanceof errors.JWTClaimValidationFailed) return invalid(`${error.claim}_${error.reason}`);
      return invalid(error instanceof errors.JOSEError ? error.code : 'not_verifiable');
    }
  }
  return invalid(keys.length === 0 ? 'key_unknown' : 'signature');
}

/**
 * Other tokens that the same issuer signs with the same keys, and that may even carry our audience.
 * Gives our word for what it is, or `undefined` for what can be an access token.
 */
function notAnAccessToken(payload: JWTPayload, typ: string): string | undefined {
  // Back-channel logout tokens and security event tokens (RFC 8417 section 2.2).
  if (payload.events !== undefined) return 'security_event';
  // DPoP proofs (RFC 9449 section 4.2).
  if (payload.htm !== undefined || payload.htu !== undefined) return 'dpop_proof';
  // Bound to a key the caller would have to prove (RFC 7800, 8705, 9449): as a bearer token it is a stolen one.
  if (payload.cnf !== undefined) return 'sender_constrained';
  // Keycloak says ID, Refresh or Logout in a claim, Cognito id.
  if (
    payload.typ !== undefined &&
    (typeof payload.typ !== 'string' || payload.typ.toLowerCase() !== 'bearer')
  )
    return 'typ_claim';
  if (payload.token_use !== undefined && payload.token_use !== 'access') return 'token_use_claim';
  // What only ID tokens have (OpenID Connect Core 2, 3.1.3.6). at+jwt already says that this is none.
  if (typ !== 'at+jwt' && ID_TOKEN_CLAIMS.some((claim) => payload[claim] !== undefined)) return 'id_token';
  return undefined;
}

const ID_TOKEN_CLAIMS = ['nonce', 'at_hash', 'c_hash', 's_hash'];

/** A token from the future would escape every revocation "issued at or before". Absent is allowed: it counts as the oldest. */
function hasIssuedAt(payload: JWTPayload, latest: number): boolean {
  return payload.iat === undefined || (typeof payload.iat === 'number' && payload.iat <= latest);
}

/** Seconds from issue to expiry; for a token that does not say when it was issued, from now. */
const lifetime = ({ exp = 0, iat }: JWTPayload, now: number): number => exp - (iat ?? now);

/**
 * What a token is called in the audit and in revocations, of a token that need not be valid; `undefined` for what is no
 * JWT with an issuer. Verifies nothing: for an operator who wants to revoke a token that was found somewhere.
 */
export async function unverifiedTokenId(
  credential: string,
  issuers: Pick<Issuers, 'server'>,
): Promise<{ readonly issuer: string; readonly tokenId: string } | undefined> {
  const unverified = decode(credential);
  if (isDenial(unverified)) return undefined;
  const { issuer } = unverified;
  const server = issuers.server(issuer);
  const tokenId = server && readClaims(decodeJwt(credential), server.claims)?.tokenId;
  return { issuer, tokenId: tokenId ?? (await hashOf(credential)) };
}

/** Of what is signed, without the signature: one signature can be written in several ways. */
async function hashOf(credential: string): Promise<string> {
  const signed = credential.slice(0, credential.lastIndexOf('.'));
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(signed)));
  return `sha256:${Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}
