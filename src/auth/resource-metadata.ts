// The protected resource metadata document (RFC 9728): where a client learns whom to ask for a token.
//
// Everything in it comes from the configuration and nothing from the request: a document built from the Host header
// would send a client to wherever an attacker wants. The same document is served at the well-known path with the
// resource's path inserted (RFC 9728 section 3.1) and at the root one, which older clients try.

import type { Config } from '../config.ts';
import { scopesToAskFor } from './challenge.ts';

const WELL_KNOWN = '/.well-known/oauth-protected-resource';
/** Where the copy of an authorization server's metadata is served (metadata-mirror.ts): RFC 8414, for this origin. */
export const MIRROR_PATH = '/.well-known/oauth-authorization-server';

/** The paths the document is served at; the first is the one challenges point to. */
export function metadataPaths(resource: string): readonly string[] {
  const { pathname } = new URL(resource);
  return pathname === '/' ? [WELL_KNOWN] : [WELL_KNOWN + pathname, WELL_KNOWN];
}

/** Absolute URL of the document. */
export function metadataUrl(resource: string): string {
  return new URL(resource).origin + metadataPaths(resource)[0];
}

/** The document, as JSON. A server that clients cannot find by a URL is not listed, nor is an empty list. */
export function resourceMetadata(config: Config): string {
  const advertised = config.authorizationServers.flatMap((server) => server.advertised);
  return JSON.stringify({
    resource: config.resource,
    authorization_servers: advertised.length > 0 ? [...new Set(advertised)] : undefined,
    scopes_supported:
      config.scopesSupported.length > 0 ? scopesToAskFor(config.scopesSupported, config) : undefined,
    bearer_methods_supported: ['header'],
    resource_name: config.resourceName ?? config.serverInfo.title ?? config.serverInfo.name,
    resource_documentation: config.resourceDocumentation,
  });
}
