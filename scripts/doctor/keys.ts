// An issuer's keys: whether the Worker can have them, and verify with them what is configured.
//
// Which keys count is the Worker's own decision (publicKeys). Does not verify a token.

import { publicKeys } from '../../src/auth/issuer-documents.ts';
import { type AuthorizationServer, type Config, isSafeUrl } from '../../src/config.ts';
import { type Answer, type Ask, isAnswer } from './ask.ts';
import { error, type Finding, listed, ok, shown, warning } from './finding.ts';
import type { Metadata } from './metadata.ts';

const CONSEQUENCE = 'No token of this issuer can be verified: each is answered with 503, or refused.';

export async function checkKeys(
  issuer: string,
  server: AuthorizationServer,
  metadata: Metadata | undefined,
  config: Config,
  ask: Ask,
): Promise<Finding[]> {
  const url = server.jwksUri ?? metadata?.document.jwks_uri;
  if (url === undefined && !metadata) return [];
  if (!isSafeUrl(url) || (issuer.startsWith('https:') && !url.startsWith('https:')))
    return [noAddress(issuer, url, metadata)];
  const answer = await ask(url, { headers: { accept: 'application/json' } });
  if (!isAnswer(answer))
    return [
      error(
        'issuer.jwks',
        `${issuer}: its keys at ${url}: ${new URL(url).host} ${answer.problem}`,
        CONSEQUENCE,
        answer.remedy,
      ),
    ];
  const moved =
    server.jwksUri === undefined ||
    metadata?.document.jwks_uri === undefined ||
    metadata.document.jwks_uri === url;
  return [
    ...(moved ? [] : [elsewhere(issuer, url, metadata.document.jwks_uri)]),
    ...(answer.status === 200 && answer.json
      ? judge(issuer, server, answer, metadata)
      : [notThere(issuer, url, answer, server.jwksUri !== undefined)]),
    ...slow(issuer, answer, config),
  ];
}

function noAddress(issuer: string, url: unknown, metadata: Metadata | undefined): Finding {
  return error(
    'issuer.jwks-uri',
    url === undefined
      ? `${issuer}: its metadata has no jwks_uri`
      : `${issuer}: its jwks_uri is no https URL: ${shown(url)}`,
    CONSEQUENCE,
    `Have the authorization server publish it with https (${metadata?.url}), or give jwksUri in AUTHORIZATION_SERVERS. A server without a JWKS signs with a shared secret, or issues opaque tokens: neither can be used.`,
  );
}

function elsewhere(issuer: string, url: string, published: unknown): Finding {
  return warning(
    'issuer.jwks-elsewhere',
    `${issuer}: jwksUri is ${url}, but its metadata says ${shown(published)}`,
    'If the keys are moved or rotated, the configured address may go stale.',
    'Leave jwksUri out, unless the metadata is known to be wrong.',
  );
}

function notThere(issuer: string, url: string, { status }: Answer, isConfigured: boolean): Finding {
  return error(
    'issuer.jwks',
    status === 200
      ? `${issuer}: what is at ${url} is no JSON object with keys`
      : `${issuer}: its keys at ${url} are answered with ${status}`,
    `${CONSEQUENCE} Redirects are not followed.`,
    isConfigured
      ? 'Put jwksUri right, or leave it out to have it found by the metadata.'
      : 'That is to be mended at the authorization server; until then give jwksUri in AUTHORIZATION_SERVERS.',
  );
}

type Jwk = Readonly<Record<string, unknown>>;

function judge(
  issuer: string,
  { algs }: AuthorizationServer,
  { json = {} }: Answer,
  metadata: Metadata | undefined,
): Finding[] {
  const all = Array.isArray(json.keys)
    ? json.keys.filter((key): key is Jwk => typeof key === 'object' && key !== null)
    : [];
  const secret = all.filter(({ kty, d, k }) => d !== undefined || (kty === 'oct' && k !== undefined));
  if (secret.length > 0) return [published(issuer)];
  const usable = publicKeys(json) as readonly Jwk[];
  if (usable.length === 0) return [noneUsable(issuer, all, metadata)];
  const fitting = usable.filter((key) => algs.some((alg) => fits(key, alg)));
  if (fitting.length === 0) return [noneAllowed(issuer, usable, algs)];
  const findings = [
    ok(
      'issuer.keys',
      `${issuer}: ${fitting.length} key${fitting.length === 1 ? '' : 's'} to verify with (${kinds(fitting)})`,
    ),
  ];
  const others = usable.filter((key) => !fitting.includes(key));
  if (others.length > 0)
    findings.push(
      warning(
        'issuer.algs',
        `${issuer}: it also has ${kinds(others)}, which algs (${algs.join(', ')}) does not allow`,
        'Should it sign access tokens with one of these, they are refused.',
        'Add the algorithm to algs, if it is used for access tokens.',
      ),
    );
  if (fitting.length > 1 && fitting.some(({ kid }) => typeof kid !== 'string'))
    findings.push(
      warning(
        'issuer.kid',
        `${issuer}: has ${fitting.length} keys, and not all of them a kid`,
        'Tokens are then tried against every key that fits, and a replaced key is noticed late.',
        'Have the authorization server give each key a kid.',
      ),
    );
  return findings;
}

