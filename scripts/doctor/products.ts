// What is known to go wrong with a product, where the network cannot show it: mostly how a token gets an audience.
//
// Known by its preset, or by the host of the issuer. The facts are those of src/auth/providers and of the vendors'
// documentation named there. Not needed once a token of the issuer was accepted.

import type { AuthorizationServer } from '../../src/config.ts';
import { type Finding, warning } from './finding.ts';

interface Product {
  readonly name: string;
  readonly host?: RegExp;
  /** What is to be done there, and what happens otherwise. */
  readonly trap?: readonly [what: string, why: string, fix: string];
}

const PRODUCTS: Readonly<Record<string, Product>> = {
  entra: {
    name: 'Microsoft Entra ID',
    host: /(^|\.)(login\.microsoftonline\.(com|us)|sts\.windows\.net|ciamlogin\.com)$/,
    trap: [
      'Entra refuses the parameter `resource` that MCP clients send, and has no dynamic registration',
      'Signing in fails with AADSTS9010010 or AADSTS901002 unless the client leaves `resource` out (mcp-remote: --disable-resource-parameter).',
      'Register each client beforehand, set requestedAccessTokenVersion to 2, and use clients that can leave `resource` out; or put an authorization server of your own before Entra.',
    ],
  },
  auth0: {
    name: 'Auth0',
    host: /\.auth0\.com$/,
    trap: [
      'Auth0 uses the parameter `resource` only with the Resource Parameter Compatibility Profile',
      'Without it the token is opaque, or has another audience, and is refused.',
      'Enable the profile, and create an API whose identifier is RESOURCE byte for byte. https://auth0.com/ai/docs/mcp/guides/resource-param-compatibility-profile',
    ],
  },
  okta: {
    name: 'Okta',
    host: /\.okta(preview|-emea)?\.com$/,
    trap: [
      'In Okta the audience is a setting of the custom authorization server',
      'Tokens of the org authorization server (an issuer without /oauth2/...) are for Okta itself and cannot be used.',
      'Create a custom authorization server with RESOURCE as its audience, and preset = "okta" (the subject is then uid).',
    ],
  },
  keycloak: {
    name: 'Keycloak',
    trap: [
      'Keycloak puts no audience into tokens of its own accord',
      'A token without `aud`, or with account, is refused.',
      'Add a client scope with an audience mapper for RESOURCE and make it a default one. https://www.keycloak.org/securing-apps/mcp-authz-server',
    ],
  },
  cognito: {
    name: 'Amazon Cognito',
    host: /^cognito-idp\./,
    trap: [
      'Cognito has no dynamic registration, and access tokens name the app client instead of an audience',
      'Each client needs an id of its own, which audience must list.',
      'Use preset = "cognito" with audience = the ids of the app clients.',
    ],
  },
  workos: {
    name: 'WorkOS AuthKit',
    host: /\.authkit\.app$/,
    trap: [
      'WorkOS issues tokens for RESOURCE only when it is listed as a resource indicator',
      "Else `aud` is the environment's client id, and the token is refused.",
      'Add RESOURCE, byte for byte, to the resource indicators of the environment. https://workos.com/docs/authkit/mcp',
    ],
  },
  clerk: {
    name: 'Clerk',
    host: /\.clerk\.accounts\.dev$|^clerk\./,
    trap: [
      'Clerk names no audience in OAuth access tokens: those of every application of the instance pass',
      'With audience as RESOURCE each token is refused.',
      'Use preset = "clerk", which binds tokens to the issuer; give each server an instance of its own if that matters.',
    ],
  },
  supabase: {
    name: 'Supabase Auth',
    host: /\.supabase\.(co|in)$/,
    trap: [
      'In Supabase `aud` is always authenticated, whatever `resource` a client sends',
      "With audience as RESOURCE each token is refused; with authenticated alone the app's own sessions would be accepted too.",
      'Use preset = "supabase", and keys that are not HS256 (JWT signing keys: ECC or RSA).',
    ],
  },
  stytch: {
    name: 'Stytch',
    host: /(^|\.)stytch\.com$/,
    trap: [
      'In Stytch the audience is the id of the project',
      "Two servers in one project accept each other's tokens.",
      'Use preset = "stytch" with audience = the project id.',
    ],
  },
  ory: {
    name: 'Ory',
    host: /\.oryapis\.com$/,
    trap: [
      'Ory issues opaque access tokens by default, and does not know `resource`',
      'Opaque tokens, and tokens without an audience, are refused.',
      'Set the access token strategy to jwt, and give clients an audience (allow-list, or in the consent). https://www.ory.sh/docs/oauth2-oidc/jwt-access-token',
    ],
  },
  zitadel: {
    name: 'ZITADEL',
    host: /\.zitadel\.cloud$/,
    trap: [
      'ZITADEL issues opaque access tokens unless an application is set to JWT, and its JWTs have no scopes',
      'Opaque tokens are refused, and tools that need a scope cannot be called.',
      'Set the token type of each application to JWT; use preset = "zitadel" with audience = the project id, and grantedScopes.',
    ],
  },
  logto: {
    name: 'Logto',
    host: /\.logto\.app$/,
    trap: [
      'Logto issues a JWT only for an API resource',
      'Without it, or when a client sends no `resource`, the token is opaque and refused.',
      'Create an API resource with RESOURCE as its identifier, and make it the default one.',
    ],
  },
  scalekit: {
    name: 'Scalekit',
    host: /\.scalekit\.(com|dev|cloud)$/,
    trap: [
      'In Scalekit the audience has the Server URL as written in the dashboard, slash included',
      'If it is not RESOURCE byte for byte, tokens are refused.',
      'Register RESOURCE as the Server URL, and list both issuers (environment URL and /resources/...) until you know which is in your tokens.',
    ],
  },
  descope: { name: 'Descope', host: /(^|\.)descope\.com$/ },
  ping: { name: 'PingOne', host: /^auth\.pingone\./ },
  fusionauth: {
    name: 'FusionAuth',
    host: /\.fusionauth\.io$/,
    trap: [
      'FusionAuth may sign with HS256, and the audience is the id of the application',
      'A shared secret cannot prove who signed; the JWKS is then empty.',
      'Assign an RSA or EC key to the application, and use preset = "fusionauth" with audience = its id.',
    ],
  },
  'cloudflare-access': {
    name: 'Cloudflare Access',
    host: /\.cloudflareaccess\.com$/,
    trap: [
      "Cloudflare Access answers before the Worker: its Managed OAuth replaces this server's 401",
      'Clients are then led to Access, and the Worker finds the token in Cf-Access-Jwt-Assertion.',
      'Use preset = "cloudflare-access" with audience = the AUD tag of the application.',
    ],
  },
};

