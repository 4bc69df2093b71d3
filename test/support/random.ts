// Random choices that can be repeated: the same seed, the same choices. For tests of properties.

export interface Random {
  /** A whole number from 0 to below `end`. */
  below(end: number): number;
  one<T>(from: readonly T[]): T;
  /** Each with the given probability. */
  some<T>(from: readonly T[], probability?: number): T[];
  chance(probability: number): boolean;
}

/** mulberry32. */
export function random(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (end: number): number => Math.floor(next() * end);
  return {
    below,
    one: (from) => from[below(from.length)] as (typeof from)[number],
    some: (from, probability = 0.5) => from.filter(() => next() < probability),
    chance: (probability) => next() < probability,
  };
}
