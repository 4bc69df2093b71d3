// The protected resource metadata document (RFC 9728): where a client learns whom to ask for a token.
//
// Everything in it comes from the configuration and nothing from the request: a document built from the Host header
// would send a client to wherever an attacker wants. The same document is served at the well-known path with the
// resource's path inserted (RFC 9728 section 3.1) and at the root one, which older clients try.

import { type Config, isSafeUrl } from '../config.ts';

const WELL_KNOWN = '/.well-known/oauth-protected-resource';

/** The paths the document is served at; the first is the one challenges point to. */
export function metadataPaths(resource: string): readonly string[] {
  const { pathname } = new URL(resource);
  return pathname === '/' ? [WELL_KNOWN] : [WELL_KNOWN + pathname, WELL_KNOWN];
}

/** Absolute URL of the document. */
export function metadataUrl(resource: string): string {
  return new URL(resource).origin + metadataPaths(resource)[0];
}

/** The document, as JSON. An issuer that is not a URL cannot be found by a client and is not listed, nor is an empty list. */
export function resourceMetadata(config: Config): string {
  const issuers = config.authorizationServers.flatMap(({ issuers }) => issuers.filter(isSafeUrl).slice(0, 1));
  return JSON.stringify({
    resource: config.resource,
    authorization_servers: issuers.length > 0 ? issuers : undefined,
    scopes_supported: config.scopesSupported.length > 0 ? config.scopesSupported : undefined,
    bearer_methods_supported: ['header'],
    resource_name: config.resourceName ?? config.serverInfo.title ?? config.serverInfo.name,
    resource_documentation: config.resourceDocumentation,
  });
}
