// How a script gets a token: each OAuth grant the local authorization server knows, for real, over HTTP.
//
// The endpoints come from the issuer's metadata (RFC 8414). Where a person is needed,
// authorization-server/browser.ts presses the buttons. Errors name the endpoint and the OAuth error; no
// token, code or secret gets into a message.
// Does not verify tokens and does not keep them.
// RFC 6749 with PKCE (RFC 7636), `iss` (RFC 9207), resource indicators (RFC 8707), device grant (RFC 8628), and what a
// resource server may want to know of the sign-in (RFC 9470).

import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { DEVICE_CODE_GRANT } from './authorization-server/accounts.ts';
import { Browser } from './authorization-server/browser.ts';

/** RFC 6749 section 5.1. */
export interface TokenResponse {
  readonly access_token: string;
  readonly token_type: string;
  readonly expires_in?: number;
  readonly scope?: string;
  readonly refresh_token?: string;
  readonly id_token?: string;
}

export interface AuthorizationServerMetadata {
  readonly issuer: string;
  readonly authorization_endpoint: string;
  readonly token_endpoint: string;
  readonly jwks_uri: string;
  readonly registration_endpoint?: string;
  readonly introspection_endpoint?: string;
  readonly revocation_endpoint?: string;
  readonly device_authorization_endpoint?: string;
  readonly scopes_supported?: readonly string[];
  readonly authorization_response_iss_parameter_supported?: boolean;
}

/** The authorization server said no (RFC 6749 sections 4.1.2.1 and 5.2). */
export class GrantError extends Error {
  override readonly name = 'GrantError';
  readonly endpoint: string;
  readonly code: string;

  constructor(endpoint: string, code: string, description?: string | null) {
    super(`${endpoint}: ${code}${description ? ` (${description})` : ''}`);
    this.endpoint = endpoint;
    this.code = code;
  }
}

/** What a token is to be for. Without `resource` the server takes its default one. */
interface Target {
  readonly issuer: string;
  readonly scope?: string | undefined;
  readonly resource?: string | undefined;
}

/** How the person has to have signed in (OpenID Connect Core section 3.1.2.1). */
export interface Authentication {
  /** At most so many seconds ago. */
  readonly maxAge?: string | undefined;
  readonly acrValues?: string | undefined;
}

/** As `user`, whose browser is pressed here; or as whoever `open` waits for: it gives where that browser was sent. */
export async function authorizationCodeGrant(
  options: Target &
    Authentication & { readonly clientId?: string; readonly redirectUri?: string } & (
      | { readonly user: string; readonly browser?: Browser }
      | { readonly open: (authorization: URL) => Promise<URL> }
    ),
): Promise<TokenResponse> {
  const { issuer, resource } = options;
  const { clientId = 'cli', redirectUri = 'http://127.0.0.1/callback' } = options;
  const server = await discover(issuer);
  const verifier = randomBytes(32).toString('base64url');
  const state = randomBytes(16).toString('base64url');

  if (!URL.canParse(server.authorization_endpoint)) throw new GrantError(issuer, 'no authorization_endpoint');
  const authorization = new URL(server.authorization_endpoint);
  // What is in its query already stays there (RFC 6749 section 3.1).
  const asked = parameters({
    response_type: 'code',
    client_id: clientId,
    redirect_uri: redirectUri,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    state,
    resource,
    ...signInParameters(options, server),
  });
  for (const [name, value] of asked) authorization.searchParams.set(name, value);
  const { searchParams } =
    'open' in options
      ? await options.open(authorization)
      : await approveAuthorization(authorization, options.user, { browser: options.browser });

  const endpoint = server.authorization_endpoint;
  if (searchParams.get('state') !== state) throw new GrantError(endpoint, 'state_mismatch');
  // Where it was not sent, but said to be sent always, somebody left it out (RFC 9207 section 2.4).
  const isSent = searchParams.has('iss') || server.authorization_response_iss_parameter_supported === true;
  if (isSent && searchParams.get('iss') !== issuer) throw new GrantError(endpoint, 'issuer_mismatch');
  const code = searchParams.get('code');
  if (code === null) {
    throw new GrantError(
      endpoint,
      searchParams.get('error') ?? 'no_code',
      searchParams.get('error_description'),
    );
  }
  return requestToken(server.token_endpoint, {
    grant_type: 'authorization_code',
    client_id: clientId,
    code,
    code_verifier: verifier,
    redirect_uri: redirectUri,
    resource,
  });
}

/** How somebody has to have signed in is a question of OpenID Connect: servers that know it want its scope with it. */
function signInParameters(
  { scope, maxAge, acrValues }: Target & Authentication,
  { scopes_supported: known }: AuthorizationServerMetadata,
): Readonly<Record<string, string | undefined>> {
  const isAsked = maxAge !== undefined || acrValues !== undefined;
  const scopes = new Set(scope?.split(' '));
  if (isAsked && known?.includes('openid')) scopes.add('openid');
  return {
    scope: scopes.size === 0 ? undefined : [...scopes].join(' '),
    max_age: maxAge,
    acr_values: acrValues,
  };
}

/**
 * Opens an authorization URL, signs in as `user` and presses Allow (or Deny). Returns where the server then
 * sends the browser, with `code` or `error`, without going there. One `browser` for several calls is one
 * browser session.
 */
