// Tokens of FusionAuth: https://fusionauth.io/docs/lifecycle/authenticate-users/oauth/tokens, .../client-registration.

import { type Product, RESOURCE } from './product.ts';

const APPLICATION = '8306958a-db30-48a6-a93c-27353669cb71';
const ENTITY = '1c592f8a-59c6-4a09-82f8-f4257e3ea4c8';
const TENANT = '5ba05e07-b2d6-4f53-f424-a986bd483e4d';
const claims = {
  aud: APPLICATION,
  applicationId: APPLICATION,
  auth_time: 1_768_344_582,
  authenticationType: 'PASSWORD',
  gty: ['authorization_code'],
  iss: 'acme.com',
  jti: '4526e18a-5915-4c3b-b83c-af20c26330b4',
  roles: ['analyst'],
  scope: 'offline_access reports:read',
  sid: 'c59e6f96-86c8-42f7-ad66-766694f21e9e',
  sub: 'ca565f40-da28-448f-9140-b01381c7d825',
  tid: TENANT,
  tty: 'at',
};
const header = { typ: 'JWT' };
const caller = {
  subject: claims.sub,
  clientId: APPLICATION,
  tenant: TENANT,
  scopes: ['offline_access', 'reports:read'],
  roles: ['analyst'],
};

export const fusionauth: Product = {
  entry: { issuer: 'acme.com', audience: [APPLICATION, ENTITY, RESOURCE], tenant: { values: [TENANT] } },
  accepted: {
    "a user's of an application": { claims, header, caller },
    "a user's of an older version, which does not say tty": {
      claims: { ...claims, tty: undefined },
      header,
      caller,
    },
    "a user's of a client with a metadata document": {
      claims: {
        ...claims,
        aud: ['https://client.example.com/oauth.json', RESOURCE],
        applicationId: undefined,
        roles: undefined,
      },
      header,
      caller: { subject: claims.sub, tenant: TENANT, scopes: ['offline_access', 'reports:read'] },
    },
    "an entity's": {
      claims: {
        aud: ENTITY,
        iss: 'acme.com',
        jti: 'f3a1',
        permissions: ['reports:write'],
        scope: `target-entity:${ENTITY}:reports:write`,
        sub: '092dbded-30af-4149-9c61-b578f2c72f59',
        tid: TENANT,
      },
      header,
      caller: {
        subject: '092dbded-30af-4149-9c61-b578f2c72f59',
        tenant: TENANT,
        scopes: [`target-entity:${ENTITY}:reports:write`],
        permissions: ['reports:write'],
      },
    },
  },
  refused: {
    'an ID token, whose audience is the same': {
      claims: { tty: undefined, applicationId: undefined, roles: undefined, email: 'jane@example.com' },
      detail: 'require_0',
    },
    'an ID token that says what it is': {
      claims: { tty: 'it', applicationId: undefined, roles: undefined },
      detail: 'require_0',
    },
    'an ID token with at_hash': { claims: { at_hash: 'h' }, detail: 'id_token' },
    "another tenant's with the same issuer, keys and audience": {
      claims: { tid: '00000000-b2d6-4f53-f424-a986bd483e4d' },
      detail: 'tenant_not_served',
    },
    'one that does not say which tenant': { claims: { tid: undefined }, detail: 'tenant_not_served' },
  },
  otherIssuer: 'other.com',
};
