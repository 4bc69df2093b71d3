// Google: access tokens are opaque, and Google's tokeninfo endpoint says whose they are.
//
// Sources: the request and the names of the answer are those of google-auth-library (getTokenInfo). Not verified here: that
// numbers come as text, and the exact text of a refusal; both are accepted in either form.
// To know: Google vouches for the tokens of every app, so the audience has to be your own client ids; `sub` is there only
// with the scope openid; clients cannot register themselves; scopes are Google's, so give them a meaning with
// SCOPE_IMPLICATIONS, {"openid":["reports:read"]}; and an answer does not say when the token was issued, so it counts as
// the oldest in every revocation by time.

import type { Preset } from './index.ts';

export const google: Preset = {
  settings: { introspection: { kind: 'google-tokeninfo' } },
  needs: { audience: 'the client ids of your own apps, such as ["123-abc.apps.googleusercontent.com"]' },
};
