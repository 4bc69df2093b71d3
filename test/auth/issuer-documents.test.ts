// What is accepted of an issuer's metadata and JWKS, and where are they looked for? Against real HTTP servers.

import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { fetchKeys, publicKeys } from '../../src/auth/issuer-documents.ts';
import type { AuthorizationServer } from '../../src/config.ts';
import { startIssuer, type TestIssuer } from '../support/issuer.ts';

const LIMITS = { issuerTimeoutMs: 5_000, maxIssuerResponseBytes: 4_096 };
const NOW = 1_800_000_000;

function fetched(issuer: string, jwksUri?: string, limits = LIMITS) {
  return fetchKeys(issuer, { jwksUri } as AuthorizationServer, NOW, limits);
}

describe('metadata of an issuer with a path', () => {
  let issuer: TestIssuer;
  beforeEach(async () => {
    issuer = await startIssuer({ path: '/tenant' });
    issuer.answers.set(FORMS[0], { status: 404, body: '{}' });
  });
  afterEach(() => issuer.close());

  const FORMS = [
    '/.well-known/oauth-authorization-server/tenant',
    '/.well-known/openid-configuration/tenant',
    '/tenant/.well-known/openid-configuration',
    '/tenant/.well-known/oauth-authorization-server',
  ] as const;
  const answer = (path: string, document: unknown) =>
    issuer.answers.set(path, { status: 200, body: JSON.stringify(document) });

  test.each(FORMS.map((form, index) => [form, index] as const))(
    'is found at %s, after the forms before it',
    async (form, index) => {
      answer(form, issuer.metadata);
      expect(await fetched(issuer.issuer)).toEqual({
        jwksUri: `${issuer.issuer}/jwks`,
        fetchedAt: NOW,
        keys: [issuer.key.publicJwk],
      });
      expect(issuer.requests).toEqual([...FORMS.slice(0, index + 1), '/tenant/jwks']);
    },
  );

  test('is not looked for anywhere else', async () => {
    const failures = FORMS.map((form) => `${new URL(form, issuer.issuer)}: Error: status 404`);
    await expect(fetched(issuer.issuer)).rejects.toThrow(
      new Error(`no usable metadata: ${failures.join('; ')}`),
    );
    expect(issuer.requests).toEqual(FORMS);
  });

  test('is not looked for when jwksUri is configured', async () => {
    expect((await fetched(issuer.issuer, `${issuer.issuer}/jwks`)).keys).toEqual([issuer.key.publicJwk]);
    expect(issuer.requests).toEqual(['/tenant/jwks']);
  });

  test.each<[string, (good: Record<string, unknown>) => unknown, string]>([
    [
      'names another issuer',
      (good) => ({ ...good, issuer: 'https://a.example' }),
      'Error: names another issuer',
    ],
    [
      'names the issuer with a slash more',
      (good) => ({ ...good, issuer: `${good.issuer}/` }),
      'Error: names another issuer',
    ],
    ['names no issuer', ({ jwks_uri }) => ({ jwks_uri }), 'Error: names another issuer'],
    [
      'has its keys on http',
      (good) => ({ ...good, jwks_uri: 'http://keys.example.com/jwks' }),
      'Error: has no https jwks_uri',
    ],
    [
      'has its keys in a file',
      (good) => ({ ...good, jwks_uri: 'file:///jwks' }),
      'Error: has no https jwks_uri',
    ],
    ['has no keys', ({ issuer }) => ({ issuer }), 'Error: has no https jwks_uri'],
    ['is a list', (good) => [good], 'Error: not a JSON object'],
    ['is null', () => null, 'Error: not a JSON object'],
  ])('is passed over when it %s', async (_, spoil, problem) => {
    answer(FORMS[0], spoil(issuer.metadata));
    await expect(fetched(issuer.issuer)).rejects.toThrow(`${new URL(FORMS[0], issuer.issuer)}: ${problem};`);
    answer(FORMS[1], issuer.metadata);
    expect((await fetched(issuer.issuer)).jwksUri).toBe(`${issuer.issuer}/jwks`);
    expect(issuer.requests.filter((path) => path.endsWith('/jwks'))).toEqual(['/tenant/jwks']);
  });
});

