// `npm run bench:revocations`: what a large policy costs. A million revocations, looked up as a request does it.
//
// Runs the Worker's own code in this process (V8, as in workerd). Times are of this machine and moment: compare them with
// each other, not with another run. Memory is what the snapshot adds to an isolate.

import { performance } from 'node:perf_hooks';
import type { Principal } from '../../src/auth/principal.ts';
import { admit } from '../../src/policy/caller.ts';
import { type Key, REVOCATION_KEY_WORDS } from '../../src/policy/keys.ts';
import { resolveRoles } from '../../src/policy/roles.ts';
import { createPolicy, FORMAT, type Head } from '../../src/policy/snapshot.ts';
import { readTable, TableWriter } from '../../src/policy/table.ts';
import { runCommand, wholeNumber } from '../command.ts';

const HELP = `Usage: npm run bench:revocations [-- options]

Builds a snapshot of revocations and measures looking one up, admitting a caller, and the memory it takes.

  --count N    revocations in the snapshot (default 1000000)
  --json       print one JSON object
  --help       this text
`;

const ROUNDS = 7;
const LOOKUPS = 200_000;

function randomKey(): Key {
  const words = crypto.getRandomValues(new Uint32Array(4));
  const hex = Array.from(words, (word) => word.toString(16).padStart(8, '0')).join('');
  return { words, hex, id: hex.slice(0, 16) };
}

const principal = (name: string): Principal => ({
  kind: 'oauth',
  issuer: 'https://issuer.example.com',
  subject: name,
  clientId: 'client',
  tenant: undefined,
  scopes: ['reports:read'],
  roles: ['reader'],
  permissions: [],
  tokenId: `token-${name}`,
  issuedAt: 2_000_000_000,
  expiresAt: 2_000_000_600,
  authenticatedAt: undefined,
});

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;

/** Median microseconds of one call, over rounds of many. */
function time(calls: number, action: (index: number) => unknown): number {
  const rounds = Array.from({ length: ROUNDS }, () => {
    const startedAt = performance.now();
    for (let index = 0; index < calls; index += 1) action(index);
    return ((performance.now() - startedAt) * 1_000) / calls;
  });
  return median(rounds);
}

async function measure(count: number) {
  const keys = Array.from({ length: count }, randomKey).sort((a, b) => (a.hex < b.hex ? -1 : 1));
  const buildStartedAt = performance.now();
  const writer = new TableWriter(REVOCATION_KEY_WORDS, count);
  for (const { id } of keys) writer.add(id, 1_900_000_000);
  const buffer = writer.finish();
  const buildMs = performance.now() - buildStartedAt;

  globalThis.gc?.();
  const before = process.memoryUsage();
  const table = readTable(buffer.slice(0), REVOCATION_KEY_WORDS);
  const head: Head = {
    format: FORMAT,
    version: 1,
    revocations: {
      table: 't',
      recent: {},
      kinds: ['token', 'subject', 'client', 'grant', 'issuer', 'everything'],
    },
    assignments: { recent: {} },
    serviceKeys: {},
  };
  const base = {
    roles: resolveRoles({ reader: { permissions: ['reports:read'] } }),
    defaultRoles: [],
    scopeImplications: {},
    clockToleranceSeconds: 5,
  };
  const policy = createPolicy(head, { revocations: table, assignments: undefined }, base);
  globalThis.gc?.();
  const after = process.memoryUsage();

  const present = Array.from({ length: 4_096 }, () => keys[Math.floor(Math.random() * count)] as Key);
  const absent = Array.from({ length: 4_096 }, randomKey);
  const callers = Array.from({ length: 4_096 }, (_, index) => principal(`user-${index}`));
  for (const caller of callers) {
    await admit(caller, policy);
  }
  const heapBefore = process.memoryUsage().heapUsed;
  const lookUpPresent = time(LOOKUPS, (index) => policy.revokedAt(present[index & 4_095] as Key));
  const lookUpAbsent = time(LOOKUPS, (index) => policy.revokedAt(absent[index & 4_095] as Key));
  const admitKnown = time(LOOKUPS, (index) => admit(callers[index & 4_095] as Principal, policy));
  const heapPerCall = (process.memoryUsage().heapUsed - heapBefore) / (3 * ROUNDS * LOOKUPS);

  const newCallers = Array.from({ length: 20_000 }, (_, index) => principal(`new-${index}`));
  const startedAt = performance.now();
  for (const caller of newCallers) await admit(caller, policy);
  const admitNew = ((performance.now() - startedAt) * 1_000) / newCallers.length;

  return {
    revocations: count,
    snapshotBytes: buffer.byteLength,
    buildMs: Math.round(buildMs),
    isolateBytes: {
      buffers: after.arrayBuffers - before.arrayBuffers,
      heap: after.heapUsed - before.heapUsed,
    },
    microseconds: { lookUpPresent, lookUpAbsent, admitKnown, admitNew },
    heapBytesPerCall: Math.max(0, heapPerCall),
  };
}

await runCommand({
  help: HELP,
  options: { count: { type: 'string', default: '1000000' }, json: { type: 'boolean', default: false } },
  async run({ count, json }) {
    const found = await measure(wholeNumber('count', count, 1, 2_000_000));
    if (json) {
      process.stdout.write(`${JSON.stringify(found)}\n`);
      return true;
    }
    const { microseconds, isolateBytes } = found;
    const mebibytes = (bytes: number): string => `${(bytes / 1_048_576).toFixed(1)} MiB`;
    const lines = [
      ['revocations', found.revocations.toLocaleString('en')],
      ['snapshot in KV', mebibytes(found.snapshotBytes)],
      ['built in', `${found.buildMs} ms`],
      [
        'memory of an isolate',
        `${mebibytes(isolateBytes.buffers)} buffer, ${mebibytes(isolateBytes.heap)} heap`,
      ],
      ['look-up, present', `${microseconds.lookUpPresent.toFixed(2)} us`],
      ['look-up, absent', `${microseconds.lookUpAbsent.toFixed(2)} us`],
      ['known caller, all kinds', `${microseconds.admitKnown.toFixed(3)} us`],
      ['new caller, with its hashes', `${microseconds.admitNew.toFixed(1)} us`],
      ['heap per look-up', `${found.heapBytesPerCall.toFixed(2)} bytes`],
    ];
    process.stdout.write(`${lines.map(([name = '', value]) => `${name.padEnd(28)}${value}`).join('\n')}\n`);
    return true;
  },
});
