// What a caller says about its trace, and the platform about its place: well-formed or left out.

import { expect, test } from 'vitest';
import { placeOf, traceIdOf } from '../../src/audit/trace.ts';

const ID = '0af7651916cd43dd8448eb211c80319c';
const OTHER = '11111111111111111111111111111111';
const traceparent = (id: string) => `00-${id}-b7ad6b7169203331-01`;
const headers = (value?: string) => new Headers(value === undefined ? {} : { traceparent: value });

test('the trace id is that of the message, else that of the header', () => {
  expect(traceIdOf(headers(traceparent(ID)), undefined)).toBe(ID);
  expect(traceIdOf(headers(traceparent(ID)), {})).toBe(ID);
  expect(traceIdOf(headers(traceparent(ID)), { traceparent: traceparent(OTHER) })).toBe(OTHER);
  expect(traceIdOf(headers(), { traceparent: traceparent(OTHER) })).toBe(OTHER);
  expect(traceIdOf(headers(), undefined)).toBeUndefined();
});

test('one of the message that is malformed is as good as none', () => {
  for (const spoilt of ['secret', 7, null, [traceparent(OTHER)], { toString: () => traceparent(OTHER) }])
    expect(traceIdOf(headers(traceparent(ID)), { traceparent: spoilt })).toBe(ID);
});

test('a later version may say more, version 00 may not', () => {
  expect(traceIdOf(headers(`cc-${ID}-b7ad6b7169203331-01-what-the-future-will-be-like`), undefined)).toBe(ID);
  expect(traceIdOf(headers(`${traceparent(ID)}-more`), undefined)).toBeUndefined();
});

test.each([
  '',
  ID,
  traceparent(ID.toUpperCase()),
  traceparent('0'.repeat(32)),
  traceparent(ID.slice(1)),
  `00-${ID}-0000000000000000-01`,
  `ff-${ID}-b7ad6b7169203331-01`,
  `cc-${ID}-b7ad6b7169203331-01more`,
  `${traceparent(ID)}, ${traceparent(ID)}`,
  `Bearer ${traceparent(ID)}`,
  `${traceparent(ID)} secret`,
])('what is malformed is left out: %j', (value) => {
  expect(traceIdOf(headers(value), undefined)).toBeUndefined();
  expect(traceIdOf(headers(), { traceparent: value })).toBeUndefined();
  expect(traceIdOf(headers(), { traceparent: `${value}\n` })).toBeUndefined();
});

test.each<[unknown, object]>([
  [
    { country: 'CH', colo: 'ZRH', city: 'Bern' },
    { country: 'CH', colo: 'ZRH' },
  ],
  [
    { country: 'T1', colo: 'FRA' },
    { country: 'T1', colo: 'FRA' },
  ],
  [{ country: 'CHE', colo: 'zrh' }, {}],
  [{ country: ['C', 'H'], colo: { length: 3 } }, {}],
  [{ country: 'CH\n' }, {}],
  [null, {}],
  [undefined, {}],
])('the place is what the platform says, when it looks like one: %j', (cf, place) => {
  expect(placeOf({ cf })).toEqual(place);
});
