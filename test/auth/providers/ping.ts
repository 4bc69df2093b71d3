// Tokens of PingOne: https://developer.pingidentity.com/pingone-api/foundations/authentication-concepts/access-tokens-and-id-tokens/token-claims.html.

import { type Product, RESOURCE } from './product.ts';

const ENVIRONMENT = 'abfba8f6-49eb-49f5-a5d9-80ad5c98f9f6';
const claims = {
  client_id: 'b1a5b8d2-client',
  iss: `https://auth.pingone.eu/${ENVIRONMENT}/as`,
  aud: [RESOURCE],
  scope: 'openid reports:read',
  sub: '5f1c3f4e-user',
  sid: 'session',
  env: ENVIRONMENT,
  org: '6d1f2b3c-org',
  'p1.rid': 'resource',
};
const caller = {
  subject: '5f1c3f4e-user',
  clientId: 'b1a5b8d2-client',
  scopes: ['openid', 'reports:read'],
};

export const ping: Product = {
  entry: { issuer: `https://auth.pingone.eu/${ENVIRONMENT}/as` },
  otherAlg: 'ES256',
  accepted: {
    "a user's": { claims, caller },
    "a user's, as from March 2027": { claims, header: { typ: 'at+jwt' }, caller },
    "a machine's, which has no sub": {
      claims: { ...claims, sub: undefined, sid: undefined, scope: 'reports:read' },
      caller: { subject: 'b1a5b8d2-client', clientId: 'b1a5b8d2-client', scopes: ['reports:read'] },
    },
  },
  refused: {
    'an ID token': { claims: { aud: 'b1a5b8d2-client', client_id: undefined }, detail: 'aud_check_failed' },
    'an ID token, though made out to this server': {
      claims: { client_id: undefined, scope: undefined, acr: 'Single_Factor' },
      detail: 'require_0',
    },
    'an ID token with a nonce': { claims: { nonce: 'n' }, detail: 'id_token' },
    "one for PingOne's own API": { claims: { aud: ['https://api.pingone.eu'] }, detail: 'aud_check_failed' },
  },
  otherIssuer: 'https://auth.pingone.eu/00000000-49eb-49f5-a5d9-80ad5c98f9f6/as',
};
