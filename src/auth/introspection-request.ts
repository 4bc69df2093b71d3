// One question to an authorization server: what is this token? By RFC 7662, at Google, or over a Service Binding.
//
// The token goes in a body or a header, never into a URL, and where it goes is as configured: redirects are not followed.
// Any answer but a complete one is a failure of the server and says nothing about the token. What a failure is called is
// in our own words: an answer or an exception of somebody else's could have the token in it.
// Does not judge the claims and does not remember them (introspection.ts).

import { importJWK, type JWK, SignJWT } from 'jose';
import type { AuthorizationServer, ClientAuthentication, Config } from '../config.ts';
import { hexOf } from '../hash.ts';
import type { Payload } from './claims.ts';
import { readObject } from './issuer-documents.ts';

type RequestConfig = Pick<Config, 'resource' | 'issuerTimeoutMs' | 'maxIssuerResponseBytes'>;

/** The server could not be asked, or gave no usable answer. */
export class IntrospectionFailure extends Error {
  /** How long the server wants to be left alone. */
  readonly retryAfterSeconds: number | undefined;
  constructor(detail: string, retryAfterSeconds?: number) {
    super(detail);
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/**
 * Credential -> what the server says of it, under the names that JWTs have; `undefined` for a token that is not good.
 * @throws {IntrospectionFailure}
 */
export async function introspect(
  credential: string,
  server: AuthorizationServer,
  now: number,
  config: RequestConfig,
): Promise<Payload | undefined> {
  const { introspection, issuers } = server;
  switch (introspection?.kind) {
    case 'rfc7662':
      return askIntrospection(credential, introspection, issuers[0] ?? '', now, config);
    case 'google-tokeninfo':
      return askGoogle(credential, introspection.url, config);
    case 'service-binding':
      return askBinding(credential, introspection, config);
    default:
      throw new IntrospectionFailure('nothing is configured');
  }
}

/** RFC 7662 section 2. */
async function askIntrospection(
  credential: string,
  { url, client }: { readonly url: string; readonly client: ClientAuthentication },
  issuer: string,
  now: number,
  config: RequestConfig,
): Promise<Payload | undefined> {
  const form = new URLSearchParams({ token: credential, token_type_hint: 'access_token' });
  const headers = await authenticate(client, issuer, now, form);
  const response = await post(url, headers, form.toString(), config);
  if (response.status !== 200) throw await statusFailure(response);
  const answer = await readAnswer(response, config);
  if (answer.active === false) return undefined;
  if (answer.active !== true) throw new IntrospectionFailure('an answer without active');
  return answer;
}

/** Adds what the body needs; gives the headers. */
async function authenticate(
  client: ClientAuthentication,
  issuer: string,
  now: number,
  form: URLSearchParams,
): Promise<Record<string, string>> {
  if (client.method === 'bearer') return { authorization: `Bearer ${client.secret}` };
  const { clientId, secret } = client;
  switch (client.method) {
    case 'basic': {
      // RFC 6749 section 2.3.1: both parts are form-encoded before they become Basic credentials.
      const bytes = new TextEncoder().encode([clientId, secret].map(formEncoded).join(':'));
      return { authorization: `Basic ${btoa(String.fromCharCode(...bytes))}` };
    }
    case 'post':
      form.set('client_id', clientId);
      form.set('client_secret', secret);
      return {};
    case 'private_key_jwt': {
      // RFC 7523 section 3, with the issuer as the only audience (draft-ietf-oauth-rfc7523bis).
      const { key, alg, kid } = await importKey(secret);
      const assertion = await new SignJWT({})
        .setProtectedHeader({ alg, ...(kid === undefined ? {} : { kid }) })
        .setIssuer(clientId)
        .setSubject(clientId)
        .setAudience(issuer)
        .setIssuedAt(now)
        .setExpirationTime(now + ASSERTION_SECONDS)
        .setJti(crypto.randomUUID())
        .sign(key);
      form.set('client_id', clientId);
      form.set('client_assertion_type', 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer');
      form.set('client_assertion', assertion);
      return {};
    }
  }
}

const ASSERTION_SECONDS = 60;
/**
 * Of a PEM key (PKCS #8): the object identifier near its beginning says what it is. Importing it as one after the other
 * would not: workerd takes a key of one curve for another's. And jose would bring a parser for more than this.
 */
const PEM_KEYS = [
  ['2a8648ce3d030107', 'ES256', { name: 'ECDSA', namedCurve: 'P-256' }],
  ['2b81040022', 'ES384', { name: 'ECDSA', namedCurve: 'P-384' }],
  ['2a864886f70d010101', 'RS256', { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }],
  ['2b6570', 'EdDSA', { name: 'Ed25519' }],
] as const;
const OIDS_END = 32;

const formEncoded = (text: string): string => new URLSearchParams([['', text]]).toString().slice(1);

interface SigningKey {
  readonly key: CryptoKey;
  readonly alg: string;
  readonly kid: string | undefined;
}

/** The newest, with the secret it is from. */
let imported: { readonly secret: string; readonly key: SigningKey } | undefined;

async function importKey(secret: string): Promise<SigningKey> {
  if (imported?.secret !== secret) imported = { secret, key: await readKey(secret) };
  return imported.key;
}

async function readKey(secret: string): Promise<SigningKey> {
  try {
    if (!secret.includes('-----BEGIN')) {
      const { alg = '', kid, ...jwk } = JSON.parse(secret) as JWK;
      return { key: (await importJWK(jwk, alg)) as CryptoKey, alg, kid };
    }
    const base64 = secret.replace(/-----[^-]+-----|\s/g, '');
    const der = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    const beginning = hexOf(der.subarray(0, OIDS_END));
    const kind = PEM_KEYS.find(([oid]) => beginning.includes(oid));
    if (kind) {
      const [, alg, algorithm] = kind;
      const key = await crypto.subtle.importKey('pkcs8', der, algorithm, false, ['sign']);
      return { key, alg, kid: undefined };
    }
  } catch {
    // Whatever it says, it is about the key.
  }
  throw new IntrospectionFailure('the private key is not usable');
}

/**
 * Google answers at an endpoint of its own, about the tokens of every app, without knowing who asks. As Google's own
 * library asks, so that the token is in no URL.
 */
async function askGoogle(
  credential: string,
  url: string,
  config: RequestConfig,
): Promise<Payload | undefined> {
  const response = await post(url, { authorization: `Bearer ${credential}` }, '', config);
  if (response.status !== 200 && response.status !== 400) throw await statusFailure(response);
  const answer = await readAnswer(response, config);
  if (response.status === 400) {
    if (answer.error === 'invalid_token' || answer.error_description === 'Invalid Value') return undefined;
    throw new IntrospectionFailure('status 400');
  }
  const { exp, scope, ...rest } = answer;
  return {
    ...rest,
    exp: typeof exp === 'string' && /^\d{1,12}$/.test(exp) ? Number(exp) : exp,
    scope: typeof scope === 'string' ? scope.split(' ').map((name) => GOOGLE_ALIASES[name] ?? name) : scope,
  };
}

/** The same scope under two names: clients ask for the short one, and get the long one. */
const GOOGLE_ALIASES: Readonly<Record<string, string | undefined>> = {
  'https://www.googleapis.com/auth/userinfo.email': 'email',
  'https://www.googleapis.com/auth/userinfo.profile': 'profile',
};

/** What OAuthAuthorizationServer.validateToken() of @cloudflare/workers-oauth-provider answers: `null`, or who it is. */
async function askBinding(
  credential: string,
  { validateToken }: { validateToken(resource: string, token: string): Promise<unknown> },
  config: RequestConfig,
): Promise<Payload | undefined> {
  let answer: unknown;
  try {
    answer = await inTime(validateToken(config.resource, credential), config.issuerTimeoutMs);
  } catch (error) {
    if (error instanceof IntrospectionFailure) throw error;
    throw new IntrospectionFailure('validateToken of the Service Binding failed: its own log has more');
  }
  if (answer === null) return undefined;
  if (typeof answer !== 'object') throw new IntrospectionFailure('validateToken gave no object');
  const { userId, clientId, audience, scope, expiresAt, props } = answer as Readonly<Record<string, unknown>>;
  return { sub: userId, client_id: clientId, aud: audience, scope, exp: expiresAt, props };
}

async function post(
  url: string,
  headers: Readonly<Record<string, string>>,
  body: string,
  config: RequestConfig,
): Promise<Response> {
  try {
    return await fetch(url, {
      method: 'POST',
      headers: {
        ...headers,
        accept: 'application/json',
        'content-type': 'application/x-www-form-urlencoded',
      },
      body,
      redirect: 'manual',
      signal: AbortSignal.timeout(config.issuerTimeoutMs),
    });
  } catch (error) {
    throw noAnswer(error, config);
  }
}

async function readAnswer(response: Response, config: RequestConfig): Promise<Record<string, unknown>> {
  try {
    return await readObject(response, config);
  } catch (error) {
    if (error instanceof SyntaxError) throw new IntrospectionFailure('an answer that is no JSON');
    if (isTimeout(error)) throw noAnswer(error, config);
    throw new IntrospectionFailure(
      `an answer that breaks off, is no object, or is longer than ${config.maxIssuerResponseBytes} bytes`,
    );
  }
}

async function statusFailure(response: Response): Promise<IntrospectionFailure> {
  await response.body?.cancel();
  const wait = /^\d{1,4}$/.exec(response.headers.get('retry-after') ?? '')?.[0];
  const { status } = response;
  return new IntrospectionFailure(
    status === 401 || status === 403
      ? `status ${status}: it does not know this server's credentials`
      : `status ${status}`,
    status === 429 ? Number(wait ?? 1) : undefined,
  );
}

const isTimeout = (error: unknown): boolean => error instanceof Error && error.name === 'TimeoutError';

const noAnswer = (error: unknown, { issuerTimeoutMs }: RequestConfig): IntrospectionFailure =>
  new IntrospectionFailure(isTimeout(error) ? `no answer in ${issuerTimeoutMs} ms` : 'no connection');

/** @throws {IntrospectionFailure} when the promise takes longer */
function inTime<T>(promise: Promise<T>, timeoutMs: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = () => reject(new IntrospectionFailure(`no answer in ${timeoutMs} ms`));
    const timer = setTimeout(late, timeoutMs);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
