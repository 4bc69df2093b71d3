// A table of hashed keys -> numbers that an isolate looks things up in without parsing it: typed arrays over one buffer.
//
// Layout: a header of 32 bytes, the sorted keys (`keyWords` words of 32 bits each), one 32-bit value per key, and a JSON
// text that values may point into. Keys are the beginnings of SHA-256 hashes (keys.ts).
// A table is immutable; what changed since it was made is kept beside it (snapshot.ts).
// Does not check that keys are sorted: who can write to the KV namespace can do worse.

/** `MCPT`, so that a value of another kind is never taken for a table. */
const MAGIC = 0x4d435054;
const FORMAT = 1;
const HEADER_BYTES = 32;

export interface Table {
  /** Entries. */
  readonly count: number;
  /** The value of a key, or -1. `key` may be longer than the table's keys. No allocation. */
  find(key: Uint32Array): number;
  /** The JSON text behind the entries. */
  readonly notes: string;
}

/** Builds a table from entries in ascending order of their keys. @throws {RangeError} when there are more than said */
export class TableWriter {
  readonly #buffer: ArrayBuffer;
  readonly #keys: Uint32Array;
  readonly #values: Uint32Array;
  readonly #keyWords: number;
  readonly #notes: Uint8Array;
  #count = 0;

  /** `count` is the number of entries to come. */
  constructor(keyWords: number, count: number, notes = '') {
    this.#keyWords = keyWords;
    this.#notes = new TextEncoder().encode(notes);
    this.#buffer = new ArrayBuffer(HEADER_BYTES + count * (keyWords + 1) * 4 + this.#notes.byteLength);
    this.#keys = new Uint32Array(this.#buffer, HEADER_BYTES, count * keyWords);
    this.#values = new Uint32Array(this.#buffer, HEADER_BYTES + count * keyWords * 4, count);
  }

  /** `hex` is the key as text. */
  add(hex: string, value: number): void {
    if (this.#count >= this.#values.length) throw new RangeError('more entries than the table was made for');
    for (let word = 0; word < this.#keyWords; word += 1) {
      this.#keys[this.#count * this.#keyWords + word] = Number.parseInt(
        hex.slice(word * 8, word * 8 + 8),
        16,
      );
    }
    this.#values[this.#count] = value;
    this.#count += 1;
  }

  finish(): ArrayBuffer {
    const count = this.#values.length;
    if (this.#count !== count) throw new RangeError('fewer entries than the table was made for');
    new Uint32Array(this.#buffer, 0, 5).set([MAGIC, FORMAT, this.#keyWords, count, this.#notes.byteLength]);
    new Uint8Array(this.#buffer, HEADER_BYTES + count * (this.#keyWords + 1) * 4).set(this.#notes);
    return this.#buffer;
  }
}

/** A buffer as a table, without copying it. @throws {Error} when it is none, or is cut off */
export function readTable(buffer: ArrayBuffer, keyWords: number): Table {
  if (buffer.byteLength < HEADER_BYTES) throw new Error('not a table: too short');
  const [magic, format, words, count = 0, noteBytes = 0] = new Uint32Array(buffer, 0, 5);
  if (magic !== MAGIC || format !== FORMAT || words !== keyWords)
    throw new Error('not a table of this format');
  const notesAt = HEADER_BYTES + count * (keyWords + 1) * 4;
  if (buffer.byteLength !== notesAt + noteBytes) throw new Error('not a table: cut off');
  const keys = new Uint32Array(buffer, HEADER_BYTES, count * keyWords);
  const values = new Uint32Array(buffer, HEADER_BYTES + count * keyWords * 4, count);

  return {
    count,
    notes: new TextDecoder().decode(new Uint8Array(buffer, notesAt)),
    find(key) {
      // Keys are hashes, so where one stands can be guessed to within a few hundred of a million: look around there.
      const guess = Math.floor(((key[0] as number) / 2 ** 32) * count);
      let step = 32;
      let low = guess - step;
      let high = guess + step;
      while (low > 0 && compare(low, key) > 0) {
        step *= 2;
        low = guess - step;
      }
      while (high < count - 1 && compare(high, key) < 0) {
        step *= 2;
        high = guess + step;
      }
      low = Math.max(0, low);
      high = Math.min(count - 1, high);
      while (low <= high) {
        const middle = (low + high) >>> 1;
        const order = compare(middle, key);
        if (order === 0) return values[middle] as number;
        if (order < 0) low = middle + 1;
        else high = middle - 1;
      }
      return -1;
    },
  };

  /** Below 0 when the entry's key comes before, above 0 when it comes after. */
  function compare(index: number, key: Uint32Array): number {
    let order = 0;
    for (let word = 0; order === 0 && word < keyWords; word += 1)
      order = (keys[index * keyWords + word] as number) - (key[word] as number);
    return order;
  }
}
