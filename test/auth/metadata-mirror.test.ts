// When the authorization server is asked for its metadata, and how long a copy is good: callers are anonymous and many.

import { beforeEach, expect, test, vi } from 'vitest';
import { createMetadataMirror, type ReadMirror } from '../../src/auth/metadata-mirror.ts';
import { checkConfig } from '../../src/config.ts';
import { startIssuer, type TestIssuer } from '../support/issuer.ts';
import { RESOURCE } from '../support/worker.ts';

vi.spyOn(console, 'log').mockImplementation(() => {});

let now = 0;
const io = { now: () => now, waitUntil: () => {} };
beforeEach(() => {
  now = 1_900_000_000;
});

const DOCUMENT = '/.well-known/oauth-authorization-server';
const asked = ({ requests }: TestIssuer): number => requests.filter((path) => path === DOCUMENT).length;

function publish(issuer: TestIssuer, endpoint = 'token'): void {
  const body = JSON.stringify({
    ...issuer.metadata,
    authorization_endpoint: `${issuer.issuer}/authorize`,
    token_endpoint: `${issuer.issuer}/${endpoint}`,
  });
  issuer.answers.set(DOCUMENT, { status: 200, body });
}

function mirrorOf({ issuer }: TestIssuer): ReadMirror {
  const vars = { RESOURCE, AUTHORIZATION_SERVERS: [{ issuer, mirror: true }] };
  const read = createMetadataMirror(checkConfig({ serverInfo: { name: 'test', version: '1' } }, vars));
  if (!read) throw new Error('no mirror');
  return read;
}

test('however many ask at once, the authorization server is asked once', async () => {
  await using issuer = await startIssuer();
  publish(issuer);
  const read = mirrorOf(issuer);
  const copies = await Promise.all(Array.from({ length: 20 }, () => read(io)));
  expect(new Set(copies).size).toBe(1);
  expect(copies[0]).toContain(`${issuer.issuer}/token`);
  expect(asked(issuer)).toBe(1);
});

test('a copy is renewed when it is no longer fresh, and not before', async () => {
  await using issuer = await startIssuer();
  publish(issuer);
  const read = mirrorOf(issuer);
  await read(io);
  publish(issuer, 'token2');
  now += 599;
  expect(await read(io)).not.toContain('token2');
  now += 1;
  expect(await read(io)).toContain('token2');
});

test('a copy that cannot be renewed is served for a day, and the server is asked once per cool-down', async () => {
  await using issuer = await startIssuer();
  publish(issuer);
  const read = mirrorOf(issuer);
  await read(io);
  issuer.answers.set(DOCUMENT, { status: 500, body: '' });
  now += 600;
  for (let count = 0; count < 3; count += 1) expect(await read(io)).toContain('token');
  expect(asked(issuer)).toBe(2);
  now += 30;
  await read(io);
  expect(asked(issuer)).toBe(3);
  now += 86_400;
  expect(await read(io)).toBe(undefined);
});

test('while there is no copy the server is asked once per cool-down too', async () => {
  await using issuer = await startIssuer();
  issuer.answers.set(DOCUMENT, { status: 500, body: '' });
  const read = mirrorOf(issuer);
  for (let count = 0; count < 3; count += 1) expect(await read(io)).toBe(undefined);
  expect(asked(issuer)).toBe(1);
  publish(issuer);
  now += 30;
  expect(await read(io)).toContain('token');
});
