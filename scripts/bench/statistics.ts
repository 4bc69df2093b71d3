// What a list of measurements comes to. Pure.
//
// Medians, because one round on a busy machine can be anything; ratios within a round, because two rounds are not alike.

export function median(values: readonly number[]): number {
  if (values.length === 0) return Number.NaN;
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] as number;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2;
}

/** What each round says one is of the other; rounds that miss either count for nothing. */
export const ratios = (ones: readonly number[], others: readonly number[]): readonly number[] =>
  ones.map((one, round) => one / (others[round] ?? Number.NaN)).filter(Number.isFinite);

/** How far the middle half of the values is apart, as a part of their median: how far to trust it. */
export function spread(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (part: number): number => sorted[Math.round((sorted.length - 1) * part)] ?? Number.NaN;
  return (at(0.75) - at(0.25)) / median(values);
}
