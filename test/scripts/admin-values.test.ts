// Durations, instants and lists as they are written on a command line, and times as they are shown.

import { afterEach, describe, expect, test } from 'vitest';
import { duration, localTime, relative, table, targetText, whoText } from '../../scripts/admin/table.ts';
import { instantOf, namesOf, scopesOf, secondsOf, sinceOf } from '../../scripts/admin/values.ts';
import { UsageError } from '../../scripts/command.ts';

const zone = process.env.TZ;
afterEach(() => {
  if (zone === undefined) delete process.env.TZ;
  else process.env.TZ = zone;
});

test.each([
  ['45', 45],
  ['45s', 45],
  ['30m', 1_800],
  ['24h', 86_400],
  ['90d', 7_776_000],
  ['2w', 1_209_600],
])('%s is a duration of %i s', (text, seconds) => {
  expect(secondsOf('block', text)).toBe(seconds);
});

test.each(['', 'd', '1.5h', '-1d', '1y', '1d1h', '1 d', 'soon'])('%j is no duration', (text) => {
  expect(() => secondsOf('block', text)).toThrow(UsageError);
});

test('a time is local unless it says otherwise', () => {
  process.env.TZ = 'Etc/GMT-2';
  expect(instantOf('until', '2023-11-15T00:13:20')).toBe(1_700_000_000);
  expect(instantOf('until', '2023-11-14T22:13:20Z')).toBe(1_700_000_000);
  expect(instantOf('until', '2023-11-14T23:13:20+01:00')).toBe(1_700_000_000);
  expect(instantOf('until', '2023-11-15')).toBe(1_700_000_000 - 800);
  expect(instantOf('until', '1700000000')).toBe(1_700_000_000);
  for (const text of ['', 'tomorrow', '2023', '2023-13-01', '15.11.2023', '12:00'])
    expect(() => instantOf('until', text), text).toThrow(UsageError);
});

test('an instant can be so long ago', () => {
  expect(sinceOf('since', '1h', 10_000)).toBe(6_400);
  expect(sinceOf('since', '1700000000', 10_000)).toBe(1_700_000_000);
});

test('lists are split at commas, scopes at spaces too', () => {
  expect(namesOf('a, Report Editors,,b')).toEqual(['a', 'Report Editors', 'b']);
  expect(namesOf('')).toEqual([]);
  expect(scopesOf('a b,c')).toEqual(['a', 'b', 'c']);
});

describe('what is shown', () => {
  test.each([
    ['Etc/GMT-1', '2023-11-14T23:13:20+01:00'],
    ['Asia/Kolkata', '2023-11-15T03:43:20+05:30'],
    ['America/St_Johns', '2023-11-14T18:43:20-03:30'],
    ['UTC', '2023-11-14T22:13:20+00:00'],
  ])('a time in %s is %s', (name, text) => {
    process.env.TZ = name;
    expect(localTime(1_700_000_000)).toBe(text);
  });

  test('how long ago, and how long yet', () => {
    expect([0, 45, 180, 7_200, 86_400, 30 * 86_400 - 1].map(duration)).toEqual([
      ...['0 s', '45 s', '3 min', '2 h', '24 h', '30 days'],
    ]);
    expect([relative(100, 100), relative(100, 280), relative(7_300, 100)]).toEqual([
      'now',
      '3 min ago',
      'in 2 h',
    ]);
  });

  test('columns are aligned, and nothing in a cell leaves it', () => {
    expect(
      table(
        ['a', 'b'],
        [
          ['long', ''],
          ['x\ny', 'z'],
        ],
      ),
    ).toBe('a     b\nlong  -\nx y   z');
  });

  test.each([
    [{ kind: 'token', issuer: 'i', tokenId: 't' }, 'token t of i'],
    [{ kind: 'grant', issuer: 'i', subject: 's', clientId: null }, 'grant of s to no client, of i'],
    [{ kind: 'subject', issuer: 'i', subject: null }, 'subject somebody forgotten of i'],
    [{ role: 'editor', issuer: 'i', clientId: 'c' }, 'role editor, client c of i'],
    [{ roles: ['a', 'b'] }, 'roles a b'],
    [{ id: 'key_1', service: 'nightly' }, 'id key_1, service nightly'],
    [{ issuer: 'i', subject: 's', sessionId: 'x', eraseState: true }, 'session x, eraseState true, s of i'],
  ])('%j is %s', (target, text) => {
    expect(targetText(target)).toBe(text);
  });

  test('somebody is a subject, through a client, of an issuer', () => {
    expect(whoText({ issuer: 'i', subject: 's', clientId: 'c' })).toBe('s via c of i');
    expect(whoText({ issuer: 'i', subject: 's', clientId: null })).toBe('s of i');
    expect(whoText({ issuer: 'i', clientId: 'c' })).toBe('client c of i');
    expect(whoText({})).toBe('');
  });
});
