// No more than so many in a second: of all, and of each.

import { expect, test } from 'vitest';
import { createLimit, createLimits } from '../src/limit.ts';

test('so many of a second pass, and the next second begins anew', () => {
  const isTooMany = createLimit(2);
  expect([1, 1, 1, 2, 2, 2, 2, 3].map((at) => isTooMany(at))).toEqual([
    false,
    false,
    true,
    false,
    false,
    true,
    true,
    false,
  ]);
});

test('each has a share of its own, and there are only so many of them in a second', () => {
  const isTooMany = createLimits(1, 2);
  expect(['a', 'a', 'b', 'c', 'a'].map((key) => isTooMany(key, 1))).toEqual([false, true, false, true, true]);
  expect(isTooMany('c', 2)).toBe(false);
});
