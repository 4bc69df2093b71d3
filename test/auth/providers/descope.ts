// Tokens of Descope, as far as they are documented: https://docs.descope.com/session-overview, .../mcp-servers/settings.

import { type Product, RESOURCE } from './product.ts';

const claims = {
  iss: 'https://api.descope.com/v1/apps/agentic/P2abc/MS3def',
  aud: ['P2abc', RESOURCE],
  sub: 'U2xyz',
  azp: 'TPA2client',
  scope: 'reports:read',
  dct: 'T2acme',
  tenants: {
    T2acme: { roles: ['analyst'], permissions: ['reports:write'] },
    T2other: { roles: ['operator'], permissions: ['mcp:operate'] },
  },
};
const header = { typ: 'JWT' };

export const descope: Product = {
  entry: { issuer: 'https://api.descope.com/v1/apps/agentic/P2abc/MS3def' },
  otherAlg: 'ES256',
  accepted: {
    "a user's, with the roles in the tenant it is for": {
      claims,
      header,
      caller: {
        subject: 'U2xyz',
        clientId: 'TPA2client',
        tenant: 'T2acme',
        scopes: ['reports:read'],
        roles: ['analyst'],
        permissions: ['reports:write'],
      },
    },
    "a user's of no tenant, with the project's roles and nobody else's": {
      claims: { ...claims, drn: 'DS', dct: undefined, roles: ['guest'], permissions: ['reports:list'] },
      header,
      caller: {
        subject: 'U2xyz',
        clientId: 'TPA2client',
        scopes: ['reports:read'],
        roles: ['guest'],
        permissions: ['reports:list'],
      },
    },
    "a machine's": {
      claims: { ...claims, sub: 'TPA2client', dct: undefined, tenants: undefined },
      header,
      caller: { subject: 'TPA2client', clientId: 'TPA2client', scopes: ['reports:read'] },
    },
  },
  refused: {
    "a session of the project's own apps": {
      claims: { aud: 'P2abc', drn: 'DS', scope: undefined },
      detail: 'aud_check_failed',
    },
    'a session, though made out to this server': {
      claims: { drn: 'DS', scope: undefined },
      detail: 'require_0',
    },
    'a refresh token, though made out to this server': { claims: { drn: 'DSR' }, detail: 'require_1' },
    'an ID token, though made out to this server': {
      claims: { scope: undefined, email: 'jane@example.com' },
      detail: 'require_0',
    },
    "another MCP server's": {
      claims: { aud: ['P2abc', 'https://other.example.com/mcp'] },
      detail: 'aud_check_failed',
    },
  },
  otherIssuer: 'https://api.descope.com/v1/apps/agentic/P2abc/MS3other',
};
