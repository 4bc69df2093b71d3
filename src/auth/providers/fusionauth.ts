// FusionAuth: access tokens for RESOURCE (clients with a metadata document, 1.70 and newer), an application or an entity.
//
// Sources: https://fusionauth.io/docs/lifecycle/authenticate-users/oauth/tokens,
// https://fusionauth.io/docs/lifecycle/authenticate-users/oauth/client-registration.
// Not verified: the claim `tty` (at for access tokens), which the documentation does not list.
// Other tokens: an ID token has the same `aud` as the access token of the same application. It has no `applicationId` unless a
// lambda adds it, which is for users that are registered; `authenticationType` is in both, but not in a machine's token.
// The issuer is any text, the same for several tenants if nobody changed it, and one key set serves them all: hence the
// tenant. The default key is HS256: assign an RSA or EC key.

import type { Preset } from './index.ts';

export const fusionauth: Preset = {
  settings: {
    require: [
      {
        anyOf: [
          { claim: ['tty'], equals: 'at' },
          { claim: ['applicationId'], isPresent: true },
          { claim: ['authenticationType'], isAbsent: true },
        ],
      },
    ],
    clientId: [['applicationId']],
    tenant: { claim: [['tid']] },
  },
  needs: {
    jwksUri: 'https://your-fusionauth.example.com/.well-known/jwks.json',
    tenant: '{ values = ["the id of the tenant"] }, since its key set is that of all tenants',
  },
};
