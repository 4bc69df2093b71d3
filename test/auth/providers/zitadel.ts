// Tokens of ZITADEL: zitadel internal/api/oidc/token.go, https://zitadel.com/docs/apis/openidoauth/claims.

import type { Product } from './product.ts';

const PROJECT = '69234237810729019';
const roles = `urn:zitadel:iam:org:project:${PROJECT}:roles`;
const claims = {
  iss: 'https://acme.zitadel.cloud',
  sub: '77776025198584418',
  aud: ['69234237810729234@acme', PROJECT],
  jti: 'V2_1234-at_5678',
  client_id: '69234237810729234@acme',
  'urn:zitadel:iam:user:resourceowner:id': '69629023906488334',
  'urn:zitadel:iam:org:project:roles': { operator: { '69629023906488334': 'acme.zitadel.cloud' } },
  [roles]: { analyst: { '69629023906488334': 'acme.zitadel.cloud' } },
};
const header = { typ: 'JWT' };
const caller = {
  subject: '77776025198584418',
  clientId: '69234237810729234@acme',
  tenant: '69629023906488334',
  scopes: ['reports:read'],
  roles: ['analyst'],
};

export const zitadel: Product = {
  entry: {
    issuer: 'https://acme.zitadel.cloud',
    audience: PROJECT,
    roles: [[roles]],
    grantedScopes: ['reports:read'],
  },
  accepted: {
    "a user's, with the roles of the project that counts": { claims, header, caller },
    "a user's, without the role that another organization has granted": {
      claims: {
        ...claims,
        [roles]: {
          analyst: { '111': 'beta.zitadel.cloud', '69629023906488334': 'acme.zitadel.cloud' },
          operator: { '111': 'beta.zitadel.cloud' },
        },
      },
      header,
      caller,
    },
    "a user's that does not say whose, with the roles that anybody has granted": {
      claims: { ...claims, 'urn:zitadel:iam:user:resourceowner:id': undefined },
      header,
      caller: {
        subject: caller.subject,
        clientId: caller.clientId,
        scopes: caller.scopes,
        roles: caller.roles,
      },
    },
    "a user's, with the roles as a list": {
      claims: { ...claims, [roles]: [{ analyst: { '69629023906488334': 'acme.zitadel.cloud' } }] },
      header,
      caller,
    },
    "a machine's": {
      claims: { ...claims, sub: 'machine', client_id: 'machine', [roles]: undefined },
      header,
      caller: {
        subject: 'machine',
        clientId: 'machine',
        tenant: '69629023906488334',
        scopes: ['reports:read'],
      },
    },
  },
  refused: {
    'an ID token, whose audience is the same': {
      claims: { jti: undefined, azp: claims.client_id, amr: ['pwd'], auth_time: 1 },
      detail: 'require_0',
    },
    'an ID token with at_hash': { claims: { jti: undefined, at_hash: 'h' }, detail: 'id_token' },
    'one with an id and at_hash': { claims: { at_hash: 'h' }, detail: 'id_token' },
    "another project's": { claims: { aud: [claims.client_id, '111'] }, detail: 'aud_check_failed' },
  },
  otherIssuer: 'https://other.zitadel.cloud',
};
