// Does the doctor find what is wrong with an authorization server, as the network shows it?

import { generateKeyPairSync } from 'node:crypto';
import { join } from 'node:path';
import { exportJWK } from 'jose';
import { goodMetadata, METADATA, RESOURCE_METADATA } from './fakes.ts';
import type { World } from './run.ts';
import { firstLineNames } from './table.ts';

const OPEN = { 'access-control-allow-origin': '*' };

/** Changes what the metadata says; `undefined` leaves a member out. */
const metadata = (world: World, members: object): void => {
  world.issuerRoutes[METADATA] = { body: { ...goodMetadata(world.issuer), ...members }, headers: OPEN };
};

const trust = (world: World, issuer: string, keys: object = {}): void => {
  world.file.vars.AUTHORIZATION_SERVERS = [{ issuer, ...keys }];
};

const keys = (world: World, ...jwks: readonly object[]): void => {
  world.issuerRoutes['/jwks'] = { body: { keys: jwks }, headers: OPEN };
};

const introspection = ({ issuer }: World) => ({
  introspection: { url: `${issuer}/introspect`, clientId: 'mcp', secret: 'INTROSPECTION_SECRET' },
});

firstLineNames({
  'a server that is not there': {
    id: 'issuer.unreachable',
    says: 'http://localhost:2 cannot be reached: nothing listens at localhost:2',
    spoil: (world) => trust(world, 'http://localhost:2'),
  },
  'a name that does not exist': {
    id: 'issuer.unreachable',
    says: 'there is no address for the name login.doctor.invalid',
    spoil: (world) => trust(world, 'https://login.doctor.invalid'),
  },
  'a port without TLS': {
    id: 'issuer.unreachable',
    says: 'cannot be reached over TLS',
    spoil: (world) => trust(world, world.issuer.replace('http:', 'https:')),
  },
  'an issuer that has a slash at the end and is written without': {
    id: 'issuer.mismatch',
    says: '{issuer}: its metadata names another issuer: {issuer}/ (it has a slash at the end)',
    spoil: (world) => metadata(world, { issuer: `${world.issuer}/` }),
  },
  'an address for all tenants': {
    id: 'issuer.mismatch',
    says: 'names another issuer: https://login.acme.dev/{tenantid}/v2.0',
    spoil: (world) => metadata(world, { issuer: 'https://login.acme.dev/{tenantid}/v2.0' }),
  },
  'an issuer without metadata': {
    id: 'issuer.metadata',
    says: '{issuer}/tenant: there is no metadata, neither by RFC 8414 nor by OpenID Connect (404)',
    spoil: (world) => trust(world, `${world.issuer}/tenant`),
  },
  'a page in place of the metadata': {
    id: 'issuer.metadata',
    says: 'is no JSON object',
    spoil: (world) => {
      world.issuerRoutes[METADATA] = { body: '<h1>Welcome</h1>' };
    },
  },
  'metadata that is redirected': {
    id: 'issuer.redirect',
    says: '{issuer}: its metadata is redirected to https://id.acme.dev/',
    spoil: (world) => {
      world.issuerRoutes[METADATA] = { status: 301, headers: { location: 'https://id.acme.dev/' } };
    },
  },
  'a server in trouble': {
    id: 'issuer.failing',
    says: `${METADATA} answers 502`,
    spoil: (world) => {
      world.issuerRoutes[METADATA] = { status: 502 };
    },
  },
  'a second document that names another issuer': {
    id: 'issuer.two-names',
    level: 'warning',
    says: '/.well-known/openid-configuration, names https://old.acme.dev',
    spoil: (world) => {
      world.issuerRoutes['/.well-known/openid-configuration'] = { body: { issuer: 'https://old.acme.dev' } };
    },
  },
  'metadata where clients do not look': {
    id: 'issuer.form',
    level: 'warning',
    says: '/tenant/.well-known/oauth-authorization-server only',
    spoil: (world) => {
      const issuer = `${world.issuer}/tenant`;
      const { [METADATA]: document } = world.issuerRoutes;
      if (typeof document !== 'object') throw new Error('there is no metadata');
      world.issuerRoutes[`/tenant${METADATA}`] = {
        ...document,
        body: { ...goodMetadata(world.issuer), issuer },
      };
      trust(world, issuer);
      world.flags = {};
    },
  },
  'metadata without jwks_uri': {
    id: 'issuer.jwks-uri',
    says: '{issuer}: its metadata has no jwks_uri',
    spoil: (world) => metadata(world, { jwks_uri: undefined }),
  },
  'keys without TLS': {
    id: 'issuer.jwks-uri',
    says: 'its jwks_uri is no https URL: http://id.acme.dev/jwks',
    spoil: (world) => metadata(world, { jwks_uri: 'http://id.acme.dev/jwks' }),
  },
  'keys that are not there': {
    id: 'issuer.jwks',
    says: '{issuer}: its keys at {issuer}/keys are answered with 404',
    spoil: (world) => metadata(world, { jwks_uri: `${world.issuer}/keys` }),
  },
  'a shared secret in place of keys': {
    id: 'issuer.no-keys',
    says: '{issuer}: its JWKS has no keys; it signs with HS256',
    spoil: (world) => {
      metadata(world, { id_token_signing_alg_values_supported: ['HS256'] });
      keys(world);
    },
  },
  'an RSA key of 1024 bits': {
    id: 'issuer.weak-keys',
    says: 'none of its 1 keys can verify a signature (RSA below 2048 bits',
    spoil: async (world) => {
      const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
      keys(world, { ...(await exportJWK(publicKey)), kid: 'weak' });
    },
  },
  'keys of an algorithm that is not allowed': {
    id: 'issuer.algs',
    says: 'its keys are EC P-256 ES256, but algs allows only RS256',
    spoil: (world) => trust(world, world.issuer, { algs: ['RS256'] }),
  },
  'a private key among the public ones': {
    id: 'issuer.private-keys',
    says: 'its JWKS publishes private or shared keys',
    spoil: async (world) => keys(world, await exportJWK(world.key.privateKey)),
  },
  'metadata without token endpoint': {
    id: 'issuer.endpoint',
    says: '{issuer}: its metadata has no token_endpoint',
    spoil: (world) => metadata(world, { token_endpoint: undefined }),
  },
  'an authorization endpoint without TLS': {
    id: 'issuer.endpoint',
    says: 'its authorization_endpoint is no https URL: http://id.acme.dev/authorize',
    spoil: (world) => metadata(world, { authorization_endpoint: 'http://id.acme.dev/authorize' }),
  },
  'a server without the code flow': {
    id: 'issuer.code-flow',
    says: 'does not offer the authorization code flow',
    spoil: (world) => metadata(world, { response_types_supported: ['token'] }),
  },
  'PKCE that is not told': {
    id: 'issuer.pkce',
    says: 'its metadata does not say that it does PKCE',
    spoil: (world) => metadata(world, { code_challenge_methods_supported: undefined }),
  },
  'PKCE without S256': {
    id: 'issuer.pkce',
    says: 'offers PKCE only with plain',
    spoil: (world) => metadata(world, { code_challenge_methods_supported: ['plain'] }),
  },
  'a copy that says PKCE for a server that says it itself': {
    id: 'issuer.pkce',
    level: 'warning',
    says: 'says PKCE with S256 itself, and mirror is "pkce"',
    spoil: (world) => {
      trust(world, world.issuer, { mirror: 'pkce' });
      const told = { resource: `${world.origin}/mcp`, authorization_servers: [world.origin] };
      const body = { ...told, scopes_supported: ['reports:read'] };
      for (const path of [`${RESOURCE_METADATA}/mcp`, RESOURCE_METADATA])
        world.serverRoutes[path] = { body, headers: OPEN };
      world.serverRoutes[METADATA] = { body: { ...goodMetadata(world.issuer), issuer: world.origin } };
    },
  },
  'a copy under another name of a server that says who it is': {
    id: 'issuer.iss',
    says: 'says in its answers who it is (RFC 9207), and mirror is "pkce"',
    spoil: (world) => {
      trust(world, world.issuer, { mirror: 'pkce' });
      const says = { authorization_response_iss_parameter_supported: true };
      metadata(world, { code_challenge_methods_supported: undefined, ...says });
    },
  },
  'no way for clients to register': {
    id: 'issuer.registration',
    level: 'warning',
    says: 'clients cannot register themselves',
    spoil: (world) => metadata(world, { registration_endpoint: undefined }),
  },
  'a server for clients with a secret': {
    id: 'issuer.public-clients',
    level: 'warning',
    says: 'takes only clients with a secret or a key (client_secret_basic)',
    spoil: (world) => metadata(world, { token_endpoint_auth_methods_supported: undefined }),
  },
  'a scope that the server does not list': {
    id: 'issuer.scopes',
    level: 'warning',
    says: 'does not list the scope reports:read',
    spoil: (world) => metadata(world, { scopes_supported: ['openid'] }),
  },
  'a resource that the server does not list': {
    id: 'issuer.resources',
    level: 'warning',
    says: 'lists its protected resources, and {url} is not among them',
    spoil: (world) => metadata(world, { protected_resources: [`${world.origin}/mcp/`] }),
  },
  'a server that does not say that it sends auth_time, where operators need it': {
    id: 'issuer.auth-time',
    level: 'warning',
    says: '{issuer}: does not say that it sends auth_time (claims_supported)',
    spoil: (world) => {
      world.file.vars.ADMIN_MAX_AUTH_AGE_SECONDS = 900;
    },
  },
  'a server that is closed to pages': {
    id: 'issuer.cors',
    level: 'warning',
    says: 'pages of other origins cannot use its token endpoint (no CORS headers)',
    spoil: (world) => {
      world.issuerRoutes['/token'] = { status: 405 };
    },
  },
  'a clock that is ten minutes ahead': {
    id: 'clock',
    says: 'seconds ahead of the one here',
    spoil: (world) => {
      const date = new Date(Date.now() + 600_000).toUTCString();
      world.issuerRoutes[METADATA] = { body: goodMetadata(world.issuer), headers: { ...OPEN, date } };
    },
  },
  'keys that take longer than the Worker waits': {
    id: 'issuer.slow',
    says: 'longer than issuerTimeoutMs (100)',
    spoil: (world) => {
      world.file.vars.ISSUER_TIMEOUT_MS = 100;
      world.issuerRoutes['/jwks'] = { body: { keys: [world.key.publicJwk] }, headers: OPEN, delayMs: 1_000 };
    },
  },
  'keys that are longer than the Worker reads': {
    id: 'issuer.too-long',
    says: 'more than maxIssuerResponseBytes (1024)',
    spoil: (world) => {
      world.file.vars.MAX_ISSUER_RESPONSE_BYTES = 1_024;
      keys(world, { ...world.key.publicJwk, x5c: ['A'.repeat(2_000)] });
    },
  },
  'an introspection without the feature for it': {
    id: 'config.opaque-tokens',
    says: '{issuer} has introspection, and the Worker lacks the feature for it',
    spoil: (world) => {
      world.file.main = join(import.meta.dirname, '../../../src/worker.ts');
      trust(world, world.issuer, introspection(world));
      world.devVars = 'INTROSPECTION_SECRET=a-secret\n';
    },
  },
  'an introspection endpoint that is not there': {
    id: 'issuer.introspection',
    says: 'its introspection endpoint {issuer}/introspect answers 404',
    spoil: (world) => trust(world, world.issuer, introspection(world)),
  },
  'an introspection endpoint that answers everyone': {
    id: 'issuer.introspection-open',
    level: 'warning',
    says: 'its introspection endpoint {issuer}/introspect answers everyone',
    spoil: (world) => {
      world.issuerRoutes['/introspect'] = { body: { active: false } };
      trust(world, world.issuer, introspection(world));
    },
  },
  'an introspection that lacks its secret name': {
    id: 'config.authorization-servers',
    says: 'introspection.secret must be the name of a secret of this Worker',
    spoil: (world) => trust(world, world.issuer, { introspection: { url: `${world.issuer}/introspect` } }),
  },
});
