// Where do an issuer's keys come from, how often is it asked, and what happens when it is down?
// Its own clock, a KV namespace that counts, and a real issuer that counts.

import { exportJWK, type JWTHeaderParameters } from 'jose';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createIssuers, type IssuerIo } from '../../src/auth/issuers.ts';
import { checkConfig } from '../../src/config.ts';
import { isDenial } from '../../src/denial.ts';
import { type SigningKey, signingKey, startIssuer, type TestIssuer, trusting } from '../support/issuer.ts';
import { RESOURCE } from '../support/worker.ts';

const START = 1_800_000_000;
const FRESH = 600;
const COOLDOWN = 30;
const STALE = 86_400;

let now: number;
let kv: ReturnType<typeof memoryKv>;
let issuer: TestIssuer;
let logged: Record<string, unknown>[];

beforeEach(async () => {
  now = START;
  kv = memoryKv();
  issuer = await startIssuer();
  logged = [];
  // No isolate renews its keys early, unless a test says so.
  vi.spyOn(Math, 'random').mockReturnValue(0);
  vi.spyOn(console, 'log').mockImplementation((line: string) => logged.push(JSON.parse(line)));
});
afterEach(async () => {
  vi.restoreAllMocks();
  await issuer.close();
});

/** What these tests need of a KV namespace: text by name, and how often it was used. */
function memoryKv() {
  const values = new Map<string, string>();
  const puts: { key: string; value: unknown; options: unknown }[] = [];
  let gets = 0;
  const namespace = {
    async get(key: string, type: string) {
      expect(type).toBe('json');
      gets += 1;
      return JSON.parse(values.get(key) ?? 'null');
    },
    async put(key: string, value: string, options: unknown) {
      puts.push({ key, value: JSON.parse(value), options });
      values.set(key, value);
    },
  } as unknown as KVNamespace;
  return { namespace, values, puts, gets: () => gets };
}

/** One isolate that trusts `trusted`. A key is told by its x coordinate. */
function isolate({ trusted = [issuer] as Parameters<typeof trusting>, namespace = kv.namespace } = {}) {
  const vars = { RESOURCE, ...trusting(...trusted) };
  const issuers = createIssuers(checkConfig({ serverInfo: { name: 'test', version: '1' } }, vars));
  const background: Promise<unknown>[] = [];
  const io: IssuerIo = {
    kv: namespace,
    now: () => now,
    waitUntil: (promise) => background.push(promise),
  };
  /** `null` is a token without kid. */
  async function lookUp(key: SigningKey | string | null = issuer.key, name = issuer.issuer) {
    const header = typeof key === 'string' ? { alg: 'ES256', kid: key } : headerOf(key);
    const found = await issuers.keys(name, header, io);
    await Promise.all(background.splice(0));
    return isDenial(found) ? found : Promise.all(found.map(async (one) => (await exportJWK(one)).x));
  }
  return { lookUp, issuers, io };
}

const headerOf = (key: SigningKey | null) => ({
  alg: key?.alg ?? 'ES256',
  ...(key?.kid ? { kid: key.kid } : {}),
});
const x = ({ publicJwk }: SigningKey) => publicJwk.x;
const jwksRequests = () => issuer.requests.filter((path) => path === '/jwks').length;
const origins = () => logged.filter(({ event }) => event === 'issuer_keys_loaded').map(({ from }) => from);
const unavailable = (retryAfterSeconds: number) => ({
  reason: 'keys_unavailable',
  detail: 'no_usable_keys',
  retryAfterSeconds,
});
const copyOf = (keys: readonly object[], age = 0, jwksUri = `${issuer.issuer}/jwks`) =>
  JSON.stringify({ jwksUri, fetchedAt: now - age, keys });
const kvKey = () => `jwks:${issuer.issuer}`;

