// No more than so many in a second.

/** Says of each that comes whether it is one too many for its second. `at` is epoch seconds. */
export function createLimit(mostPerSecond: number): (at: number) => boolean {
  const isTooMany = createLimits(mostPerSecond, 1);
  return (at) => isTooMany('', at);
}

/** The same for each of many; when there are more than so many in one second, the others have to wait. */
export function createLimits(mostPerSecond: number, mostKeys: number): (key: string, at: number) => boolean {
  const counts = new Map<string, number>();
  let second = 0;
  return (key, at) => {
    if (at !== second) counts.clear();
    second = at;
    const count = (counts.get(key) ?? 0) + 1;
    if (count === 1 && counts.size >= mostKeys) return true;
    counts.set(key, count);
    return count > mostPerSecond;
  };
}
