// Attack: an opaque token that is not good, or not meant for this server; many of them, to make this server hammer the
// authorization server; and an authorization server that is in trouble, or in somebody else's hands.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  type Answer,
  active,
  askingAt,
  INACTIVE,
  ISSUER,
  startIntrospection,
  type TestIntrospection,
} from '../support/introspection.ts';
import { startIssuer, type TestIssuer } from '../support/issuer.ts';
import { operator } from '../support/operator.ts';
import { respelled } from '../support/respelled.ts';
import { decision, rpc } from '../support/rpc.ts';
import { startWorker, type TestWorker } from '../support/worker.ts';

const CHALLENGE =
  'Bearer error="invalid_token", error_description="The access token is expired, revoked or not valid for this resource", scope="reports:read", resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/mcp"';

const main = 'test/support/opaque-worker.ts';
let server: TestIntrospection;
let issuer: TestIssuer;
let worker: TestWorker;
beforeAll(async () => {
  server = await startIntrospection();
  issuer = await startIssuer();
  const { AUTHORIZATION_SERVERS, ...vars } = askingAt(server.url);
  worker = await startWorker({
    main,
    vars: {
      ...vars,
      AUTHORIZATION_SERVERS: [...AUTHORIZATION_SERVERS, { issuer: issuer.issuer }],
      INTROSPECTIONS_PER_SECOND: 1_000,
    },
  });
});
afterAll(async () => {
  await worker?.[Symbol.asyncDispose]();
  await server?.close();
  await issuer?.close();
});
beforeEach(() => {
  server.answer = () => active();
  server.asked.length = 0;
});

/** Another one each time, as some servers make them. */
const newToken = (): string => `alice@example.com:a|grant:${crypto.randomUUID()}`;
const now = () => Math.floor(Date.now() / 1_000);

/** Whatever the answer and the log say, neither has the token or the secret in it. */
async function answered(token: string) {
  const response = await rpc(worker, { token });
  const body = await response.text();
  const lines = worker.logs();
  const logged = JSON.stringify(lines);
  for (const secret of [token, 'a client secret'])
    for (const text of [body, logged]) expect(text.includes(secret), 'repeated').toBe(false);
  return { response, lines, decision: lines.filter(({ event }) => event === 'decision').at(-1) };
}

async function refuses(
  answer: Answer,
  logged: { reason: string; detail?: string },
  token = newToken(),
): Promise<void> {
  server.answer = () => answer;
  const { response, decision } = await answered(token);
  expect(response.status).toBe(401);
  expect(response.headers.get('www-authenticate')).toBe(CHALLENGE);
  expect(decision).toMatchObject({ decision: 'deny', ...logged });
}

test('a good one is accepted, and asked about once', async () => {
  const token = newToken();
  for (let times = 0; times < 3; times += 1) {
    const { response, decision } = await answered(token);
    expect(response.status).toBe(200);
    expect(decision).toMatchObject({
      decision: 'allow',
      subject: 'alice',
      tokenId: expect.stringMatching(/^sha256:/),
    });
  }
  expect(server.tokens()).toEqual([token]);
});

describe('is refused', () => {
  const detail = (text: string) => ({ reason: 'token_invalid', detail: text });
  test.each<[string, () => Answer, { reason: string; detail?: string }]>([
    ['what is not active', () => INACTIVE, detail('inactive')],
    ['what has expired', () => active({ exp: now() - 60 }), { reason: 'token_expired' }],
    ['what is not valid yet', () => active({ nbf: now() + 60 }), detail('nbf_check_failed')],
    ['what is from the future', () => active({ iat: now() + 60 }), detail('iat_in_the_future')],
    ['what never ends', () => active({ exp: undefined, iat: undefined }), detail('exp_missing')],
    [
      'what lives longer than a revocation is kept',
      () => active({ exp: now() + 3_000_000 }),
      detail('lifetime_too_long'),
    ],
    [
      'what is for another resource',
      () => active({ aud: 'https://other.example.com' }),
      detail('aud_check_failed'),
    ],
    ['what is for nobody', () => active({ aud: undefined }), detail('aud_missing')],
    [
      'what another issuer issued',
      () => active({ iss: 'https://other.example.com' }),
      { reason: 'issuer_not_trusted' },
    ],
    ['a refresh token by its type', () => active({ token_type: 'refresh_token' }), detail('no_access_token')],
    ['a refresh token by its use', () => active({ token_use: 'refresh_token' }), detail('no_access_token')],
    ['a DPoP-bound token that was stolen', () => active({ cnf: { jkt: 'x' } }), detail('sender_constrained')],
    ['what speaks for nobody', () => active({ sub: undefined }), detail('subject_missing')],
  ])('%s', async (_, answer, logged) => {
    await refuses(answer(), logged);
  });

  test('an answer in the name of the other issuer of this deployment, which has its own keys', async () => {
    await refuses(active({ iss: issuer.issuer }), { reason: 'issuer_not_trusted' });
  });
});

