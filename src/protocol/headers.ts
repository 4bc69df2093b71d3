// MCP-Protocol-Version, Mcp-Method, Mcp-Name against the body (MCP 2026-07-28, transports/streamable-http, "Server Validation").
//
// Proxies route and filter by these headers without reading the body. If the two could differ, a filter could be passed
// with one name and the server made to execute another, so every difference is refused with -32020.
// Does not check: Mcp-Param-* headers.

import { META_PROTOCOL_VERSION, SUPPORTED_VERSIONS } from './era.ts';
import {
  type Failure,
  failure,
  HEADER_MISMATCH,
  INVALID_PARAMS,
  isObject,
  type RequestMessage,
  UNSUPPORTED_PROTOCOL_VERSION,
} from './message.ts';

const META_CLIENT_CAPABILITIES = 'io.modelcontextprotocol/clientCapabilities';

/** Which parameter Mcp-Name repeats, for the methods that need the header. */
const NAMED: ReadonlyMap<string, 'name' | 'uri'> = new Map([
  ['tools/call', 'name'],
  ['prompts/get', 'name'],
  ['resources/read', 'uri'],
]);

/** What is wrong with a modern request's metadata, if anything: mismatches first, then what cannot be served. */
export function checkHeaders(headers: Headers, message: RequestMessage): Failure | undefined {
  const { id, meta, method } = message;
  const mismatch = (text: string): Failure => failure(400, HEADER_MISMATCH, text, id);
  const version = meta[META_PROTOCOL_VERSION];
  if (typeof version !== 'string' || !isObject(meta[META_CLIENT_CAPABILITIES])) {
    return failure(
      400,
      INVALID_PARAMS,
      `_meta must have ${META_PROTOCOL_VERSION} and ${META_CLIENT_CAPABILITIES}`,
      id,
    );
  }
  if (headers.get('mcp-protocol-version') !== version)
    return mismatch(`MCP-Protocol-Version must repeat ${META_PROTOCOL_VERSION}`);
  if (!SUPPORTED_VERSIONS.includes(version)) return unsupportedVersion(version, id);
  if (headers.get('mcp-method') !== method) return mismatch('Mcp-Method must repeat the method');
  const source = NAMED.get(method);
  if (source === undefined) return undefined;
  const name = headers.get('mcp-name');
  if (name === null || decodeHeaderValue(name) !== message.params[source])
    return mismatch(`Mcp-Name must repeat params.${source}`);
  return undefined;
}

export function unsupportedVersion(requested: string, id?: string | number): Failure {
  const message = `This server speaks MCP ${SUPPORTED_VERSIONS.join(', ')}`;
  return failure(400, UNSUPPORTED_PROTOCOL_VERSION, message, id, {
    supported: SUPPORTED_VERSIONS,
    requested,
  });
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Header value -> what it stands for: `=?base64?...?=` is decoded, anything else is literal. `undefined` when it cannot be decoded. */
export function decodeHeaderValue(value: string): string | undefined {
  if (!value.startsWith('=?base64?') || !value.endsWith('?=')) return value;
  const encoded = value.slice('=?base64?'.length, -'?='.length);
  if (!BASE64.test(encoded)) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(
      Uint8Array.from(atob(encoded), (char) => char.charCodeAt(0)),
    );
  } catch {
    return undefined;
  }
}
