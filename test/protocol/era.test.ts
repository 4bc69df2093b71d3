// Which era does a message belong to? One decision, from the body before the header.

import { expect, test } from 'vitest';
import {
  eraOf,
  LEGACY_VERSIONS,
  META_PROTOCOL_VERSION,
  MODERN_VERSIONS,
  SUPPORTED_VERSIONS,
} from '../../src/protocol/era.ts';
import type { Message } from '../../src/protocol/message.ts';

const message = (method: string, version?: unknown): Message => ({
  kind: 'request',
  id: 1,
  method,
  params: {},
  meta: version === undefined ? {} : { [META_PROTOCOL_VERSION]: version },
});

const headers = (version: string | null): Headers =>
  new Headers(version === null ? {} : { 'mcp-protocol-version': version });

test('this server speaks 2026-07-28, and the three revisions before it with sessions', () => {
  expect(MODERN_VERSIONS).toEqual(['2026-07-28']);
  expect(LEGACY_VERSIONS).toEqual(['2025-11-25', '2025-06-18', '2025-03-26']);
  expect(SUPPORTED_VERSIONS).toEqual(['2026-07-28', '2025-11-25', '2025-06-18', '2025-03-26']);
});

test.each<[string, string, unknown, string | null, 'modern' | 'legacy']>([
  ['a version in the body is modern', 'tools/list', '2026-07-28', '2026-07-28', 'modern'],
  ['a version in the body is modern without a header', 'tools/list', '2026-07-28', null, 'modern'],
  [
    'a version in the body is modern under a legacy header',
    'tools/list',
    '2026-07-28',
    '2025-11-25',
    'modern',
  ],
  ['an unknown version in the body is modern', 'tools/list', '2099-01-01', null, 'modern'],
  ['a legacy version in the modern place is modern', 'tools/list', '2025-11-25', '2025-11-25', 'modern'],
  ['a version that is no text is modern', 'tools/list', 5, null, 'modern'],
  ['initialize with a version in its metadata is modern', 'initialize', '2026-07-28', null, 'modern'],
  ['initialize is legacy', 'initialize', undefined, null, 'legacy'],
  ['initialize is legacy under a modern header', 'initialize', undefined, '2026-07-28', 'legacy'],
  ['no version anywhere is legacy', 'tools/list', undefined, null, 'legacy'],
  ['the header 2025-11-25 is legacy', 'tools/list', undefined, '2025-11-25', 'legacy'],
  ['the header 2025-06-18 is legacy', 'tools/list', undefined, '2025-06-18', 'legacy'],
  ['the header 2025-03-26 is legacy', 'tools/list', undefined, '2025-03-26', 'legacy'],
  ['the header 2024-11-05, which is not spoken, is modern', 'tools/list', undefined, '2024-11-05', 'modern'],
  ['a modern header alone is modern', 'tools/list', undefined, '2026-07-28', 'modern'],
  ['an unknown header alone is modern', 'tools/list', undefined, 'x', 'modern'],
  ['an empty header is modern', 'tools/list', undefined, '', 'modern'],
])('%s', (_, method, version, header, era) => {
  expect(eraOf(message(method, version), headers(header))).toBe(era);
});

test.each([null, '2025-11-25', '2026-07-28', 'x'])('a response is legacy under the header %s', (header) => {
  expect(eraOf({ kind: 'response', id: 1, result: {} }, headers(header))).toBe('legacy');
});

test.each(['2026-07-28', '2025-11-25'])('a notification has the era of its version: %s', (header) => {
  const notification: Message = { kind: 'notification', method: 'n', params: {}, meta: {} };
  expect(eraOf(notification, headers(header))).toBe(header === '2026-07-28' ? 'modern' : 'legacy');
});
