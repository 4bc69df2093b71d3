// Tokens of Scalekit: https://docs.scalekit.com/authenticate/mcp/quickstart/, .../reference/interceptors/triggers/.

import { type Product, RESOURCE } from './product.ts';

const ENVIRONMENT = 'https://acme.scalekit.com';
const SERVER = `${ENVIRONMENT}/resources/res_88056357768398086`;
const claims = {
  iss: ENVIRONMENT,
  aud: ['res_88056357768398086', RESOURCE],
  sub: 'usr_8967800122X995270',
  client_id: 'client_75',
  oid: 'org_89678001X21929734',
  scope: 'todo:read',
  roles: ['analyst'],
  permissions: ['reports:write'],
  jti: 'tkn_90928731115292X63',
};
const header = { typ: 'JWT' };
const caller = {
  subject: claims.sub,
  clientId: 'client_75',
  tenant: claims.oid,
  scopes: ['todo:read'],
  roles: ['analyst'],
  permissions: ['reports:write'],
};

export const scalekit: Product = {
  entry: { issuer: [ENVIRONMENT, SERVER], advertise: SERVER },
  otherAlg: 'ES256',
  accepted: {
    "a user's": { claims, header, caller },
    "a user's of the resource's own issuer": { claims: { ...claims, iss: SERVER }, header, caller },
    "a machine's of the MCP server": {
      claims: {
        iss: ENVIRONMENT,
        aud: claims.aud,
        sub: 'm2morg_69038819013296423',
        client_id: 'm2morg_69038819013296423',
        oid: 'org_59615193906282635',
        scopes: ['deploy:applications', 'read:deployments'],
        jti: 'tkn_69041163914445100',
      },
      header,
      caller: {
        subject: 'm2morg_69038819013296423',
        clientId: 'm2morg_69038819013296423',
        tenant: 'org_59615193906282635',
        scopes: ['deploy:applications', 'read:deployments'],
      },
    },
  },
  refused: {
    'an ID token': { claims: { aud: ['skc_12205605011849527'] }, detail: 'aud_check_failed' },
    'an ID token, though made out to this server': { claims: { at_hash: 'h' }, detail: 'id_token' },
    "a session of the environment's own apps": {
      claims: { aud: ['skc_58327482062864390'], sid: 'ses_1' },
      detail: 'aud_check_failed',
    },
    "an API client's without an audience": {
      claims: { aud: undefined, scope: undefined, scopes: ['deploy:applications'] },
      detail: 'aud_missing',
    },
    "another MCP server's": {
      claims: { aud: ['res_99', 'https://other.example.com/mcp'] },
      detail: 'aud_check_failed',
    },
  },
  otherIssuer: 'https://other.scalekit.com',
};
