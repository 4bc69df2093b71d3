// PingOne: access tokens for a custom resource whose audience is RESOURCE. Not PingFederate or PingAM.
//
// Sources: https://developer.pingidentity.com/pingone-api/foundations/authentication-concepts/access-tokens-and-id-tokens/token-claims.html.
// Not verified: that an ID token never has `client_id`.
// Other tokens: ID tokens have the client's id as `aud`, tokens for PingOne's own API that API. A machine's token has no
// `sub`; its client is the subject. From March 2027 access tokens have the header at+jwt: then add typ = ["at+jwt"].

import type { Preset } from './index.ts';

export const ping: Preset = {
  settings: {
    jwksUri: '{issuer}/jwks',
    algs: ['RS256'],
    require: [{ claim: ['client_id'], isPresent: true }],
    subject: [['sub'], ['client_id']],
  },
  issuerForm: {
    pattern: /^https:\/\/.+\/as$/,
    like: 'https://auth.pingone.eu/11111111-2222-3333-4444-555555555555/as',
  },
};
