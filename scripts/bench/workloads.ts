// The workloads: who takes part, what is sent, and how fast we want to be beside the others.
//
// Sessions that lie idle are not in it, nor are starting and size: they are not a load (idle.ts, start.ts).

import type { AuditLog } from '../../src/config.ts';
import type { Contender, WorkloadName } from './contenders.ts';
import type { Exchange } from './exchange.ts';
import { callExchange, elicitExchange, listExchange, refusedExchange, streamExchange } from './exchanges.ts';
import type { Issuer } from './issuer.ts';
import { openSession, SESSIONS } from './requests.ts';
import type { Running } from './running.ts';
import { seedPolicy } from './seed-policy.ts';

/** At most this times what another one costs. */
export interface Bar {
  readonly of: string;
  readonly to: string;
  readonly most: number;
}

/** One line of a workload's table: a contender as it is set up for it. */
export interface Entrant {
  readonly name: string;
  readonly title: string;
  readonly contender: Contender;
  readonly toolCount: number;
  readonly auditLog: AuditLog;
  /** Before the first request. */
  readonly seed?: (running: Running, issuer: Issuer) => Promise<void>;
  /** Brings a running contender into the state to be measured; gives what to send. */
  setUp(running: Running, issuer: Issuer): Promise<readonly Exchange[]>;
  /** Begins to watch something besides the answers; what it gives tells what was seen, and whether that is wrong. */
  readonly watch?: (issuer: Issuer) => () => Fact;
}

export interface Fact {
  readonly text: string;
  readonly isWrong: boolean;
}

export interface Workload {
  readonly name: WorkloadName;
  readonly title: string;
  readonly entrants: readonly Entrant[];
  readonly bars: readonly Bar[];
}

/** A contender as it is. */
const plain = (contender: Contender, setUp: Entrant['setUp'], toolCount = 1): Entrant => ({
  name: contender.name,
  title: contender.title,
  contender,
  toolCount,
  auditLog: 'refusals',
  setUp,
});

const TOKENS = 16;
const DISTINCT_TOKENS = 20_000;
const TOOLS = 100;
/** jwksCooldownSeconds, of src/config.ts. */
const COOL_DOWN_SECONDS = 30;

const subject = (index: number): string => `user-${index}`;
const tokensOf = (issuer: Issuer, count: number, spoilt: (index: number) => object = () => ({})) =>
  Promise.all(
    Array.from({ length: count }, (_, index) => issuer.sign({ sub: subject(index) }, spoilt(index))),
  );

/** An exchange for each of some tokens. */
const each =
  (
    make: (token: string, index: number, contender: Contender) => Exchange,
    count = TOKENS,
  ): Entrant['setUp'] =>
  async ({ contender }, issuer) =>
    (await tokensOf(issuer, count)).map((token, index) => make(token, index, contender));

const calls: Entrant['setUp'] = async (running, issuer) => {
  const { contender } = running;
  const exchanges = await each((token, index) => callExchange(contender.dialect, token, index))(
    running,
    issuer,
  );
  if (contender.checksToken) return exchanges;
  const expect = { status: 204, contains: [] };
  return exchanges.map((steps) => steps.map((step) => ({ ...step, expect })));
};

/** Calls in sessions of the older era, as many sessions as tokens. */
const sessionCalls: Entrant['setUp'] = async ({ port }, issuer) =>
  Promise.all(
    (await tokensOf(issuer, TOKENS)).map(async (token, index) =>
      callExchange(SESSIONS, token, index, await openSession(port, token)),
    ),
  );

/** With keys that nobody has, a new one each time. */
const strangers: Entrant['setUp'] = async (_running, issuer) =>
  (await tokensOf(issuer, DISTINCT_TOKENS, (index) => ({ kid: `made-up-${index}` }))).map(refusedExchange);

/** Made-up keys must not make us ask the issuer more than once per cool-down. */
function watchKeyFetches(issuer: Issuer): () => Fact {
  const [before, startedAt] = [issuer.keyFetches(), Date.now()];
  return () => {
    const seconds = (Date.now() - startedAt) / 1_000;
    const fetches = issuer.keyFetches() - before;
    const most = Math.floor(seconds / COOL_DOWN_SECONDS) + 1;
    const text = `keys fetched ${fetches} times in ${seconds.toFixed(0)} s of tokens with made-up keys; at most ${most} allowed`;
    return { text, isWrong: fetches > most };
  };
}

