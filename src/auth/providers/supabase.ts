// Supabase Auth: access tokens of its OAuth server.
//
// Sources: https://github.com/supabase/auth (internal/tokens/service.go, internal/api/oauthserver),
// https://supabase.com/docs/guides/auth/oauth-server.
// Not verified: the names of the claims that custom access token hooks add (user_role is the documented example's).
// Other tokens: every session of the project's own apps is a JWT with the same issuer, keys and `aud`; only tokens of OAuth
// clients have `client_id`. ID tokens have the client's id as `aud`. `aud` is authenticated for all: a token for any OAuth
// client of the project is taken, since `resource` never gets into it. Projects with the old HS256 secret publish no key.
// user_metadata is not read: users can write it themselves.

import type { Preset } from './index.ts';

export const supabase: Preset = {
  settings: {
    jwksUri: '{issuer}/.well-known/jwks.json',
    algs: ['ES256', 'RS256'],
    audience: { values: ['authenticated'] },
    require: [{ claim: ['client_id'], isPresent: true }],
    roles: [['app_metadata', 'roles'], ['user_role']],
  },
  issuerForm: { pattern: /^https?:\/\/.+\/auth\/v1$/, like: 'https://abcdefgh.supabase.co/auth/v1' },
};
