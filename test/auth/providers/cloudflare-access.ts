// Tokens of Cloudflare Access: https://developers.cloudflare.com/cloudflare-one/.../application-token/.

import type { Product } from './product.ts';

const AUD = '32eafc7626e737984a5ee47b0a4c83a8a1b4d5a4e76f8f5c6f2f4d5a6b7c8d9e';
const claims = {
  aud: [AUD],
  email: 'jane@example.com',
  nbf: 1_659_474_397,
  iss: 'https://acme.cloudflareaccess.com',
  type: 'app',
  identity_nonce: '6ei69kawdKzMIAPF',
  sub: '7335d417-61da-459d-899c-0a01c76a2f94',
  country: 'US',
};

export const cloudflareAccess: Product = {
  entry: { issuer: 'https://acme.cloudflareaccess.com', audience: AUD, grantedScopes: ['reports:read'] },
  tokenHeader: 'Cf-Access-Jwt-Assertion',
  otherAlg: 'ES256',
  accepted: {
    "a user's": { claims, caller: { subject: claims.sub, scopes: ['reports:read'] } },
    "a service token's": {
      claims: {
        type: 'app',
        aud: [AUD],
        iss: claims.iss,
        common_name: 'e367826f93b8d71185e03fe518aff3b4.access',
        sub: '',
      },
      caller: {
        subject: 'e367826f93b8d71185e03fe518aff3b4.access',
        clientId: 'e367826f93b8d71185e03fe518aff3b4.access',
        scopes: ['reports:read'],
      },
    },
  },
  refused: {
    "the team's session": { claims: { type: 'org' }, detail: 'require_0' },
    'one that does not say what it is': { claims: { type: undefined }, detail: 'require_0' },
    "another application's": { claims: { aud: ['00eafc7626e7'] }, detail: 'aud_check_failed' },
    "nobody's": { claims: { sub: '' }, detail: 'subject_missing' },
  },
  otherIssuer: 'https://other.cloudflareaccess.com',
};