export async function approveAuthorization(
  authorizationUrl: string | URL,
  user: string,
  options: { readonly deny?: boolean; readonly browser?: Browser | undefined } = {},
): Promise<URL> {
  const { deny, browser = new Browser() } = options;
  const url = new URL(authorizationUrl);
  const destination = await browser.visit(url, { user, deny });
  if ('redirect' in destination) return destination.redirect;
  throw new GrantError(
    url.origin + url.pathname,
    'no_redirect',
    'the browser was not sent back to the client',
  );
}

export async function clientCredentialsGrant(
  options: Target & { readonly clientId: string; readonly clientSecret: string },
): Promise<TokenResponse> {
  const { issuer, clientId, clientSecret, scope, resource } = options;
  const { token_endpoint } = await discover(issuer);
  // RFC 6749 section 2.3.1: both parts are form-encoded before they become Basic credentials.
  const credentials = [clientId, clientSecret].map(encodeURIComponent).join(':');
  return requestToken(
    token_endpoint,
    { grant_type: 'client_credentials', scope, resource },
    { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` },
  );
}

/** As `user`, whose browser is pressed here; or as whoever confirms what `show` gets to show. */
export async function deviceGrant(
  options: Target &
    Authentication & { readonly clientId?: string } & (
      | { readonly user: string }
      | { readonly show: (device: DeviceAuthorization) => void }
    ),
): Promise<TokenResponse> {
  const { issuer, clientId = 'cli', resource } = options;
  const server = await discover(issuer);
  const endpoint = server.device_authorization_endpoint;
  if (endpoint === undefined) throw new GrantError(issuer, 'no device_authorization_endpoint');
  const device = await post<DeviceAuthorization>(endpoint, {
    client_id: clientId,
    resource,
    ...signInParameters(options, server),
  });
  let seconds = device.interval ?? 5;
  const end = Date.now() + device.expires_in * 1000;
  if ('user' in options) {
    const url = new URL(device.verification_uri_complete ?? device.verification_uri);
    await new Browser().visit(url, { user: options.user });
  } else {
    options.show(device);
    await sleep(seconds * 1000);
  }
  while (true) {
    try {
      return await requestToken(server.token_endpoint, {
        grant_type: DEVICE_CODE_GRANT,
        client_id: clientId,
        device_code: device.device_code,
        resource,
      });
    } catch (error) {
      const code = error instanceof GrantError ? error.code : '';
      if (!['authorization_pending', 'slow_down'].includes(code) || Date.now() > end) throw error;
      if (code === 'slow_down') seconds += 5;
      await sleep(seconds * 1000);
    }
  }
}

/** RFC 8628 section 3.2. */
export interface DeviceAuthorization {
  readonly device_code: string;
  readonly user_code: string;
  readonly verification_uri: string;
  readonly verification_uri_complete?: string;
  readonly expires_in: number;
  readonly interval?: number;
}

export async function refreshGrant(
  options: Target & { readonly clientId: string; readonly refreshToken: string },
): Promise<TokenResponse> {
  const { issuer, clientId, refreshToken, scope, resource } = options;
  const { token_endpoint } = await discover(issuer);
  return requestToken(token_endpoint, {
    grant_type: 'refresh_token',
    client_id: clientId,
    refresh_token: refreshToken,
    scope,
    resource,
  });
}

/**
 * The issuer's metadata, where RFC 8414 or else OpenID Connect Discovery has it. Section 3.3 of the former wants it to
 * name the issuer that was asked.
 */
export async function discover(issuer: string): Promise<AuthorizationServerMetadata> {
  const { origin, pathname } = new URL(issuer);
  const oauth = `${origin}/.well-known/oauth-authorization-server${pathname === '/' ? '' : pathname}`;
  const openid = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const response = await fetch(oauth);
  const url = response.status === 404 ? openid : oauth;
  const metadata = await answerOf<AuthorizationServerMetadata>(
    url,
    response.status === 404 ? await fetch(openid) : response,
  );
  if (metadata.issuer !== issuer) throw new GrantError(url, 'issuer_mismatch');
  return metadata;
}

function requestToken(
  endpoint: string,
  fields: Readonly<Record<string, string | undefined>>,
  headers?: Record<string, string>,
): Promise<TokenResponse> {
  return post<TokenResponse>(endpoint, fields, headers);
}

async function post<T>(
  endpoint: string,
  fields: Readonly<Record<string, string | undefined>>,
  headers: Record<string, string> = {},
): Promise<T> {
  return answerOf<T>(endpoint, await fetch(endpoint, { method: 'POST', headers, body: parameters(fields) }));
}

function parameters(fields: Readonly<Record<string, string | undefined>>): URLSearchParams {
  const entries = Object.entries(fields).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return new URLSearchParams(entries);
}

/** The JSON of a good answer; of a bad one, the OAuth error. The shape of a good one is taken on trust. */
async function answerOf<T>(endpoint: string, response: Response): Promise<T> {
  const answer = (await response.json().catch(() => ({}))) as T & {
    readonly error?: string;
    readonly error_description?: string;
  };
  if (response.ok) return answer;
  throw new GrantError(endpoint, answer.error ?? `status ${response.status}`, answer.error_description);
}
