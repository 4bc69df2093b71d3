// The columns of Analytics Engine: dashboards know them by number, so they stay what they are.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { dataPoint } from '../../src/audit/analytics.ts';
import type { DecisionEvent } from '../../src/log.ts';

const DENIED: DecisionEvent = {
  event: 'decision',
  requestId: 'request',
  traceId: 'trace',
  decision: 'deny',
  reason: 'scope_missing',
  detail: 'detail',
  status: 403,
  issuer: 'https://issuer.example',
  subject: 'ann',
  principalKind: 'oauth',
  clientId: 'client',
  tokenId: 'token-id',
  method: 'tools/call',
  tool: 'update_report',
  operation: 'revoke',
  era: 'modern',
  policyVersion: 17,
  shadow: { missingPermissions: ['e:f', 'g:h'] },
  country: 'CH',
  colo: 'ZRH',
  requiredScopes: ['a', 'b'],
  missingScopes: ['b'],
  missingPermissions: ['c:d'],
  latencyMs: 12,
};

/** The columns by what they hold, as the comment of analytics.ts has them. */
function documented(): Map<string, string> {
  const source = readFileSync(join(import.meta.dirname, '../../src/audit/analytics.ts'), 'utf8');
  const cells = [...source.matchAll(/\| (blob\d+|double\d+|index1) \| ([^|]+?)(?= \|)/g)];
  return new Map(cells.map(([, column = '', what = '']) => [column, what]));
}

test('every field has its column', () => {
  expect(dataPoint(DENIED)).toEqual({
    indexes: ['https://issuer.example ann'],
    blobs: [
      ...['deny', 'scope_missing', 'detail', 'https://issuer.example', 'ann', 'client', 'token-id'],
      ...['tools/call', 'update_report', 'revoke', 'modern', 'oauth', 'CH', 'ZRH'],
      ...['a b', 'b', 'c:d', 'e:f g:h', 'request', 'trace'],
    ],
    doubles: [12, 403, 17, 0],
  });
});

test('the end of a call is told from a decision, and its outcome is a number', () => {
  const ended = dataPoint({ ...DENIED, event: 'call_ended', decision: 'allow', outcome: 'completed' });
  expect(ended.blobs[0]).toBe('call_ended');
  expect(ended.doubles[3]).toBe(1);
  expect(dataPoint({ ...DENIED, outcome: 'failed' }).doubles[3]).toBe(10);
});

test('the table names every column, and puts the words where they are', () => {
  const { blobs, doubles, indexes } = dataPoint(DENIED);
  const table = documented();
  const columns = [
    ...indexes.map((_, index) => `index${index + 1}`),
    ...blobs.map((_, index) => `blob${index + 1}`),
    ...doubles.map((_, index) => `double${index + 1}`),
  ];
  expect([...table.keys()].sort()).toEqual(columns.sort());
  const at = (what: string) =>
    blobs[Number([...table].find(([, name]) => name === what)?.[0].slice('blob'.length)) - 1];
  expect(['decision', 'subject', 'token id', 'tool', 'missing scopes', 'trace id'].map(at)).toEqual([
    'deny',
    'ann',
    'token-id',
    'update_report',
    'b',
    'trace',
  ]);
});

test('what is not there leaves its column empty, and moves no other', () => {
  const { blobs, doubles } = dataPoint({
    event: 'decision',
    requestId: 'request',
    decision: 'deny',
    reason: 'token_missing',
    status: 401,
    latencyMs: 0,
  });
  expect(blobs).toHaveLength(20);
  expect(blobs.filter((text) => text !== '')).toEqual(['deny', 'token_missing', 'request']);
  expect(doubles).toEqual([0, 401, 0, 0]);
});

test.each<[string, Partial<DecisionEvent>, string]>([
  ['of a caller', {}, 'https://issuer.example ann'],
  ['of a caller without a name', { subject: undefined }, 'https://issuer.example'],
  ['of nobody', { issuer: undefined, subject: undefined }, 'scope_missing'],
  ['of nobody, for no reason', { issuer: undefined, reason: undefined }, 'deny'],
])('the index is issuer and subject, else the reason: %s', (_, spoilt, index) => {
  expect(dataPoint({ ...DENIED, ...spoilt }).indexes).toEqual([index]);
});

test.each(['x', 'é', '漢', '🎩'])('nothing is longer than the platform takes: %s', (character) => {
  const long = character.repeat(16_384);
  const texts = ['requestId', 'traceId', 'reason', 'detail', 'issuer', 'subject', 'clientId', 'tokenId'];
  const more = ['method', 'tool', 'operation', 'country', 'colo'];
  const spoilt = Object.fromEntries([...texts, ...more].map((name) => [name, long]));
  const lists = {
    requiredScopes: [long],
    missingScopes: [long, long],
    missingPermissions: [long],
    shadow: { missingPermissions: [long] },
  };
  const { indexes, blobs } = dataPoint({ ...DENIED, ...spoilt, ...lists });
  const bytes = (text: string) => Buffer.byteLength(text);
  expect(blobs.reduce((sum, blob) => sum + bytes(blob), 0)).toBeLessThanOrEqual(16_384);
  expect(bytes(indexes[0] ?? '')).toBeLessThanOrEqual(96);
  const [ann, ben] = ['ann', 'ben'].map((name) => dataPoint({ ...DENIED, ...spoilt, subject: long + name }));
  expect(ann?.indexes).not.toEqual(ben?.indexes);
});
