// What is sent to an authorization server about an opaque token, and how are the answers of each kind read?

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportPKCS8, generateKeyPair, jwtVerify } from 'jose';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { introspect } from '../../src/auth/introspection-request.ts';
import { type AuthorizationServer, checkConfig } from '../../src/config.ts';
import {
  type Answer,
  active,
  askingAt,
  ISSUER,
  startIntrospection,
  type TestIntrospection,
} from '../support/introspection.ts';
import { signingKey } from '../support/issuer.ts';
import { RESOURCE } from '../support/worker.ts';

const NOW = Math.floor(Date.now() / 1_000);
const TOKEN = 'user|7:grant/+&=%:secret';
const serverInfo = { name: 'test', version: '1' };

let server: TestIntrospection;
beforeEach(async () => {
  server = await startIntrospection();
  server.answer = () => active();
});
afterEach(() => server.close());

function ask(vars: object, token = TOKEN) {
  const config = checkConfig({ serverInfo }, { RESOURCE, ...vars });
  return introspect(token, config.authorizationServers[0] as AuthorizationServer, NOW, config);
}

/** The one question that was asked. */
async function question(introspection: object, secret = 'a client secret') {
  await ask({ ...askingAt(server.url, {}, introspection), INTROSPECTION_SECRET: secret });
  const [first, ...more] = server.asked.splice(0);
  if (!first) throw new Error('nothing was asked');
  expect(more).toEqual([]);
  return first;
}

