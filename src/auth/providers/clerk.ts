// Clerk: OAuth access tokens as JWTs.
//
// Sources: https://clerk.com/docs/guides/configure/auth-strategies/oauth/how-clerk-implements-oauth,
// https://github.com/clerk/javascript (packages/backend).
// Not verified: `org_id` in OAuth tokens.
// Other tokens: session tokens and M2M tokens have the same issuer and keys, but not the header at+jwt, and no `client_id`.
// Clerk names no audience, so a token for ANY OAuth application of the instance is taken: use an instance of its own for
// this server, or list the applications, audience = { claim = ["client_id"], values = [...] }. A token that does name an
// audience has to name RESOURCE.

import type { Preset } from './index.ts';

export const clerk: Preset = {
  settings: {
    jwksUri: '{issuer}/.well-known/jwks.json',
    algs: ['RS256'],
    typ: ['at+jwt'],
    audience: { mode: 'issuer-bound' },
    require: [{ claim: ['client_id'], isPresent: true }],
    tenant: { claim: [['org_id']] },
  },
  issuerForm: { pattern: /^https:\/\/[^/]+$/, like: 'https://clerk.example.com, the Frontend API URL' },
};
