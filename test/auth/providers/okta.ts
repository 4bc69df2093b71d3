// Tokens of an Okta custom authorization server: https://developer.okta.com/docs/api/openapi/okta-oauth/guides/overview/.

import { type Product, RESOURCE } from './product.ts';

const claims = {
  ver: 1,
  jti: 'AT.0mP4JKAZX1iACIT4vbEDF7LpvDVjxypPMf0D7uX39RE',
  iss: 'https://acme.okta.com/oauth2/default',
  aud: RESOURCE,
  sub: 'jane@example.com',
  cid: '0oa5w2dl5yZkXvGeI0h7',
  uid: '00ujmkLgagxeRrAg20g3',
  scp: ['openid', 'reports:read'],
  groups: ['Everyone', 'analyst'],
};

export const okta: Product = {
  entry: { issuer: 'https://acme.okta.com/oauth2/default' },
  otherAlg: 'ES256',
  accepted: {
    "a user's": {
      claims,
      caller: {
        subject: '00ujmkLgagxeRrAg20g3',
        clientId: '0oa5w2dl5yZkXvGeI0h7',
        scopes: ['openid', 'reports:read'],
        roles: ['Everyone', 'analyst'],
      },
    },
    "a machine's": {
      claims: {
        ...claims,
        sub: '0oamachine',
        cid: '0oamachine',
        uid: undefined,
        groups: undefined,
        scp: ['reports:read'],
      },
      caller: { subject: '0oamachine', clientId: '0oamachine', scopes: ['reports:read'] },
    },
  },
  refused: {
    'an ID token': {
      claims: { aud: '0oa5w2dl5yZkXvGeI0h7', cid: undefined, scp: undefined },
      detail: 'aud_check_failed',
    },
    'an ID token, though made out to this server': {
      claims: { cid: undefined, scp: undefined, uid: undefined, sub: '00ujmkLgagxeRrAg20g3' },
      detail: 'require_0',
    },
    'one with at_hash': { claims: { at_hash: 'h' }, detail: 'id_token' },
    'one for the default audience': { claims: { aud: 'api://default' }, detail: 'aud_check_failed' },
  },
  otherIssuer: 'https://acme.okta.com',
};
