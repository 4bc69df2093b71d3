// Does what was sealed come back, and does nothing else open?

import { expect, test, vi } from 'vitest';
import { createSealer } from '../../src/protocol/seal.ts';

const SECRET = 'a secret of at least 32 characters';
const OTHER = 'another secret of 32 characters or more';
const RESOURCE = 'https://mcp.example.com/mcp';
const VALUE = { principal: 'p', asked: ['a'], answers: { a: { text: 'caf\u00e9' } }, nothing: null };
const sealer = createSealer(RESOURCE, SECRET);
const bytesOf = (sealed: string): Buffer => Buffer.from(sealed, 'base64url');

test('what is sealed comes back, also in another isolate with the same secret', async () => {
  for (const value of [VALUE, {}, []]) {
    const sealed = await sealer.seal(value);
    expect(await sealer.open(sealed)).toEqual(value);
    expect(await createSealer(RESOURCE, SECRET).open(sealed)).toEqual(value);
  }
});

test('a seal can be written anywhere, and says nothing of what is inside', async () => {
  const sealed = await sealer.seal({ word: 'visible' });
  expect(sealed).toMatch(/^[\w-]+$/);
  expect(bytesOf(sealed).toString('latin1')).not.toContain('visible');
});

test('sealing the same twice gives two seals that share nothing', async () => {
  const seals = await Promise.all(Array.from({ length: 20 }, () => sealer.seal(VALUE)));
  expect(new Set(seals.map((sealed) => sealed.slice(0, 16))).size).toBe(20);
  expect(new Set(seals.map((sealed) => sealed.slice(-16))).size).toBe(20);
});

test('a seal with any one byte changed does not open', async () => {
  const whole = bytesOf(await sealer.seal(VALUE));
  const opened = await Promise.all(
    Array.from(whole, (byte, position) => {
      const changed = Buffer.from(whole);
      changed[position] = byte ^ (1 << (position % 8));
      return sealer.open(changed.toString('base64url'));
    }),
  );
  expect(opened.length).toBeGreaterThan(100);
  expect(opened.filter((value) => value !== undefined)).toEqual([]);
});

test('a seal that is cut or continued does not open', async () => {
  const whole = bytesOf(await sealer.seal(VALUE));
  const parts = [0, 1, 11, 12, 13, 27, 28, 29, whole.length - 1].flatMap((length) => [
    whole.subarray(0, length),
    whole.subarray(whole.length - length),
  ]);
  for (const part of [...parts, Buffer.concat([whole, Buffer.of(0)]), Buffer.concat([whole, whole])]) {
    expect(await sealer.open(part.toString('base64url')), String(part.length)).toBeUndefined();
  }
});

test('the halves of two seals do not open together', async () => {
  const [one, other] = [bytesOf(await sealer.seal(VALUE)), bytesOf(await sealer.seal(VALUE))];
  const mixed = Buffer.concat([one.subarray(0, 12), other.subarray(12)]);
  expect(await sealer.open(mixed.toString('base64url'))).toBeUndefined();
});

test.each([`${SECRET} `, SECRET.toUpperCase(), SECRET.slice(0, -1), ''])(
  'a seal of another secret does not open: %j',
  async (other) => {
    expect(await sealer.open(await createSealer(RESOURCE, other).seal(VALUE))).toBeUndefined();
    expect(await createSealer(RESOURCE, other).open(await sealer.seal(VALUE))).toBeUndefined();
  },
);

test.each([
  'https://staging.example.com/mcp',
  'https://mcp.example.com/mcp/',
  'https://mcp.example.com',
  `${RESOURCE}\n`,
  '',
])('a seal for another resource does not open, whoever has the same secret: %j', async (resource) => {
  expect(await sealer.open(await createSealer(resource, SECRET).seal(VALUE))).toBeUndefined();
  expect(await createSealer(resource, SECRET, OTHER).open(await sealer.seal(VALUE))).toBeUndefined();
});

test('what the secret before has sealed opens, and it seals nothing any more', async () => {
  const rotated = createSealer(RESOURCE, OTHER, SECRET);
  expect(await rotated.open(await sealer.seal(VALUE))).toEqual(VALUE);
  const sealed = await rotated.seal(VALUE);
  expect(await rotated.open(sealed)).toEqual(VALUE);
  expect(await sealer.open(sealed)).toBeUndefined();
  expect(await createSealer(RESOURCE, OTHER).open(sealed)).toEqual(VALUE);
});

test('a key is made once', async () => {
  const importKey = vi.spyOn(crypto.subtle, 'importKey');
  const own = createSealer(RESOURCE, SECRET, OTHER);
  for (let round = 0; round < 3; round += 1) await own.open(await own.seal(VALUE));
  expect(importKey).toHaveBeenCalledTimes(1);
  importKey.mockRestore();
});

test.each([
  '',
  ' ',
  'x',
  '%%%',
  '{"principal":"p"}',
  'AAAA',
  'A'.repeat(40),
  'A'.repeat(10_000),
  '\u0000',
  'caf\u00e9',
  '\ud800',
])('garbage does not open, and nothing is thrown: %j', async (garbage) => {
  expect(await sealer.open(garbage)).toBeUndefined();
});
