// oidc-provider, the Node.js library, and what is built on it: access tokens in the format jwt.
//
// Sources: https://github.com/panva/node-oidc-provider (lib/models/formats/jwt.js, docs: features.resourceIndicators).
// Not verified: nothing of what is used here; the local stack runs on it.
// Other tokens: only access tokens have the header at+jwt. Without a resource, or with the format opaque, there is no JWT.

import type { Preset } from './index.ts';

export const oidcProvider: Preset = {
  settings: {
    typ: ['at+jwt'],
    require: [{ claim: ['client_id'], isPresent: true }],
  },
};