describe('memory, then KV, then the network', () => {
  test('keys come from the network once, and KV gets a copy', async () => {
    const { lookUp } = isolate();
    expect(await lookUp()).toEqual([x(issuer.key)]);
    expect(issuer.requests).toEqual(['/.well-known/oauth-authorization-server', '/jwks']);
    expect(kv.gets()).toBe(1);
    expect(kv.puts).toEqual([
      {
        key: kvKey(),
        value: { jwksUri: `${issuer.issuer}/jwks`, fetchedAt: START, keys: [issuer.key.publicJwk] },
        options: { expirationTtl: STALE },
      },
    ]);
    expect(logged).toEqual([
      {
        time: expect.any(String),
        event: 'issuer_keys_loaded',
        issuer: issuer.issuer,
        from: 'network',
        keys: 1,
      },
    ]);
  });

  test('while they are fresh, keys in memory are used without asking anybody', async () => {
    const { lookUp } = isolate();
    await lookUp();
    now += FRESH - 1;
    expect(await lookUp()).toEqual([x(issuer.key)]);
    expect([jwksRequests(), kv.gets()]).toEqual([1, 1]);
    now += 1;
    expect(await lookUp()).toEqual([x(issuer.key)]);
    expect([jwksRequests(), kv.gets()]).toEqual([2, 2]);
    expect(origins()).toEqual(['network', 'network']);
  });

  test('isolates that read the same copy renew it one after the other, and only the first asks the issuer', async () => {
    const shares = [0.999, 0.5, 0];
    const isolates = shares.map((share) => {
      vi.mocked(Math.random).mockReturnValueOnce(share);
      return isolate();
    });
    for (const { lookUp } of isolates) await lookUp();
    expect([jwksRequests(), kv.gets()]).toEqual([1, 3]);
    const readsAfter = async (seconds: number) => {
      now = START + seconds;
      for (const { lookUp } of isolates) await lookUp();
      return [jwksRequests(), kv.gets()];
    };
    expect(await readsAfter(0.8 * FRESH)).toEqual([1, 3]);
    expect(await readsAfter(0.8 * FRESH + 1)).toEqual([2, 4]);
    expect(await readsAfter(0.9 * FRESH)).toEqual([2, 5]);
    expect(await readsAfter(FRESH)).toEqual([2, 6]);
  });

  test('what another isolate has put into KV is used without the network', async () => {
    await isolate().lookUp();
    now += FRESH - 1;
    expect(await isolate().lookUp()).toEqual([x(issuer.key)]);
    expect(jwksRequests()).toBe(1);
    expect(origins()).toEqual(['network', 'kv']);
  });

  test('a copy in KV that is no longer fresh does not keep from asking the issuer', async () => {
    await isolate().lookUp();
    now += FRESH;
    expect(await isolate().lookUp()).toEqual([x(issuer.key)]);
    expect(jwksRequests()).toBe(2);
    expect(origins()).toEqual(['network', 'kv', 'network']);
  });

  test('requests that come at once cause one fetch, and all of them get the keys', async () => {
    const { lookUp } = isolate();
    const found = await Promise.all(Array.from({ length: 20 }, () => lookUp()));
    expect(found).toEqual(Array.from({ length: 20 }, () => [x(issuer.key)]));
    expect(issuer.requests).toEqual(['/.well-known/oauth-authorization-server', '/jwks']);
    expect([kv.gets(), kv.puts.length]).toEqual([1, 1]);
  });

  test('an issuer that is not trusted has no keys and is not asked', async () => {
    const { lookUp, issuers } = isolate({ trusted: [{ issuer: 'https://a.example' }] });
    expect(await lookUp()).toEqual([]);
    expect(issuers.server(issuer.issuer)).toBeUndefined();
    expect(issuers.server('https://a.example')?.issuers).toEqual(['https://a.example']);
    expect([issuer.requests, kv.gets()]).toEqual([[], 0]);
  });
});

