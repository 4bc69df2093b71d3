// ZITADEL: access tokens of applications that are set to JWT. The default ones are opaque.
//
// Sources: https://github.com/zitadel/zitadel (internal/api/oidc/token.go), https://github.com/zitadel/oidc,
// https://zitadel.com/docs/apis/openidoauth/claims.
// Not verified: the form of the roles claim (its keys, or the keys of a list's objects, are the roles), and the organization.
// Other tokens: ID tokens have the SAME `aud` as access tokens, and no `jti`; most also have `at_hash`. JWTs have no scopes:
// see `grantedScopes`, or use opaque tokens and introspection.
// Roles: urn:zitadel:iam:org:project:roles has those of the CLIENT's project, so it is not read. Give the path with the id
// of the project whose roles count: roles = [["urn:zitadel:iam:org:project:<id>:roles"]]. Each role names the organizations
// that granted it. One that another organization granted does not count, but in a token that does not say whose it is:
// have clients ask for urn:zitadel:iam:user:resourceowner, and give tenant.values, so that there is none.

import type { Preset } from './index.ts';

export const zitadel: Preset = {
  settings: {
    jwksUri: '{issuer}/oauth/v2/keys',
    require: [{ claim: ['jti'], isPresent: true }],
    tenant: { claim: [['urn:zitadel:iam:user:resourceowner:id']] },
  },
  rolesNameTenants: true,
  needs: { audience: "the project's id, which clients ask for with urn:zitadel:iam:org:project:id:<id>:aud" },
  issuerForm: { pattern: /^https?:\/\/[^/]+$/, like: 'https://your-instance.zitadel.cloud' },
};
