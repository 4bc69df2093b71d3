// Amazon Cognito: access tokens of a user pool.
//
// Sources: https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-access-token.html,
// https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-define-resource-servers.html.
// Not verified: the payload of a machine's token.
// Other tokens: ID tokens say id in `token_use`, and have `aud` instead of `client_id`. Access tokens name no audience, only
// the app client that got them, unless a client asked for a resource (Essentials and Plus plans): then `aud` is that, and
// a token made out to another one is refused. Signing in with the user pool's API gives such a token too, with the scope
// aws.cognito.signin.user.admin only. Scopes have the resource server's id in front: see `scopePrefix`.

import type { Preset } from './index.ts';

export const cognito: Preset = {
  settings: {
    jwksUri: '{issuer}/.well-known/jwks.json',
    algs: ['RS256'],
    audience: { claim: ['client_id'] },
    require: [{ claim: ['token_use'], equals: 'access' }],
    roles: [['cognito:groups']],
  },
  needs: { audience: 'the ids of the app clients whose tokens are for this server' },
  issuerForm: {
    pattern: /^https:\/\/[^/]+\/[\w-]+_[A-Za-z\d]+$/,
    like: 'https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbCdEf123',
  },
};
