// Stytch: access tokens of Connected Apps, and of M2M clients.
//
// Sources: https://stytch.com/docs/b2b/api/connected-app-access-token, https://stytch.com/docs/b2b/api/connected-app-id-token,
// https://github.com/stytchauth/stytch-node (lib/b2b/idp.ts, lib/b2c/m2m.ts, lib/shared/sessions.ts).
// Not verified: whether a session token can have `scope` as a claim of its own (it then still has Stytch's session claim).
// Other tokens: session JWTs have the same issuer, keys and `aud`, and the claim https://stytch.com/session; ID tokens have
// the client's id as `aud` and no `scope`. `aud` is the project: every server of a project takes the tokens of all others.
// A machine's token names its client only in `sub`.

import type { Preset } from './index.ts';

export const stytch: Preset = {
  settings: {
    algs: ['RS256'],
    typ: ['JWT'],
    require: [
      { claim: ['scope'], isPresent: true },
      { claim: ['https://stytch.com/session'], isAbsent: true },
    ],
    clientId: [['client_id'], ['sub']],
    tenant: { claim: [['https://stytch.com/organization', 'organization_id']] },
  },
  needs: { audience: 'the project id, project-live-...' },
};