test.each(['', '/'])('an issuer without a path has two forms of metadata: "%s"', async (path) => {
  await using issuer = await startIssuer({ path });
  issuer.answers.set('/.well-known/oauth-authorization-server', { status: 404, body: '' });
  await expect(fetched(issuer.issuer)).rejects.toThrow('no usable metadata');
  expect(issuer.requests).toEqual([
    '/.well-known/oauth-authorization-server',
    '/.well-known/openid-configuration',
  ]);
});

describe('a JWKS', () => {
  const closing: (() => void)[] = [];
  afterAll(() => {
    for (const close of closing) close();
  });

  /** URL of a server that answers as told. */
  async function serving(listener: RequestListener): Promise<string> {
    const server = createServer(listener).listen(0, 'localhost');
    closing.push(() => server.close().closeAllConnections());
    await once(server, 'listening');
    return `http://localhost:${(server.address() as AddressInfo).port}/jwks`;
  }

  const KEY = { kty: 'EC', crv: 'P-256', x: 'x', y: 'y', kid: 'k' };
  const jwks = (padding = 0) => JSON.stringify({ keys: [KEY], padding: 'p'.repeat(padding) });

  test('may be as long as the limit', async () => {
    const url = await serving((_, response) =>
      response.end(jwks(LIMITS.maxIssuerResponseBytes - jwks().length)),
    );
    expect(await fetched('https://unused.example', url)).toEqual({
      jwksUri: url,
      fetchedAt: NOW,
      keys: [KEY],
    });
  });

  test.each<[string, RequestListener, string]>([
    [
      'is longer than the limit',
      (_, response) => response.end(jwks(LIMITS.maxIssuerResponseBytes)),
      'Error: longer than 4096 bytes',
    ],
    ['has another status', (_, response) => response.writeHead(203).end(jwks()), 'Error: status 203'],
    ['is not JSON', (_, response) => response.end('<html>'), 'SyntaxError: '],
    ['is cut off', (_, response) => response.end(jwks().slice(0, -1)), 'SyntaxError: '],
    ['is empty', (_, response) => response.end(), 'SyntaxError: '],
    ['is a list', (_, response) => response.end(`[${jwks()}]`), 'Error: not a JSON object'],
    [
      'has no keys',
      (_, response) => response.end('{"keys":[]}'),
      'Error: has no key that can verify a signature',
    ],
    [
      'has only other keys',
      (_, response) => response.end('{"keys":[{"kty":"oct","k":"a"}]}'),
      'Error: has no key that can verify a signature',
    ],
    [
      'breaks off',
      (_, response) => response.writeHead(200).write('{', () => response.destroy()),
      'TypeError: terminated',
    ],
  ])('is refused when it %s', async (_, listener, problem) => {
    const url = await serving(listener);
    const message = await fetched('https://unused.example', url).catch((error: Error) => error.message);
    expect(message).toSatisfy((text: string) => text.startsWith(`${url}: ${problem}`), `${message}`);
  });

  test('may come in pieces, wherever its characters are cut', async () => {
    const key = { ...KEY, kid: '\u20ac' };
    const bytes = Buffer.from(JSON.stringify({ keys: [key] }));
    const cut = bytes.indexOf(0xe2) + 1;
    const url = await serving((_, response) => {
      response.write(bytes.subarray(0, cut));
      setTimeout(() => response.end(bytes.subarray(cut)), 50);
    });
    expect((await fetched('https://unused.example', url)).keys).toEqual([key]);
  });

  test('is not read further than the limit', async () => {
    let isOpen = true;
    const url = await serving((_, response) => {
      response.on('close', () => {
        isOpen = false;
      });
      const write = () => {
        while (isOpen && response.write('a'.repeat(1_024)));
      };
      response.on('drain', write);
      write();
    });
    await expect(fetched('https://unused.example', url)).rejects.toThrow('longer than 4096 bytes');
    await expect.poll(() => isOpen).toBe(false);
  });

  test.each([301, 302, 307, 308])(
    'is refused when it redirects with %i, and the redirect is not followed',
    async (status) => {
      const followed: unknown[] = [];
      const target = await serving((request, response) => {
        followed.push(request.url);
        response.end(jwks());
      });
      const url = await serving((_, response) =>
        response.writeHead(status, { location: target }).end(jwks()),
      );
      await expect(fetched('https://unused.example', url)).rejects.toThrow(
        new Error(`${url}: Error: status ${status}`),
      );
      expect(followed).toEqual([]);
    },
  );

  test.each<[string, RequestListener]>([
    ['never starts', () => {}],
    ['never ends', (_, response) => response.write('{"keys":[')],
  ])('is refused after the time limit when it %s', async (_, listener) => {
    const url = await serving(listener);
    await expect(fetched('https://unused.example', url, { ...LIMITS, issuerTimeoutMs: 100 })).rejects.toThrow(
      new Error(`${url}: TimeoutError: The operation was aborted due to timeout`),
    );
  });
});