describe('a copy in KV is ignored', () => {
  const other = { kty: 'EC', crv: 'P-256', x: 'other', y: 'other', kid: 'other' };
  test.each<[string, () => string]>([
    [
      'when it is from another jwksUri than the configured one',
      () => copyOf([other], 0, 'https://a.example/jwks'),
    ],
    ['when it is from the future', () => copyOf([other], -1)],
    ['when it is older than the stale limit', () => copyOf([other], STALE)],
    ['when it is not JSON', () => '{'],
    ['when it is null', () => 'null'],
    ['when it is text', () => '"keys"'],
    [
      'when it does not say when it was fetched',
      () => JSON.stringify({ jwksUri: `${issuer.issuer}/jwks`, keys: [other] }),
    ],
    [
      'when it was fetched at no number',
      () => JSON.stringify({ jwksUri: `${issuer.issuer}/jwks`, fetchedAt: String(now), keys: [other] }),
    ],
    ['when it does not say where it is from', () => JSON.stringify({ fetchedAt: now, keys: [other] })],
    ['when it has no keys', () => copyOf([])],
    ['when it has something else instead of keys', () => copyOf([{ ...other, kty: 'oct' }])],
  ])('%s', async (_, stored) => {
    kv.values.set(kvKey(), stored());
    const { lookUp } = isolate({ trusted: [{ issuer: issuer.issuer, jwksUri: `${issuer.issuer}/jwks` }] });
    expect(await lookUp()).toEqual([x(issuer.key)]);
    expect(issuer.requests).toEqual(['/jwks']);
    expect(origins()).toEqual(['network']);
  });

  test('one second younger or of the right place, it is used', async () => {
    kv.values.set(kvKey(), copyOf([issuer.key.publicJwk], FRESH - 1));
    const { lookUp } = isolate({ trusted: [{ issuer: issuer.issuer, jwksUri: `${issuer.issuer}/jwks` }] });
    expect(await lookUp()).toEqual([x(issuer.key)]);
    expect(issuer.requests).toEqual([]);
  });

  test('private and symmetric keys in it included', async () => {
    kv.values.set(
      kvKey(),
      copyOf([
        { ...issuer.key.publicJwk, d: 'secret' },
        { kty: 'oct', k: 'c2VjcmV0', kid: 'h' },
      ]),
    );
    const { lookUp, issuers, io } = isolate();
    expect(await lookUp()).toEqual([x(issuer.key)]);
    expect(await issuers.keys(issuer.issuer, { alg: 'HS256', kid: 'h' }, io)).toEqual([]);
    expect(logged.at(0)).toMatchObject({ from: 'kv', keys: 1 });
  });
});

test.each<[string, () => KVNamespace]>([
  [
    'rejects',
    () =>
      ({
        get: async () => Promise.reject(Error('no')),
        put: async () => Promise.reject(Error('no')),
      }) as never,
  ],
  [
    'throws',
    () =>
      ({
        get: () => {
          throw Error('no');
        },
        put: () => {
          throw Error('no');
        },
      }) as never,
  ],
])('a KV namespace that %s does not keep from asking the issuer, and is logged', async (_, namespace) => {
  expect(await isolate({ namespace: namespace() }).lookUp()).toEqual([x(issuer.key)]);
  const failed = { time: expect.any(String), event: 'kv_failed', key: kvKey(), detail: 'Error: no' };
  expect(logged.filter(({ event }) => event === 'kv_failed')).toEqual([
    { ...failed, operation: 'read' },
    { ...failed, operation: 'write' },
  ]);
});

describe('an unknown kid', () => {
  test('asks the issuer again once, and is remembered for one cool-down', async () => {
    const { lookUp } = isolate();
    await lookUp();
    now += COOLDOWN;
    expect(await lookUp('unknown')).toEqual([]);
    expect([jwksRequests(), kv.gets()]).toEqual([2, 2]);
    now += COOLDOWN - 1;
    expect(await lookUp('unknown')).toEqual([]);
    expect([jwksRequests(), kv.gets()]).toEqual([2, 2]);
    now += 1;
    expect(await lookUp('unknown')).toEqual([]);
    expect([jwksRequests(), kv.gets()]).toEqual([3, 3]);
  });

  test('does not ask the issuer within the cool-down, and is not remembered for it', async () => {
    const { lookUp } = isolate();
    await lookUp();
    now += COOLDOWN - 1;
    expect(await lookUp('unknown')).toEqual([]);
    expect(jwksRequests()).toBe(1);
    now += 1;
    expect(await lookUp('unknown')).toEqual([]);
    expect(jwksRequests()).toBe(2);
  });

  test('and 199 others within one cool-down cause one request', async () => {
    const { lookUp } = isolate();
    await lookUp();
    now += COOLDOWN;
    const kids = Array.from({ length: 200 }, (_, index) => `unknown-${index}`);
    const found = await Promise.all(kids.slice(0, 100).map((kid) => lookUp(kid)));
    for (const kid of kids.slice(100)) found.push(await lookUp(kid));
    expect(found).toEqual(kids.map(() => []));
    expect([jwksRequests(), kv.gets()]).toEqual([2, 2]);
    expect(await lookUp()).toEqual([x(issuer.key)]);
  });

  test('counts what another isolate has asked', async () => {
    await isolate().lookUp();
    now += COOLDOWN - 1;
    const { lookUp } = isolate();
    expect(await lookUp('unknown')).toEqual([]);
    expect(jwksRequests()).toBe(1);
  });

  test('of a key that another isolate has found since is read from KV', async () => {
    const { lookUp } = isolate();
    await lookUp();
    const rotated = await signingKey();
    now += 3 * COOLDOWN;
    kv.values.set(kvKey(), copyOf([issuer.key.publicJwk, rotated.publicJwk], 2 * COOLDOWN));
    expect(await lookUp(rotated)).toEqual([x(rotated)]);
    expect(jwksRequests()).toBe(1);
    now += COOLDOWN;
    kv.values.set(kvKey(), copyOf([rotated.publicJwk], COOLDOWN));
    expect(await lookUp('unknown')).toEqual([]);
    expect(jwksRequests()).toBe(2);
  });

  test('is trouble, and not refused as unknown, while the issuer cannot be asked', async () => {
    const { lookUp } = isolate();
    await lookUp();
    await issuer.close();
    now += COOLDOWN;
    expect(await lookUp('unknown')).toMatchObject({ reason: 'keys_unavailable' });
  });
});

