// Does the local authorization server behave as one in production would? All of it over HTTP.
//
// Tokens are verified against the published keys, people press buttons, clients register as MCP clients do.
// Does not test the resource server. RFC 6749, 7009, 7591, 7636, 7662, 8414, 8628, 8707, 9068, 9207.

import { createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createLocalJWKSet, type JSONWebKeySet, type JWTVerifyResult, jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Browser } from '../../scripts/authorization-server/browser.ts';
import {
  type LocalAuthorizationServer,
  startAuthorizationServer,
} from '../../scripts/authorization-server.ts';
import {
  approveAuthorization,
  authorizationCodeGrant,
  clientCredentialsGrant,
  deviceGrant,
  refreshGrant,
  type TokenResponse,
} from '../../scripts/grants.ts';

const RESOURCE = 'http://localhost:8787/mcp';
const OTHER_RESOURCE = 'http://localhost:8787/other';
const CHALLENGE = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM';
const BOT = { clientId: 'ci-bot', clientSecret: 'ci-bot-secret' };

let server: LocalAuthorizationServer;
let issuer: string;

beforeAll(async () => {
  server = await startAuthorizationServer({ port: 0, resources: [RESOURCE, OTHER_RESOURCE] });
  issuer = server.issuer;
});
afterAll(() => server.close());

async function verified({ access_token }: TokenResponse): Promise<JWTVerifyResult> {
  const keys = (await (await fetch(`${issuer}/jwks`)).json()) as JSONWebKeySet;
  return jwtVerify(access_token, createLocalJWKSet(keys), { issuer, typ: 'at+jwt', algorithms: ['ES256'] });
}

function authorizationUrl(parameters: Record<string, string> = {}): URL {
  const url = new URL(`${issuer}/authorize`);
  url.search = new URLSearchParams({
    response_type: 'code',
    client_id: 'cli',
    redirect_uri: 'http://127.0.0.1:4711/callback',
    code_challenge: CHALLENGE,
    code_challenge_method: 'S256',
    state: 'the-state',
    scope: 'reports:read',
    ...parameters,
  }).toString();
  return url;
}

