// Auth0: access tokens for an API whose identifier is RESOURCE.
//
// Sources: https://auth0.com/docs/secure/tokens/access-tokens/access-token-profiles,
// https://auth0.com/ai/docs/mcp/guides/resource-param-compatibility-profile,
// https://auth0.com/docs/get-started/applications/configure-applications-with-oidc-discovery.
// Not verified: that an ID token never has `azp` or `client_id`; PS256 beside RS256 on every plan.
// Other tokens: ID tokens have the client's id as `aud`; a client that asks for no API gets an opaque token. Encrypted ones
// (JWE) are refused. Roles are in the token only where an Action adds a claim under a name of your own: give its path.

import type { Preset } from './index.ts';

export const auth0: Preset = {
  settings: {
    jwksUri: '{issuer}/.well-known/jwks.json',
    algs: ['RS256', 'PS256'],
    // Auth0's own token profile has the first, that of RFC 9068 the second.
    require: [
      {
        anyOf: [
          { claim: ['azp'], isPresent: true },
          { claim: ['client_id'], isPresent: true },
        ],
      },
    ],
    tenant: { claim: [['org_id']] },
  },
  issuerForm: { pattern: /^https:\/\/[^/]+\/$/, like: 'https://your-tenant.eu.auth0.com/, with the slash' },
};
