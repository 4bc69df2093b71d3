// Keycloak: access tokens of a realm, with an audience mapper that adds RESOURCE.
//
// Sources: https://www.keycloak.org/securing-apps/mcp-authz-server.
// Not verified: lightweight access tokens, and what the experimental RFC 8707 support puts into `aud`.
// Other tokens: ID, refresh, offline and logout tokens say so in the claim `typ`; access tokens say Bearer. Without a mapper
// a token has no audience, or account, and is refused. Only the realm's roles are read: those of clients are at
// ["resource_access", "<client>", "roles"], and whose roles should count is yours to say, not the token's.

import type { Preset } from './index.ts';

export const keycloak: Preset = {
  settings: {
    jwksUri: '{issuer}/protocol/openid-connect/certs',
    require: [{ claim: ['typ'], equals: 'Bearer' }],
    roles: [['realm_access', 'roles']],
  },
  issuerForm: {
    pattern: /^https?:\/\/.+\/realms\/[^/]+$/,
    like: 'https://keycloak.example.com/realms/your-realm',
  },
};
