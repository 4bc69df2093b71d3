// From requests to every sink, on the real Worker: one event per decision, the same everywhere, and nothing in it that a
// caller could have hidden there or that its token says about it.

import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DecisionPage } from '../../src/audit/decision-log.ts';
import { startIssuer, type TestIssuer, trusting } from '../support/issuer.ts';
import { type Rpc, rpcInit } from '../support/rpc.ts';
import { RESOURCE, startWorker, type TestWorker } from '../support/worker.ts';

const SECRET = 'a secret for tests of pseudonyms, long enough';
const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = `00-${TRACE}-b7ad6b7169203331-01`;
/** What must be nowhere: what tools are given, and what tokens say that is nobody's name. */
const HIDDEN = { argument: 'argument-7d1f', claim: 'claim-3b9a@example.com', subject: 'subject-52ce' };

let issuer: TestIssuer;
let worker: TestWorker;
beforeAll(async () => {
  issuer = await startIssuer();
  worker = await startWorker({
    main: 'test/support/decision-log-worker.ts',
    vars: {
      ...trusting(issuer),
      AUDIT_SUBJECTS: 'hashed',
      AUDIT_SECRET: SECRET,
      DECISION_LOG_ALLOWS_PER_THOUSAND: '1000',
      LOG_ENTRIES: '1000',
      LOG_SECONDS: '3600',
    },
  });
});
afterAll(async () => {
  await worker?.[Symbol.asyncDispose]();
  await issuer?.[Symbol.asyncDispose]();
});

interface Sent {
  readonly messages: readonly { readonly body: Record<string, unknown> }[];
  readonly points: readonly { readonly blobs: readonly string[] }[];
}

const sent = async () => (await (await worker.fetch('https://mcp.example.com/sent')).json()) as Sent;

async function logged(): Promise<DecisionPage['items']> {
  const body = JSON.stringify({ name: 'decisions', method: 'query', args: [{ limit: 500 }] });
  const response = await worker.fetch('https://mcp.example.com/log', { method: 'POST', body });
  return ((await response.json()) as DecisionPage).items;
}

/** How many decisions items are about: strangers are counted. */
const weight = (items: DecisionPage['items']) =>
  items.reduce((sum, item) => sum + ('count' in item ? item.count : 1), 0);

/** Polls until so many decisions have arrived wherever decisions go. */
async function arrival(count: number): Promise<readonly [Sent, DecisionPage['items']]> {
  const giveUpAt = Date.now() + 60_000;
  for (;;) {
    const [there, items] = [await sent(), await logged()];
    if (there.messages.length >= count && weight(items) >= count) return [there, items];
    if (Date.now() > giveUpAt) throw new Error('they did not arrive');
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

const sorted = (events: readonly object[]) =>
  events.map((event) => JSON.stringify(Object.entries(event).sort())).sort();

test('every sink gets every decision, and none gets a token, an argument or what a token says', async () => {
  const claims = {
    sub: HIDDEN.subject,
    email: HIDDEN.claim,
    name: HIDDEN.claim,
    roles: ['editor', HIDDEN.claim],
  };
  const good = await issuer.sign({ claims });
  const expired = await issuer.sign({ claims: { ...claims, exp: 1_000_000_000, iat: 999_999_000 } });
  await using stranger = await startIssuer();
  const foreign = await stranger.sign({ claims });
  const tokens = [good, expired, foreign, `${good}x`];

  const whoami = { name: 'whoami', arguments: { text: HIDDEN.argument } };
  const call = { token: good, method: 'tools/call' };
  const requests: (Rpc & { readonly url?: string })[] = [
    { ...call, params: { ...whoami, arguments: {} }, headers: { traceparent: PARENT } },
    { ...call, params: whoami, headers: { traceparent: `${PARENT} ${good}`, tracestate: good } },
    { ...call, params: { name: 'update_report', arguments: { id: HIDDEN.argument, title: good } } },
    { ...call, params: { name: 'refund_payment', arguments: { id: HIDDEN.argument } } },
    { ...call, params: { name: good, arguments: {} } },
    { ...call, method: good },
    { ...call, method: 'resources/read', params: { uri: `report://${good}` } },
    { ...call, method: 'prompts/get', params: { name: HIDDEN.argument } },
    { ...call, params: whoami, headers: { 'mcp-name': good, 'mcp-method': good } },
    { ...call, params: whoami, headers: { 'mcp-session-id': good, 'mcp-protocol-version': good } },
    { ...call, params: whoami, headers: { origin: `https://${HIDDEN.argument}.example` } },
    { ...call, body: `{"jsonrpc":"2.0","id":1,"method":"${HIDDEN.argument}` },
    { ...call, url: `${RESOURCE}?access_token=${good}` },
    { token: expired },
    { token: foreign },
    { token: `${good}x` },
    { token: `${good} ${good}` },
    { headers: { authorization: `Basic ${good}`, cookie: good } },
    {},
  ];
  for (const { url = RESOURCE, ...request } of requests) await worker.fetch(url, rpcInit(request));

  const lines = worker.logs();
  const decisions = lines.filter(({ event }) => event === 'decision');
  expect(decisions).toHaveLength(requests.length);
  const [{ messages, points }, items] = await arrival(requests.length);

  const pseudonyms = new Set(
    decisions.map(({ subject }) => subject).filter((subject) => subject !== undefined),
  );
  expect([...pseudonyms]).toEqual([expect.stringMatching(/^hmac:[0-9a-f]{32}$/)]);
  expect(new Set(decisions.map(({ decision }) => decision))).toEqual(new Set(['allow', 'deny']));
  expect(decisions.map(({ traceId }) => traceId).filter((id) => id !== undefined)).toEqual([TRACE]);

  const told = sorted(decisions.map(({ time: _, ...event }) => event));
  expect(sorted(messages.map(({ body: { at: _, ...event } }) => event))).toEqual(told);
  const named = items.filter((item) => 'issuer' in item);
  const counted = items.filter((item) => !('issuer' in item));
  const known = decisions.filter(({ issuer }) => issuer !== undefined);
  expect(sorted(named.map(({ at: _, ...event }) => event))).toEqual(
    sorted(known.map(({ time: _, ...event }) => event)),
  );
  const reasons = decisions.flatMap(({ issuer, reason }) => (issuer === undefined ? [reason] : []));
  expect(new Set(counted.map(({ reason }) => reason))).toEqual(new Set(reasons));
  expect(weight(items)).toBe(decisions.length);
  expect(points.map(({ blobs }) => blobs[18]).sort()).toEqual(
    decisions.map(({ requestId }) => requestId).sort(),
  );

  const parts = tokens.flatMap((token) => [token, ...token.split('.').slice(1)]);
  for (const [where, what] of Object.entries({ lines, messages, points, items })) {
    const text = JSON.stringify(what);
    for (const hidden of [...parts, ...Object.values(HIDDEN), SECRET])
      expect(text.includes(hidden), `${hidden} in ${where}`).toBe(false);
  }
});
