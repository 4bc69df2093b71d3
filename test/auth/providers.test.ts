// Does each preset let in the product's access tokens, as whom they are, and nothing else that the product signs?
//
// One real Worker trusts all products at once, under issuers as the vendors have them; `jwksUri` beside the preset points
// to keys on this machine. All of them share the keys, one for each algorithm, so that only claims and headers tell
// tokens apart. A product without JWTs is tested in introspection-request.test.ts and test/attacks/opaque-token.test.ts.

import { generateSecret, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PRESETS } from '../../src/auth/providers/index.ts';
import { type SigningKey, signingKey, startIssuer, type TestIssuer } from '../support/issuer.ts';
import { decision, rpc } from '../support/rpc.ts';
import { startWorker, type TestWorker } from '../support/worker.ts';
import { auth0 } from './providers/auth0.ts';
import { betterAuth } from './providers/better-auth.ts';
import { clerk } from './providers/clerk.ts';
import { cloudflareAccess } from './providers/cloudflare-access.ts';
import { cognito } from './providers/cognito.ts';
import { descope } from './providers/descope.ts';
import { entra } from './providers/entra.ts';
import { fusionauth } from './providers/fusionauth.ts';
import { keycloak } from './providers/keycloak.ts';
import { logto } from './providers/logto.ts';
import { oidcProvider } from './providers/oidc-provider.ts';
import { okta } from './providers/okta.ts';
import { ory } from './providers/ory.ts';
import { ping } from './providers/ping.ts';
import { ALGS, type Product, type Token } from './providers/product.ts';
import { scalekit } from './providers/scalekit.ts';
import { stytch } from './providers/stytch.ts';
import { supabase } from './providers/supabase.ts';
import { workos } from './providers/workos.ts';
import { zitadel } from './providers/zitadel.ts';

const PRODUCTS: Readonly<Record<string, Product>> = {
  workos,
  auth0,
  okta,
  entra,
  keycloak,
  cognito,
  stytch,
  descope,
  clerk,
  scalekit,
  logto,
  ory,
  zitadel,
  ping,
  fusionauth,
  supabase,
  'cloudflare-access': cloudflareAccess,
  'better-auth': betterAuth,
  'oidc-provider': oidcProvider,
};

const keys = new Map<string, SigningKey>();
let issuer: TestIssuer;
let worker: TestWorker;

beforeAll(async () => {
  issuer = await startIssuer();
  for (const alg of ALGS) keys.set(alg, await signingKey(alg));
  issuer.jwks = { keys: [...keys.values()].map(({ publicJwk }) => publicJwk) };
  const entries = Object.entries(PRODUCTS).map(([preset, { entry }]) => ({
    preset,
    jwksUri: `${issuer.issuer}/jwks`,
    ...entry,
  }));
  worker = await startWorker({ vars: { AUTHORIZATION_SERVERS: entries } });
});
afterAll(async () => {
  await worker?.[Symbol.asyncDispose]();
  await issuer?.[Symbol.asyncDispose]();
});

function keyFor({ alg = 'RS256' }: Pick<Product, 'alg'>): SigningKey {
  const key = keys.get(alg);
  if (!key) throw new Error(`no key for ${alg}`);
  return key;
}

/** Leaves out what a test issuer would add by itself. */
const NOTHING = { iss: undefined, sub: undefined, aud: undefined, client_id: undefined, scope: undefined };
const bare = { ...NOTHING, roles: undefined, jti: undefined };

const sign = (
  product: Product,
  { claims, header, alg }: Token,
  key = keyFor({ ...product, ...(alg ? { alg } : {}) }),
) => issuer.sign({ claims: { ...bare, ...claims }, header: { typ: undefined, ...header }, key });

/** The first accepted token, spoilt as told. */
function spoilt(product: Product, { claims = {}, header }: Partial<Token>): Token {
  const [good] = Object.values(product.accepted);
  if (!good) throw new Error('no accepted token');
  return { claims: { ...good.claims, ...claims }, header: { ...good.header, ...header } };
}

