// The server that is administered: where it is, and whom it trusts, from its protected resource metadata (RFC 9728).
//
// The metadata must name the very URL that was asked (section 3.3): otherwise a server could have tokens for another one
// sent to itself.

import { UsageError } from '../command.ts';
import { oneLine } from './output.ts';
import { isNobodyThere, problemOf } from './problem.ts';

export interface ResourceServer {
  /** As clients use it: the resource that tokens are for. */
  readonly resource: string;
  /** Issuers of its authorization servers that can be found. */
  readonly issuers: readonly string[];
}

export const isLocal = (url: string): boolean =>
  ['localhost', '127.0.0.1', '[::1]'].includes(new URL(url).hostname);

/** A URL to which a token may be sent. @throws {UsageError} */
export function checkedUrl(flag: string, text: string): string {
  const url = URL.parse(text);
  if (!url) throw new UsageError(`${flag} must be a URL, not ${JSON.stringify(text)}`);
  if (url.protocol === 'https:' || (url.protocol === 'http:' && isLocal(text))) return text;
  throw new UsageError(`${flag} must begin with https: (http: only for localhost), not ${url.protocol}//`);
}

export async function readResourceServer(url: string): Promise<ResourceServer> {
  const { origin, pathname } = new URL(url);
  const path = `/.well-known/oauth-protected-resource${pathname === '/' ? '' : pathname.replace(/\/$/, '')}`;
  const response = await read(origin + path, url);
  const isThere = response.ok && response.headers.get('content-type')?.includes('json');
  if (!isThere)
    throw new Error(
      `${url} is not an MCP server with OAuth: ${origin}${path} answered ${response.status}. Is --url right?`,
    );
  const metadata = (await response.json().catch(() => ({}))) as {
    readonly resource?: unknown;
    readonly authorization_servers?: unknown;
  };
  const { resource, authorization_servers: servers } = metadata;
  if (typeof resource !== 'string' || URL.parse(resource)?.href !== new URL(url).href)
    throw new Error(
      `${origin}${path} is about the resource ${JSON.stringify(resource)}, not about ${url}. Is that its real URL? Then say --url.`,
    );
  const issuers = Array.isArray(servers)
    ? servers.filter((issuer): issuer is string => typeof issuer === 'string')
    : [];
  return { resource, issuers };
}

async function read(metadataUrl: string, url: string): Promise<Response> {
  try {
    return await fetch(metadataUrl, { redirect: 'manual', signal: AbortSignal.timeout(10_000) });
  } catch (error) {
    if (isNobodyThere(error) && isLocal(url))
      throw new Error(`no server at ${url}: run \`npm start\` first, in another terminal`);
    throw new Error(`no server at ${url}: ${problemOf(error)}`);
  }
}

/** The only one; which one is meant must be said when there are several. @throws {UsageError} */
export function onlyIssuer({ resource, issuers }: ResourceServer, flag: string): string {
  const [issuer] = issuers;
  if (issuer !== undefined && issuers.length === 1) return issuer;
  throw new UsageError(
    issuer === undefined
      ? `${resource} names no authorization server: say --${flag}`
      : `${resource} has several authorization servers, say --${flag} with one of:\n  ${issuers.map(oneLine).join('\n  ')}`,
  );
}
