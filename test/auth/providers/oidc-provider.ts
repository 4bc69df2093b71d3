// Tokens of oidc-provider: lib/models/formats/jwt.js.

import { type Product, RESOURCE } from './product.ts';

const claims = {
  jti: 'c9rNjZ3Ws8z',
  sub: 'alice',
  iss: 'https://login.acme.example',
  aud: RESOURCE,
  client_id: 'client-1',
  scope: 'reports:read',
  roles: ['analyst'],
};
const header = { typ: 'at+jwt' };

export const oidcProvider: Product = {
  entry: { issuer: 'https://login.acme.example' },
  alg: 'ES256',
  accepted: {
    "a user's": {
      claims,
      header,
      caller: { subject: 'alice', clientId: 'client-1', scopes: ['reports:read'], roles: ['analyst'] },
    },
    "a machine's": {
      claims: { ...claims, sub: 'machine', client_id: 'machine', roles: undefined },
      header,
      caller: { subject: 'machine', clientId: 'machine', scopes: ['reports:read'] },
    },
  },
  refused: {
    'an ID token': {
      claims: { aud: 'client-1', client_id: undefined, at_hash: 'h' },
      header: { typ: 'JWT' },
      detail: 'typ_not_allowed',
    },
    'a logout token': {
      claims: { events: { 'http://schemas.openid.net/event/backchannel-logout': {} } },
      header: { typ: 'logout+jwt' },
      detail: 'typ_not_allowed',
    },
    'one bound to a key (DPoP)': { claims: { cnf: { jkt: 'k' } }, detail: 'sender_constrained' },
    'one that names no client': { claims: { client_id: undefined }, detail: 'require_0' },
  },
  otherIssuer: 'https://login.other.example',
};