async function register(metadata: object): Promise<Record<string, unknown> & { client_id: string }> {
  const response = await fetch(`${issuer}/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(metadata),
  });
  expect(response.status).toBe(201);
  return response.json() as Promise<Record<string, unknown> & { client_id: string }>;
}

function post(path: string, fields: Record<string, string>, basic?: string): Promise<Response> {
  const headers: Record<string, string> = basic ? { authorization: `Basic ${btoa(basic)}` } : {};
  return fetch(issuer + path, { method: 'POST', headers, body: new URLSearchParams(fields) });
}

async function introspect(token: string): Promise<unknown> {
  return (await post('/introspect', { token }, 'resource-server:resource-server-secret')).json();
}

function refreshTokenOf({ refresh_token = '' }: TokenResponse): string {
  expect(refresh_token).not.toBe('');
  return refresh_token;
}

describe('metadata', () => {
  test.each(['oauth-authorization-server', 'openid-configuration'])('%s', async (document) => {
    const response = await fetch(`${issuer}/.well-known/${document}`);
    const metadata = (await response.json()) as { readonly grant_types_supported: readonly string[] };
    expect(metadata).toMatchObject({
      issuer,
      authorization_endpoint: `${issuer}/authorize`,
      token_endpoint: `${issuer}/token`,
      registration_endpoint: `${issuer}/register`,
      device_authorization_endpoint: `${issuer}/device/auth`,
      introspection_endpoint: `${issuer}/introspect`,
      revocation_endpoint: `${issuer}/revoke`,
      jwks_uri: `${issuer}/jwks`,
      response_types_supported: ['code'],
      code_challenge_methods_supported: ['S256'],
      authorization_response_iss_parameter_supported: true,
      client_id_metadata_document_supported: true,
      scopes_supported: [
        'openid',
        'offline_access',
        'reports:read',
        'reports:write',
        'payments:refund',
        'mcp:admin',
      ],
    });
    expect(metadata.grant_types_supported).toEqual([
      'authorization_code',
      'refresh_token',
      'client_credentials',
      'urn:ietf:params:oauth:grant-type:device_code',
    ]);
  });

  test('a browser may read it, register and ask for tokens from any origin', async () => {
    const origin = 'https://inspector.example';
    const paths = ['/.well-known/oauth-authorization-server', '/jwks', '/register', '/token', '/revoke'];
    for (const path of paths) {
      const response = await fetch(issuer + path, {
        method: 'OPTIONS',
        headers: {
          origin,
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'content-type',
        },
      });
      expect(response.status, path).toBe(204);
      expect(['*', origin], path).toContain(response.headers.get('access-control-allow-origin'));
      expect(response.headers.get('access-control-allow-headers') ?? 'content-type', path).toBe(
        'content-type',
      );
    }
    const created = await fetch(`${issuer}/register`, {
      method: 'POST',
      headers: { origin, 'content-type': 'application/json' },
      body: '{}',
    });
    expect(created.status).toBe(400);
    expect(created.headers.get('access-control-allow-origin')).toBe('*');
  });

  test('a name that is not its own gets nothing, on either loopback address', async () => {
    for (const hostname of ['127.0.0.1', '::1']) {
      const statusFor = (host: string) =>
        new Promise<number | undefined>((resolve, reject) => {
          get({ hostname, port: server.port, path: '/jwks', headers: { host } }, (response) => {
            response.resume();
            resolve(response.statusCode);
          }).on('error', reject);
        });
      expect(await statusFor(`localhost:${server.port}`)).toBe(200);
      expect(await statusFor(`rebound.example:${server.port}`)).toBe(421);
    }
  });
});

describe('every grant gives an ES256 at+jwt for exactly one resource', () => {
  const userTokens = { alice: ['editor'], bob: ['reader'], carol: ['operator'], dave: ['finance', 'reader'] };

  test.each(Object.entries(userTokens))('authorization code: %s', async (user, roles) => {
    const response = await authorizationCodeGrant({
      issuer,
      user,
      scope: 'reports:read',
      resource: RESOURCE,
    });
    expect(response).toMatchObject({ token_type: 'Bearer', expires_in: 3600, scope: 'reports:read' });
    expect(response.id_token).toBeUndefined();
    const { payload } = await verified(response);
    expect(payload).toEqual({
      iss: issuer,
      aud: RESOURCE,
      sub: user,
      client_id: 'cli',
      scope: 'reports:read',
      roles,
      auth_time: expect.any(Number),
      jti: expect.any(String),
      iat: expect.any(Number),
      exp: (payload.iat ?? 0) + 3600,
    });
  });

  test('device code', async () => {
    const response = await deviceGrant({
      issuer,
      user: 'bob',
      scope: 'reports:read',
      resource: OTHER_RESOURCE,
    });
    const { payload } = await verified(response);
    expect(payload).toMatchObject({ aud: OTHER_RESOURCE, sub: 'bob', client_id: 'cli', roles: ['reader'] });
    refreshTokenOf(response);
  });

  test('client credentials', async () => {
    const response = await clientCredentialsGrant({
      issuer,
      ...BOT,
      scope: 'reports:read',
      resource: RESOURCE,
    });
    const { payload } = await verified(response);
    expect(payload).toMatchObject({ aud: RESOURCE, sub: 'ci-bot', client_id: 'ci-bot', roles: ['reader'] });
    expect(response.refresh_token).toBeUndefined();
  });

  test('refresh token', async () => {
    const first = await authorizationCodeGrant({
      issuer,
      user: 'dave',
      scope: 'reports:read payments:refund',
    });
    const refreshToken = refreshTokenOf(first);
    const response = await refreshGrant({ issuer, clientId: 'cli', refreshToken, scope: 'reports:read' });
    const { payload } = await verified(response);
    expect(payload).toMatchObject({
      aud: RESOURCE,
      sub: 'dave',
      scope: 'reports:read',
      roles: ['finance', 'reader'],
    });
  });

  test('every token of a person says when that person signed in, also a renewed one; a machine has none', async () => {
    const browser = new Browser();
    const target = { issuer, user: 'dave', scope: 'reports:read' };
    const authTimeOf = async (response: TokenResponse) => (await verified(response)).payload.auth_time;
    const first = await authorizationCodeGrant({ ...target, browser });
    const signedInAt = await authTimeOf(first);
    expect(Math.abs(Number(signedInAt) - Date.now() / 1_000)).toBeLessThan(10);
    await new Promise((resolve) => setTimeout(resolve, 2_100));
    expect(await authTimeOf(await authorizationCodeGrant({ ...target, browser }))).toBe(signedInAt);
    const refreshToken = refreshTokenOf(first);
    expect(await authTimeOf(await refreshGrant({ issuer, clientId: 'cli', refreshToken }))).toBe(signedInAt);
    const again = await authorizationCodeGrant({ ...target, browser, maxAge: '1' });
    expect(await authTimeOf(again)).toBeGreaterThan(Number(signedInAt));
    expect(await authTimeOf(await deviceGrant(target))).toEqual(expect.any(Number));
    const machine = { issuer, clientId: 'ci-bot', clientSecret: 'ci-bot-secret', scope: 'reports:read' };
    expect(await authTimeOf(await clientCredentialsGrant(machine))).toBeUndefined();
  });

  test('also with openid, and without `resource` at the token endpoint', async () => {
    const response = await authorizationCodeGrant({ issuer, user: 'alice', scope: 'openid reports:read' });
    expect(response.id_token).toEqual(expect.any(String));
    expect((await verified(response)).payload).toMatchObject({ aud: RESOURCE, scope: 'reports:read' });
  });

  test('scopes it does not know are left out', async () => {
    const scope = 'reports:read planets:move';
    expect((await authorizationCodeGrant({ issuer, user: 'alice', scope })).scope).toBe('reports:read');
    expect((await clientCredentialsGrant({ issuer, ...BOT, scope })).scope).toBe('reports:read');
    expect((await deviceGrant({ issuer, user: 'alice', scope })).scope).toBe('reports:read');
  });

  test.each([undefined, 'planets:move'])('no scope it knows (%s): a token without scopes', async (scope) => {
    const grants = [
      authorizationCodeGrant({ issuer, user: 'alice', scope }),
      deviceGrant({ issuer, user: 'alice', scope }),
      clientCredentialsGrant({ issuer, ...BOT, scope }),
    ];
    for (const grant of grants) {
      const { payload } = await verified(await grant);
      expect(payload).toMatchObject({ aud: RESOURCE });
      expect(payload).not.toHaveProperty('scope');
    }
  });

  test('a resource it does not know is an invalid target', async () => {
    const target = { issuer, scope: 'reports:read', resource: 'http://localhost:8787/nope' };
    const grants = [
      () => authorizationCodeGrant({ ...target, user: 'alice' }),
      () => deviceGrant({ ...target, user: 'alice' }),
      () => clientCredentialsGrant({ ...target, ...BOT }),
    ];
    for (const grant of grants) await expect(grant()).rejects.toMatchObject({ code: 'invalid_target' });
  });

  test('expiring-bot gets one second', async () => {
    const client = { clientId: 'expiring-bot', clientSecret: 'expiring-bot-secret' };
    const response = await clientCredentialsGrant({ issuer, ...client, scope: 'reports:read' });
    expect(response.expires_in).toBe(1);
    const { payload } = await verified(response);
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(1);
  });

  test('a wrong secret is named without being repeated', async () => {
    const grant = clientCredentialsGrant({ issuer, clientId: 'ci-bot', clientSecret: 'not-it' });
    await expect(grant).rejects.toThrow(`${issuer}/token: invalid_client (client authentication failed)`);
  });
});

describe('authorization requests', () => {
  test.each([
    ['no challenge', { code_challenge: '', code_challenge_method: '' }],
    ['plain', { code_challenge_method: 'plain' }],
    ['no method', { code_challenge_method: '' }],
  ])('PKCE with S256 or nothing: %s', async (_name, parameters) => {
    const { searchParams } = await approveAuthorization(authorizationUrl(parameters), 'alice');
    expect(Object.fromEntries(searchParams)).toMatchObject({
      error: 'invalid_request',
      state: 'the-state',
      iss: issuer,
    });
  });

  test('PKCE is for confidential clients too', async () => {
    const redirect_uri = 'https://app.example/callback';
    const { client_id } = await register({ redirect_uris: [redirect_uri] });
    const url = authorizationUrl({ client_id, redirect_uri, code_challenge: '', code_challenge_method: '' });
    expect((await approveAuthorization(url, 'alice')).searchParams.get('error')).toBe('invalid_request');
  });

  test('the wrong verifier gets no token', async () => {
    const { searchParams } = await approveAuthorization(authorizationUrl(), 'alice');
    const response = await post('/token', {
      grant_type: 'authorization_code',
      client_id: 'cli',
      code: searchParams.get('code') ?? '',
      redirect_uri: 'http://127.0.0.1:4711/callback',
      code_verifier: 'x'.repeat(43),
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: 'invalid_grant' });
  });

  test('Deny goes back to the client as access_denied, with the issuer', async () => {
    const { searchParams } = await approveAuthorization(authorizationUrl(), 'alice', { deny: true });
    expect(searchParams.get('code')).toBeNull();
    expect(Object.fromEntries(searchParams)).toMatchObject({
      error: 'access_denied',
      state: 'the-state',
      iss: issuer,
    });
  });

  test('a foreign redirect URI never gets a redirect', async () => {
    const url = authorizationUrl({ redirect_uri: 'https://evil.example/callback' });
    await expect(approveAuthorization(url, 'alice')).rejects.toThrow('invalid_redirect_uri');
  });

  test('an unknown user cannot sign in', async () => {
    await expect(approveAuthorization(authorizationUrl(), 'mallory')).rejects.toThrow(
      'nothing for mallory to press',
    );
  });
});

describe('consent', () => {
  async function pageAfterSignIn(browser: Browser, url: URL): Promise<string> {
    const redirect = await browser.request(url);
    return (await browser.request(new URL(redirect.headers.get('location') ?? '', url))).text();
  }

  test('more scopes are asked for again, marked as new, and the token has them all', async () => {
    const browser = new Browser();
    const first = await authorizationCodeGrant({ issuer, user: 'dave', scope: 'reports:read', browser });
    expect(first.scope).toBe('reports:read');

    const scope = 'reports:read payments:refund';
    const page = await pageAfterSignIn(browser, authorizationUrl({ scope }));
    expect(page).toContain('It asks for more access');
    expect(page).toMatch(/Refund payments <span class="new">new<\/span>/);
    expect(page).not.toMatch(/Read reports <span class="new">/);

    const second = await authorizationCodeGrant({ issuer, user: 'dave', scope, browser });
    expect(second.scope).toBe(scope);
    const third = await authorizationCodeGrant({ issuer, user: 'dave', scope: 'reports:read', browser });
    expect(third.scope).toBe('reports:read');
  });

  test('somebody else can take over the browser, and the first one keeps what was given', async () => {
    const browser = new Browser();
    const alice = await authorizationCodeGrant({ issuer, user: 'alice', scope: 'reports:read', browser });
    const bob = await authorizationCodeGrant({ issuer, user: 'bob', scope: 'reports:read', browser });
    expect((await verified(bob)).payload.sub).toBe('bob');
    const again = await refreshGrant({ issuer, clientId: 'cli', refreshToken: refreshTokenOf(alice) });
    expect((await verified(again)).payload.sub).toBe('alice');
  });

  test('what a client says about itself is text on the page, and no script could run there', async () => {
    const redirect_uri = 'http://localhost:4711/callback';
    const client_name = `<script>alert("1")</script>'&`;
    const { client_id } = await register({ client_name, redirect_uris: [redirect_uri] });
    const browser = new Browser();
    await approveAuthorization(authorizationUrl(), 'alice', { browser });
    const page = await pageAfterSignIn(browser, authorizationUrl({ client_id, redirect_uri }));
    expect(page).not.toContain('<script');
    expect(page).toContain('Allow &lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&#39;&amp;?');
    expect(page).toContain('http://localhost:4711');

    const policy = (await new Browser().request(authorizationUrl({ client_id: 'nobody' }))).headers;
    expect(policy.get('content-security-policy')).toMatch(/^default-src 'none'; style-src 'sha256-/);
  });
});

