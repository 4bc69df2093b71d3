// What the local authorization server allows: the oidc-provider configuration, all of it.
//
// OAuth 2.1: authorization code with PKCE S256, client credentials, device code, rotating refresh tokens.
// Clients are in accounts.ts, register themselves (RFC 7591) or are a client ID metadata document.
// Every access token is for one resource (RFC 8707), and a JWT (RFC 9068) unless opaque ones are wanted.
// Does not listen: see ../authorization-server.ts. New keys mean a new Provider: they cannot be exchanged.

import { generateKeyPairSync } from 'node:crypto';
import Provider, { type AdapterFactory, type ClientMetadata, errors } from 'oidc-provider';
import { CLIENTS, INTROSPECTOR, MACHINES, RESOURCE_SCOPES, SCOPES, USERS } from './accounts.ts';
import { interactions, interactionUrl } from './interactions.ts';
import { confirmDevicePage, deviceDonePage, errorPage, show, userCodePage } from './pages.ts';

export interface ProviderOptions {
  readonly issuer: string;
  /** The first is the one a request without `resource` gets. */
  readonly resources: readonly string[];
  readonly accessTokenSeconds: number;
  /** Access tokens that only the introspection endpoint can read. */
  readonly opaque: boolean;
  readonly storage: AdapterFactory;
  readonly cookieKeys: readonly string[];
  readonly log: (line: string) => void;
}

const REGISTRATION = '/register';
const LOOPBACK: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);
const DAY = 86_400;

export function createProvider(options: ProviderOptions): Provider {
  const { issuer, resources, accessTokenSeconds, opaque, storage, cookieKeys, log } = options;
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });

  const provider = new Provider(issuer, {
    adapter: storage,
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), alg: 'ES256', use: 'sig' }] },
    cookies: { keys: cookieKeys },
    scopes: Object.keys(SCOPES),
    responseTypes: ['code'],
    pkce: { required: () => true },
    clients: CLIENTS,
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    clientAuthMethods: ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'],
    extraClientMetadata: { properties: ['scope', 'application_type'], validator: adjustClient },
    extraParams: { scope: defaultScope },
    clientBasedCORS: () => true,
    fetch: fetchDocument,
    routes: {
      authorization: '/authorize',
      registration: REGISTRATION,
      introspection: '/introspect',
      revocation: '/revoke',
    },
    features: {
      devInteractions: { enabled: false },
      dPoP: { enabled: false },
      pushedAuthorizationRequests: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      // Its endpoint would need access tokens for itself, and these are all for a resource.
      userinfo: { enabled: false },
      clientCredentials: { enabled: true },
      registration: { enabled: true },
      clientIdMetadataDocument: { enabled: true, ack: 'draft-02' },
      introspection: {
        enabled: true,
        allowedPolicy: (_ctx, client, token) =>
          client.clientId === INTROSPECTOR.id || client.clientId === token.clientId,
      },
      revocation: {
        enabled: true,
        allowedPolicy: (_ctx, client, token) => client.clientId === token.clientId,
      },
      deviceFlow: {
        enabled: true,
        userCodeInputSource: (ctx, _form, out) => {
          const problem = out && `Not done: ${out.error_description ?? out.error}.`;
          show(ctx, userCodePage(ctx.oidc.urlFor('code_verification'), xsrfToken(ctx), problem));
        },
        userCodeConfirmSource: (ctx, _form, client, _deviceInfo, userCode) => {
          const action = ctx.oidc.urlFor('code_verification');
          show(
            ctx,
            confirmDevicePage(action, xsrfToken(ctx), client.clientName ?? client.clientId, userCode),
          );
        },
        successSource: (ctx) => {
          show(ctx, deviceDonePage(ctx.oidc.client?.clientName ?? ctx.oidc.client?.clientId ?? ''));
        },
      },
      resourceIndicators: {
        enabled: true,
        // Several resources and no choice between them stay unresolved, which the library refuses.
        defaultResource: (_ctx, _client, oneOf) => oneOf ?? resources[0],
        useGrantedResource: () => true,
        getResourceServerInfo: (_ctx, resource) => {
          if (!resources.includes(resource)) throw new errors.InvalidTarget();
          return {
            scope: Object.keys(RESOURCE_SCOPES).join(' '),
            audience: resource,
            ...(opaque
              ? { accessTokenFormat: 'opaque' }
              : { accessTokenFormat: 'jwt', jwt: { sign: { alg: 'ES256' } } }),
          };
        },
      },
    },
    interactions: { url: interactionUrl },
    renderError: (ctx, { error, error_description }) => show(ctx, errorPage(error, error_description)),
    findAccount: (_ctx, id) =>
      Object.hasOwn(USERS, id) ? { accountId: id, claims: () => ({ sub: id }) } : undefined,
    extraTokenClaims: (ctx, token) => {
      const roles = 'accountId' in token ? USERS[token.accountId] : MACHINES[token.clientId ?? '']?.roles;
      const { AuthorizationCode, DeviceCode, RefreshToken } = ctx.oidc.entities;
      // Of the sign-in, whenever the token is renewed (RFC 9470 section 6). A machine has none.
      const auth_time = (AuthorizationCode ?? DeviceCode ?? RefreshToken)?.authTime;
      return { ...(roles && { roles }), ...(auth_time === undefined ? {} : { auth_time }) };
    },
    // By grant type alone: MCP clients register for refresh_token and rarely ask for offline_access.
    issueRefreshToken: (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    rotateRefreshToken: true,
    // Changing the user in the browser must not take away what a client on the command line was given.
    expiresWithSession: () => false,
    ttl: {
      AccessToken: accessTokenSeconds,
      ClientCredentials: (_ctx, _token, client) =>
        MACHINES[client.clientId]?.accessTokenSeconds ?? accessTokenSeconds,
      AuthorizationCode: 60,
      DeviceCode: 600,
      Interaction: 3_600,
      IdToken: 3_600,
      RefreshToken: 14 * DAY,
      Grant: 14 * DAY,
      Session: 14 * DAY,
    },
  });

  provider.use(async (ctx, next) => {
    if (ctx.path !== REGISTRATION) return next();
    // The library answers browsers of any origin everywhere but here.
    ctx.set('Access-Control-Allow-Origin', '*');
    if (ctx.method !== 'OPTIONS') return next();
    ctx.set({ 'Access-Control-Allow-Methods': 'POST', 'Access-Control-Allow-Headers': 'content-type' });
    ctx.status = 204;
  });
  provider.use(interactions(provider));
  logEvents(provider, log);
  return provider;
}

