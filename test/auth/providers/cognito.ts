// Tokens of Amazon Cognito: https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-access-token.html.

import { type Product, RESOURCE } from './product.ts';

const CLIENT = 'xxxxxxxxxxxxexample';
const claims = {
  sub: 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
  'cognito:groups': ['analyst'],
  iss: 'https://cognito-idp.us-west-2.amazonaws.com/us-west-2_Example01',
  version: 2,
  client_id: CLIENT,
  origin_jti: 'aaaaaaaa-bbbb-cccc-dddd-origin',
  token_use: 'access',
  scope: `openid ${RESOURCE}/reports:read other-api/reports:write`,
  jti: 'aaaaaaaa-bbbb-cccc-dddd-jti',
  username: 'my-test-user',
};
const caller = {
  subject: claims.sub,
  clientId: CLIENT,
  scopes: ['openid', 'reports:read', 'other-api/reports:write'],
  roles: ['analyst'],
};

export const cognito: Product = {
  entry: {
    issuer: 'https://cognito-idp.us-west-2.amazonaws.com/us-west-2_Example01',
    audience: [CLIENT, 'machine'],
    scopePrefix: `${RESOURCE}/`,
    advertise: false,
  },
  otherAlg: 'ES256',
  accepted: {
    "a user's": { claims, caller },
    "a user's that was asked for with this server as the resource": {
      claims: { ...claims, aud: RESOURCE },
      caller,
    },
    "a machine's": {
      claims: {
        ...claims,
        sub: 'machine',
        client_id: 'machine',
        username: undefined,
        'cognito:groups': undefined,
        scope: `${RESOURCE}/reports:read`,
      },
      caller: { subject: 'machine', clientId: 'machine', scopes: ['reports:read'] },
    },
  },
  refused: {
    'an ID token': {
      claims: { token_use: undefined, client_id: undefined, aud: CLIENT },
      detail: 'aud_missing',
    },
    'an ID token, though it names the client': { claims: { token_use: 'id' }, detail: 'token_use_claim' },
    'one that does not say what it is': { claims: { token_use: undefined }, detail: 'require_0' },
    "one that our own client got for another's resource": {
      claims: { aud: 'https://other.example.com/mcp' },
      detail: 'aud_check_failed',
    },
    "another app client's, though made out to this server": {
      claims: { client_id: 'other', aud: RESOURCE },
      detail: 'aud_check_failed',
    },
  },
  otherIssuer: 'https://cognito-idp.us-west-2.amazonaws.com/us-west-2_Example02',
  audienceClaim: 'client_id',
};
