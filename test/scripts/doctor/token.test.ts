// Does the doctor say why a token is refused, and where to put it right?

import { CompactEncrypt } from 'jose';
import { signingKey } from '../../support/issuer.ts';
import { gate, goodMetadata, METADATA, type Reply } from './fakes.ts';
import { tokenOf, type World } from './run.ts';
import { firstLineNames } from './table.ts';

const now = (): number => Math.floor(Date.now() / 1_000);

/** A deployed server that refuses every token, so that it agrees with the doctor. */
const refusing = (world: World): void => {
  world.serverRoutes['/mcp'] = (request) => {
    const { authorization, ...headers } = request.headers;
    return gate({ headers } as typeof request, world.origin);
  };
};

/** An authorization server that lists auth_time among its claims. */
const saysAuthTime = (world: World): void => {
  const body = { ...goodMetadata(world.issuer), claims_supported: ['sub', 'auth_time'] };
  world.issuerRoutes[METADATA] = { body, headers: { 'access-control-allow-origin': '*' } };
};

/** The token is spoilt, and the server refuses it as well. */
const token =
  (
    claims: (world: World) => Readonly<Record<string, unknown>>,
    header: Readonly<Record<string, unknown>> = {},
  ) =>
  async (world: World) => {
    refusing(world);
    world.token = await tokenOf(world, claims(world), header);
  };

/** An opaque token, and a server that may be asked about it by whoever has the secret. */
const opaque =
  (answer: Reply, secret: string | undefined = 'a secret') =>
  (world: World): void => {
    const introspection = {
      url: `${world.issuer}/introspect`,
      clientId: 'mcp',
      secret: 'INTROSPECTION_SECRET',
    };
    world.file.vars.AUTHORIZATION_SERVERS = [{ issuer: world.issuer, introspection }];
    world.issuerRoutes['/introspect'] = ({ headers }) =>
      headers.authorization === undefined ? { status: 401 } : answer;
    if (secret !== '') world.devVars = `INTROSPECTION_SECRET=${secret}\n`;
    refusing(world);
    world.token = 'at_0123456789abcdefghijklmnopqrstuvwxyz';
  };