describe('dynamic client registration', () => {
  test('as MCP clients do it: loopback redirect, any port later, more scopes later', async () => {
    const client = await register({
      client_name: 'An MCP client',
      redirect_uris: ['http://localhost:33418/callback'],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
      scope: 'reports:read',
    });
    expect(client).toMatchObject({ application_type: 'native', token_endpoint_auth_method: 'none' });
    expect(client).not.toHaveProperty('client_secret');
    expect(client).not.toHaveProperty('scope');

    const response = await authorizationCodeGrant({
      issuer,
      user: 'alice',
      clientId: client.client_id,
      redirectUri: 'http://localhost:50123/callback',
      scope: 'reports:read reports:write',
      resource: RESOURCE,
    });
    expect((await verified(response)).payload).toMatchObject({
      client_id: client.client_id,
      scope: 'reports:read reports:write',
    });
    refreshTokenOf(response);
  });

  test.each([
    ['cursor://anysphere.cursor-mcp/oauth/callback'],
    ['http://127.0.0.1:8080/callback'],
    ['http://[::1]:8080/callback'],
    ['https://app.example/callback'],
  ])('full flow to %s', async (redirectUri) => {
    const registration = { redirect_uris: [redirectUri], token_endpoint_auth_method: 'none' };
    const { client_id: clientId, application_type } = await register(registration);
    expect(application_type).toBe(redirectUri.startsWith('https:') ? 'web' : 'native');
    const grant = { issuer, user: 'bob', clientId, redirectUri, scope: 'reports:read' };
    const response = await authorizationCodeGrant(grant);
    expect((await verified(response)).payload).toMatchObject({ sub: 'bob', client_id: clientId });
    expect(response.refresh_token).toBeUndefined();
  });
});

