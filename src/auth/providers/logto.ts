// Logto: access tokens for an API resource whose identifier is RESOURCE.
//
// Sources: https://docs.logto.io/authorization/validate-access-tokens, https://github.com/logto-io/logto
// (packages/core/src/oidc), https://github.com/panva/node-oidc-provider (lib/models/formats/jwt.js).
// Not verified: ES384 as the algorithm of new tenants (any asymmetric one is accepted), `organization_id`.
// Other tokens: only access tokens have the header at+jwt. A client that asks for no resource gets an opaque token; an
// organization token has urn:logto:organization:... as `aud`. Permissions of an API resource are its scopes; roles are in
// the token only where custom claims put them there.

import type { Preset } from './index.ts';

export const logto: Preset = {
  settings: {
    jwksUri: '{issuer}/jwks',
    typ: ['at+jwt'],
    require: [{ claim: ['client_id'], isPresent: true }],
    tenant: { claim: [['organization_id']] },
  },
  issuerForm: { pattern: /^https?:\/\/.+\/oidc$/, like: 'https://your-tenant.logto.app/oidc' },
};
