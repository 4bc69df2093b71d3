// Tokens of Microsoft Entra ID: https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference.

import type { Product } from './product.ts';

const API = '6e74172b-be56-4843-9ff4-e66a39bb12e3';
const TENANT = '72f988bf-86f1-41af-91ab-2d7cd011db47';
const claims = {
  aud: API,
  iss: `https://login.microsoftonline.com/${TENANT}/v2.0`,
  azp: '12345678-1111-2222-3333-444455556666',
  azpacr: '0',
  name: 'Jane',
  oid: '690222be-ff1a-4d56-abd1-7e4f7d38e474',
  rh: '0.opaque',
  roles: ['analyst'],
  scp: 'reports:read reports:list',
  sub: 'HKZpfaHyWadeOouYlitjrI-KffTm222X5rrV3xDqfKQ',
  tid: TENANT,
  uti: 'fqiBqXLPj0eQa82S-IYFAA',
  ver: '2.0',
};
const header = { typ: 'JWT' };

export const entra: Product = {
  entry: {
    issuer: `https://login.microsoftonline.com/${TENANT}/v2.0`,
    audience: API,
    scopePrefix: `api://${API}/`,
    advertise: false,
  },
  otherAlg: 'PS256',
  accepted: {
    "a user's": {
      claims,
      header,
      caller: {
        subject: '690222be-ff1a-4d56-abd1-7e4f7d38e474',
        tokenId: 'fqiBqXLPj0eQa82S-IYFAA',
        clientId: '12345678-1111-2222-3333-444455556666',
        tenant: TENANT,
        scopes: ['reports:read', 'reports:list'],
        roles: ['analyst'],
      },
    },
    "an application's": {
      claims: { ...claims, scp: undefined, name: undefined, azpacr: '1', oid: 'principal', sub: 'principal' },
      header,
      caller: {
        subject: 'principal',
        tokenId: 'fqiBqXLPj0eQa82S-IYFAA',
        clientId: '12345678-1111-2222-3333-444455556666',
        tenant: TENANT,
        roles: ['analyst'],
      },
    },
  },
  refused: {
    'an ID token of an app that is the API as well': {
      claims: { azp: undefined, azpacr: undefined, scp: undefined, preferred_username: 'jane@example.com' },
      detail: 'require_0',
    },
    'an ID token with a nonce': { claims: { nonce: 'n' }, detail: 'id_token' },
    'a v1.0 token that says the v2.0 issuer': {
      claims: { azp: undefined, appid: claims.azp, ver: '1.0' },
      detail: 'require_0',
    },
    'one made out to the App ID URI, as in v1.0': {
      claims: { aud: `api://${API}` },
      detail: 'aud_check_failed',
    },
    'one for Microsoft Graph': {
      claims: { aud: '00000003-0000-0000-c000-000000000000' },
      detail: 'aud_check_failed',
    },
    'one without the object id, whoever sub is': { claims: { oid: undefined }, detail: 'subject_missing' },
    'one with another type': { header: { typ: 'at+jwt' }, detail: 'typ_not_allowed' },
  },
  otherIssuer: 'https://login.microsoftonline.com/11111111-86f1-41af-91ab-2d7cd011db47/v2.0',
};
