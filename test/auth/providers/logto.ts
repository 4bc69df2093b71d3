// Tokens of Logto: node-oidc-provider lib/models/formats/jwt.js, https://docs.logto.io/authorization/organization-permissions.

import { type Product, RESOURCE } from './product.ts';

const claims = {
  jti: 'VovNyqJ5_tuYac89eTbpF',
  sub: 'rkxl1ops7gs1',
  iss: 'https://acme.logto.app/oidc',
  aud: RESOURCE,
  client_id: 'lyxuqqkxjbdkqmsm5pvpu',
  scope: 'reports:read',
};
const header = { typ: 'at+jwt' };

export const logto: Product = {
  entry: { issuer: 'https://acme.logto.app/oidc' },
  alg: 'ES384',
  accepted: {
    "a user's": {
      claims: { ...claims, organization_id: 'org1' },
      header,
      caller: {
        subject: 'rkxl1ops7gs1',
        clientId: 'lyxuqqkxjbdkqmsm5pvpu',
        tenant: 'org1',
        scopes: ['reports:read'],
      },
    },
    "a machine's": {
      claims: { ...claims, sub: 'machine', client_id: 'machine' },
      header,
      caller: { subject: 'machine', clientId: 'machine', scopes: ['reports:read'] },
    },
  },
  refused: {
    'an ID token': {
      claims: { aud: claims.client_id, client_id: undefined, scope: undefined },
      header: { typ: 'JWT' },
      detail: 'typ_not_allowed',
    },
    'an ID token without a type, though made out to this server': {
      claims: { scope: undefined },
      header: { typ: undefined },
      detail: 'typ_not_allowed',
    },
    "an organization's own": { claims: { aud: 'urn:logto:organization:org1' }, detail: 'aud_check_failed' },
    'one that names no client': { claims: { client_id: undefined }, detail: 'require_0' },
    'a logout token': { header: { typ: 'logout+jwt' }, detail: 'typ_not_allowed' },
  },
  otherIssuer: 'https://other.logto.app/oidc',
};
