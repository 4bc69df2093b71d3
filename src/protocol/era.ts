// Modern or legacy: one decision per message (MCP 2026-07-28, basic/versioning).
//
// Modern messages carry their protocol version in `_meta`; legacy ones belong to a session that `initialize` opened. A
// message without a version in its body is legacy when it is `initialize`, or when its header names a legacy version or
// none; with any other header it is a modern message that lacks its metadata. Only legacy clients send responses.

import type { Message } from './message.ts';

export type Era = 'modern' | 'legacy';

/** Revisions whose requests stand for themselves. */
export const MODERN_VERSIONS: readonly string[] = ['2026-07-28'];

/** Revisions with sessions that `initialize` opens, newest first. */
export const LEGACY_VERSIONS: readonly string[] = ['2025-11-25', '2025-06-18', '2025-03-26'];

/** The revisions this server speaks, newest first. */
export const SUPPORTED_VERSIONS: readonly string[] = [...MODERN_VERSIONS, ...LEGACY_VERSIONS];

export const META_PROTOCOL_VERSION = 'io.modelcontextprotocol/protocolVersion';

export function eraOf(message: Message, headers: Headers): Era {
  if (message.kind === 'response') return 'legacy';
  if (message.meta[META_PROTOCOL_VERSION] !== undefined) return 'modern';
  if (message.method === 'initialize') return 'legacy';
  const versionHeader = headers.get('mcp-protocol-version');
  return versionHeader === null || LEGACY_VERSIONS.includes(versionHeader) ? 'legacy' : 'modern';
}
