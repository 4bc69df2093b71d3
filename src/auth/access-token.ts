// A JWT access token -> Principal (RFC 9068, RFC 8725, and what authorization servers really send).
//
// Each `if` below is one check with an attack test of its own (test/attacks). The order is: cheap and unverified first,
// then the signature, then what the signed claims say. Validity before policy: nothing here looks at scopes.
// Does not check: that a token without a type of its own is no ID token that says so nowhere, which matters when
// `audience` is a client id (use a preset, `require`, `typ: ["at+jwt"]`, or an audience of its own); revocation (every
// request, also on a cache hit: policy), scopes and roles (policy), that the client is who it says it is (bearer tokens
// cannot tell), or that a token is used once.

import {
  base64url,
  decodeJwt,
  decodeProtectedHeader,
  errors,
  type JWTHeaderParameters,
  type JWTPayload,
  jwtVerify,
} from 'jose';
import type { Config } from '../config.ts';
import { type Denial, isDenial } from '../denial.ts';
import { readClaims } from './claims.ts';
import type { IssuerIo, Issuers } from './issuers.ts';
import type { Principal } from './principal.ts';
import { isServiceKey } from './service-key.ts';
import { hashOf, invalid, isForAnotherUse, principalFrom, type RuleConfig } from './token-rules.ts';

type TokenConfig = RuleConfig & Pick<Config, 'verifiedTokenCacheEntries' | 'verifiedTokenCacheSeconds'>;

/**
 * Credential -> Principal, at once when this isolate has verified the same credential before. `header` is where it came
 * in, when that was not Authorization.
 */
export type AccessTokenVerifier = (
  credential: string,
  io: IssuerIo,
  header?: string,
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

/** `opaque` verifies what is no JWT; without it such a credential is refused. */
export function createAccessTokenVerifier(
  config: TokenConfig,
  issuers: Issuers,
  opaque?: AccessTokenVerifier,
): AccessTokenVerifier {
  const cache = new Map<string, CacheEntry>();

  return (credential, io, header) => {
    // Neither a header's name nor a token has a space: two sources never share an entry.
    const name = header === undefined ? credential : `${header} ${credential}`;
    const entry = cache.get(name);
    if (
      entry &&
      io.now() < entry.usableUntil &&
      entry.keysVersion === issuers.keysVersion(entry.principal.issuer)
    )
      return entry.principal;
    if (opaque && !isJwt(credential) && !isServiceKey(credential)) return opaque(credential, io, header);
    return verifyAndRemember(name, credential, io, header);
  };

  async function verifyAndRemember(
    name: string,
    credential: string,
    io: IssuerIo,
    tokenHeader: string | undefined,
  ): Promise<Principal | Denial> {
    const verified = await verify(credential, io, tokenHeader);
    if (isDenial(verified)) {
      cache.delete(name);
      return verified;
    }
    const { principal, keysVersion } = verified;
    if (config.verifiedTokenCacheEntries > 0) {
      if (cache.size >= config.verifiedTokenCacheEntries) cache.delete(cache.keys().next().value ?? '');
      const end = principal.expiresAt + config.clockToleranceSeconds;
      cache.set(name, {
        ...verified,
        usableUntil: Math.min(io.now() + config.verifiedTokenCacheSeconds, end),
        keysVersion,
      });
    }
    return principal;
  }

  async function verify(
    credential: string,
    io: IssuerIo,
    tokenHeader: string | undefined,
  ): Promise<Omit<CacheEntry, 'usableUntil'> | Denial> {
    const unverified = decode(credential);
    if (isDenial(unverified)) return unverified;
    const { header, issuer } = unverified;

    const server = issuers.server(issuer);
    if (!server) return { reason: 'issuer_not_trusted' };
    if (server.tokenHeader !== tokenHeader) return invalid('token_source');
    if (!server.algs.includes(header.alg)) return invalid('alg_not_allowed');
    if (!server.typ.includes(typOf(header))) return invalid('typ_not_allowed');
    if (!isCanonical(credential)) return invalid('not_a_jwt');

    const keys = await issuers.keys(issuer, header, io);
    if (isDenial(keys)) return keys;
    const keysVersion = issuers.keysVersion(issuer);
    const verified = await verifySignatureAndTime(credential, keys, io.now(), config.clockToleranceSeconds);
    if (isDenial(verified)) return verified;
    const { payload } = verified;

    const impostor = notAnAccessToken(payload, typOf(header));
    if (impostor) return invalid(impostor);
    const principal = await principalFrom(
      payload,
      { issuer, server, signed: signedPart(credential) },
      io.now(),
      config,
    );
    return isDenial(principal) ? principal : { principal, keysVersion };
  }
}

/**
 * Whether somebody's JWT, signed or encrypted: it is judged here, and never shown to anybody. One that is written as no JWT
 * may be, in plain base64 or with padding, still is one: whoever gets it can put it right.
 */
function isJwt(credential: string): boolean {
  try {
    decodeProtectedHeader(credential.replaceAll('=', '').replaceAll('+', '-').replaceAll('/', '_'));
    return true;
  } catch {
    return false;
  }
}

/** base64url without padding (RFC 7515 section 2). Without a signature it is one, and refused as such a one. */
const JWT = /^[\w-]+\.[\w-]+\.[\w-]*$/;

/** Whether the signature is spelled in the one way: the last character may have bits that mean nothing. */
function isCanonical(credential: string): boolean {
  const signature = credential.slice(credential.lastIndexOf('.') + 1);
  try {
    return base64url.encode(base64url.decode(signature)) === signature;
  } catch {
    return false;
  }
}

/** What must be known to choose the keys. Nothing here is authenticated yet. */
function decode(credential: string): { header: JWTHeaderParameters; issuer: string } | Denial {
  // Five parts are an encrypted token (JWE): somebody has to turn encryption off at the authorization server.
  if (credential.split('.', 6).length === 5) return invalid('encrypted');
  // A decoder forgives what nobody writes like this, and then one token has several spellings.
  if (!JWT.test(credential)) return invalid('not_a_jwt');
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

/** Signature, then exp and nbf, as jose does them. Does not check iss and alg (they chose the keys), or the audience. */
async function verifySignatureAndTime(
  credential: string,
  keys: readonly CryptoKey[],
  now: number,
  clockTolerance: number,
): Promise<{ payload: JWTPayload } | Denial> {
  const options = {
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
  const other = isForAnotherUse(payload);
  if (other) return other;
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
  const tokenId = server && readClaims(decodeJwt(credential), server)?.tokenId;
  return { issuer, tokenId: tokenId ?? (await hashOf(signedPart(credential))) };
}

/** Without the signature: one signature can be written in several ways. */
const signedPart = (credential: string): string => credential.slice(0, credential.lastIndexOf('.'));
