// The credential out of the request, and from nowhere else (RFC 6750 section 2.1).
//
// Only the Authorization header counts. The other two places of RFC 6750 are gone from OAuth 2.1: a token in the query
// leaks into logs and histories, so a request that has one is refused even if it also has a good header.
// The one exception is a proxy in front that puts the token it has checked into a header of its own (`tokenSource`): then
// that header counts, and only for the issuer it was configured for (access-token.ts).
// Does not look inside the credential.

import type { Config } from '../config.ts';
import type { Denial } from '../denial.ts';

const BEARER = /^bearer(?: |$)/i;

/** b64token of RFC 6750 section 2.1. */
const TOKEN = /^[A-Za-z0-9\-._~+/]+=*$/;

/** Opaque tokens have other characters too: what RFC 6749 allows (VSCHAR), without what quotes or separates in headers. */
const OPAQUE_TOKEN = /^[\x21\x23-\x2B\x2D-\x5B\x5D-\x7E]+$/;

/** Request -> credential. Does not check: anything about the credential's content. */
export function readCredential(
  headers: Headers,
  url: Readonly<URL>,
  config: Pick<Config, 'maxTokenBytes' | 'authorizationServers'>,
): { readonly credential: string; readonly header?: string } | Denial {
  if (url.search !== '' && url.searchParams.has('access_token')) return { reason: 'token_in_query' };
  const takesOpaque = config.authorizationServers.some(({ introspection }) => introspection !== undefined);
  const pattern = takesOpaque ? OPAQUE_TOKEN : TOKEN;
  /** A copy in the query is as bad as the credential itself there. */
  const found = (credential: string, header?: string) =>
    url.search !== '' && url.search.includes(credential)
      ? ({ reason: 'token_in_query' } as const)
      : { credential, ...(header === undefined ? {} : { header }) };
  for (const { tokenHeader } of config.authorizationServers) {
    const token = tokenHeader === undefined ? null : headers.get(tokenHeader);
    if (tokenHeader === undefined || token === null) continue;
    return token.length <= config.maxTokenBytes && pattern.test(token)
      ? found(token, tokenHeader)
      : { reason: 'token_malformed', detail: 'token_source' };
  }
  const authorization = headers.get('authorization');
  if (authorization === null || authorization === '') return { reason: 'token_missing' };
  if (!BEARER.test(authorization)) return { reason: 'token_missing', detail: 'scheme_not_bearer' };
  if (authorization.length > config.maxTokenBytes + 'Bearer '.length)
    return { reason: 'token_malformed', detail: 'too_long' };
  // A list that two header fields were joined into has a comma or a space in it, and does not match.
  let start = 'Bearer '.length;
  while (authorization[start] === ' ') start += 1;
  const credential = authorization.slice(start);
  return pattern.test(credential)
    ? found(credential)
    : { reason: 'token_malformed', detail: 'not_a_bearer_token' };
}
