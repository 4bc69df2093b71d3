// Tokens of Stytch: https://stytch.com/docs/b2b/api/connected-app-access-token, stytch-node lib/b2c/m2m.ts.

import type { Product } from './product.ts';

const PROJECT = 'project-live-3e71d0a1-1e3e-4ee2-9be0-d7c0900f02c2';
const claims = {
  iss: 'https://login.example.com',
  sub: 'user-live-16d9ba61-97a1-4ba4-9720-b03761dc50c6',
  aud: [PROJECT],
  client_id: 'connected-app-live-d731954d-dab3-4a2b-bdee-07f3ad1be888',
  jti: 'LOe49j3s9d9dmacslUvrb15ZIjPbptMm7fS5UlE52JCF',
  scope: 'openid reports:read',
  'https://stytch.com/organization': { organization_id: 'organization-live-1', slug: 'acme' },
};
const header = { typ: 'JWT' };
const caller = {
  subject: claims.sub,
  clientId: claims.client_id,
  tenant: 'organization-live-1',
  scopes: ['openid', 'reports:read'],
};

export const stytch: Product = {
  entry: { issuer: ['https://login.example.com', `stytch.com/${PROJECT}`], audience: PROJECT },
  otherAlg: 'ES256',
  accepted: {
    "a user's": { claims, header, caller },
    "a user's from stytch.com": { claims: { ...claims, iss: `stytch.com/${PROJECT}` }, header, caller },
    "a machine's": {
      claims: {
        sub: 'm2m-client-live-d731954d-dab3-4a2b-bdee-07f3ad1be885',
        iss: `stytch.com/${PROJECT}`,
        aud: [PROJECT],
        scope: 'read:users write:users',
      },
      header,
      caller: {
        subject: 'm2m-client-live-d731954d-dab3-4a2b-bdee-07f3ad1be885',
        clientId: 'm2m-client-live-d731954d-dab3-4a2b-bdee-07f3ad1be885',
        scopes: ['read:users', 'write:users'],
      },
    },
  },
  refused: {
    'a session': {
      claims: {
        client_id: undefined,
        scope: undefined,
        'https://stytch.com/session': { id: 'session-live-1', authentication_factors: [] },
      },
      detail: 'require_0',
    },
    'a session with a claim of its own that is called scope': {
      claims: { client_id: undefined, 'https://stytch.com/session': { id: 'session-live-1' } },
      detail: 'require_1',
    },
    'an ID token': {
      claims: { aud: [claims.client_id], client_id: undefined, scope: undefined, jti: undefined },
      detail: 'aud_check_failed',
    },
    'an ID token, though made out to the project': {
      claims: { client_id: undefined, scope: undefined, jti: undefined, email: 'sandbox@stytch.com' },
      detail: 'require_0',
    },
    'one with another type': { header: { typ: 'at+jwt' }, detail: 'typ_not_allowed' },
    "another project's": { claims: { aud: ['project-test-1'] }, detail: 'aud_check_failed' },
  },
  otherIssuer: 'stytch.com/project-test-1',
};