firstLineNames({
  'an opaque token': {
    id: 'token.not-a-jwt',
    says: 'the token is refused: it is opaque (no JWT)',
    spoil: (world) => {
      refusing(world);
      world.token = 'at_0123456789abcdefghijklmnopqrstuvwxyz';
    },
  },
  'an opaque token that is not active': {
    id: 'token.inactive',
    says: 'the token is refused: {issuer} says that it is not active',
    spoil: opaque({ body: { active: false } }),
  },
  'an opaque token for something else': {
    id: 'token.aud-check-failed',
    says: 'its issuer names another audience, this server expects {url}',
    spoil: opaque({
      body: {
        active: true,
        sub: 'alice',
        aud: 'https://api.acme.dev',
        exp: now() + 600,
        token_type: 'Bearer',
      },
    }),
  },
  'an opaque token that this server may not ask about': {
    id: 'token.no-answer',
    says: '{issuer} could not be asked about it',
    spoil: opaque({ status: 401 }),
  },
  'an opaque token that only the deployed server can ask about, and refuses': {
    id: 'token.server',
    says: '{url} refuses the token',
    spoil: opaque({ status: 500 }, ''),
  },
  'an encrypted token': {
    id: 'token.encrypted',
    says: 'it is encrypted (JWE, five parts)',
    spoil: async (world) => {
      refusing(world);
      world.token = await new CompactEncrypt(new TextEncoder().encode('{}'))
        .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
        .encrypt(new Uint8Array(32));
    },
  },
  'a token for something else': {
    id: 'token.aud-check-failed',
    says: 'aud is https://api.acme.dev, this server expects {url}',
    spoil: token(() => ({ aud: 'https://api.acme.dev' })),
  },
  'an audience with a slash at the end': {
    id: 'token.aud-check-failed',
    says: 'aud is {url}/ (it has a slash at the end), this server expects {url}',
    spoil: token(({ origin }) => ({ aud: `${origin}/mcp/` })),
  },
  'a token without audience': {
    id: 'token.aud-missing',
    says: 'it names no audience (aud), this server expects {url}',
    spoil: token(() => ({ aud: undefined })),
  },
  'a token of the same issuer under a name with a slash': {
    id: 'token.issuer-not-trusted',
    says: 'iss is {issuer}/ (it has a slash at the end), this server trusts {issuer}',
    spoil: token(({ issuer }) => ({ iss: `${issuer}/` })),
  },
  "somebody else's token": {
    id: 'token.issuer-not-trusted',
    says: 'iss is https://id.acme.dev, this server trusts {issuer}',
    spoil: token(() => ({ iss: 'https://id.acme.dev' })),
  },
  'an expired token': {
    id: 'token.token-expired',
    says: 'it expired 10 min ago',
    spoil: token(() => ({ exp: now() - 600 })),
  },
  'an ID token': {
    id: 'token.id-token',
    says: 'it is an ID token (it has nonce or at_hash)',
    spoil: token(() => ({ nonce: 'n-1' }), { typ: 'JWT' }),
  },
  'a refresh token': {
    id: 'token.typ-claim',
    says: 'it calls itself Refresh in the claim typ',
    spoil: token(() => ({ typ: 'Refresh' })),
  },
  'a token of a type that is not allowed': {
    id: 'token.typ-not-allowed',
    says: 'its header says typ logout+jwt, the entry allows at+jwt, jwt, absent',
    spoil: token(() => ({}), { typ: 'logout+jwt' }),
  },
  'a token that breaks a rule': {
    id: 'token.require-0',
    says: 'it breaks a rule of require: token_use must be access',
    spoil: async (world) => {
      const require = [{ claim: ['token_use'], equals: 'access' }];
      world.file.vars.AUTHORIZATION_SERVERS = [{ issuer: world.issuer, require }];
      refusing(world);
      world.token = await tokenOf(world);
    },
  },
  'a token signed with a shared secret': {
    id: 'token.alg-not-allowed',
    says: 'it is signed with HS256, algs allows RS256',
    spoil: async (world) => {
      refusing(world);
      world.token = await tokenOf(world, {}, { alg: 'HS256' }, new Uint8Array(32));
    },
  },
  'a token with a key that was rotated away': {
    id: 'token.key-unknown',
    says: 'its issuer has no key key-0 (kid)',
    spoil: token(() => ({}), { kid: 'key-0' }),
  },
  'a forged token': {
    id: 'token.signature',
    says: 'its signature is wrong',
    spoil: async (world) => {
      refusing(world);
      const { privateKey } = await signingKey('ES256', world.key.kid);
      world.token = await tokenOf(world, {}, {}, privateKey);
    },
  },
  'a token without subject': {
    id: 'token.subject-missing',
    says: 'it has no subject',
    spoil: token(() => ({ sub: undefined })),
  },
  'a token from the future': {
    id: 'token.iat-in-the-future',
    says: 'it was issued in the future',
    spoil: token(() => ({ iat: now() + 900, exp: now() + 1_500 })),
  },
  'a token that never expires': {
    id: 'token.exp-missing',
    says: 'it never expires (no exp)',
    spoil: token(() => ({ exp: undefined })),
  },
  'a token that lives too long': {
    id: 'token.lifetime-too-long',
    says: 'it lives longer than maxTokenLifetimeSeconds (2678400)',
    spoil: token(() => ({ exp: now() + 31_536_000 })),
  },
  'a token that is bound to a key': {
    id: 'token.sender-constrained',
    says: 'it is bound to a key of the client',
    spoil: token(() => ({ cnf: { jkt: 'thumbprint' } })),
  },
  'a token of a tenant that is not served': {
    id: 'token.tenant-not-served',
    says: 'its tenant is not served, only org-1',
    spoil: async (world) => {
      const tenant = { claim: [['org_id']], values: ['org-1'] };
      world.file.vars.AUTHORIZATION_SERVERS = [{ issuer: world.issuer, tenant }];
      refusing(world);
      world.token = await tokenOf(world, { org_id: 'org-2' });
    },
  },
  'a token with claims that are no text': {
    id: 'token.claim-malformed',
    says: 'is not text or a list of it',
    spoil: token(() => ({ roles: 7 })),
  },
  'a service key where none are accepted': {
    id: 'token.service-key',
    says: 'the token is a service key, and service keys are not accepted here',
    spoil: (world) => {
      refusing(world);
      world.token = `mcpk_${'0'.repeat(49)}`;
    },
  },
  'a good token that the deployed server refuses': {
    id: 'token.server-refuses',
    says: '{url} refuses the token that is accepted here',
    spoil: async (world) => {
      refusing(world);
      world.token = await tokenOf(world);
    },
  },
  'a bad token that the deployed server accepts': {
    id: 'token.aud-check-failed',
    says: 'aud is https://api.acme.dev',
    spoil: async (world) => {
      world.token = await tokenOf(world, { aud: 'https://api.acme.dev' });
    },
  },
  'a deployed server that cannot check tokens': {
    id: 'token.unavailable',
    says: '{url} answers the token with 503',
    spoil: async (world) => {
      world.token = await tokenOf(world);
      world.serverRoutes['/mcp'] = (request) =>
        request.headers.authorization === undefined ? gate(request, world.origin) : { status: 503 };
    },
  },
  'a token that opens nothing': {
    id: 'token.rights',
    level: 'warning',
    says: 'the token has no scopes and roles where they are looked for',
    spoil: async (world) => {
      world.token = await tokenOf(world, { scope: undefined, roles: undefined });
    },
  },
  'a role that the app does not know': {
    id: 'token.roles',
    level: 'warning',
    says: 'src/app/roles.ts does not know the role writer of the token',
    spoil: async (world) => {
      world.token = await tokenOf(world, { roles: ['editor', 'writer'] });
    },
  },
  'a token that lives for a week': {
    id: 'token.lifetime',
    level: 'warning',
    says: 'the token lives 7 days',
    spoil: async (world) => {
      world.token = await tokenOf(world, { exp: now() + 604_800 });
    },
  },
  'a token that lives longer than one of an operator may': {
    id: 'token.operators',
    level: 'warning',
    says: 'the token lives 13 h, longer than one of an operator may (adminTokenSeconds, 12 h)',
    spoil: async (world) => {
      world.token = await tokenOf(world, { exp: now() + 46_800 });
    },
  },
  'a token that does not say when its person signed in, where operators need it': {
    id: 'token.auth-time',
    level: 'warning',
    says: 'the token does not say when its person signed in (auth_time)',
    spoil: async (world) => {
      world.file.vars.ADMIN_MAX_AUTH_AGE_SECONDS = 900;
      saysAuthTime(world);
      world.token = await tokenOf(world);
    },
  },
  'a token without client': {
    id: 'token.client',
    level: 'warning',
    says: 'the token names no client',
    spoil: async (world) => {
      world.token = await tokenOf(world, { client_id: undefined });
    },
  },
});