function published(issuer: string): Finding {
  return error(
    'issuer.private-keys',
    `${issuer}: its JWKS publishes private or shared keys`,
    'Anyone can sign tokens with them.',
    'Take the JWKS down now, replace the keys, publish public ones only. Until then remove the issuer from AUTHORIZATION_SERVERS.',
  );
}

function noneUsable(issuer: string, all: readonly Jwk[], metadata: Metadata | undefined): Finding {
  const algs = metadata?.document.id_token_signing_alg_values_supported;
  const isShared = Array.isArray(algs) && algs.length > 0 && algs.every((alg) => /^HS/.test(String(alg)));
  const isWeak = all.some(({ kty }) => kty === 'RSA');
  return error(
    isWeak ? 'issuer.weak-keys' : 'issuer.no-keys',
    all.length === 0
      ? `${issuer}: its JWKS has no keys${isShared ? `; it signs with ${listed(algs.map(shown))}` : ''}`
      : `${issuer}: none of its ${all.length} keys can verify a signature${isWeak ? ' (RSA below 2048 bits, or not for signatures)' : ''}`,
    CONSEQUENCE,
    all.length === 0
      ? 'It probably signs with a shared secret (HS256), which cannot prove who signed. Have it sign with an asymmetric key: RS256, ES256 or EdDSA.'
      : 'Have it sign with RSA of at least 2048 bits, with ES256 or EdDSA, and publish the key with use "sig" or none.',
  );
}

function noneAllowed(issuer: string, usable: readonly Jwk[], algs: readonly string[]): Finding {
  const wanted = [...new Set(usable.flatMap(algsOf))];
  return error(
    'issuer.algs',
    `${issuer}: its keys are ${kinds(usable)}, but algs allows only ${algs.join(', ')}`,
    CONSEQUENCE,
    `Set algs = ${JSON.stringify(wanted)} in its entry of AUTHORIZATION_SERVERS.`,
  );
}

const EC_ALGS: Readonly<Record<string, string>> = { 'P-256': 'ES256', 'P-384': 'ES384', 'P-521': 'ES512' };

function fits(key: Jwk, alg: string): boolean {
  if (typeof key.alg === 'string' && key.alg !== alg)
    return key.kty === 'OKP' && ['EdDSA', 'Ed25519'].includes(key.alg) && ['EdDSA', 'Ed25519'].includes(alg);
  if (key.kty === 'RSA') return /^[RP]S/.test(alg);
  if (key.kty === 'EC') return EC_ALGS[String(key.crv)] === alg;
  return key.crv === 'Ed25519' && ['EdDSA', 'Ed25519'].includes(alg);
}

function algsOf(key: Jwk): readonly string[] {
  if (typeof key.alg === 'string') return [key.alg];
  if (key.kty === 'RSA') return ['RS256'];
  return key.kty === 'EC' ? [EC_ALGS[String(key.crv)] ?? 'ES256'] : ['EdDSA'];
}

const kinds = (keys: readonly Jwk[]): string =>
  listed([
    ...new Set(
      keys.map((key) => shown([key.kty, key.crv, key.alg].filter((part) => part !== undefined).join(' '))),
    ),
  ]);

/** The Worker waits less than the doctor, and reads less. */
export function slow(issuer: string, answer: Answer, config: Config): Finding[] {
  const { url, milliseconds, bytes } = answer;
  const { issuerTimeoutMs, maxIssuerResponseBytes } = config;
  if (bytes > maxIssuerResponseBytes)
    return [
      error(
        'issuer.too-long',
        `${issuer}: ${url} has ${bytes} bytes, more than maxIssuerResponseBytes (${maxIssuerResponseBytes})`,
        'The Worker does not read so much, and refuses the document.',
        'Raise MAX_ISSUER_RESPONSE_BYTES, if the document is meant to be so long.',
      ),
    ];
  if (milliseconds > issuerTimeoutMs)
    return [
      error(
        'issuer.slow',
        `${issuer}: ${url} took ${milliseconds} ms, longer than issuerTimeoutMs (${issuerTimeoutMs})`,
        'The Worker does not wait so long. With older keys it goes on for a day; without, tokens are answered with 503.',
        'Look why the authorization server is slow; ISSUER_TIMEOUT_MS can be raised up to 30000.',
      ),
    ];
  if (milliseconds > issuerTimeoutMs / 2)
    return [
      warning(
        'issuer.slow',
        `${issuer}: ${url} took ${milliseconds} ms of the ${issuerTimeoutMs} ms the Worker waits`,
        'On a bad day the keys cannot be renewed. Requests wait only while there are none at all.',
        'Look why the authorization server is slow, or raise ISSUER_TIMEOUT_MS.',
      ),
    ];
  return [];
}
