// Microsoft Entra ID: v2.0 access tokens for an API of your tenant.
//
// Sources: https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference,
// https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference.
// Not verified: the token of an application (no `scp`; `oid` is its service principal), and that no ID token has `azp`.
// Other tokens: an ID token for an app that is the API as well has the same `aud` and may have `roles`, but no `azp`. v1.0
// tokens have the issuer sts.windows.net and `appid`: set requestedAccessTokenVersion to 2. The subject is `oid`; `sub`
// differs from app to app. `scp` has short names, whatever clients ask for.

import type { Preset } from './index.ts';

export const entra: Preset = {
  settings: {
    algs: ['RS256'],
    typ: ['JWT'],
    require: [{ claim: ['azp'], isPresent: true }],
    subject: [['oid']],
    tokenId: [['uti']],
    tenant: { claim: [['tid']] },
  },
  needs: { audience: "the API's application (client) id, a GUID: the aud of its v2.0 tokens" },
  issuerForm: {
    pattern: /^https:\/\/[^/]+\/[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}\/v2\.0$/,
    like: 'https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0, with the tenant id',
  },
};
