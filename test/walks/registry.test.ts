// The registry is the one writer: a thousand changes at once are all kept, told and published, and what was acknowledged
// is there after the process was killed.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { assignmentKey, REVOCATION_KEY_WORDS, revocationKey } from '../../src/policy/keys.ts';
import { parseHead } from '../../src/policy/snapshot.ts';
import { readTable } from '../../src/policy/table.ts';
import { type Build, buildWorker } from '../support/build.ts';
import { startIssuer, type TestIssuer, trusting } from '../support/issuer.ts';
import { all, type Operate, operator } from '../support/operator.ts';
import { type Runtime, startRuntime } from '../support/runtime.ts';

const CONNECTIONS = 20;
const CHANGES = 1_000;

let issuer: TestIssuer;
beforeAll(async () => {
  issuer = await startIssuer();
});
afterAll(() => issuer?.[Symbol.asyncDispose]());

const start = (build: Build): Promise<Runtime> =>
  startRuntime({ build, authorizationServers: trusting(issuer).AUTHORIZATION_SERVERS });

const nameOf = (number: number): string => `user-${number}`;

/** One change: every third gives a role, the others revoke. */
function change(operate: Operate, number: number) {
  const subject = { issuer: issuer.issuer, subject: nameOf(number) };
  return number % 3 === 0
    ? operate('POST', '/assignments', { ...subject, role: 'reader', reason: `change ${number}` })
    : operate('POST', '/revocations', {
        target: { kind: 'subject', ...subject },
        reason: `change ${number}`,
      });
}

/** All changes, from several connections at once; gives the numbers of those that were acknowledged. */
async function changeAll(operates: readonly Operate[]): Promise<number[]> {
  const acknowledged: number[] = [];
  let next = 0;
  await Promise.all(
    operates.map(async (operate) => {
      while (next < CHANGES) {
        const number = next;
        next += 1;
        try {
          if ((await change(operate, number)).status === 201) acknowledged.push(number);
        } catch {
          // The process is gone.
          return;
        }
      }
    }),
  );
  return acknowledged;
}

/** What the registry has of the changes, and what its history says, as their numbers. */
async function kept(operate: Operate): Promise<{ rows: number[]; history: number[] }> {
  const numberOf = (reason: unknown): number => Number(String(reason).slice('change '.length));
  const rows = [...(await all(operate, '/assignments')), ...(await all(operate, '/revocations'))];
  const entries = await all(operate, '/history');
  return {
    rows: rows.map(({ reason }) => numberOf(reason)).sort((a, b) => a - b),
    history: entries.map(({ reason }) => numberOf(reason)).sort((a, b) => a - b),
  };
}

/** Which of the changes a caller would feel who knew nothing but KV. */
async function published(runtime: Runtime, operate: Operate): Promise<number[]> {
  await expect
    .poll(async () => (await operate('GET', '/status')).body.registry, { timeout: 20_000, interval: 200 })
    .toSatisfy(({ version, publishedVersion }) => version === publishedVersion);
  const read = async (key: string): Promise<ArrayBuffer> => {
    const value = await runtime.stored(key);
    if (!value) throw new Error(`${key} is not in KV`);
    return value;
  };
  const head = parseHead(JSON.parse(new TextDecoder().decode(await read('policy:head'))));
  const { table: name, recent } = head.revocations;
  const table = name === undefined ? undefined : readTable(await read(name), REVOCATION_KEY_WORDS);
  const numbers: number[] = [];
  for (let number = 0; number < CHANGES; number += 1) {
    const subject = { issuer: issuer.issuer, subject: nameOf(number) };
    const revocation = await revocationKey({ kind: 'subject', ...subject });
    const isRevoked = (recent[revocation.id] ?? table?.find(revocation.words) ?? -1) > 0;
    const roles = head.assignments.recent[(await assignmentKey(subject)).hex] ?? [];
    if (isRevoked || roles.includes('reader')) numbers.push(number);
  }
  return numbers;
}

const everyNumber = Array.from({ length: CHANGES }, (_, number) => number);

test('a thousand changes from twenty connections are in the registry, in the history and in KV', {
  timeout: 120_000,
}, async () => {
  await using build = await buildWorker();
  await using runtime = await start(build);
  const operates = await Promise.all(Array.from({ length: CONNECTIONS }, () => operator(runtime, issuer)));
  expect((await changeAll(operates)).length).toBe(CHANGES);
  const [operate] = operates as [Operate];
  expect(await kept(operate)).toEqual({ rows: everyNumber, history: everyNumber });
  expect(await published(runtime, operate)).toEqual(everyNumber);
});

test('what was acknowledged before the process was killed is there when it is started again, and gets published', {
  timeout: 120_000,
}, async () => {
  await using build = await buildWorker();
  const before = await start(build);
  const operates = await Promise.all(Array.from({ length: CONNECTIONS }, () => operator(before, issuer)));
  const changing = changeAll(operates);
  await new Promise((resolve) => setTimeout(resolve, 400));
  await before.kill();
  const acknowledged = await changing;
  expect(acknowledged.length).toBeGreaterThan(0);
  expect(acknowledged.length).toBeLessThan(CHANGES);

  await using after = await start(build);
  const operate = await operator(after, issuer);
  const { rows, history } = await kept(operate);
  expect(rows).toEqual(history);
  expect(acknowledged.filter((number) => !rows.includes(number))).toEqual([]);
  expect(await published(after, operate)).toEqual(rows);
});
