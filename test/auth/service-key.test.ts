// Which service keys are good, what is remembered of them, and is what is kept of one enough to use it?

import { createHash } from 'node:crypto';
import { afterEach, describe, expect, test, vi } from 'vitest';
import {
  createServiceKey,
  createServiceKeyVerifier,
  isServiceKey,
  SERVICE_ISSUER,
  type ServiceKeyRecord,
} from '../../src/auth/service-key.ts';
import { isDenial } from '../../src/denial.ts';

const NOW = 1_000_000;
const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

const RECORD: ServiceKeyRecord = {
  id: 'key-1',
  service: 'cron',
  scopes: ['reports:read'],
  roles: ['reader'],
  createdAt: NOW - 100,
  expiresAt: NOW + 100,
};

const recordsOf = (hash: string, record: Partial<ServiceKeyRecord> = {}) =>
  new Map([[hash, { ...RECORD, ...record }]]);

const MALFORMED = { reason: 'token_malformed', detail: 'service_key' };
const UNKNOWN = { reason: 'token_invalid', detail: 'service_key_unknown' };

afterEach(() => {
  vi.restoreAllMocks();
});

describe('a new key', () => {
  test('has its prefix, 43 random characters and 6 of a checksum', async () => {
    const { key } = await createServiceKey();
    expect(key).toMatch(/^mcpk_[0-9A-Za-z]{49}$/);
    expect(isServiceKey(key)).toBe(true);
  });

  test('is kept as its SHA-256', async () => {
    const { key, hash } = await createServiceKey();
    expect(hash).toBe(createHash('sha256').update(key).digest('hex'));
  });

  test('cannot be read from what is kept, and what is kept is no key', async () => {
    const { key, hash } = await createServiceKey();
    expect(hash).not.toBe(key);
    expect(hash).not.toContain(key.slice(5, 15));
    const verify = createServiceKeyVerifier();
    for (const credential of [hash, `mcpk_${hash}`, `mcpk_${hash.slice(0, 49)}`])
      expect(await verify(credential, recordsOf(hash), NOW)).toEqual(MALFORMED);
  });

  test('is another one every time, with every character of the alphabet as likely as any', async () => {
    const keys = await Promise.all(Array.from({ length: 2_000 }, async () => (await createServiceKey()).key));
    expect(new Set(keys).size).toBe(keys.length);
    const counts = new Map<string, number>();
    const random = keys.map((key) => key.slice(5, 48)).join('');
    for (const character of random) counts.set(character, (counts.get(character) ?? 0) + 1);
    expect([...counts.keys()].sort().join('')).toBe(ALPHABET);
    // 1387 expected of each, and 37 the standard deviation: with bytes taken as they come, eight would have 1680.
    for (const [character, count] of counts) {
      expect(count, character).toBeGreaterThan(1_387 - 230);
      expect(count, character).toBeLessThan(1_387 + 230);
    }
    // At every position of the random part.
    for (let position = 5; position < 48; position += 1)
      expect(new Set(keys.map((key) => key[position])).size, String(position)).toBe(ALPHABET.length);
  });
});

describe('a credential', () => {
  test.each([
    ['mcpk_', true],
    ['mcpk_x', true],
    ['', false],
    ['mcpk', false],
    ['MCPK_x', false],
    [' mcpk_x', false],
    ['e30.e30.mcpk_', false],
  ])('is taken for a service key by its beginning: %j %s', (credential, expected) => {
    expect(isServiceKey(credential)).toBe(expected);
  });

  test('becomes a principal of the service, with what its record says', async () => {
    const { key, hash } = await createServiceKey();
    const principal = await createServiceKeyVerifier()(key, recordsOf(hash), NOW);
    expect(principal).toEqual({
      kind: 'service',
      issuer: SERVICE_ISSUER,
      subject: 'cron',
      clientId: undefined,
      scopes: ['reports:read'],
      roles: ['reader'],
      permissions: [],
      tokenId: 'key-1',
      issuedAt: NOW - 100,
      expiresAt: NOW + 100,
    });
    expect(Object.isFrozen(principal)).toBe(true);
    expect(JSON.stringify(principal)).not.toContain(key.slice(5, 15));
  });

  test('never has the issuer of a token', () => {
    expect(URL.canParse(SERVICE_ISSUER)).toBe(false);
  });

  test('with any one character changed is refused without looking further', async () => {
    const { key, hash } = await createServiceKey();
    const verify = createServiceKeyVerifier();
    const digest = vi.spyOn(crypto.subtle, 'digest');
    for (let position = 0; position < key.length; position += 1) {
      for (const character of `${ALPHABET}_-`) {
        if (character === key[position]) continue;
        const changed = key.slice(0, position) + character + key.slice(position + 1);
        expect(await verify(changed, recordsOf(hash), NOW), changed).toEqual(MALFORMED);
      }
    }
    expect(digest).not.toHaveBeenCalled();
  });

  test('with two neighbours swapped is refused', async () => {
    const { key, hash } = await createServiceKey();
    const verify = createServiceKeyVerifier();
    for (let position = 5; position < key.length - 1; position += 1) {
      const [one, other] = [key[position], key[position + 1]];
      if (one === other) continue;
      const swapped = key.slice(0, position) + other + one + key.slice(position + 2);
      expect(await verify(swapped, recordsOf(hash), NOW), swapped).toEqual(MALFORMED);
    }
  });

  test.each<[string, (key: string) => string]>([
    ['cut off', (key) => key.slice(0, -1)],
    ['with something behind it', (key) => `${key}0`],
    ['with a line break behind it', (key) => `${key}\n`],
    ['with something before it', (key) => ` ${key}`],
    ['without its checksum', (key) => key.slice(0, -6)],
    ['nothing but its prefix', () => 'mcpk_'],
    ['written in capitals', (key) => key.toUpperCase()],
    ['a token', () => 'e30.e30.e30'],
  ])('is malformed: %s', async (_, spoil) => {
    const { key, hash } = await createServiceKey();
    expect(await createServiceKeyVerifier()(spoil(key), recordsOf(hash), NOW)).toEqual(MALFORMED);
  });

  test('that nobody has created is unknown', async () => {
    const [{ key }, { hash }] = await Promise.all([createServiceKey(), createServiceKey()]);
    const verify = createServiceKeyVerifier();
    expect(await verify(key, new Map(), NOW)).toEqual(UNKNOWN);
    expect(await verify(key, recordsOf(hash), NOW)).toEqual(UNKNOWN);
  });

  test('expires at its second, also when it is remembered', async () => {
    const { key, hash } = await createServiceKey();
    const verify = createServiceKeyVerifier();
    const records = recordsOf(hash);
    expect(isDenial(await verify(key, records, NOW + 99))).toBe(false);
    for (const now of [NOW + 100, NOW + 101, NOW + 10_000])
      expect(await verify(key, records, now)).toEqual({ reason: 'token_expired' });
    expect(await createServiceKeyVerifier()(key, records, NOW + 100)).toEqual({ reason: 'token_expired' });
  });
});

