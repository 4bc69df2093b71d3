// A large policy in KV, as the registry publishes one: the head, and the two tables it names (src/policy/snapshot.ts).
//
// Its version is far above what an untouched registry has, so that every isolate takes it. The keys are random, like the
// hashes they stand for; only those of the callers' own assignments are real, so that they are looked up and found.

import { join } from 'node:path';
import { SOURCE } from './build.ts';
import { ROLE, SCOPE } from './issuer.ts';

const REVOCATIONS = 1_000_000;
const ROLES = 200;
const ASSIGNMENTS = 100_000;
const VERSION = 5_000_000;

type Store = (key: string, value: ArrayBuffer | string) => Promise<void>;

/** The subjects get one assigned role each. */
export async function seedPolicy(store: Store, issuer: string, subjects: readonly string[]): Promise<void> {
  const [
    { TableWriter },
    { ASSIGNMENT_KEY_WORDS, assignmentKey, REVOCATION_KEY_WORDS },
    { FORMAT, HEAD_KEY },
  ] = await Promise.all([
    import(join(SOURCE, 'src/policy/table.ts')) as Promise<typeof import('../../src/policy/table.ts')>,
    import(join(SOURCE, 'src/policy/keys.ts')) as Promise<typeof import('../../src/policy/keys.ts')>,
    import(join(SOURCE, 'src/policy/snapshot.ts')) as Promise<typeof import('../../src/policy/snapshot.ts')>,
  ]);

  const now = Math.floor(Date.now() / 1_000);
  const revocations = new TableWriter(REVOCATION_KEY_WORDS, REVOCATIONS);
  for (const key of randomKeys(REVOCATIONS, REVOCATION_KEY_WORDS)) revocations.add(key, now);
  await store('policy:revocations:bench', revocations.finish());

  const names = Array.from({ length: ROLES }, (_, index) => (index === 0 ? ROLE : `role-${index}`));
  const own = await Promise.all(
    subjects.map(async (subject) => (await assignmentKey({ issuer, subject })).hex),
  );
  const keys = [...own, ...randomKeys(ASSIGNMENTS - own.length, ASSIGNMENT_KEY_WORDS)].sort();
  const assignments = new TableWriter(
    ASSIGNMENT_KEY_WORDS,
    keys.length,
    JSON.stringify(names.map((name) => [name])),
  );
  for (const [index, key] of keys.entries()) assignments.add(key, index % ROLES);
  await store('policy:assignments:bench', assignments.finish());

  const roles = Object.fromEntries(
    names.map((name, index) => [
      name,
      {
        permissions: [index === 0 ? SCOPE : `notes:${name}`],
        ...(index % 10 === 1 ? { inherits: [ROLE] } : {}),
      },
    ]),
  );
  const head = {
    format: FORMAT,
    version: VERSION,
    roles,
    revocations: {
      table: 'policy:revocations:bench',
      recent: {},
      kinds: ['token', 'subject', 'client', 'grant', 'issuer', 'everything'],
    },
    assignments: { table: 'policy:assignments:bench', recent: {} },
    serviceKeys: {},
  };
  await store(HEAD_KEY, JSON.stringify(head));
}

/** In ascending order, as text. */
function randomKeys(count: number, words: number): string[] {
  const bytes = new Uint8Array(words * 4);
  return Array.from({ length: count }, () =>
    Buffer.from(crypto.getRandomValues(bytes)).toString('hex'),
  ).sort();
}
