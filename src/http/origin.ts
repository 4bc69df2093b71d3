// Which requests may get as far as the credential: Host, scheme and Origin guard, CORS (MCP, transports: DNS rebinding).
//
// A page that a browser shows can send requests to any address, this one included, and with DNS rebinding even under its
// own host name. So a Host that is not ours and an Origin that is not allowed are refused before anything else happens.
// Requests without Origin do not come from a page and pass. Host and Origin protect against browsers only: every other
// client can send whatever headers it likes, and has to have a token anyway.
// A token that came over http was there to read for everyone on the way. Where RESOURCE is https it is not looked at:
// whoever sends it learns that at once, and not when somebody else uses it. What is public is served over http too.

import { type Config, isLoopback } from '../config.ts';
import type { Denial } from '../denial.ts';
import type { Tool } from '../protocol/tool.ts';

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
  if (resource.protocol === 'https:' && url.protocol !== 'https:') return { reason: 'insecure_transport' };

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

/** What clients send: to any server, of the protocol's revisions, and to be traced. `*` would not cover Authorization. */
const KNOWN_HEADERS = [
  'Authorization',
  'Content-Type',
  'Accept',
  'MCP-Protocol-Version',
  'Mcp-Session-Id',
  'Mcp-Method',
  'Mcp-Name',
  'Last-Event-ID',
  'traceparent',
  'tracestate',
  'baggage',
];

/** Headers that a page may send: what means something here or, by the configuration, to a server behind the gate. */
export function sendableHeaders(
  { allowedHeaders }: Pick<Config, 'allowedHeaders'>,
  tools: readonly Pick<Tool, 'parameterHeaders'>[],
): string {
  const ofTools = tools.flatMap(({ parameterHeaders }) => parameterHeaders.map(({ header }) => header));
  const all = [...KNOWN_HEADERS, ...ofTools, ...allowedHeaders];
  return [...new Map(all.map((name) => [name.toLowerCase(), name])).values()].join(', ');
}

/**
 * The answer to a browser's question whether it may send a request. What the page asks for is not repeated: a header that
 * means nothing here could mean something to what stands in front of this server, or behind it. `origin` is null where the
 * request named none, and not given where the answer is the same for every page.
 */
export function preflight(methods: string, headers: string, origin?: string | null): Response {
  return new Response(null, {
    status: 204,
    headers: {
      'access-control-allow-origin': origin ?? '*',
      'access-control-allow-methods': methods,
      'access-control-allow-headers': headers,
      'access-control-max-age': '7200',
      ...(origin === undefined ? {} : { vary: 'Origin' }),
    },
  });
}
