// What does the value of a header stand for, and which values stand for nothing?

import { expect, test } from 'vitest';
import { decodeHeaderValue } from '../../src/protocol/header-value.ts';

test.each<[string, string, string | undefined]>([
  ['plain text', 'read_report', 'read_report'],
  ['base64', '=?base64?cmVhZA==?=', 'read'],
  ['base64 of nothing', '=?base64??=', ''],
  ['UTF-8', '=?base64?4oKs?=', '\u20ac'],
  ['a byte order mark, which is kept', '=?base64?77u/YQ==?=', '\ufeffa'],
  ['only the beginning of the marker', '=?base64?cmVhZA==', '=?base64?cmVhZA=='],
  ['only the end of the marker', 'cmVhZA==?=', 'cmVhZA==?='],
  ['the marker in another case', '=?BASE64?cmVhZA==?=', '=?BASE64?cmVhZA==?='],
  ['text around the marker', 'x=?base64?cmVhZA==?=', 'x=?base64?cmVhZA==?='],
  ['missing padding', '=?base64?cmVhZA?=', undefined],
  ['half of the padding', '=?base64?cmVhZA=?=', undefined],
  ['too much padding', '=?base64?cmVhZA===?=', undefined],
  ['padding alone', '=?base64?====?=', undefined],
  ['the alphabet of URLs', '=?base64?_-8=?=', undefined],
  ['spaces', '=?base64?cmVh ZA==?=', undefined],
  ['a character outside of the alphabet', '=?base64?cmVhZ!==?=', undefined],
  ['what is not UTF-8', '=?base64?/w==?=', undefined],
  ['UTF-8 that is cut off', '=?base64?4oI=?=', undefined],
])('a header value is decoded: %s', (_, value, expected) => {
  expect(decodeHeaderValue(value)).toBe(expected);
});