const withPolicy = (contender: Contender, name: string, what: string, auditLog: AuditLog): Entrant => ({
  ...plain(contender, calls),
  name,
  title: `${contender.title}, ${what}`,
  auditLog,
  seed: ({ store }, issuer) =>
    seedPolicy(
      (key, value) => store('KIT_KV', key, value),
      issuer.url,
      Array.from({ length: TOKENS }, (_, index) => subject(index)),
    ),
});

/** All workloads that are loads, with those who can do them. */
export function workloadsOf(contenders: readonly Contender[]): readonly Workload[] {
  const allOf = (name: WorkloadName, setUp: Entrant['setUp'], toolCount = 1): readonly Entrant[] =>
    contenders.filter(({ workloads }) => workloads.includes(name)).map((one) => plain(one, setUp, toolCount));
  const ours = contenders.filter(({ group }) => group === 'ours');
  return [
    {
      name: 'call',
      title: 'tools/call, 16 known tokens',
      entrants: allOf('call', calls),
      bars: [
        { of: 'ours', to: 'floor-cached', most: 1.35 },
        { of: 'ours', to: 'sdk', most: 0.25 },
        { of: 'ours', to: 'sdk-tuned', most: 0.45 },
        { of: 'ours', to: 'oauth-provider', most: 0.17 },
      ],
    },
    {
      name: 'policy',
      title: 'the same with a million revocations, 200 roles, 100,000 assignments and all of the audit',
      entrants: ours.flatMap((one) => [
        plain(one, calls),
        withPolicy(one, 'ours-policy', 'large policy', 'batched'),
        withPolicy(one, 'ours-policy-lines', 'large policy, a line of the log each', 'all'),
      ]),
      bars: [{ of: 'ours-policy', to: 'ours', most: 1.15 }],
    },
    {
      name: 'tokens',
      title: 'tools/call, 20,000 tokens in turn',
      entrants: allOf(
        'tokens',
        each((token, index, { dialect }) => callExchange(dialect, token, index), DISTINCT_TOKENS),
      ),
      bars: [{ of: 'ours', to: 'floor-verifying', most: 1.15 }],
    },
    {
      name: 'list',
      title: 'tools/list with 100 tools',
      entrants: allOf(
        'list',
        each((token, _, { dialect }) => listExchange(dialect, token, TOOLS)),
        TOOLS,
      ),
      bars: [{ of: 'ours', to: 'sdk', most: 0.1 }],
    },
    {
      name: 'session',
      title: 'tools/call in a session of revision 2025-11-25',
      entrants: allOf('session', (running, issuer) =>
        (running.contender.group === 'floors' ? calls : sessionCalls)(running, issuer),
      ),
      bars: [
        { of: 'ours', to: 'floor-object', most: 1.6 },
        { of: 'ours', to: 'mcp-agent', most: 0.2 },
      ],
    },
    {
      name: 'stream',
      title: 'tools/call with 100 progress notifications',
      entrants: allOf('stream', each(streamExchange)),
      bars: [],
    },
    {
      name: 'elicit',
      title: 'tools/call that asks the user: both requests (the SDK as documented seals no state)',
      entrants: allOf(
        'elicit',
        each((token, index, { group }) => elicitExchange(token, index, group === 'ours')),
      ),
      bars: [],
    },
    {
      name: 'storm',
      title: 'refused with 401: without a token, and with made-up keys',
      entrants: [
        ...ours.flatMap((one) => [
          { ...plain(one, async () => [refusedExchange(undefined)]), title: `${one.title}, no token` },
          {
            ...plain(one, strangers),
            name: 'ours-strangers',
            title: `${one.title}, made-up keys`,
            watch: watchKeyFetches,
          },
        ]),
        ...allOf('storm', strangers).filter(({ contender }) => contender.group !== 'ours'),
      ],
      bars: [],
    },
  ];
}
