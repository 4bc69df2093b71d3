// Every claim of SECURITY.md names the tests that hold it.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '..');
const [, defended = ''] =
  /\n## What is defended\n([\s\S]*?)\n## /.exec(readFileSync(join(ROOT, 'SECURITY.md'), 'utf8')) ?? [];
const bullets = defended.split('\n').filter((line) => line.startsWith('- '));
/** The parts of a bullet that are followed by their tests, and what is left behind the last of them. */
const claims = bullets.flatMap((bullet) => bullet.split(/(?<=\.test\.ts\)\))/));

test('there are claims', () => {
  expect(bullets.length).toBeGreaterThan(20);
});

test.each(claims.filter((claim) => /\w/.test(claim)))('%s', (claim) => {
  // A word of explanation may follow the tests.
  if (/^\. [A-Z][^;]*: see below\.$/.test(claim)) return;
  const files = [...claim.matchAll(/\]\((test\/[^)]+\.test\.ts)\)/g)].map(([, file = '']) => file);
  expect(files.length).toBeGreaterThan(0);
  for (const file of files) expect(existsSync(join(ROOT, file)), file).toBe(true);
});
