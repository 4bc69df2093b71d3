// Tokens of Supabase Auth: supabase/auth internal/tokens/service.go.

import { type Product, RESOURCE } from './product.ts';

const claims = {
  iss: 'https://abcdefgh.supabase.co/auth/v1',
  sub: '8ccaa7af-909f-44e7-84cb-67cdccb56be6',
  aud: 'authenticated',
  email: 'jane@example.com',
  phone: '',
  app_metadata: { provider: 'email', providers: ['email'], roles: ['analyst'] },
  user_metadata: { roles: ['operator'] },
  user_role: 'guest',
  role: 'authenticated',
  aal: 'aal1',
  amr: [{ method: 'password', timestamp: 1_715_766_000 }],
  session_id: '4b938a09-5372-4177-a314-cfa292099ea2',
  is_anonymous: false,
  client_id: '9a8b7c6d-client',
  scope: 'openid email',
};
const header = { typ: 'JWT' };

export const supabase: Product = {
  entry: { issuer: 'https://abcdefgh.supabase.co/auth/v1' },
  alg: 'ES256',
  otherAlg: 'PS256',
  accepted: {
    "a user's": {
      claims,
      header,
      caller: {
        subject: claims.sub,
        clientId: '9a8b7c6d-client',
        scopes: ['openid', 'email'],
        roles: ['analyst', 'guest'],
      },
    },
    "a user's, signed with an RSA key": {
      claims: { ...claims, app_metadata: {}, user_role: undefined },
      header,
      alg: 'RS256',
      caller: { subject: claims.sub, clientId: '9a8b7c6d-client', scopes: ['openid', 'email'] },
    },
  },
  refused: {
    "a session of the project's own apps": {
      claims: { client_id: undefined, scope: undefined },
      detail: 'require_0',
    },
    'an ID token': { claims: { aud: '9a8b7c6d-client', client_id: undefined }, detail: 'aud_check_failed' },
    'an ID token, though with the audience': {
      claims: { client_id: undefined, nonce: 'n' },
      detail: 'id_token',
    },
    'the anonymous API key': {
      claims: { aud: undefined, role: 'anon', client_id: undefined, sub: undefined },
      detail: 'aud_missing',
    },
    'one that a hook made out to somebody else': { claims: { aud: RESOURCE }, detail: 'aud_check_failed' },
  },
  otherIssuer: 'https://other.supabase.co/auth/v1',
};