test('a rotated key is found at once where memory is too old and KV is from before the rotation', async () => {
  const { lookUp } = isolate();
  await lookUp();
  now += FRESH;
  await isolate().lookUp();
  const rotated = await signingKey();
  issuer.jwks = { keys: [rotated.publicJwk] };
  now += COOLDOWN;
  expect(await lookUp(rotated.kid)).toHaveLength(1);
});

test('a key that was withdrawn verifies nothing after jwksFreshSeconds, whatever failed before', async () => {
  const { lookUp } = isolate();
  await lookUp();
  issuer.answers.set('/jwks', { status: 500, body: '' });
  now += FRESH;
  expect(await lookUp()).toHaveLength(1);
  issuer.answers.delete('/jwks');
  issuer.jwks = { keys: [(await signingKey()).publicJwk] };
  now += FRESH;
  expect(await lookUp()).toEqual([]);
});

test('a rotated key is found after the cool-down, and the old one is gone', async () => {
  const { lookUp, issuers } = isolate();
  await lookUp();
  const rotated = await signingKey();
  issuer.jwks = { keys: [rotated.publicJwk] };
  now += COOLDOWN - 1;
  expect(await lookUp(rotated)).toEqual([]);
  expect(issuers.keysVersion(issuer.issuer)).toBe(1);
  now += 1;
  expect(await lookUp(rotated)).toEqual([x(rotated)]);
  expect(await lookUp(issuer.key)).toEqual([]);
  expect(issuers.keysVersion(issuer.issuer)).toBe(2);
});

test('the version of the keys changes when the keys change, and only then', async () => {
  const { lookUp, issuers } = isolate();
  const version = () => issuers.keysVersion(issuer.issuer);
  expect([version(), issuers.keysVersion('https://a.example')]).toEqual([0, undefined]);
  await lookUp();
  expect(version()).toBe(1);
  now += FRESH;
  await lookUp();
  expect([jwksRequests(), version()]).toEqual([2, 1]);
  issuer.jwks = { keys: [issuer.key.publicJwk, (await signingKey()).publicJwk] };
  now += FRESH;
  await lookUp();
  expect([jwksRequests(), version()]).toEqual([3, 2]);
});

describe('while an issuer is down', () => {
  const failed = () => logged.filter(({ event }) => event === 'issuer_keys_failed').length;

  test('its keys stay in use until the stale limit, and not a second longer', async () => {
    const { lookUp, issuers } = isolate();
    await lookUp();
    await issuer.close();
    for (const age of [FRESH, FRESH + COOLDOWN, STALE - 1]) {
      now = START + age;
      expect(await lookUp(), `${age}`).toEqual([x(issuer.key)]);
    }
    expect([failed(), issuers.keysVersion(issuer.issuer)]).toEqual([3, 1]);
    now = START + STALE;
    expect(await lookUp()).toEqual(unavailable(COOLDOWN - 1));
    expect(failed()).toBe(3);
  });

  test('an isolate that knows nothing says when to ask again, and asks no sooner itself', async () => {
    issuer.answers.set('/jwks', { status: 500, body: '{}' });
    const { lookUp } = isolate();
    expect(await lookUp()).toEqual(unavailable(COOLDOWN));
    now += 10;
    expect(await lookUp()).toEqual(unavailable(COOLDOWN - 10));
    now += COOLDOWN - 11;
    expect(await lookUp()).toEqual(unavailable(1));
    expect([jwksRequests(), kv.gets(), kv.puts]).toEqual([1, 1, []]);
    issuer.answers.clear();
    now += 1;
    expect(await lookUp()).toEqual([x(issuer.key)]);
  });

  test('an isolate that knows nothing uses an old copy in KV', async () => {
    await isolate().lookUp();
    await issuer.close();
    now += STALE - 1;
    expect(await isolate().lookUp()).toEqual([x(issuer.key)]);
    now += 1;
    expect(await isolate().lookUp()).toEqual(unavailable(COOLDOWN));
  });

  test('requests that come at once all get an answer', async () => {
    await issuer.close();
    const { lookUp } = isolate();
    const found = await Promise.all(Array.from({ length: 5 }, () => lookUp()));
    expect(found).toEqual(Array.from({ length: 5 }, () => unavailable(COOLDOWN)));
    expect(failed()).toBe(1);
  });
});

