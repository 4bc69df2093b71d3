// Tokens of Clerk: clerk/javascript packages/backend/src/fixtures.

import { type Product, RESOURCE } from './product.ts';

const claims = {
  iss: 'https://clerk.oauth.example.test',
  sub: 'user_2vYVtestTESTtestTESTtestTESTtest',
  client_id: 'client_2VTWUzvGC5UhdJCNx6xG1D98edc',
  scope: 'read:foo write:bar',
  jti: 'oat_2xKa9Bgv7NxMRDFyQw8LpZ3cTmU1vHjE',
  org_id: 'org_2acme',
};
const header = { typ: 'at+jwt' };
const caller = {
  subject: claims.sub,
  clientId: claims.client_id,
  tenant: 'org_2acme',
  scopes: ['read:foo', 'write:bar'],
};

export const clerk: Product = {
  entry: { issuer: 'https://clerk.oauth.example.test' },
  otherAlg: 'ES256',
  accepted: {
    "a user's": { claims, header, caller },
    "a user's, with the longer type and scp": {
      claims: { ...claims, scope: undefined, scp: ['read:foo', 'write:bar'] },
      header: { typ: 'application/at+jwt' },
      caller,
    },
    'one that names this server': { claims: { ...claims, aud: RESOURCE }, header, caller },
  },
  refused: {
    'a session': {
      claims: { client_id: undefined, scope: undefined, sid: 'sess_2', azp: 'https://app.example.com' },
      header: { typ: 'JWT' },
      detail: 'typ_not_allowed',
    },
    'a session, though with the type': {
      claims: { client_id: undefined, scope: undefined, sid: 'sess_2', azp: 'https://app.example.com' },
      detail: 'require_0',
    },
    "a machine's, which are another product's": {
      claims: { sub: 'mch_2', client_id: undefined, scope: undefined, scopes: 'mch_1', aud: ['mch_1'] },
      header: { typ: 'JWT' },
      detail: 'typ_not_allowed',
    },
    'an ID token': {
      claims: { aud: claims.client_id, client_id: undefined },
      header: { typ: 'JWT' },
      detail: 'typ_not_allowed',
    },
    'an ID token, though with the type': { claims: { aud: claims.client_id }, detail: 'aud_check_failed' },
    'one without a type': { header: { typ: undefined }, detail: 'typ_not_allowed' },
    'one that names another server': {
      claims: { aud: 'https://other.example.com/mcp' },
      detail: 'aud_check_failed',
    },
    'one that names nobody': { claims: { aud: [] }, detail: 'aud_check_failed' },
  },
  otherIssuer: 'https://clerk.other.example.test',
  audienceClaim: false,
};
