// The cast of the local authorization server: its people, its scopes, the clients it knows from the start.
//
// Does not protect anything: nobody has a password and the client secrets are printed on start. What the
// people may do at the resource server follows from their roles there, not from anything in this file.
// Client metadata: RFC 7591 section 2. Any port of a loopback redirect URI is accepted: RFC 8252 section 7.3.

import type { ClientMetadata } from 'oidc-provider';

/** Roles by user name. The name is the `sub` of the user's tokens, the roles their `roles` claim. */
export const USERS: Readonly<Record<string, readonly string[]>> = {
  alice: ['editor'],
  bob: ['reader'],
  carol: ['operator'],
  dave: ['finance', 'reader'],
};

/** A client that acts for itself (client_credentials). */
export interface Machine {
  readonly secret: string;
  readonly roles: readonly string[];
  readonly accessTokenSeconds?: number;
}

export const MACHINES: Readonly<Record<string, Machine>> = {
  'ci-bot': { secret: 'ci-bot-secret', roles: ['reader'] },
  /** May change roles and revoke, for automation. */
  'ops-bot': { secret: 'ops-bot-secret', roles: ['operator'] },
  /** Its tokens are over before a person can paste them: for showing what expiry looks like. */
  'expiring-bot': { secret: 'expiring-bot-secret', roles: ['reader'], accessTokenSeconds: 1 },
};

/** The one client that may ask about other clients' tokens. */
export const INTROSPECTOR = { id: 'resource-server', secret: 'resource-server-secret' };

export const DEVICE_CODE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';

export const CLIENTS: readonly ClientMetadata[] = [
  {
    client_id: 'cli',
    client_name: 'Command line',
    application_type: 'native',
    token_endpoint_auth_method: 'none',
    redirect_uris: ['http://127.0.0.1/callback'],
    grant_types: ['authorization_code', 'refresh_token', DEVICE_CODE_GRANT],
  },
  ...Object.entries(MACHINES).map(([id, { secret }]) => confidential(id, secret, ['client_credentials'])),
  confidential(INTROSPECTOR.id, INTROSPECTOR.secret, []),
];

function confidential(id: string, secret: string, grants: readonly string[]): ClientMetadata {
  return { client_id: id, client_secret: secret, redirect_uris: [], response_types: [], grant_types: grants };
}

/** What the consent page says about the scopes of the server itself. */
const OPENID_SCOPES: Readonly<Record<string, string>> = {
  openid: 'Know who you are',
  offline_access: 'Keep access while you are away',
};

/** What the consent page says about the scopes of the resources. */
export const RESOURCE_SCOPES: Readonly<Record<string, string>> = {
  'reports:read': 'Read reports',
  'reports:write': 'Create and change reports',
  'payments:refund': 'Refund payments',
  'mcp:admin': 'Administer the server',
};

export const SCOPES: Readonly<Record<string, string>> = { ...OPENID_SCOPES, ...RESOURCE_SCOPES };