describe('keys belong to one issuer', () => {
  test('two issuers with the same kid have each their own', async () => {
    await using other = await startIssuer();
    const same = [await signingKey('ES256', 'same'), await signingKey('ES256', 'same')] as const;
    issuer.jwks = { keys: [same[0].publicJwk] };
    other.jwks = { keys: [same[1].publicJwk] };
    const { lookUp, issuers } = isolate({ trusted: [issuer, other] });
    for (const _ of ['network', 'memory']) {
      expect(await lookUp('same')).toEqual([x(same[0])]);
      expect(await lookUp('same', other.issuer)).toEqual([x(same[1])]);
    }
    expect([issuers.keysVersion(issuer.issuer), issuers.keysVersion(other.issuer)]).toEqual([1, 1]);
    expect(await isolate({ trusted: [other] }).lookUp('same', other.issuer)).toEqual([x(same[1])]);
  });

  test('a kid of one issuer is unknown at another', async () => {
    await using other = await startIssuer();
    const { lookUp } = isolate({ trusted: [issuer, other] });
    expect(await lookUp(issuer.key)).toEqual([x(issuer.key)]);
    expect(await lookUp(issuer.key, other.issuer)).toEqual([]);
  });

  test('keys and places that a token brings along are not looked at', async () => {
    await using attacker = await startIssuer();
    const { issuers, io } = isolate();
    const header = { alg: 'ES256', kid: 'k', jku: `${attacker.issuer}/jwks`, x5u: `${attacker.issuer}/x5u` };
    expect(await issuers.keys(issuer.issuer, { ...header, jwk: attacker.key.publicJwk }, io)).toEqual([]);
    expect(attacker.requests).toEqual([]);
  });
});

describe('the keys for a header', () => {
  test('fit its algorithm, whatever its kid', async () => {
    const { lookUp } = isolate();
    expect(await lookUp({ ...issuer.key, alg: 'ES384' })).toEqual([]);
    expect(await lookUp({ ...issuer.key, alg: 'RS256' })).toEqual([]);
    expect(await lookUp({ ...issuer.key, alg: 'HS256' })).toEqual([]);
    expect(await lookUp()).toEqual([x(issuer.key)]);
  });

  test('are all that fit when it has no kid, but no more than four', async () => {
    const keys = await Promise.all(Array.from({ length: 6 }, () => signingKey()));
    for (const length of [3, 4, 6]) {
      const offered = keys.slice(0, length);
      issuer.jwks = { keys: offered.map(({ publicJwk }) => publicJwk) };
      const found = await isolate({ namespace: memoryKv().namespace }).lookUp(null);
      expect(found).toEqual(offered.slice(0, 4).map(x));
    }
  });

  test('are none when its kid is no text', async () => {
    const { issuers, io } = isolate();
    for (const kid of [5, null, {}, { toString: null }]) {
      const header = { alg: 'ES256', kid } as unknown as JWTHeaderParameters;
      expect(await issuers.keys(issuer.issuer, header, io)).toEqual([]);
    }
  });

  test('leave out what cannot be imported', async () => {
    const broken = { ...issuer.key.publicJwk, kid: 'broken', x: 'AAAA' };
    issuer.jwks = { keys: [broken, issuer.key.publicJwk] };
    const { lookUp } = isolate();
    expect(await lookUp('broken')).toEqual([]);
    expect(await lookUp()).toEqual([x(issuer.key)]);
  });
});