describe('what was verified', () => {
  test('is remembered, as the same principal and without hashing, while the records are the same', async () => {
    const { key, hash } = await createServiceKey();
    const verify = createServiceKeyVerifier();
    const records = recordsOf(hash);
    const first = await verify(key, records, NOW);
    const digest = vi.spyOn(crypto.subtle, 'digest');
    expect(await verify(key, records, NOW)).toBe(first);
    expect(digest).not.toHaveBeenCalled();
  });

  test('is forgotten when the records change: a key that is gone is unknown, one that changed is what it is now', async () => {
    const { key, hash } = await createServiceKey();
    const verify = createServiceKeyVerifier();
    const before = recordsOf(hash);
    expect(await verify(key, before, NOW)).toMatchObject({ roles: ['reader'] });
    expect(await verify(key, recordsOf(hash, { roles: [] }), NOW)).toMatchObject({ roles: [] });
    expect(await verify(key, new Map(), NOW)).toEqual(UNKNOWN);
    expect(await verify(key, before, NOW)).toMatchObject({ roles: ['reader'] });
  });

  test('under records that were replaced meanwhile is not remembered for the new ones', async () => {
    const [{ key, hash }, other] = await Promise.all([createServiceKey(), createServiceKey()]);
    const verify = createServiceKeyVerifier();
    const after = new Map<string, ServiceKeyRecord>();
    const pending = verify(key, recordsOf(hash), NOW);
    expect(await verify(other.key, after, NOW)).toEqual(UNKNOWN);
    expect(await pending).toMatchObject({ tokenId: 'key-1' });
    expect(await verify(key, after, NOW)).toEqual(UNKNOWN);
  });

  test('of an unknown key is nothing', async () => {
    const { key, hash } = await createServiceKey();
    const verify = createServiceKeyVerifier();
    const records = new Map<string, ServiceKeyRecord>();
    expect(await verify(key, records, NOW)).toEqual(UNKNOWN);
    records.set(hash, RECORD);
    expect(await verify(key, records, NOW)).toMatchObject({ tokenId: 'key-1' });
  });

  test('is a thousand keys at most; others are verified every time', async () => {
    const keys = await Promise.all(Array.from({ length: 1_001 }, () => createServiceKey()));
    const records = new Map(keys.map(({ hash }) => [hash, RECORD]));
    const verify = createServiceKeyVerifier();
    for (const { key } of keys) await verify(key, records, NOW);
    const digest = vi.spyOn(crypto.subtle, 'digest');
    for (const { key } of keys) expect(isDenial(await verify(key, records, NOW))).toBe(false);
    expect(digest).toHaveBeenCalledTimes(1);
  });
});

describe('a key that is not in the records', () => {
  test('is looked for in newer ones, whoever makes up keys at most once in five seconds', async () => {
    const { key, hash } = await createServiceKey();
    const verify = createServiceKeyVerifier();
    const records = new Map<string, ServiceKeyRecord>();
    const newer = vi.fn(async () => new Map([[hash, RECORD]]));
    expect(await verify((await createServiceKey()).key, records, NOW, newer)).toEqual(UNKNOWN);
    expect(await verify(key, records, NOW + 4, newer)).toEqual(UNKNOWN);
    expect(newer).toHaveBeenCalledTimes(1);
    expect(await verify(key, records, NOW + 5, newer)).toMatchObject({ tokenId: 'key-1' });
    expect(newer).toHaveBeenCalledTimes(2);
  });

  test('is neither good nor unknown while nobody can tell', async () => {
    const { key } = await createServiceKey();
    const verify = createServiceKeyVerifier();
    const down = { reason: 'policy_unavailable', detail: 'registry', retryAfterSeconds: 5 } as const;
    expect(await verify(key, new Map(), NOW, async () => down)).toEqual(down);
  });

  test('is not looked for when it is mistyped, or when it is there', async () => {
    const { key, hash } = await createServiceKey();
    const newer = vi.fn(async () => new Map());
    const verify = createServiceKeyVerifier();
    expect(await verify(`${key.slice(0, -1)}~`, new Map(), NOW, newer)).toMatchObject({
      reason: 'token_malformed',
    });
    expect(await verify(key, new Map([[hash, RECORD]]), NOW, newer)).toMatchObject({ tokenId: 'key-1' });
    expect(newer).not.toHaveBeenCalled();
  });
});
