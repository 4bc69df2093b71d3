// Which browsers may talk to the MCP endpoint: Host and Origin guard, CORS (MCP, transports: DNS rebinding).
//
// A page that a browser shows can send requests to any address, this one included, and with DNS rebinding even under its
// own host name. So a Host that is not ours and an Origin that is not allowed are refused before anything else happens.
// Requests without Origin do not come from a page and pass. Does not protect against anything but browsers: every other
// client can send whatever headers it likes, and has to have a token anyway. Does not look at the scheme: sending
// http to https is a setting of the zone.

import { type Config, isLoopback } from '../config.ts';
import type { Denial } from '../denial.ts';

type OriginConfig = Pick<Config, 'resource' | 'allowedOrigins' | 'allowedHosts'>;

export function checkOrigin(
  origin: string | null,
  url: Readonly<URL>,
  config: OriginConfig,
): Denial | undefined {
  if (origin === null && url.href === config.resource) return undefined;
  const resource = new URL(config.resource);
  const isLocal = isLoopback(resource.hostname);
  const hostIsOurs =
    url.host === resource.host ||
    config.allowedHosts.includes(url.host) ||
    (isLocal && isLoopback(url.hostname) && url.port === resource.port);
  if (!hostIsOurs) return { reason: 'host_forbidden' };

  if (origin === null) return undefined;
  const originIsAllowed =
    origin === resource.origin ||
    config.allowedOrigins.includes(origin) ||
    config.allowedOrigins.includes('*') ||
    (isLocal && /^https?:/.test(origin) && isLoopback(URL.parse(origin)?.hostname ?? ''));
  return originIsAllowed ? undefined : { reason: 'origin_forbidden' };
}

/** What a page may read of an answer: without these headers it can neither discover the issuer nor keep a session. */
const EXPOSED = 'WWW-Authenticate, Mcp-Session-Id, MCP-Protocol-Version, Retry-After';

/** Adds the CORS headers for an origin that checkOrigin has let pass. Tokens are sent explicitly: no credentials mode. */
export function addCors(response: Response, origin: string | null): Response {
  if (origin === null) return response;
  response.headers.set('access-control-allow-origin', origin);
  response.headers.set('access-control-expose-headers', EXPOSED);
  response.headers.append('vary', 'Origin');
  return response;
}

/** The answer to a browser's question whether it may send a request. Any header is fine: none of them is trusted. */
export function preflight(request: Request, methods: string, allowOrigin: string): Response {
  return new Response(null, {
    status: 204,
    headers: {
      'access-control-allow-origin': allowOrigin,
      'access-control-allow-methods': methods,
      // `*` does not cover Authorization, so what is asked for is repeated.
      'access-control-allow-headers':
        request.headers.get('access-control-request-headers') ?? 'Authorization, Content-Type',
      'access-control-max-age': '7200',
      vary: 'Origin, Access-Control-Request-Headers',
    },
  });
}
