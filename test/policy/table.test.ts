// Does a table give back what was written into it, and nothing else?

import { describe, expect, test } from 'vitest';
import { ASSIGNMENT_KEY_WORDS, REVOCATION_KEY_WORDS } from '../../src/policy/keys.ts';
import { readTable, type Table, TableWriter } from '../../src/policy/table.ts';
import { random } from '../support/random.ts';

const SIZES = [
  ['revocations', REVOCATION_KEY_WORDS],
  ['assignments', ASSIGNMENT_KEY_WORDS],
] as const;

type Entry = readonly [hex: string, value: number];

const hexOf = (words: readonly number[]): string =>
  words.map((word) => word.toString(16).padStart(8, '0')).join('');

const wordsOf = (hex: string): Uint32Array =>
  Uint32Array.from({ length: hex.length / 8 }, (_, word) =>
    Number.parseInt(hex.slice(word * 8, word * 8 + 8), 16),
  );

/** Keys as hashes are: all over the range, in ascending order, none twice. */
function entries(count: number, words: number, seed = 1): Entry[] {
  const { below } = random(seed);
  const keys = new Set<string>();
  while (keys.size < count) keys.add(hexOf(Array.from({ length: words }, () => below(2 ** 32))));
  return [...keys].sort().map((key, index) => [key, index + 1]);
}

function write(written: readonly Entry[], words: number, notes?: string): ArrayBuffer {
  const writer = new TableWriter(words, written.length, notes);
  for (const [key, value] of written) writer.add(key, value);
  return writer.finish();
}

const find = (table: Table, hex: string): number => table.find(wordsOf(hex));