/**
 * Accepts what MCP clients register. `scope` would limit later requests, and a client does not know yet which
 * scopes it will be challenged for. A redirect to the person's own machine makes the client native (RFC 8252
 * section 7), whatever it says, and most say nothing.
 */
function adjustClient(_ctx: unknown, key: string, _value: unknown, metadata: ClientMetadata): void {
  if (key === 'scope') delete metadata.scope;
  else if ([metadata.redirect_uris ?? []].flat().some(isOwnMachine)) metadata.application_type = 'native';
}

function isOwnMachine(redirectUri: string): boolean {
  const url = URL.parse(redirectUri);
  if (!url || url.protocol === 'https:') return false;
  return url.protocol !== 'http:' || LOOPBACK.has(url.hostname);
}

/**
 * A request without any scope the server knows gets the default one (RFC 6749 section 3.3). Its token has no
 * scope of the resource: the resource server's challenge then tells the client what to ask for.
 */
function defaultScope(
  ctx: { readonly oidc: { readonly params?: Record<string, unknown> | undefined } },
  scope = '',
): void {
  const isKnown = scope.split(' ').some((name) => Object.hasOwn(SCOPES, name));
  if (!isKnown && ctx.oidc.params) ctx.oidc.params.scope = 'openid';
}

/**
 * Reads client ID metadata documents and client keys. Nobody has a certificate for localhost, so
 * `https://localhost:…` is read over plain http there, without the library's dispatcher (it refuses loopback
 * addresses) and, so that nothing else gets around that, without following redirects.
 */
function fetchDocument(input: string | URL | Request, init?: RequestInit): Promise<Response> {
  const url = new URL(input instanceof Request ? input.url : input);
  if (!LOOPBACK.has(url.hostname)) return fetch(input, init);
  url.protocol = 'http:';
  return fetch(url, { headers: init?.headers ?? {}, signal: init?.signal ?? null, redirect: 'error' });
}

/** What the library's own forms carry; it checks it when the form comes back. */
function xsrfToken(ctx: {
  readonly oidc: { readonly session?: { readonly state?: unknown } | undefined };
}): string {
  const state = ctx.oidc.session?.state as { readonly secret?: string } | undefined;
  return state?.secret ?? '';
}

/** One line per decision. What comes from outside is quoted; tokens, codes and secrets never get here. */
function logEvents(provider: Provider, log: (line: string) => void): void {
  const refused = (what: string) => (_ctx: unknown, error: errors.OIDCProviderError) =>
    log(`${what} refused: ${error.error} ${JSON.stringify(error.error_description ?? '')}`);
  provider.on('grant.success', ({ oidc }) => {
    const token = oidc.accessToken ?? oidc.entities.ClientCredentials;
    const who = oidc.account?.accountId ?? token?.clientId;
    log(
      `token issued: ${oidc.params?.grant_type}, ${token?.clientId}, ${who}, ${token?.scope ?? 'no scope'}`,
    );
  });
  provider.on('registration_create.success', (_ctx, client) =>
    log(`client registered: ${client.clientId} ${JSON.stringify(client.clientName ?? '')}`),
  );
  provider.on('grant.error', refused('token'));
  provider.on('authorization.error', refused('authorization'));
  provider.on('device_authorization.error', refused('device authorization'));
  provider.on('registration_create.error', refused('registration'));
  provider.on('introspection.error', refused('introspection'));
  provider.on('revocation.error', refused('revocation'));
  provider.on('server_error', (_ctx, error) => log(`failed: ${error.stack ?? error.message}`));
}