describe('RFC 7662', () => {
  test('the token is in the body, and nowhere else', async () => {
    const { method, path, headers, form } = await question({});
    expect([method, path]).toEqual(['POST', '/introspect']);
    expect(headers).toMatchObject({
      accept: 'application/json',
      'content-type': 'application/x-www-form-urlencoded',
    });
    expect([...form]).toEqual([
      ['token', TOKEN],
      ['token_type_hint', 'access_token'],
    ]);
    expect(JSON.stringify(headers)).not.toContain('grant');
  });

  // RFC 6749 section 2.3.1 and appendix B.
  test.each([
    ['me', 's3cret', 'me:s3cret'],
    ['https://me.example.com/a', 'a b', 'https%3A%2F%2Fme.example.com%2Fa:a+b'],
    ['a:b', 'c:d&e=%+ä', 'a%3Ab:c%3Ad%26e%3D%25%2B%C3%A4'],
  ])('basic: %s and %s are form-encoded', async (clientId, secret, credentials) => {
    const { headers, form } = await question({ auth: 'basic', clientId }, secret);
    expect(headers.authorization).toBe(`Basic ${Buffer.from(credentials).toString('base64')}`);
    expect(form.has('client_secret')).toBe(false);
  });

  test('post: client id and secret are in the body', async () => {
    const { headers, form } = await question({ auth: 'post' }, 'a b&c');
    expect([form.get('client_id'), form.get('client_secret')]).toEqual(['resource-server', 'a b&c']);
    expect(headers.authorization).toBe(undefined);
  });

  test('bearer: an API key', async () => {
    const { headers, form } = await question({ auth: 'bearer', clientId: undefined }, 'ory_pat_x');
    expect(headers.authorization).toBe('Bearer ory_pat_x');
    expect(form.has('client_id')).toBe(false);
  });

  test.each(['ES256', 'RS256', 'EdDSA', 'ES384'])(
    'private_key_jwt: an assertion for the issuer, by a JWK or PEM for %s',
    async (alg) => {
      const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
      const jwk = { ...(await crypto.subtle.exportKey('jwk', privateKey)), alg, kid: 'key-1' };
      const ids = new Set<unknown>();
      for (const [secret, kid] of [
        [JSON.stringify(jwk), 'key-1'],
        [await exportPKCS8(privateKey), undefined],
      ] as const) {
        const { form, headers } = await question({ auth: 'private_key_jwt' }, secret);
        expect(headers.authorization).toBe(undefined);
        expect(form.get('client_assertion_type')).toBe(
          'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        );
        expect(form.get('client_id')).toBe('resource-server');
        const { payload, protectedHeader } = await jwtVerify(form.get('client_assertion') ?? '', publicKey);
        expect(protectedHeader).toEqual({ alg, ...(kid === undefined ? {} : { kid }) });
        expect(payload).toEqual({
          iss: 'resource-server',
          sub: 'resource-server',
          aud: ISSUER,
          iat: NOW,
          exp: NOW + 60,
          jti: expect.any(String),
        });
        ids.add(payload.jti);
      }
      expect(ids.size).toBe(2);
    },
  );

  test('private_key_jwt: a key that cannot be used is a failure that does not repeat it', async () => {
    const { publicJwk } = await signingKey();
    const wrong = [
      JSON.stringify({ ...publicJwk, d: 'AAAA' }),
      '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----',
    ];
    for (const secret of wrong) {
      await expect(question({ auth: 'private_key_jwt' }, secret)).rejects.toThrow(
        new Error('the private key is not usable'),
      );
    }
    expect(server.asked).toEqual([]);
  });

  test('an answer that comes too slowly is given up, at its beginning or in its middle', async () => {
    const slow = createServer((_request, response) => {
      response.writeHead(200).write('{"active":');
    }).listen(0, 'localhost');
    await once(slow, 'listening');
    const url = `http://localhost:${(slow.address() as AddressInfo).port}`;
    await expect(ask({ ...askingAt(url), ISSUER_TIMEOUT_MS: 200 })).rejects.toThrow(
      new Error('no answer in 200 ms'),
    );
    slow.close();
    slow.closeAllConnections();
  });
});

describe("Google's tokeninfo", () => {
  const CLIENT = '1.apps.googleusercontent.com';
  const google = () => ({
    AUTHORIZATION_SERVERS: [
      {
        preset: 'google',
        issuer: 'https://accounts.google.com',
        audience: [CLIENT],
        introspection: { kind: 'google-tokeninfo', url: server.url },
      },
    ],
  });
  const info = {
    azp: CLIENT,
    aud: CLIENT,
    sub: '110169484474386276334',
    scope:
      'openid https://www.googleapis.com/auth/userinfo.email https://www.googleapis.com/auth/drive.readonly',
    exp: String(NOW + 3_599),
    expires_in: '3599',
    email: 'alice@example.com',
    email_verified: 'true',
    access_type: 'online',
  };

  test('the token is in a header, as in Google\u2019s own library, and in no URL', async () => {
    server.answer = () => ({ body: JSON.stringify(info) });
    await ask(google(), 'ya29.a0AfH6');
    expect(server.asked).toMatchObject([
      { method: 'POST', path: '/introspect', headers: { authorization: 'Bearer ya29.a0AfH6' } },
    ]);
    expect([...(server.asked[0]?.form ?? [])]).toEqual([]);
  });

  test('times become numbers, and scopes get their short names', async () => {
    for (const exp of [info.exp, NOW + 3_599]) {
      server.answer = () => ({ body: JSON.stringify({ ...info, exp }) });
      expect(await ask(google())).toEqual({
        ...info,
        exp: NOW + 3_599,
        scope: ['openid', 'email', 'https://www.googleapis.com/auth/drive.readonly'],
      });
    }
    server.answer = () => ({
      body: JSON.stringify({
        ...info,
        scope: 'https://www.googleapis.com/auth/userinfo.profile',
        exp: 'soon',
      }),
    });
    expect(await ask(google())).toMatchObject({ scope: ['profile'], exp: 'soon' });
  });

  test.each<[string, object]>([
    ['with a code', { error: 'invalid_token', error_description: 'Invalid Value' }],
    ['without one', { error_description: 'Invalid Value' }],
  ])('400 %s is a token that is not good', async (_, body) => {
    server.answer = () => ({ status: 400, body: JSON.stringify(body) });
    expect(await ask(google())).toBe(undefined);
  });

  test.each<[Answer, string]>([
    [{ status: 400, body: '{"error":"invalid_request"}' }, 'status 400'],
    [{ status: 400, body: '<html>' }, 'an answer that is no JSON'],
    [{ status: 500, body: '{"error":"invalid_token"}' }, 'status 500'],
    [{ status: 429, body: '{"error":"invalid_token"}' }, 'status 429'],
  ])('%j says nothing about the token', async (answer, problem) => {
    server.answer = () => answer;
    await expect(ask(google())).rejects.toMatchObject({ message: problem });
  });
});

describe('a Service Binding', () => {
  const bound = (validateToken: (resource: string, token: string) => Promise<unknown>) => ({
    AUTHORIZATION_SERVERS: [
      { issuer: ISSUER, introspection: { kind: 'service-binding', binding: 'AUTH_SERVER' } },
    ],
    AUTH_SERVER: { validateToken },
  });

  test('is asked with the resource and the token, and its words become those of a JWT', async () => {
    const asked: unknown[] = [];
    const validateToken = async (...args: unknown[]) => {
      asked.push(args);
      return {
        props: { roles: ['editor'] },
        audience: RESOURCE,
        expiresAt: NOW + 60,
        scope: ['reports:read'],
        userId: 'alice',
        clientId: 'a-client',
      };
    };
    expect(await ask(bound(validateToken))).toEqual({
      sub: 'alice',
      client_id: 'a-client',
      aud: RESOURCE,
      scope: ['reports:read'],
      exp: NOW + 60,
      props: { roles: ['editor'] },
    });
    expect(asked).toEqual([[RESOURCE, TOKEN]]);
  });

  test('null is a token that is not good', async () => {
    expect(await ask(bound(async () => null))).toBe(undefined);
  });

  test.each<[string, () => Promise<unknown>, string]>([
    [
      'an exception, of which nothing is repeated',
      async () => {
        throw new Error(TOKEN);
      },
      'validateToken of the Service Binding failed: its own log has more',
    ],
    ['nothing', async () => undefined, 'validateToken gave no object'],
    ['text', async () => 'alice', 'validateToken gave no object'],
    ['true', async () => true, 'validateToken gave no object'],
  ])('%s says nothing about the token', async (_, validateToken, problem) => {
    await expect(ask(bound(validateToken))).rejects.toThrow(new Error(problem));
  });

  test('nobody waits for it longer than issuerTimeoutMs', async () => {
    const vars = { ...bound(() => new Promise(() => {})), ISSUER_TIMEOUT_MS: 100 };
    await expect(ask(vars)).rejects.toThrow(new Error('no answer in 100 ms'));
  });
});