describe.each(SIZES)('a table of keys as long as those of %s', (_, words) => {
  test.each([0, 1, 2, 33, 10_000])('finds each of its entries: %i', (count) => {
    const written = entries(count, words);
    const table = readTable(write(written, words), words);
    expect(table.count).toBe(count);
    expect(written.filter(([key, value]) => find(table, key) !== value)).toEqual([]);
  });

  test.each([0, 1, 2, 33, 10_000])('does not find what it does not have, beside %i entries', (count) => {
    const written = entries(count, words);
    const table = readTable(write(written, words), words);
    const last = (key: string, difference: number): string => {
      const all = wordsOf(key);
      all[words - 1] = (all[words - 1] as number) + difference;
      return hexOf([...all]);
    };
    const known = new Set(written.map(([key]) => key));
    const absent = [
      '0'.repeat(words * 8),
      'f'.repeat(words * 8),
      ...entries(1_000, words, 2).map(([key]) => key),
      ...written.flatMap(([key]) => [last(key, 1), last(key, -1)]),
    ].filter((key) => !known.has(key));
    expect(absent.length).toBeGreaterThan(1_000);
    expect(absent.filter((key) => find(table, key) !== -1)).toEqual([]);
  });

  test('finds the least and the greatest key there can be', () => {
    const [least, greatest] = ['0'.repeat(words * 8), 'f'.repeat(words * 8)];
    for (const count of [0, 1, 5_000]) {
      const written: Entry[] = [[least, 7], ...entries(count, words), [greatest, 8]];
      const table = readTable(write(written, words), words);
      expect([find(table, least), find(table, greatest)]).toEqual([7, 8]);
    }
  });

  test.each(Array.from({ length: words }, (_, word) => [word]))(
    'tells keys apart that differ only in word %i',
    (word) => {
      const keys = Array.from({ length: 300 }, (_, index) =>
        hexOf(Array.from({ length: words }, (_, at) => (at === word ? index * 2 : 0x80000000))),
      );
      const written = keys.map((key, index): Entry => [key, index]);
      const table = readTable(write(written, words), words);
      expect(written.filter(([key, value]) => find(table, key) !== value)).toEqual([]);
      const between = keys.map((key) => {
        const all = wordsOf(key);
        all[word] = (all[word] as number) + 1;
        return hexOf([...all]);
      });
      expect(between.filter((key) => find(table, key) !== -1)).toEqual([]);
    },
  );

  test('finds keys that are not spread evenly', () => {
    const { below } = random(3);
    // All of them in a hundredth of the range, at either end or in the middle.
    for (const start of [0, 2 ** 31, 2 ** 32 - 2 ** 25]) {
      const keys = new Set<string>();
      while (keys.size < 5_000)
        keys.add(
          hexOf(
            Array.from({ length: words }, (_, at) => (at === 0 ? start + below(2 ** 25) : below(2 ** 32))),
          ),
        );
      const written = [...keys].sort().map((key, index): Entry => [key, index]);
      const table = readTable(write(written, words), words);
      expect(written.filter(([key, value]) => find(table, key) !== value)).toEqual([]);
    }
  });

  test('agrees with a Map, whatever the keys', () => {
    for (let seed = 1; seed <= 60; seed += 1) {
      const { below, one } = random(seed);
      // Few different words, so that keys share beginnings and neighbours are many.
      const some = [0, 1, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff, below(2 ** 32), below(2 ** 32)];
      const key = (): string => hexOf(Array.from({ length: words }, () => one(some)));
      const map = new Map<string, number>();
      for (let count = below(400); count > 0; count -= 1) map.set(key(), below(2 ** 32));
      const table = readTable(write([...map].sort(), words), words);
      const asked = [...map.keys(), ...Array.from({ length: 200 }, key)];
      expect(
        asked.filter((hex) => find(table, hex) !== (map.get(hex) ?? -1)),
        `seed ${seed}`,
      ).toEqual([]);
    }
  });

  test.each(['', '[["reader"],["editor","Prüfer"]]', 'x', 'xyz'])(
    'keeps the notes behind its entries: %j',
    (notes) => {
      for (const count of [0, 1, 3]) {
        const written = entries(count, words);
        const table = readTable(write(written, words, notes), words);
        expect(table.notes).toBe(notes);
        expect(written.filter(([key, value]) => find(table, key) !== value)).toEqual([]);
      }
    },
  );

  test.each([0, 1, 2 ** 31, 2 ** 32 - 1])('keeps a value of 32 bits: %i', (value) => {
    const key = 'a1'.repeat(words * 4);
    expect(find(readTable(write([[key, value]], words), words), key)).toBe(value);
  });

  test('is refused when anything of it is missing or too much', () => {
    const whole = write(entries(3, words), words, 'notes');
    for (let length = 0; length < whole.byteLength; length += 1)
      expect(() => readTable(whole.slice(0, length), words), String(length)).toThrow(/^not a table/);
    const longer = new Uint8Array(whole.byteLength + 4);
    longer.set(new Uint8Array(whole));
    expect(() => readTable(longer.buffer, words)).toThrow('not a table: cut off');
  });

  test('is refused as a table of other keys', () => {
    for (const other of [1, 2, 3, 4, 5].filter((length) => length !== words))
      expect(() => readTable(write(entries(3, words), words), other)).toThrow('not a table of this format');
  });

  test.each([
    ['another first word', 0],
    ['another format', 1],
  ])('is refused with %s', (_, word) => {
    const foreign = write(entries(3, words), words);
    new Uint32Array(foreign)[word] = 2;
    expect(() => readTable(foreign, words)).toThrow('not a table of this format');
  });
});

test('values of another kind are no table', () => {
  const encode = (text: string): ArrayBuffer => new TextEncoder().encode(text).buffer as ArrayBuffer;
  for (const text of ['', '{}', JSON.stringify({ format: 1, version: 1, padding: ' '.repeat(100) })])
    expect(() => readTable(encode(text), REVOCATION_KEY_WORDS), text).toThrow(/^not a table/);
  expect(() => readTable(new ArrayBuffer(64), REVOCATION_KEY_WORDS)).toThrow('not a table of this format');
});

test('a key longer than those of the table is looked up by its beginning', () => {
  const table = readTable(write([['00000001000000ff', 9]], 2), 2);
  expect(table.find(Uint32Array.of(1, 255, 12, 13))).toBe(9);
  expect(table.find(Uint32Array.of(1, 254, 12, 13))).toBe(-1);
});

test('as many entries are written as were announced', () => {
  const full = new TableWriter(2, 1);
  full.add('00000001000000ff', 1);
  expect(() => full.add('00000001000001ff', 1)).toThrow(RangeError);
  const short = new TableWriter(2, 2);
  short.add('00000001000000ff', 1);
  expect(() => short.finish()).toThrow(RangeError);
});