describe('that was found somewhere', () => {
  const found = (token: string) => ({ target: { kind: 'token', token }, reason: 'found in a paste' });

  test('is revoked by the name its server has for it, and refused from then on', async () => {
    const operate = await operator(worker, issuer);
    for (const [jti, tokenId] of [
      ['token-1', 'token-1'],
      [undefined, expect.stringMatching(/^sha256:/)],
    ]) {
      const token = newToken();
      server.answer = () => active({ jti });
      expect((await answered(token)).response.status).toBe(200);
      const { status, body } = await operate('POST', '/revocations', found(token));
      expect([status, body.target]).toEqual([201, { kind: 'token', issuer: ISSUER, tokenId }]);
      // The operator's next request makes this isolate have the newest policy.
      expect((await operate('GET', '/status')).status).toBe(200);
      const { response, decision } = await answered(token);
      expect(response.status).toBe(401);
      expect(decision).toMatchObject({ reason: 'token_revoked', detail: 'token' });
    }
  });

  test('needs no revocation when it is not good any more, and none can be made while nobody can be asked', async () => {
    const operate = await operator(worker, issuer);
    server.answer = () => INACTIVE;
    expect(await operate('POST', '/revocations', found(newToken()))).toMatchObject({ status: 404 });
    server.answer = () => ({ status: 500, body: '' });
    expect(await operate('POST', '/revocations', found(newToken()))).toMatchObject({
      status: 503,
      body: { error: 'temporarily_unavailable' },
    });
    worker.logs();
  });
});

describe('is never shown to the authorization server', () => {
  test('a JWT: it says whose it is', async () => {
    const stranger = await startIssuer();
    const jwts = [
      await issuer.sign(),
      await stranger.sign(),
      (await issuer.sign()).replace(/[^.]*$/, 'AAAA'),
    ];
    await stranger.close();
    for (const token of jwts) await answered(token);
    expect(server.asked).toEqual([]);
  });

  test('a JWT that is padded or in plain base64, not even when it is to be revoked', async () => {
    const { good, ...others } = await respelled(issuer);
    const operate = await operator(worker, issuer);
    for (const [name, token] of Object.entries(others)) {
      const { decision } = await answered(token);
      expect(decision, name).toMatchObject({ reason: 'token_invalid', detail: 'not_a_jwt' });
      const target = { kind: 'token', token };
      const { status } = await operate('POST', '/revocations', { target, reason: 'found in a paste' });
      expect(status, name).toBe(404);
    }
    expect((await answered(good)).response.status).toBe(200);
    expect(server.asked).toEqual([]);
  });

  test('an encrypted JWT', async () => {
    const header = Buffer.from('{"alg":"RSA-OAEP","enc":"A256GCM"}').toString('base64url');
    const { decision } = await answered(`${header}.a.b.c.d`);
    expect(decision).toMatchObject({ reason: 'token_invalid', detail: 'encrypted' });
    expect(server.asked).toEqual([]);
  });

  test('a service key, also where none are accepted', async () => {
    const { response } = await answered(`mcpk_${'A'.repeat(49)}`);
    expect(response.status).toBe(401);
    expect(server.asked).toEqual([]);
  });

  test('what only resembles a JWT is', async () => {
    for (const token of ['ya29.c.b0Aaek', 'a.b', 'a.b.c.d.e.f'])
      expect((await answered(token)).response.status).toBe(200);
    expect(server.tokens()).toEqual(['ya29.c.b0Aaek', 'a.b', 'a.b.c.d.e.f']);
  });
});

