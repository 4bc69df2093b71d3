// Tokens of WorkOS Connect: https://workos.com/docs/authkit/connect/token-claims. The entry takes machines too.

import { type Product, RESOURCE } from './product.ts';

const ENVIRONMENT = 'client_01ENVIRONMENT';
const claims = {
  iss: 'https://acme.authkit.app',
  aud: RESOURCE,
  sub: 'user_01HBEQKA6K4QJAS93VPE39W1JT',
  client_id: 'client_01JP8BD0CZ401TDF9X54NT5ZEK',
  org_id: 'org_01HRDMC6CM357W30QMHMQ96Q0S',
  sid: 'app_consent_01HW3JFCD1GRBQ9TRPJ4RRKRS2',
  scope: 'openid profile reports:read',
  jti: '01HW3JFCD3YHYY4A35JJ0P5HX4',
};
const caller = {
  subject: claims.sub,
  clientId: claims.client_id,
  tenant: claims.org_id,
  scopes: ['openid', 'profile', 'reports:read'],
};

export const workos: Product = {
  entry: {
    issuer: 'https://acme.authkit.app',
    audience: [RESOURCE, ENVIRONMENT],
    require: [
      {
        anyOf: [
          { claim: ['aud'], equals: RESOURCE },
          { claim: ['sid'], isAbsent: true },
        ],
      },
    ],
    tenant: { values: [claims.org_id] },
  },
  otherAlg: 'ES256',
  accepted: {
    "a user's": { claims, caller },
    "a user's of a client with a metadata document, with roles of a JWT template": {
      claims: { ...claims, client_id: 'https://client.example.com/oauth.json', roles: ['analyst'] },
      caller: { ...caller, clientId: 'https://client.example.com/oauth.json', roles: ['analyst'] },
    },
    "a machine's": {
      claims: {
        iss: claims.iss,
        aud: ENVIRONMENT,
        sub: 'client_01M2M',
        client_id: 'client_01M2M',
        org_id: claims.org_id,
        scope: 'reports:read',
        jti: '01HW3JFCD3YHYY4A35JJ0P5HX5',
      },
      caller: {
        subject: 'client_01M2M',
        clientId: 'client_01M2M',
        tenant: claims.org_id,
        scopes: ['reports:read'],
      },
    },
  },
  refused: {
    "a user's for no resource, of any application of the environment": {
      claims: { aud: ENVIRONMENT },
      detail: 'require_1',
    },
    'an ID token': {
      claims: {
        aud: 'client_01JP8BD0CZ401TDF9X54NT5ZEK',
        client_id: undefined,
        sid: undefined,
        scope: undefined,
        jti: undefined,
        email: 'jane@example.com',
      },
      detail: 'aud_check_failed',
    },
    'an ID token of an application that is taken for the environment': {
      claims: { aud: ENVIRONMENT, client_id: undefined, sid: undefined, scope: undefined, jti: undefined },
      detail: 'require_0',
    },
    "another organization's": {
      claims: { org_id: 'org_01OTHER' },
      detail: 'tenant_not_served',
    },
    "nobody's in particular": { claims: { org_id: undefined }, detail: 'tenant_not_served' },
  },
  otherIssuer: 'https://other.authkit.app',
};
