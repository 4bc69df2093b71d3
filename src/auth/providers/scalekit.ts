// Scalekit: access tokens for an MCP server that has RESOURCE as its Server URL.
//
// Sources: https://docs.scalekit.com/authenticate/mcp/quickstart/, https://docs.scalekit.com/authenticate/m2m/api-auth-quickstart/,
// https://docs.scalekit.com/authenticate/fsa/session-token-claims/.
// Not verified: `scope` or `scopes` in users' tokens (both are read), and when the issuer changes from the environment's URL
// to that of the resource: list both.
// Other tokens: ID and session tokens have the client's id as `aud`. API clients' tokens without `aud` are refused; machines
// need a client of the MCP server. Clients register at the resource's own authorization server: see `advertise`.

import type { Preset } from './index.ts';

export const scalekit: Preset = {
  settings: {
    algs: ['RS256'],
    scopes: [['scope'], ['scopes']],
    tenant: { claim: [['oid']] },
  },
  needs: {
    jwksUri: 'https://your-environment.scalekit.com/keys',
    advertise: 'https://your-environment.scalekit.com/resources/res_..., where clients register',
  },
};
