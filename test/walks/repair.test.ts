// What the registry puts right by itself: a table that KV lost, a version that KV is ahead with, and revocations that are
// of use for longer than a token can live.

import { afterEach, beforeEach, expect, test } from 'vitest';
import { parseHead } from '../../src/policy/snapshot.ts';
import { startIssuer, type TestIssuer, trusting } from '../support/issuer.ts';
import { type Operate, operator } from '../support/operator.ts';
import { rpc } from '../support/rpc.ts';
import { startWorker, type TestWorker } from '../support/worker.ts';

const reason = 'a test';
const DAY = 86_400;

let issuer: TestIssuer;
let worker: TestWorker;
let operate: Operate;
beforeEach(async () => {
  issuer = await startIssuer();
  worker = await startWorker({ vars: { ...trusting(issuer), SERVICE_KEYS: true, POLICY_FRESH_SECONDS: 1 } });
  operate = await operator(worker, issuer);
});
afterEach(async () => {
  await worker?.[Symbol.asyncDispose]();
  await issuer?.[Symbol.asyncDispose]();
});

const call = async (token: string, name: string): Promise<number> => {
  const args = name === 'whoami' ? {} : { paymentId: 'pay_1', idempotencyKey: 'key-00000001' };
  return (await rpc(worker, { token, method: 'tools/call', params: { name, arguments: args } })).status;
};
const revoke = (target: { readonly kind: string }) =>
  operate('POST', '/revocations', {
    target,
    ...(target.kind === 'issuer' ? { confirm: 'issuer' } : {}),
    reason,
  });
const subject = (name: string) => ({ kind: 'subject', issuer: issuer.issuer, subject: name });
const published = async () => {
  const { KIT_KV } = await worker.env();
  return parseHead(await KIT_KV.get('policy:head', 'json'));
};
const eventually = <T>(get: () => Promise<T>) => expect.poll(get, { timeout: 20_000, interval: 250 });

test('a registry that was set back gets ahead of what is published: its revocations take effect', {
  timeout: 60_000,
}, async () => {
  const { KIT_KV } = await worker.env();
  const nothing = { revocations: { recent: {}, kinds: [] }, assignments: { recent: {} }, serviceKeys: {} };
  await KIT_KV.put('policy:head', JSON.stringify({ format: 1, version: 5_000, ...nothing }));
  const alice = await issuer.sign({ claims: { roles: ['finance'], scope: 'payments:refund' } });
  expect(await call(alice, 'whoami')).toBe(200);
  expect((await revoke(subject('alice'))).status).toBe(201);
  expect(await call(alice, 'refund_payment')).toBe(401);
  await eventually(async () => (await published()).version).toBeGreaterThan(5_000);
  expect(await call(alice, 'whoami')).toBe(401);
});

test('a table that KV lost is made anew from the rows', { timeout: 120_000 }, async () => {
  const before = Math.floor(Date.now() / 1_000) - 60;
  const token = await issuer.sign({ claims: { sub: 'user-17', iat: before } });
  const names = Array.from({ length: 510 }, (_, number) => `user-${number}`);
  const answers = await Promise.all(names.map((name) => revoke(subject(name))));
  expect(answers.filter(({ status }) => status !== 201)).toEqual([]);
  await eventually(async () => (await published()).revocations.table).toBeDefined();

  const { KIT_KV } = await worker.env();
  const lost = (await published()).revocations.table ?? '';
  await KIT_KV.delete(lost);
  // Whoever misses it tells the registry; until it is there nobody is let in by guessing.
  expect((await operate('GET', '/status')).status).toBe(503);
  await eventually(async () => (await operate('GET', '/status')).status).toBe(200);
  const { table = '', recent } = (await published()).revocations;
  expect(table).not.toBe(lost);
  expect([(await KIT_KV.get(table)) !== null, Object.keys(recent).length]).toEqual([true, 0]);
  await eventually(() => call(token, 'whoami')).toBe(401);
});

test('what KV lost while the registry was away is noticed when it is back', { timeout: 60_000 }, async () => {
  await revoke(subject('alice'));
  await eventually(async () => (await published()).version).toBeGreaterThan(1);
  const { KIT_KV } = await worker.env();
  await KIT_KV.put('policy:head', JSON.stringify({ ...(await published()), version: 9_000 }));
  await worker.registry.evict();
  await revoke(subject('bob'));
  await eventually(async () => (await published()).version).toBeGreaterThan(9_000);
});

test('a revocation is forgotten when no token it covers can be alive, and later when it covers service keys', {
  timeout: 60_000,
}, async () => {
  const services = { kind: 'issuer', issuer: 'service-keys' };
  for (const target of [subject('alice'), services, { ...subject('nightly'), issuer: 'service-keys' }])
    expect((await revoke(target)).status).toBe(201);
  const listed = async () =>
    (await operate('GET', '/revocations')).body.items.map(
      ({ target }: { target: Record<string, string> }) => `${target.kind} ${target.subject ?? target.issuer}`,
    );
  const later = async (days: number) => {
    await worker.registry.query(`UPDATE revocation SET revoked_at = revoked_at - ${days * DAY}`);
    // Whatever is published, what is old is looked for.
    await operate('POST', '/assignments', {
      issuer: issuer.issuer,
      subject: `day ${days}`,
      role: 'reader',
      reason,
    });
  };
  await later(30);
  expect((await listed()).length).toBe(3);
  await later(2);
  await eventually(listed).toEqual(['subject nightly', 'issuer service-keys']);
  await later(365);
  await eventually(listed).toEqual([]);
});
