// Tokens of Better Auth: packages/oauth-provider/src/token.ts.

import { type Product, RESOURCE } from './product.ts';

const claims = {
  iss: 'https://app.example.com/api/auth',
  sub: 'user-1',
  aud: [RESOURCE, 'https://app.example.com/api/auth/oauth2/userinfo'],
  azp: 'client-1',
  client_id: 'client-1',
  scope: 'openid reports:read',
  sid: 'session-1',
  jti: 'token-1',
};
const header = { typ: 'at+jwt' };

export const betterAuth: Product = {
  entry: { issuer: 'https://app.example.com/api/auth' },
  alg: 'EdDSA',
  accepted: {
    "a user's": {
      claims,
      header,
      caller: { subject: 'user-1', clientId: 'client-1', scopes: ['openid', 'reports:read'] },
    },
    "a machine's": {
      claims: {
        ...claims,
        sub: 'machine',
        azp: 'machine',
        client_id: 'machine',
        aud: RESOURCE,
        sid: undefined,
        scope: 'reports:read',
      },
      header,
      caller: { subject: 'machine', clientId: 'machine', scopes: ['reports:read'] },
    },
  },
  refused: {
    'a session of the jwt plugin': {
      claims: { aud: 'https://app.example.com', azp: undefined, client_id: undefined, scope: undefined },
      header: { typ: undefined },
      detail: 'typ_not_allowed',
    },
    'a session, though made out to this server and with the type': {
      claims: { azp: undefined, client_id: undefined, scope: undefined, email: 'jane@example.com' },
      detail: 'require_0',
    },
    'an ID token, though made out to this server': {
      claims: { azp: undefined, client_id: undefined },
      header: { typ: 'JWT' },
      detail: 'typ_not_allowed',
    },
    'one for userinfo only': { claims: { aud: claims.aud[1] }, detail: 'aud_check_failed' },
  },
  otherIssuer: 'https://other.example.com/api/auth',
};
