// Is a WWW-Authenticate value what clients can parse, and can nothing that is put into it break out?

import { expect, test } from 'vitest';
import { type ChallengeParameters, challenge } from '../../src/auth/challenge.ts';

const resourceMetadata = 'https://mcp.example.com/.well-known/oauth-protected-resource/mcp';
const METADATA = `resource_metadata="${resourceMetadata}"`;

test.each<[string, Partial<ChallengeParameters>, string]>([
  ['only the metadata', {}, `Bearer ${METADATA}`],
  ['scopes, separated by spaces', { scopes: ['a', 'b:c'] }, `Bearer scope="a b:c", ${METADATA}`],
  ['no scope parameter for no scopes', { scopes: [] }, `Bearer ${METADATA}`],
  [
    'everything, in a fixed order',
    { maxAge: 0, scopes: ['a'], description: 'Why not', error: 'insufficient_user_authentication' },
    `Bearer error="insufficient_user_authentication", error_description="Why not", scope="a", max_age="0", ${METADATA}`,
  ],
])('a challenge has %s', (_, parameters, expected) => {
  expect(challenge({ resourceMetadata, ...parameters })).toBe(expected);
});

const HOSTILE = [
  ['a quote', 'a"b', 'a\\"b'],
  ['a quote and a parameter', '", error="none', '\\", error=\\"none'],
  ['a backslash', 'a\\b', 'a\\\\b'],
  ['a backslash before the closing quote', 'a\\', 'a\\\\'],
  ['an escaped quote', 'a\\"b', 'a\\\\\\"b'],
  ['CR LF and a header', 'a\r\nSet-Cookie: b', 'aSet-Cookie: b'],
  ['a bare line feed', 'a\nb', 'ab'],
  ['NUL, tab and DEL', 'a\0\t\x7fb', 'ab'],
  ['letters outside of ASCII', 'caf\u00e9 \u2028\u{1f600}', 'caf '],
  ['a letter whose low byte is a line feed', 'a\u010ab', 'ab'],
] as const;

/** One challenge of quoted strings and nothing else (RFC 9110 sections 5.6.4 and 11.6.1). */
const WELL_FORMED = /^Bearer [a-z_]+="(?:[^"\\]|\\["\\])*"(?:, [a-z_]+="(?:[^"\\]|\\["\\])*")*$/;

test.each(HOSTILE)('%s cannot break out of any parameter', (_, value, written) => {
  const everywhere = challenge({ description: value, scopes: [value, 'b'], resourceMetadata: value });
  expect(everywhere).toBe(
    `Bearer error_description="${written}", scope="${written} b", resource_metadata="${written}"`,
  );
  expect(everywhere).toMatch(WELL_FORMED);
  expect(new Headers({ 'www-authenticate': everywhere }).get('www-authenticate')).toBe(everywhere);
});