const whoami = ({ tokenHeader }: Product, token: string): Promise<Response> =>
  rpc(worker, {
    method: 'tools/call',
    params: { name: 'whoami', arguments: {} },
    ...(tokenHeader === undefined ? { token } : { headers: { [tokenHeader]: token } }),
  });

async function refuses(product: Product, token: string, logged: { reason: string; detail?: string }) {
  worker.logs();
  const response = await whoami(product, token);
  const body = await response.text();
  const lines = worker.logs();
  expect(lines.filter(({ event }) => event === 'decision').at(-1)).toMatchObject({
    decision: 'deny',
    ...logged,
  });
  expect(response.status).toBe(401);
  expect(response.headers.get('www-authenticate')).toContain('error="invalid_token"');
  for (const text of [body, JSON.stringify(lines)]) expect(text).not.toContain(token);
}

const invalid = (detail: string) => ({ reason: 'token_invalid', detail });

test('every preset of JWTs is tested, with three refusals of its own at least', () => {
  const ofJwts = Object.entries(PRESETS).filter(([, { settings }]) => settings.introspection === undefined);
  expect(Object.keys(PRODUCTS)).toEqual(ofJwts.map(([preset]) => preset));
  const few = Object.entries(PRODUCTS).filter(([, { refused }]) => Object.keys(refused).length < 3);
  expect(few).toEqual([]);
});

describe.each(Object.entries(PRODUCTS))('%s', (_, product) => {
  test.each(Object.entries(product.accepted))('%s is accepted', async (_title, { caller, ...token }) => {
    worker.logs();
    const { tokenId = token.claims.jti, ...who } = caller;
    const response = await whoami(product, await sign(product, token));
    expect(decision(worker).tokenId).toEqual(tokenId ?? expect.stringMatching(/^sha256:/));
    const { result } = (await response.json()) as { result: { structuredContent: object } };
    expect(result.structuredContent).toEqual({
      issuer: token.claims.iss,
      scopes: [],
      roles: [],
      permissions: [],
      ...who,
      expiresAt: expect.any(Number),
    });
  });

  test.each(Object.entries(product.refused))('%s is refused', async (_title, { detail, ...token }) => {
    await refuses(product, await sign(product, spoilt(product, token)), invalid(detail));
  });

  test("another tenant's is refused", async () => {
    const token = spoilt(product, { claims: { iss: product.otherIssuer } });
    await refuses(product, await sign(product, token), { reason: 'issuer_not_trusted' });
  });

  const { audienceClaim = 'aud' } = product;
  test.skipIf(audienceClaim === false)('one for nobody, or for somebody else, is refused', async () => {
    const made = (audience: unknown) => spoilt(product, { claims: { [String(audienceClaim)]: audience } });
    await refuses(product, await sign(product, made(undefined)), invalid('aud_missing'));
    await refuses(product, await sign(product, made('somebody-else')), invalid('aud_check_failed'));
  });

  const { otherAlg } = product;
  test.skipIf(otherAlg === undefined)(
    'one signed in a way that the product never does is refused',
    async () => {
      const token = { ...spoilt(product, {}), ...(otherAlg ? { alg: otherAlg } : {}) };
      await refuses(product, await sign(product, token), invalid('alg_not_allowed'));
    },
  );

  test("one signed with another key under the same id is refused, and one with the client's secret", async () => {
    const key = keyFor(product);
    const good = spoilt(product, {});
    await refuses(
      product,
      await sign(product, good, await signingKey(key.alg, key.kid)),
      invalid('signature'),
    );

    const secret = new SignJWT({ ...good.claims, iat: 1, exp: Math.floor(Date.now() / 1_000) + 60 })
      .setProtectedHeader({
        ...good.header,
        alg: 'HS256',
        ...(key.kid === undefined ? {} : { kid: key.kid }),
      })
      .sign(await generateSecret('HS256'));
    await refuses(product, await secret, invalid('alg_not_allowed'));
  });
});
