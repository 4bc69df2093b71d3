// Tokens of Keycloak: https://www.keycloak.org/securing-apps/mcp-authz-server.

import { type Product, RESOURCE } from './product.ts';

const claims = {
  jti: 'onrtro:5f1c3f4e-6f0f-4a52-93c1-9e4b7b8f5d11',
  iss: 'https://keycloak.example.com/realms/acme',
  aud: [RESOURCE, 'account'],
  sub: 'f1888f4d-5172-4359-be0c-af338505d86c',
  typ: 'Bearer',
  azp: 'mcp-client',
  sid: 'e3d7a0c4-1df7-4c43-a7c2-4a1f3b9b8d10',
  realm_access: { roles: ['offline_access', 'analyst'] },
  resource_access: { account: { roles: ['manage-account'] }, 'mcp-client': { roles: ['operator'] } },
  scope: 'openid reports:read',
};
const header = { typ: 'JWT' };
const caller = {
  subject: 'f1888f4d-5172-4359-be0c-af338505d86c',
  clientId: 'mcp-client',
  scopes: ['openid', 'reports:read'],
  roles: ['offline_access', 'analyst'],
};

export const keycloak: Product = {
  entry: { issuer: 'https://keycloak.example.com/realms/acme' },
  accepted: {
    "a user's, with the roles of the realm only": { claims, header, caller },
    "a user's with the type of RFC 9068": { claims, header: { typ: 'at+jwt' }, caller },
    "a service account's": {
      claims: {
        ...claims,
        sub: 'c1d0e7d4-service',
        azp: 'ci',
        client_id: 'ci',
        preferred_username: 'service-account-ci',
        scope: 'reports:read',
        realm_access: undefined,
        resource_access: undefined,
      },
      header,
      caller: { subject: 'c1d0e7d4-service', clientId: 'ci', scopes: ['reports:read'] },
    },
  },
  refused: {
    'an ID token, though made out to this server': {
      claims: { typ: 'ID', scope: undefined },
      detail: 'typ_claim',
    },
    'a refresh token': { claims: { typ: 'Refresh' }, detail: 'typ_claim' },
    'an offline token': { claims: { typ: 'Offline' }, detail: 'typ_claim' },
    'a token without the claim typ': { claims: { typ: undefined }, detail: 'require_0' },
    'a logout token': {
      claims: { typ: 'Logout', events: { 'http://schemas.openid.net/event/backchannel-logout': {} } },
      detail: 'security_event',
    },
    'one without an audience mapper': { claims: { aud: 'account' }, detail: 'aud_check_failed' },
  },
  otherIssuer: 'https://keycloak.example.com/realms/other',
};
