// No more than so many in a second.

/** Says of each that comes whether it is one too many for its second. `at` is epoch seconds. */
export function createLimit(mostPerSecond: number): (at: number) => boolean {
  let second = 0;
  let count = 0;
  return (at) => {
    if (at !== second) [second, count] = [at, 0];
    count += 1;
    return count > mostPerSecond;
  };
}
