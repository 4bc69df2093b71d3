// What is deployed stays small: start-up time grows with it.

import { readFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { buildWorker } from '../support/build.ts';

test('the Worker with the example app is under 82 KB gzipped', async () => {
  await using build = await buildWorker();
  const bundle = await readFile(build.file);
  expect(gzipSync(bundle).byteLength).toBeLessThan(82 * 1_024);
});