describe('of the keys in a document', () => {
  const EC = { kty: 'EC', kid: 'e', crv: 'P-256', x: 'x', y: 'y' };
  const OKP = { kty: 'OKP', crv: 'Ed25519', x: 'x', alg: 'EdDSA', use: 'sig', key_ops: ['verify'] };
  const RSA = { kty: 'RSA', kid: 'r', n: 'n'.repeat(342), e: 'AQAB' };
  const PRIVATE = { d: 'd', p: 'p', q: 'q', dp: 'dp', dq: 'dq', qi: 'qi', oth: [], k: 'k' };
  const CERTIFICATE = { x5c: ['x'], x5u: 'https://a.example', x5t: 'x', ext: true };

  test.each<[string, unknown, readonly object[]]>([
    ['public signature keys are kept, in their order', [RSA, OKP, EC], [RSA, OKP, EC]],
    [
      'private members are dropped',
      [
        { ...EC, ...PRIVATE },
        { ...RSA, ...PRIVATE },
      ],
      [EC, RSA],
    ],
    ['certificates and unknown members are dropped', [{ ...EC, ...CERTIFICATE, more: 1 }], [EC]],
    ['symmetric keys are dropped', [{ kty: 'oct', k: 'secret', kid: 'e' }, EC], [EC]],
    ['encryption keys are dropped', [{ ...EC, use: 'enc' }, { ...RSA, use: 'enc' }, EC], [EC]],
    [
      'keys of an unknown type are dropped',
      [
        { ...EC, kty: 'AKP' },
        { ...EC, kty: undefined },
      ],
      [],
    ],
    ['RSA keys of less than 2048 bits are dropped', [{ ...RSA, n: 'n'.repeat(341) }], []],
    [
      'RSA keys without a modulus are dropped',
      [
        { kty: 'RSA', e: 'AQAB' },
        { ...RSA, n: { length: 342 } },
      ],
      [],
    ],
    ['what is no object is dropped', [null, 5, 'key', [EC], undefined, EC], [EC]],
    ['none are left when they are no list', { 0: EC, length: 1 }, []],
    ['none are left when there are none', undefined, []],
  ])('%s', (_, keys, expected) => {
    expect(publicKeys({ keys })).toStrictEqual(expected);
  });

  test('no more than 100 are looked at', () => {
    const numbered = Array.from({ length: 101 }, (_, index) => ({ ...EC, kid: String(index) }));
    expect(publicKeys({ keys: numbered })).toEqual(numbered.slice(0, 100));
  });
});
