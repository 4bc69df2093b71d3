// Which era does a message belong to? One decision, from the body before the header.

import { expect, test } from 'vitest';
import { eraOf, legacyVersionOf, META_PROTOCOL_VERSION, SUPPORTED_VERSIONS } from '../../src/protocol/era.ts';
import type { Message } from '../../src/protocol/message.ts';

const message = (method: string, version?: unknown, params = {}): Message => ({
  kind: 'request',
  id: 1,
  method,
  params,
  meta: version === undefined ? {} : { [META_PROTOCOL_VERSION]: version },
});

test('this server speaks 2026-07-28', () => {
  expect(SUPPORTED_VERSIONS).toEqual(['2026-07-28']);
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
  ['the header 2024-11-05 is legacy', 'tools/list', undefined, '2024-11-05', 'legacy'],
  ['a modern header alone is modern', 'tools/list', undefined, '2026-07-28', 'modern'],
  ['an unknown header alone is modern', 'tools/list', undefined, 'x', 'modern'],
  ['an empty header is modern', 'tools/list', undefined, '', 'modern'],
])('%s', (_, method, version, header, era) => {
  expect(eraOf(message(method, version), header)).toBe(era);
});

test.each<[string, object, string | null, string]>([
  ['what initialize asks for', { protocolVersion: '2025-06-18' }, '2025-11-25', '2025-06-18'],
  ['no more than 32 characters of it', { protocolVersion: 'v'.repeat(33) }, null, 'v'.repeat(32)],
  ['else the header', { protocolVersion: 5 }, '2025-11-25', '2025-11-25'],
  ['else the one that had no header', {}, null, '2025-03-26'],
])('the version a legacy message is told about is %s', (_, params, header, version) => {
  expect(legacyVersionOf(message('initialize', undefined, params), header)).toBe(version);
});
