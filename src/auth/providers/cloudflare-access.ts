// Cloudflare Access: the application token that Access adds to every request it lets through.
//
// Sources: https://developers.cloudflare.com/cloudflare-one/access-controls/applications/http-apps/authorization-cookie/application-token/,
// https://developers.cloudflare.com/cloudflare-one/access-controls/applications/http-apps/authorization-cookie/validating-json/.
// Not verified: nothing of what is used here.
// Other tokens: the token of the team's session has the same issuer and keys and says org in `type`. Other applications have
// other AUD tags. Access puts the token into a header of its own, so it counts there and nowhere else; what a client sends
// as Authorization (an opaque token, with Managed OAuth) is Access's business. A service token has an empty `sub` and its
// client id in `common_name`. There are no scopes: see `grantedScopes`. With Managed OAuth it is Access that answers 401.

import type { Preset } from './index.ts';

export const cloudflareAccess: Preset = {
  settings: {
    jwksUri: '{issuer}/cdn-cgi/access/certs',
    algs: ['RS256'],
    require: [{ claim: ['type'], equals: 'app' }],
    subject: [['sub'], ['common_name']],
    clientId: [['common_name']],
    tokenSource: { header: 'Cf-Access-Jwt-Assertion' },
    advertise: false,
  },
  needs: { audience: "the application's AUD tag" },
  issuerForm: { pattern: /^https:\/\/[^/]+$/, like: 'https://your-team.cloudflareaccess.com' },
};
