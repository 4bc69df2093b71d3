// Okta: access tokens of a custom authorization server. Those of the org authorization server are for Okta alone.
//
// Sources: https://developer.okta.com/docs/concepts/auth-servers/,
// https://developer.okta.com/docs/guides/customize-tokens-groups-claim/main/.
// Not verified: the payload of a machine's token (that it has no `uid`, and the client as `sub`), and the header.
// Other tokens: ID tokens have the client's id as `aud` and no `cid`. `sub` of a user is a login name, which can be given to
// somebody else later, so the subject is `uid`. The groups claim is there only if the authorization server has one, called
// groups. `aud` is a setting of the authorization server: make it RESOURCE, or give `audience`.

import type { Preset } from './index.ts';

export const okta: Preset = {
  settings: {
    jwksUri: '{issuer}/v1/keys',
    algs: ['RS256'],
    require: [{ claim: ['cid'], isPresent: true }],
    subject: [['uid'], ['sub']],
    clientId: [['cid']],
    roles: [['groups']],
  },
  issuerForm: {
    pattern: /^https:\/\/[^/]+\/oauth2\/[^/]+$/,
    like: 'https://your-org.okta.com/oauth2/default',
  },
};
