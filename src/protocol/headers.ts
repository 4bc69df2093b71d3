// MCP-Protocol-Version, Mcp-Method, Mcp-Name against the body (MCP 2026-07-28, transports/streamable-http, "Server Validation").
//
// Proxies route and filter by these headers without reading the body. If the two could differ, a filter could be passed
// with one name and the server made to execute another, so every difference is refused with -32020: in the older era too,
// which knows none of these headers and needs none, for a proxy does not ask which era it is.
// For Mcp-Param-* see parameter-headers.ts.

import { isRecord } from '../shapes.ts';
import type { Catalogue } from './catalogue.ts';
import { LEGACY_VERSIONS, META_PROTOCOL_VERSION, MODERN_VERSIONS, SUPPORTED_VERSIONS } from './era.ts';
import { decodeHeaderValue } from './header-value.ts';
import {
  type Failure,
  failure,
  HEADER_MISMATCH,
  INVALID_PARAMS,
  type Message,
  type RequestMessage,
  UNSUPPORTED_PROTOCOL_VERSION,
} from './message.ts';
import { mismatchedHeader } from './parameter-headers.ts';

export const META_CLIENT_CAPABILITIES = 'io.modelcontextprotocol/clientCapabilities';

const OTHER_VERSION = `MCP-Protocol-Version must repeat ${META_PROTOCOL_VERSION}`;

/** Which parameter Mcp-Name repeats. The first three methods need the header. */
const NAMED: ReadonlyMap<string, 'name' | 'uri'> = new Map([
  ['tools/call', 'name'],
  ['prompts/get', 'name'],
  ['resources/read', 'uri'],
  ['resources/subscribe', 'uri'],
  ['resources/unsubscribe', 'uri'],
]);
const NEED_NAME = [...NAMED.keys()].slice(0, 3);
/** Methods that act on nothing that has a name of its own in the parameters. */
const NAMELESS = /^(?:initialize|ping|(?:completion|logging|server|subscriptions)\/.*|.*\/list)$/;

/** What is wrong with a modern request's metadata, if anything: mismatches first, then what cannot be served. */
export function checkHeaders(
  headers: Headers,
  message: RequestMessage,
  catalogue: Catalogue,
): Failure | undefined {
  const { id, meta } = message;
  const mismatch = (text: string): Failure => failure(400, HEADER_MISMATCH, text, id);
  const version = meta[META_PROTOCOL_VERSION];
  if (typeof version !== 'string' || !isRecord(meta[META_CLIENT_CAPABILITIES])) {
    return failure(
      400,
      INVALID_PARAMS,
      `_meta must have ${META_PROTOCOL_VERSION} and ${META_CLIENT_CAPABILITIES}`,
      id,
    );
  }
  if (headers.get('mcp-protocol-version') !== version) return mismatch(OTHER_VERSION);
  if (!MODERN_VERSIONS.includes(version)) return unsupportedVersion(version, id);
  const different = difference(headers, message, catalogue, true);
  return different === undefined ? undefined : mismatch(different);
}

/** A header that is there and says something else than the body: of every message whose headers may be absent. */
export function contradiction(headers: Headers, message: Message, catalogue: Catalogue): Failure | undefined {
  const version = message.kind === 'response' ? undefined : message.meta[META_PROTOCOL_VERSION];
  const saidVersion = headers.get('mcp-protocol-version');
  const different =
    version !== undefined && saidVersion !== null && saidVersion !== version
      ? OTHER_VERSION
      : difference(headers, message, catalogue, false);
  const id = message.kind === 'request' ? message.id : undefined;
  return different === undefined ? undefined : failure(400, HEADER_MISMATCH, different, id);
}

/** The first header that differs from the body, in words. With `mustRepeat` one that is missing where it belongs does, too. */
function difference(
  headers: Headers,
  message: Message,
  catalogue: Catalogue,
  mustRepeat: boolean,
): string | undefined {
  const method = headers.get('mcp-method');
  const name = headers.get('mcp-name');
  if (message.kind === 'response')
    return method === null && name === null
      ? undefined
      : 'A response has nothing that Mcp-Method or Mcp-Name could repeat';
  if (method === null ? mustRepeat : method !== message.method) return 'Mcp-Method must repeat the method';
  const source = NAMED.get(message.method);
  const isMissing = mustRepeat && NEED_NAME.includes(message.method);
  if (name === null ? isMissing : !isNameIn(message, source, name))
    return source === undefined
      ? 'Mcp-Name names what the body does not'
      : `Mcp-Name must repeat params.${source}`;
  if (message.method !== 'tools/call') return undefined;
  const tool = catalogue.toolByName.get(message.params.name as string);
  const wrong =
    tool && mismatchedHeader(headers, tool.parameterHeaders, message.params.arguments, mustRepeat);
  return wrong === undefined ? undefined : `${wrong} must repeat the argument it stands for`;
}

/**
 * Extensions have methods of their own that need the header: of a method that is not known here, whatever can be a name
 * has to be the one in the header, so that none is acted on that was not shown.
 */
function isNameIn(
  { method, params }: Exclude<Message, { kind: 'response' }>,
  source: string | undefined,
  header: string,
): boolean {
  const name = decodeHeaderValue(header);
  if (name === undefined || NAMELESS.test(method)) return false;
  if (source !== undefined) return params[source] === name;
  const names = [params.name, params.uri, params.taskId].filter((value) => value !== undefined);
  return names.length > 0 && names.every((value) => value === name);
}

/** Names the versions that can be had, and never the one that was asked for: a client would try it again. */
export function unsupportedVersion(requested: string, id?: string | number): Failure {
  const supported = LEGACY_VERSIONS.includes(requested) ? MODERN_VERSIONS : SUPPORTED_VERSIONS;
  const message = `This server speaks MCP ${supported.join(', ')}`;
  return failure(400, UNSUPPORTED_PROTOCOL_VERSION, message, id, { supported, requested });
}