test('what cannot be one credential is malformed, and not asked about', async () => {
  for (const token of ['a b', 'a,b', 'a"b', 'a\\b', 'é'.repeat(3)]) {
    const { response } = await answered(token);
    expect(response.status, token).toBe(400);
  }
  expect(server.asked).toEqual([]);
});

describe('an authorization server in trouble is a 503 without a challenge', () => {
  test.each<[string, Answer | undefined]>([
    ['that fails', { status: 500, body: 'a stack trace' }],
    ['that does not know us', { status: 401, body: '{"error":"invalid_client"}' }],
    ['that talks nonsense', { body: '<html>' }],
    ['that does not say whether', { body: '{"sub":"alice"}' }],
    ['that talks too much', active({ padding: 'x'.repeat(300_000) })],
    ['that hangs up', undefined],
  ])('one %s', async (_, answer) => {
    server.answer = () => answer;
    const { response, decision, lines } = await answered(newToken());
    expect(response.status).toBe(503);
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect(response.headers.get('www-authenticate')).toBe(null);
    expect(decision).toMatchObject({ decision: 'deny', reason: 'introspection_unavailable' });
    expect(lines.filter(({ event }) => event === 'introspection_failed')).toHaveLength(1);
  });

  test('one that repeats the token in place of an answer', async () => {
    server.answer = ({ form }) => ({ body: form.get('token') ?? '' });
    expect((await answered('a-token')).response.status).toBe(503);
  });

  test('one that redirects: nobody else gets the token', async () => {
    await using attacker = await startIntrospection();
    attacker.answer = () => active();
    for (const status of [302, 307, 308]) {
      server.answer = () => ({ status, body: '', headers: { location: attacker.url } });
      expect((await answered(newToken())).response.status).toBe(503);
    }
    expect(attacker.asked).toEqual([]);
  });
});

test('without the feature the Worker does not start with introspection, and its log has the line to write', async () => {
  await using own = await startWorker({ vars: askingAt(server.url) });
  expect((await rpc(own, { token: newToken() })).status).toBe(500);
  const { problems } = own.logs().find(({ event }) => event === 'config_invalid') ?? {};
  expect(problems).toEqual([
    expect.stringContaining('add features: [opaqueTokens()] to createServer in src/worker.ts'),
  ]);
});

test('one that is down touches only its own new callers', async () => {
  await using down = await startIntrospection();
  down.answer = () => active();
  const { AUTHORIZATION_SERVERS, ...vars } = askingAt(down.url);
  await using own = await startWorker({
    main,
    vars: { ...vars, AUTHORIZATION_SERVERS: [...AUTHORIZATION_SERVERS, { issuer: issuer.issuer }] },
  });
  const known = newToken();
  expect((await rpc(own, { token: known })).status).toBe(200);
  await down.close();
  expect((await rpc(own, { token: newToken() })).status).toBe(503);
  expect(decision(own)).toMatchObject({ reason: 'introspection_unavailable', detail: 'no_answer' });
  expect((await rpc(own, { token: known })).status).toBe(200);
  expect((await rpc(own, { token: await issuer.sign() })).status).toBe(200);
});

test('a flood of random tokens asks introspectionsPerSecond times, and callers known before are served', async () => {
  await using flooded = await startIntrospection();
  flooded.answer = ({ form }) => (form.get('token') === 'known' ? active() : INACTIVE);
  const vars = { ...askingAt(flooded.url), INTROSPECTIONS_PER_SECOND: 5, INTROSPECTION_CACHE_SECONDS: 0 };
  await using own = await startWorker({ vars, main });
  expect((await rpc(own, { token: 'known' })).status).toBe(200);
  flooded.asked.length = 0;
  const startedAt = now();
  const answers = await Promise.all(Array.from({ length: 100 }, () => rpc(own, { token: newToken() })));
  const seconds = now() - startedAt + 1;
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401, 503]));
  expect(answers.filter(({ status }) => status === 401)).toHaveLength(flooded.asked.length);
  expect(flooded.asked.length).toBeLessThanOrEqual(5 * seconds);
  expect((await rpc(own, { token: 'known' })).status).toBe(200);
});

test('a flood of one token asks once', async () => {
  const token = newToken();
  const answers = await Promise.all(Array.from({ length: 50 }, () => rpc(worker, { token })));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  expect(server.asked).toHaveLength(1);
});
