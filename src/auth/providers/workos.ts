// WorkOS: access tokens of Connect, which AuthKit issues to MCP clients, OAuth applications and machines.
//
// Sources: https://workos.com/docs/authkit/connect/token-claims, https://workos.com/docs/authkit/mcp,
// https://workos.com/docs/reference/workos-connect/token, https://workos.com/docs/authkit/jwt-templates.
// Not verified: that an ID token never has `jti` (its reference does not list one).
// Other tokens: ID tokens have the client's id as `aud` and no `jti`; AuthKit's session tokens have another issuer and no
// `aud`. A user's token has RESOURCE as `aud` only where RESOURCE is a resource indicator of the environment; else, and
// always in a machine's, it is the environment's client id, which is not accepted unless `audience` lists it.
// Roles are in the token only where a JWT template puts them there; scopes of clients that register themselves are those
// of OpenID Connect.

import type { Preset } from './index.ts';

export const workos: Preset = {
  settings: {
    jwksUri: '{issuer}/oauth2/jwks',
    algs: ['RS256'],
    require: [{ claim: ['jti'], isPresent: true }],
    tenant: { claim: [['org_id']] },
  },
  issuerForm: { pattern: /^https:\/\/[^/]+$/, like: 'https://your-tenant.authkit.app' },
};