test('a client ID metadata document on localhost is read over plain http', async () => {
  const documents = createServer((request, response) => {
    const { port } = documents.address() as AddressInfo;
    if (request.url === '/moved.json') response.writeHead(302, { location: '/client.json' });
    const document = {
      client_id: `https://localhost:${port}${request.url}`,
      client_name: 'Documented client',
      redirect_uris: ['http://127.0.0.1:9876/callback'],
      grant_types: ['authorization_code', 'refresh_token'],
      token_endpoint_auth_method: 'none',
    };
    response.end(JSON.stringify(document));
  });
  await new Promise<void>((resolve) => documents.listen(0, 'localhost', resolve));
  try {
    const base = `https://localhost:${(documents.address() as AddressInfo).port}`;
    const grant = (clientId: string) =>
      authorizationCodeGrant({
        issuer,
        user: 'carol',
        clientId,
        redirectUri: 'http://127.0.0.1:9876/callback',
        scope: 'mcp:admin',
        resource: RESOURCE,
      });
    const { payload } = await verified(await grant(`${base}/client.json`));
    expect(payload).toMatchObject({ sub: 'carol', client_id: `${base}/client.json`, roles: ['operator'] });
    await expect(grant(`${base}/moved.json`)).rejects.toThrow('invalid_client');
  } finally {
    documents.close();
  }
});

