// Descope: access tokens of the Agentic Identity Hub's MCP servers and of Inbound Apps.
//
// Sources: https://docs.descope.com/agentic-identity-hub/core-components/mcp-servers/settings,
// https://docs.descope.com/identity-federation/inbound-apps/authorization-server, https://docs.descope.com/session-overview,
// https://docs.descope.com/mcp/gateways/integrations.
// Not verified, for want of a documented payload: the `typ` header, which claim names the client, a machine's token, and
// that every access token has `scope`. Try it with a token of your own before you rely on it.
// Other tokens: session tokens have the project as `aud`; refresh tokens are JWTs of the same keys that say DSR in `drn`; ID
// tokens have no `scope`. `aud` has the MCP Server URL among others: make it RESOURCE. Roles are the project's, and
// those in the tenant that `dct` names; never those in the user's other tenants.

import type { Preset } from './index.ts';

export const descope: Preset = {
  settings: {
    algs: ['RS256'],
    require: [
      { claim: ['scope'], isPresent: true },
      { claim: ['drn'], isNot: 'DSR' },
    ],
    roles: [['roles'], ['tenants', { claim: ['dct'] }, 'roles']],
    permissions: [['permissions'], ['tenants', { claim: ['dct'] }, 'permissions']],
    tenant: { claim: [['dct']] },
  },
  issuerForm: {
    pattern: /^https:\/\/[^/]+\/v1\/apps\/.+[^/]$/,
    like: 'https://api.descope.com/v1/apps/agentic/P2abc/MS3def, the Issuer in the console',
  },
};
