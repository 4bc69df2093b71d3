// MCP-Protocol-Version, Mcp-Method, Mcp-Name against the body (MCP 2026-07-28, transports/streamable-http, "Server Validation").
//
// Proxies route and filter by these headers without reading the body. If the two could differ, a filter could be passed
// with one name and the server made to execute another, so every difference is refused with -32020.
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
  type RequestMessage,
  UNSUPPORTED_PROTOCOL_VERSION,
} from './message.ts';
import { mismatchedHeader } from './parameter-headers.ts';

export const META_CLIENT_CAPABILITIES = 'io.modelcontextprotocol/clientCapabilities';

/** Which parameter Mcp-Name repeats, for the methods that need the header. */
const NAMED: ReadonlyMap<string, 'name' | 'uri'> = new Map([
  ['tools/call', 'name'],
  ['prompts/get', 'name'],
  ['resources/read', 'uri'],
]);

/** What is wrong with a modern request's metadata, if anything: mismatches first, then what cannot be served. */
export function checkHeaders(
  headers: Headers,
  message: RequestMessage,
  catalogue: Catalogue,
): Failure | undefined {
  const { id, meta, method } = message;
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
  if (headers.get('mcp-protocol-version') !== version)
    return mismatch(`MCP-Protocol-Version must repeat ${META_PROTOCOL_VERSION}`);
  if (!MODERN_VERSIONS.includes(version)) return unsupportedVersion(version, id);
  if (headers.get('mcp-method') !== method) return mismatch('Mcp-Method must repeat the method');
  const source = NAMED.get(method);
  if (source === undefined) return undefined;
  const name = headers.get('mcp-name');
  if (name === null || decodeHeaderValue(name) !== message.params[source])
    return mismatch(`Mcp-Name must repeat params.${source}`);
  const tool = method === 'tools/call' ? catalogue.toolByName.get(message.params.name as string) : undefined;
  const wrong = tool && mismatchedHeader(headers, tool.parameterHeaders, message.params.arguments);
  return wrong === undefined ? undefined : mismatch(`${wrong} must repeat the argument it stands for`);
}

/** Names the versions that can be had, and never the one that was asked for: a client would try it again. */
export function unsupportedVersion(requested: string, id?: string | number): Failure {
  const supported = LEGACY_VERSIONS.includes(requested) ? MODERN_VERSIONS : SUPPORTED_VERSIONS;
  const message = `This server speaks MCP ${supported.join(', ')}`;
  return failure(400, UNSUPPORTED_PROTOCOL_VERSION, message, id, { supported, requested });
}
