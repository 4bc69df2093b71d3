// Whoever is in the log of decisions under a pseudonym of the secret before is found there, and forgotten.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Build, buildWorker } from '../support/build.ts';
import { startIssuer, type TestIssuer, trusting } from '../support/issuer.ts';
import { operator } from '../support/operator.ts';
import { rpcInit } from '../support/rpc.ts';
import { type Runtime, startRuntime } from '../support/runtime.ts';
import { RESOURCE } from '../support/worker.ts';

const OLD = 'a secret for pseudonyms that is long enough';
const NEW = 'the secret that takes its place, long enough';

let build: Build;
let issuer: TestIssuer;
beforeAll(async () => {
  [build, issuer] = await Promise.all([buildWorker(), startIssuer()]);
});
afterAll(async () => {
  await issuer?.[Symbol.asyncDispose]();
  await build?.[Symbol.asyncDispose]();
});

/** The same Worker over the same storage, each time with other secrets. */
const start = (vars: Readonly<Record<string, string>>): Promise<Runtime> =>
  startRuntime({
    build,
    authorizationServers: trusting(issuer).AUTHORIZATION_SERVERS,
    vars: { DECISION_LOG_ALLOWS_PER_THOUSAND: '1000', ...vars },
  });

/** Names under which the decisions about henry's calls are kept, newest first; waits until there are so many. */
async function namesOfHenry(runtime: Runtime, count: number): Promise<(string | undefined)[]> {
  const operate = await operator(runtime, issuer);
  const path = `/decisions?issuer=${encodeURIComponent(issuer.issuer)}&subject=henry`;
  const read = async () => (await operate('GET', path)).body.items.map((item: Named) => item.subject);
  await expect.poll(async () => (await read()).length, { timeout: 20_000, interval: 200 }).toBe(count);
  return read();
}
interface Named {
  readonly subject?: string;
}

async function call(runtime: Runtime): Promise<void> {
  const token = await issuer.sign({ claims: { sub: 'henry' } });
  expect((await runtime.fetch(RESOURCE, rpcInit({ token }))).status).toBe(200);
}

test('decisions from before a secret was replaced are found by the name, and forgotten with the newer ones', async () => {
  {
    await using plain = await start({});
    await call(plain);
    expect(await namesOfHenry(plain, 1)).toEqual(['henry']);
  }
  let old: string | undefined;
  {
    await using before = await start({ AUDIT_SUBJECTS: 'hashed', AUDIT_SECRET: OLD });
    await call(before);
    old = (await namesOfHenry(before, 2))[0];
    expect(old).toMatch(/^hmac:[0-9a-f]{32}$/);
  }
  await using now = await start({
    AUDIT_SUBJECTS: 'hashed',
    AUDIT_SECRET: NEW,
    AUDIT_SECRET_PREVIOUS: OLD,
  });
  await call(now);
  const names = await namesOfHenry(now, 3);
  expect(names.slice(1)).toEqual([old, 'henry']);
  expect(names[0]).toMatch(/^hmac:[0-9a-f]{32}$/);
  expect(names[0]).not.toBe(old);

  const operate = await operator(now, issuer);
  const { body } = await operate('POST', '/forget', {
    issuer: issuer.issuer,
    subject: 'henry',
    confirm: 'forget',
    reason: 'he asked for it',
  });
  expect(body.erased.decisions).toBe(3);
  expect(await namesOfHenry(now, 0)).toEqual([]);
});
