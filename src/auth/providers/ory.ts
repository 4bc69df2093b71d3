// Ory Hydra and Ory Network: access tokens of the jwt strategy. The default ones are opaque.
//
// Sources: https://www.ory.sh/docs/oauth2-oidc/jwt-access-token, https://github.com/ory/hydra (oauth2/handler.go).
// Not verified: other algorithms than RS256 (any asymmetric one is accepted).
// Other tokens: ID tokens have the client's id as `aud` and no `client_id`. Hydra knows `audience`, not `resource`: without an
// allow-list in the client and a consent that grants it, `aud` is empty and the token is refused. What the consent app
// adds is in `ext`.

import type { Preset } from './index.ts';

export const ory: Preset = {
  settings: {
    jwksUri: '{issuer}/.well-known/jwks.json',
    require: [{ claim: ['client_id'], isPresent: true }],
    roles: [['ext', 'roles']],
    permissions: [['ext', 'permissions']],
  },
};
