// Tokens of Ory Hydra: https://www.ory.sh/docs/oauth2-oidc/jwt-access-token.

import { type Product, RESOURCE } from './product.ts';

const claims = {
  aud: [RESOURCE],
  client_id: '54a1bf2d-9ff1-4f61-a0ce-1e0a6a5ec8f1',
  ext: { roles: ['analyst'], permissions: ['reports:write'] },
  iss: 'https://acme.projects.oryapis.com',
  jti: '3d1b8ad1-d5ce-4f06-9f8e-9cb2d4f7b8a9',
  nbf: 1,
  scp: ['offline', 'reports:read'],
  sub: 'a1b2c3d4-identity',
};
const header = { typ: 'JWT' };
const caller = {
  subject: 'a1b2c3d4-identity',
  clientId: '54a1bf2d-9ff1-4f61-a0ce-1e0a6a5ec8f1',
  scopes: ['offline', 'reports:read'],
  roles: ['analyst'],
  permissions: ['reports:write'],
};

export const ory: Product = {
  entry: { issuer: 'https://acme.projects.oryapis.com' },
  accepted: {
    "a user's": { claims, header, caller },
    "a user's where scopes are set to be text": {
      claims: { ...claims, scp: undefined, scope: 'offline reports:read' },
      header,
      caller,
    },
    "a machine's": {
      claims: { ...claims, sub: claims.client_id, ext: {}, scp: ['reports:read'] },
      header,
      caller: { subject: claims.client_id, clientId: claims.client_id, scopes: ['reports:read'] },
    },
  },
  refused: {
    'an ID token': {
      claims: { aud: [claims.client_id], client_id: undefined, scp: undefined, ext: undefined },
      detail: 'aud_check_failed',
    },
    'an ID token, though made out to this server': {
      claims: { client_id: undefined, scp: undefined, ext: undefined, auth_time: 1, rat: 1 },
      detail: 'require_0',
    },
    'an ID token with at_hash': { claims: { at_hash: 'h' }, detail: 'id_token' },
    'one that was asked for without an audience': { claims: { aud: [] }, detail: 'aud_check_failed' },
  },
  otherIssuer: 'https://other.projects.oryapis.com',
};