export function checkProduct(server: AuthorizationServer, resource: string): Finding[] {
  const { preset, issuers } = server;
  const id = preset ?? productOf(issuers[0] ?? '');
  const product = id === undefined ? undefined : PRODUCTS[id];
  if (!id || !product) return [];
  const findings: Finding[] = [];
  if (preset === undefined)
    findings.push(
      warning(
        'issuer.preset',
        `${issuers[0]}: this looks like ${product.name}, and no preset is named`,
        `The preset knows what tells its access tokens from its other tokens, and where subject, client, scopes and roles are.`,
        `Add preset = "${id}" to the entry; see docs/authorization-servers.md.`,
      ),
    );
  const { trap } = product;
  // With an audience of its own, the entry shows that somebody knows.
  const isSettled = server.audience.values.length > 0 && !server.audience.values.includes(resource);
  if (trap && !(isSettled && id !== 'entra')) {
    const [what, why, fix] = trap;
    findings.push(warning('issuer.product', `${issuers[0]}: ${what}`, why, fix));
  }
  return findings;
}

function productOf(issuer: string): string | undefined {
  const { hostname = '', pathname = '' } = URL.parse(issuer) ?? {};
  if (/\/realms\/[^/]+$/.test(pathname)) return 'keycloak';
  return Object.keys(PRODUCTS).find((id) =>
    PRODUCTS[id]?.host?.test(hostname || (issuer.split('/')[0] ?? '')),
  );
}
