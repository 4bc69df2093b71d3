// Tokens of Auth0: https://auth0.com/docs/secure/tokens/access-tokens/access-token-profiles.

import { type Product, RESOURCE } from './product.ts';

const claims = {
  iss: 'https://acme.eu.auth0.com/',
  sub: 'auth0|5c2e5a1d3f9f6e1a2b3c4d5e',
  aud: [RESOURCE, 'https://acme.eu.auth0.com/userinfo'],
  azp: 'my_client_id',
  scope: 'openid reports:read',
  permissions: ['reports:write'],
  org_id: 'org_9ybsU1dN2dKfDkBi',
  'https://acme.example/roles': ['analyst'],
};
const header = { typ: 'JWT' };
const caller = {
  subject: claims.sub,
  clientId: 'my_client_id',
  tenant: claims.org_id,
  scopes: ['openid', 'reports:read'],
  roles: ['analyst'],
  permissions: ['reports:write'],
};

export const auth0: Product = {
  entry: { issuer: 'https://acme.eu.auth0.com/', roles: [['https://acme.example/roles']] },
  otherAlg: 'ES256',
  accepted: {
    "a user's, in the profile of Auth0": { claims, header, caller },
    "a user's, in the profile of RFC 9068": {
      claims: { ...claims, azp: undefined, client_id: 'my_client_id', jti: '3NvNtBuAzXf0ESYXLDV25D' },
      header: { typ: 'at+jwt' },
      caller,
    },
    "a user's, signed in Auth0's other way": { claims, header, alg: 'PS256', caller },
    "a machine's": {
      claims: {
        iss: claims.iss,
        sub: 'machine@clients',
        aud: RESOURCE,
        azp: 'machine',
        gty: 'client-credentials',
        scope: 'reports:read',
      },
      header,
      caller: { subject: 'machine@clients', clientId: 'machine', scopes: ['reports:read'] },
    },
  },
  refused: {
    'an ID token': { claims: { aud: 'my_client_id', azp: undefined, sid: 's' }, detail: 'aud_check_failed' },
    'an ID token with a nonce, though made out to this server': {
      claims: { nonce: 'n', azp: undefined },
      detail: 'id_token',
    },
    'an ID token without a nonce, though made out to this server': {
      claims: { azp: undefined, scope: undefined, permissions: undefined },
      detail: 'require_0',
    },
    'one for userinfo only': { claims: { aud: claims.aud[1] }, detail: 'aud_check_failed' },
    'a logout token': {
      claims: { events: { 'http://schemas.openid.net/event/backchannel-logout': {} } },
      detail: 'security_event',
    },
  },
  otherIssuer: 'https://acme.us.auth0.com/',
};