describe('after the token', () => {
  test('a refresh token works once; a second use ends the grant', async () => {
    const issued = await authorizationCodeGrant({ issuer, user: 'alice', scope: 'reports:read' });
    const first = refreshTokenOf(issued);
    const second = refreshTokenOf(await refreshGrant({ issuer, clientId: 'cli', refreshToken: first }));
    expect(second).not.toBe(first);
    for (const refreshToken of [first, second]) {
      await expect(refreshGrant({ issuer, clientId: 'cli', refreshToken })).rejects.toMatchObject({
        endpoint: `${issuer}/token`,
        code: 'invalid_grant',
      });
    }
  });

  test('a refresh token is active until it is revoked', async () => {
    const issued = await authorizationCodeGrant({ issuer, user: 'alice', scope: 'reports:read' });
    const token = refreshTokenOf(issued);
    expect(await introspect(token)).toMatchObject({ active: true, sub: 'alice', client_id: 'cli' });
    expect((await post('/revoke', { token, client_id: 'cli' })).status).toBe(200);
    expect(await introspect(token)).toEqual({ active: false });
  });

  test('the resource server may ask about any token, other clients neither ask nor revoke', async () => {
    const token = refreshTokenOf(
      await authorizationCodeGrant({ issuer, user: 'alice', scope: 'reports:read' }),
    );
    const asked = await post('/introspect', { token }, 'ci-bot:ci-bot-secret');
    expect(await asked.json()).toEqual({ active: false });
    expect((await post('/revoke', { token }, 'ci-bot:ci-bot-secret')).status).toBe(200);
    expect(await introspect(token)).toMatchObject({ active: true });
  });

  test('access tokens are JWTs, which this library neither introspects nor revokes', async () => {
    const { access_token: token } = await authorizationCodeGrant({
      issuer,
      user: 'alice',
      scope: 'reports:read',
    });
    expect(await introspect(token)).toMatchObject({ error: 'unsupported_token_type' });
    const revoked = await post('/revoke', { token, client_id: 'cli' });
    expect(await revoked.json()).toMatchObject({ error: 'unsupported_token_type' });
  });

  test('new keys replace the old one; the issuer, sessions, clients and refresh tokens stay', async () => {
    const browser = new Browser();
    const redirectUri = 'http://127.0.0.1:4712/callback';
    const { client_id: clientId } = await register({
      redirect_uris: [redirectUri],
      token_endpoint_auth_method: 'none',
    });
    const before = await authorizationCodeGrant({ issuer, user: 'alice', scope: 'reports:read', browser });
    const { kid } = (await verified(before)).protectedHeader;

    await server.rotateKeys();
    await expect(verified(before)).rejects.toThrow('no applicable key found');
    const after = await refreshGrant({ issuer, clientId: 'cli', refreshToken: refreshTokenOf(before) });
    const { protectedHeader, payload } = await verified(after);
    expect(protectedHeader.kid).not.toBe(kid);
    expect(payload).toMatchObject({ iss: issuer, sub: 'alice' });

    const grant = { issuer, user: 'alice', clientId, redirectUri, scope: 'reports:read', browser };
    expect((await verified(await authorizationCodeGrant(grant))).payload.client_id).toBe(clientId);
  });
});

describe('starting', () => {
  test('the lifetime of access tokens is a setting', async () => {
    const other = await startAuthorizationServer({ port: 0, resources: [RESOURCE], accessTokenSeconds: 42 });
    try {
      expect((await clientCredentialsGrant({ issuer: other.issuer, ...BOT })).expires_in).toBe(42);
    } finally {
      await other.close();
    }
  });

  test('a taken port says so', async () => {
    const start = startAuthorizationServer({ port: server.port, resources: [RESOURCE] });
    await expect(start).rejects.toThrow(
      `port ${server.port} is taken; choose another with --port or AUTHORIZATION_SERVER_PORT`,
    );
  });
});
