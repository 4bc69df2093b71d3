// Better Auth: access tokens of its OAuth provider plugin.
//
// Sources: https://github.com/better-auth/better-auth (packages/oauth-provider/src/token.ts, introspect.ts),
// https://better-auth.com/docs/plugins/oauth-provider.
// Not verified: nothing of what is used here; read in version 1.7.1.
// Other tokens: the jwt plugin signs sessions with the same keys, without the header at+jwt and without `azp`; ID tokens have
// neither. A client that asks for no resource gets an opaque token.

import type { Preset } from './index.ts';

export const betterAuth: Preset = {
  settings: {
    jwksUri: '{issuer}/jwks',
    typ: ['at+jwt'],
    require: [{ claim: ['azp'], isPresent: true }],
  },
};
