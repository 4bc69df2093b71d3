// The credential out of the request, and from nowhere else (RFC 6750 section 2.1).
//
// Only the Authorization header counts. The other two places of RFC 6750 are gone from OAuth 2.1: a token in the query
// leaks into logs and histories, so a request that has one is refused even if it also has a good header.
// Does not look inside the credential.

import type { Config } from '../config.ts';
import type { Denial } from '../denial.ts';

/** b64token of RFC 6750 section 2.1; one credential, so a list that two header fields were joined into does not match. */
const BEARER = /^bearer +([A-Za-z0-9\-._~+/]+=*)$/i;

/** Request -> credential. Does not check: anything about the credential's content. */
export function readCredential(
  headers: Headers,
  url: URL,
  config: Pick<Config, 'maxTokenBytes'>,
): { readonly credential: string } | Denial {
  if (url.search !== '' && url.searchParams.has('access_token')) return { reason: 'token_in_query' };
  const authorization = headers.get('authorization');
  if (authorization === null || authorization === '') return { reason: 'token_missing' };
  if (!/^bearer(?: |$)/i.test(authorization)) return { reason: 'token_missing', detail: 'scheme_not_bearer' };
  if (authorization.length > config.maxTokenBytes + 'Bearer '.length)
    return { reason: 'token_malformed', detail: 'too_long' };
  const credential = BEARER.exec(authorization)?.[1];
  return credential === undefined
    ? { reason: 'token_malformed', detail: 'not_a_bearer_token' }
    : { credential };
}
