// What the audit says of a tool call: what became of it, what joins its rounds, and who called, in both eras, on the real
// Worker; also when the call ends after its answer, and in the caller's Durable Object.

import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { expect, test } from 'vitest';
import { useGate } from '../support/gate.ts';
import { eventsOf, open, request, send } from '../support/legacy.ts';
import { revoke } from '../support/objects.ts';
import { operator } from '../support/operator.ts';
import { META, rpc, rpcInit } from '../support/rpc.ts';
import { RESOURCE, startWorker } from '../support/worker.ts';

const SECRET = 'a secret for tests of the audit, long enough';
const gate = useGate({
  main: 'test/support/outcomes-worker.ts',
  vars: {
    AUDIT_SECRET: SECRET,
    ANSWER_TIMEOUT_SECONDS: '2',
    REQUEST_STATE_SECONDS: '10',
    STREAM_RECHECK_SECONDS: '1',
    STREAM_KEEP_ALIVE_SECONDS: '1',
    SESSION_EVENT_BYTES: '2000',
    DECISION_LOG_ALLOWS_PER_THOUSAND: '1000',
  },
});
const CAPABILITIES = { elicitation: { form: {} } };
const ACCEPT = { action: 'accept', content: { confirm: true } };
const PROGRESS = { progressToken: 1 };

type Event = Readonly<Record<string, unknown>>;

const seen: Event[] = [];
/** What the audit said of somebody, oldest first; once there is as much of it. */
async function told(subject: string, count: number): Promise<readonly Event[]> {
  const giveUpAt = Date.now() + 30_000;
  for (;;) {
    seen.push(...gate.worker.logs());
    const events = seen.filter(
      (event) =>
        event.subject === subject &&
        (event.event === 'call_ended' || event.method === 'tools/call' || event.callId !== undefined),
    );
    if (events.length >= count) {
      expect(events, subject).toHaveLength(count);
      return events;
    }
    if (Date.now() > giveUpAt) throw new Error(`${subject}: ${JSON.stringify(events)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const short = (events: readonly Event[]) =>
  events.map(({ event, decision, outcome }) => `${event} ${decision} ${outcome}`);
const idsOf = (events: readonly Event[]) => [...new Set(events.map(({ callId }) => callId))];

/** A call by somebody nobody else is. */
async function caller(name: string, claims: object = {}) {
  const subject = `${name}-${crypto.randomUUID()}`;
  return { subject, token: await gate.issuer.sign({ claims: { sub: subject, ...claims } }) };
}

type Caller = Awaited<ReturnType<typeof caller>>;

const params = (how: string, name: string, extra: object = {}) => ({
  name,
  arguments: { how },
  ...extra,
  _meta: { ...META, ...PROGRESS, 'io.modelcontextprotocol/clientCapabilities': CAPABILITIES },
});

const modern = ({ token }: Caller, how: string, name = 'pay', extra: object = {}) =>
  rpc(gate.worker, { token, method: 'tools/call', params: params(how, name, extra) });

// biome-ignore lint/suspicious/noExplicitAny: the shape is what the tests are about
async function modernResult(...given: Parameters<typeof modern>): Promise<any> {
  return ((await (await modern(...given)).json()) as { result: unknown }).result;
}

async function legacy({ token }: Caller, how: string, name = 'pay') {
  const sessionId = await open(gate.worker, token, CAPABILITIES);
  const arguments_ = { name, arguments: { how }, _meta: PROGRESS };
  const response = await request(gate.worker, { token, sessionId }, 'tools/call', arguments_);
  return { sessionId, response };
}

/** A call in a session, up to its question. */
async function legacyAsked(who: Caller, how: string) {
  const { sessionId, response } = await legacy(who, how);
  const events = eventsOf(response);
  for (;;) {
    const { value } = await events.next();
    if (!value || value.data === '') continue;
    const { id, method } = JSON.parse(value.data);
    if (method !== 'elicitation/create') continue;
    const answer = (result: object) => send(gate.worker, { token: who.token, sessionId }, { id, result });
    const rest = async () => {
      for await (const { data } of events) if (data !== '') return JSON.parse(data);
    };
    return { sessionId, answer, rest };
  }
}

const ENDS = [
  ['complete', 'completed', 'allow'],
  ['error', 'tool_error', 'allow'],
  ['fail', 'failed', 'allow'],
  ['refuse', 'refused', 'deny'],
] as const;

test.each(ENDS)(
  'modern: of a call that ends at once the decision says how: %s',
  async (how, outcome, verdict) => {
    const who = await caller(how);
    expect((await modern(who, how)).status).toBe(200);
    const [event = {}] = await told(who.subject, 1);
    expect(event).toMatchObject({ event: 'decision', outcome, decision: verdict, status: 200, tool: 'pay' });
    // Nothing is made that joins nothing.
    expect(event).not.toHaveProperty('callId');
    expect(event.reason).toBe(verdict === 'deny' ? 'refused_by_tool' : undefined);
  },
);

test.each(ENDS)(
  'legacy: of a call that ends at once the decision says how: %s',
  async (how, outcome, verdict) => {
    const who = await caller(how);
    expect((await legacy(who, how)).response.status).toBe(200);
    const [event = {}] = await told(who.subject, 1);
    expect(event).toMatchObject({ event: 'decision', outcome, decision: verdict, status: 200, tool: 'pay' });
    expect(event.reason).toBe(verdict === 'deny' ? 'refused_by_tool' : undefined);
  },
);

test('a handler that refuses tells the model why, and the audit that it did and nothing of why', async () => {
  const who = await caller('refused');
  const text = 'not above your limit';
  expect(await modernResult(who, 'refuse')).toMatchObject({ isError: true, content: [{ text }] });
  const { response } = await legacy(who, 'refuse');
  expect(await response.json()).toMatchObject({ result: { isError: true, content: [{ text }] } });
  expect(JSON.stringify(await told(who.subject, 2))).not.toContain(text);
});

test('a call with arguments that do not fit is an error of the tool; one of no tool has no outcome', async () => {
  const who = await caller('unfit');
  await modern(who, 5 as never);
  await modern(who, 'complete', 'no_such_tool');
  const [unfit, unknown] = await told(who.subject, 2);
  expect(unfit).toMatchObject({ outcome: 'tool_error' });
  expect(unknown).toMatchObject({ decision: 'deny', reason: 'protocol' });
  expect(unknown).not.toHaveProperty('outcome');
});

test('a call that is refused before its tool runs has a reason and no outcome', async () => {
  const who = await caller('guarded');
  await modern(who, 'complete', 'pay_guarded');
  await legacy(who, 'complete', 'pay_guarded');
  for (const event of await told(who.subject, 2)) {
    expect(event).toMatchObject({ decision: 'deny', reason: 'permission_missing' });
    expect(event).not.toHaveProperty('outcome');
  }
});

// ---- questions ----

const ANSWERS = [
  ['ask', ACCEPT, 'completed'],
  ['ask', { action: 'decline' }, 'declined'],
  ['ask', { action: 'cancel' }, 'declined'],
  ['ask_and_fail', ACCEPT, 'failed'],
  ['ask_and_fail', { action: 'decline' }, 'declined'],
  ['ask_and_go_on', { action: 'decline' }, 'completed'],
] as const;

test.each(ANSWERS)(
  'modern: question and execution have one id: %s %j is %s',
  async (how, answer, outcome) => {
    const who = await caller('asked');
    const { requestState } = await modernResult(who, how);
    await modern(who, how, 'pay', { requestState, inputResponses: { input_1: answer } });
    const events = await told(who.subject, 2);
    expect(short(events)).toEqual(['decision allow asked', `decision allow ${outcome}`]);
    expect(idsOf(events)).toEqual([expect.stringMatching(/^[0-9a-f-]{36}$/)]);
  },
);

test.each(ANSWERS)(
  'legacy: question, answer and execution have one id, and the end is an event: %s %j is %s',
  async (how, result, outcome) => {
    const who = await caller('asked');
    const asked = await legacyAsked(who, how);
    expect((await asked.answer(result)).status).toBe(202);
    await asked.rest();
    const events = await told(who.subject, 3);
    expect(idsOf(events)).toEqual([expect.stringMatching(/^[0-9a-f-]{36}$/)]);
    const [question, answer, end] = ['tools/call', undefined, 'tools/call'].map((method, index) =>
      events.find((event) => event.method === method && (event.event === 'call_ended') === (index === 2)),
    );
    expect(question).toMatchObject({ event: 'decision', decision: 'allow', status: 200, outcome: 'asked' });
    expect(answer).toMatchObject({ event: 'decision', decision: 'allow', status: 202, tool: 'pay' });
    expect(answer).not.toHaveProperty('outcome');
    expect(end).toMatchObject({ event: 'call_ended', outcome, tool: 'pay', requestId: question?.requestId });
  },
);

test('modern: all rounds of a call have one id, and another call has another', async () => {
  const who = await caller('rounds');
  const first = await modernResult(who, 'ask_twice');
  const responses = { inputResponses: { input_1: ACCEPT } };
  const second = await modernResult(who, 'ask_twice', 'pay', {
    requestState: first.requestState,
    ...responses,
  });
  await modern(who, 'ask_twice', 'pay', {
    requestState: second.requestState,
    inputResponses: { input_2: { action: 'decline' } },
  });
  const events = await told(who.subject, 3);
  expect(events.map(({ outcome }) => outcome)).toEqual(['asked', 'asked', 'declined']);
  expect(idsOf(events)).toHaveLength(1);
  await modern(who, 'ask_twice');
  expect(idsOf(await told(who.subject, 4))).toHaveLength(2);
});

test('modern: an answer that comes too late is a call that has timed out', { timeout: 60_000 }, async () => {
  const who = await caller('late');
  const { requestState } = await modernResult(who, 'ask');
  await new Promise((resolve) => setTimeout(resolve, 11_000));
  await modern(who, 'ask', 'pay', { requestState, inputResponses: { input_1: ACCEPT } });
  const events = await told(who.subject, 2);
  expect(events[1]).toMatchObject({ decision: 'deny', reason: 'protocol', outcome: 'timed_out' });
  expect(idsOf(events)).toHaveLength(1);
});

test('attack: a state that is not of this call joins nothing', async () => {
  const [who, other] = [await caller('state'), await caller('other')];
  const { requestState } = await modernResult(who, 'ask');
  await modern(other, 'ask', 'pay', { requestState, inputResponses: { input_1: ACCEPT } });
  const [event] = await told(other.subject, 1);
  expect(event).toMatchObject({ decision: 'deny', reason: 'protocol' });
  expect(event).not.toHaveProperty('callId');
  expect(event).not.toHaveProperty('outcome');
});

test('legacy: a question that is not answered in time has timed out', async () => {
  const who = await caller('silent');
  const asked = await legacyAsked(who, 'ask');
  await asked.rest();
  expect(short(await told(who.subject, 2)).sort()).toEqual([
    'call_ended allow timed_out',
    'decision allow asked',
  ]);
});

// ---- calls that outlive their answer ----

const STREAMED = [
  ['tell', 'completed', 'allow'],
  ['tell_and_refuse', 'refused', 'deny'],
] as const;

test.each(['modern', 'legacy'])(
  '%s: a call that is answered with a stream has an end of its own',
  async (era) => {
    for (const [how, outcome, verdict] of STREAMED) {
      const who = await caller(how);
      const response = era === 'modern' ? await modern(who, how) : (await legacy(who, how)).response;
      await response.text();
      const events = await told(who.subject, 2);
      const [begun, ended] = ['decision', 'call_ended'].map((event) =>
        events.find((one) => one.event === event),
      );
      expect(begun).toMatchObject({ decision: 'allow', outcome: 'running', status: 200 });
      expect(ended).toMatchObject({ decision: verdict, outcome, status: 200 });
      expect(ended?.reason).toBe(verdict === 'deny' ? 'refused_by_tool' : undefined);
      // Who called, what, when and where from: all the same.
      const {
        time: _,
        event: __,
        decision: ___,
        outcome: ____,
        reason: _____,
        latencyMs,
        ...about
      } = ended ?? {};
      expect(begun).toMatchObject(about);
      expect(Object.keys(about)).toEqual(
        expect.arrayContaining([
          'issuer',
          'subject',
          'clientId',
          'tokenId',
          'principalKind',
          'callId',
          'tool',
          'era',
        ]),
      );
      expect(latencyMs).toBeGreaterThan(0);
    }
  },
);

test('modern: a call that has told something and then asks has asked when its stream ends', async () => {
  const who = await caller('told');
  await (await modern(who, 'tell_and_ask')).text();
  const events = await told(who.subject, 2);
  expect(short(events).sort()).toEqual(['call_ended allow asked', 'decision allow running']);
  expect(idsOf(events)).toHaveLength(1);
});

test.each([
  ['wait', ['call_ended allow cancelled', 'decision allow running']],
  ['wait_and_pay', ['call_ended allow completed', 'decision allow running']],
])('modern: of a call whose client hangs up it counts what the tool did: %s', async (how, expected) => {
  const who = await caller(how);
  const { headers, body } = rpcInit({ token: who.token, method: 'tools/call', params: params(how, 'pay') });
  // Over a socket of its own, which really closes.
  const { host } = new URL(RESOURCE);
  const connection = httpRequest(new URL('/mcp', gate.worker.url).href, {
    method: 'POST',
    headers: { ...(Object.fromEntries(headers as [string, string][]) as Record<string, string>), host },
  });
  connection.on('error', () => {});
  connection.end(body);
  await once((await once(connection, 'response'))[0], 'data');
  connection.destroy();
  expect(short(await told(who.subject, expected.length)).sort()).toEqual(expected);
});

test.each([
  ['wait', 'cancelled'],
  ['wait_and_pay', 'completed'],
])('legacy: of a call that is cancelled it counts what the tool did: %s is %s', async (how, outcome) => {
  const who = await caller(how);
  const { sessionId, response } = await legacy(who, how);
  const cancel = { method: 'notifications/cancelled', params: { requestId: 1 } };
  await send(gate.worker, { token: who.token, sessionId }, cancel);
  await response.text();
  expect(short(await told(who.subject, 2)).sort()).toEqual([
    `call_ended allow ${outcome}`,
    'decision allow running',
  ]);
});

test.each(['modern', 'legacy'])(
  '%s: a call that is cut off because its caller was revoked has an end',
  async (era) => {
    const who = await caller('revoked');
    const answer =
      era === 'modern'
        ? modern(who, 'wait_silently')
        : legacy(who, 'wait_silently').then(({ response }) => response);
    await new Promise((resolve) => setTimeout(resolve, 500));
    await revoke(gate.worker, { kind: 'subject', issuer: gate.issuer.issuer, subject: who.subject });
    expect((await answer).status).toBe(401);
    const events = await told(who.subject, 2);
    expect(short(events).sort()).toEqual(['call_ended allow cancelled', 'decision deny running']);
    expect(idsOf(events)).toEqual([expect.any(String)]);
  },
);

test('legacy: a result that nobody can get any more was too large, and its tool has done its work', async () => {
  const who = await caller('large');
  const { response } = await legacy(who, 'large');
  await response.text();
  expect(short(await told(who.subject, 2)).sort()).toEqual([
    'call_ended allow too_large',
    'decision allow running',
  ]);
});

test.each(['modern', 'legacy'])('%s: every sink gets the end of a call', async (era) => {
  const who = await caller('sinks');
  const response = era === 'modern' ? await modern(who, 'tell') : (await legacy(who, 'tell')).response;
  await response.text();
  const [event] = (await told(who.subject, 2)).filter(({ event }) => event === 'call_ended');
  const { time: _, ...line } = event ?? {};
  const operate = await operator(gate.worker, gate.issuer);
  await expect
    .poll(
      async () => {
        const sent = await (await gate.worker.fetch('https://mcp.example.com/sent')).json();
        const { messages, points } = sent as {
          messages: { body: Event }[];
          points: { blobs: string[]; doubles: number[] }[];
        };
        const { body } = await operate('GET', `/decisions?subject=${who.subject}`);
        const isEnd = ({ event, subject }: Event) => event === 'call_ended' && subject === who.subject;
        return {
          queue: messages.map(({ body: { at: _, ...rest } }) => rest as Event).filter(isEnd),
          points: points
            .filter(({ blobs }) => blobs[4] === who.subject && blobs[8] === 'pay')
            .map(({ blobs, doubles }) => [blobs[0], doubles[3]])
            .sort(),
          log: body.items.map(({ at: _, ...rest }: Event) => rest).filter(isEnd),
        };
      },
      { timeout: 20_000 },
    )
    .toEqual({
      queue: [line],
      points: [
        ['allow', 4],
        ['call_ended', 1],
      ],
      log: [line],
    });
});

// ---- the rest of what is told ----

test('the MAC of arguments is that of their canonical form, of tools that say so and of no others', async () => {
  const who = await caller('noted');
  const amount = { b: [1e21, -0, 0.1, 'é€😀\u2028"'], a: null, '\ue000': 1, '😀': 2, A: true };
  const args = { how: 'complete', amount };
  const reordered = `{"amount":${JSON.stringify(Object.fromEntries(Object.entries(amount).reverse()))},"how":"complete"}`;
  // RFC 8785: members by their UTF-16 code units, numbers as ECMAScript writes them.
  const canonical = `{"amount":{"A":true,"a":null,"b":[1e+21,0,0.1,"é€😀\u2028\\""],"😀":2,"\ue000":1},"how":"complete"}`;
  const call = (name: string, given: object) =>
    rpc(gate.worker, {
      token: who.token,
      method: 'tools/call',
      params: { name, arguments: given, _meta: META },
    });
  await call('pay_noted', args);
  await call('pay_noted', JSON.parse(reordered));
  await call('pay_noted', { ...args, amount: 1 });
  await call('pay', args);
  const sessionId = await open(gate.worker, who.token);
  const params = { name: 'pay_noted', arguments: args };
  await request(gate.worker, { token: who.token, sessionId }, 'tools/call', params);
  const macs = (await told(who.subject, 5)).map(({ argumentsMac }) => argumentsMac);
  const mac = createHmac('sha256', SECRET).update(canonical).digest('hex');
  expect(macs).toEqual([mac, mac, expect.not.stringMatching(mac), undefined, mac]);
});

test('without the secret a tool that has its arguments noted is a problem of the configuration', async () => {
  await using worker = await startWorker({
    main: 'test/support/outcomes-worker.ts',
    vars: { AUTHORIZATION_SERVERS: [{ issuer: gate.issuer.issuer }] },
  });
  expect((await worker.fetch(RESOURCE)).status).toBe(500);
  const problem = worker.logs().find(({ event }) => event === 'config_invalid');
  expect(JSON.stringify(problem)).toContain('the tool pay_noted says auditArguments');
});

test('who acts for the subject is known to tools and to the audit, as far as it is well-formed', async () => {
  const actors: [unknown, object | null][] = [
    [
      { sub: 'agent-1', client_id: 'agents', iss: 'https://x.example', act: { sub: 'earlier' } },
      { subject: 'agent-1', clientId: 'agents' },
    ],
    [{ sub: 'agent\n2', client_id: 'agents' }, { clientId: 'agents' }],
    [{ sub: 'x'.repeat(1_025) }, null],
    [{ sub: 5, client_id: ['a'] }, null],
    ['agent-3', null],
  ];
  for (const [act, expected] of actors) {
    const who = await caller('acted', { act });
    const result = await modernResult(who, 'complete', 'who');
    expect(JSON.parse(result.content[0].text)).toEqual(expected);
    const [event] = await told(who.subject, 1);
    expect(event?.act ?? null).toEqual(expected);
    const { response } = await legacy(who, 'tell');
    await response.text();
    for (const event of await told(who.subject, 3)) expect(event.act ?? null).toEqual(expected);
  }
});

test('where the audit has pseudonyms the actor has one too, and is forgotten by its name', async () => {
  await using worker = await startWorker({
    main: 'test/support/outcomes-worker.ts',
    vars: {
      AUTHORIZATION_SERVERS: [{ issuer: gate.issuer.issuer }],
      AUDIT_SECRET: SECRET,
      AUDIT_SUBJECTS: 'hashed',
      DECISION_LOG_ALLOWS_PER_THOUSAND: '1000',
    },
  });
  const token = await gate.issuer.sign({ claims: { sub: 'anna', act: { sub: 'agent-7' } } });
  await rpc(worker, { token, method: 'tools/call', params: params('complete', 'pay') });
  const [event] = worker.logs().filter(({ event }) => event === 'decision');
  expect(event?.act).toEqual({ subject: expect.stringMatching(/^hmac:[0-9a-f]{32}$/) });
  expect(JSON.stringify(event)).not.toContain('agent-7');
  const operate = await operator(worker, gate.issuer);
  const acts = async () =>
    (await operate('GET', '/decisions?tool=pay')).body.items.map(({ act }: Event) => act ?? null);
  await expect.poll(acts, { timeout: 20_000 }).toEqual([event?.act]);
  const body = {
    ...{ issuer: gate.issuer.issuer, subject: 'agent-7' },
    ...{ confirm: 'forget', reason: 'wants to be forgotten' },
  };
  await operate('POST', '/forget', body);
  expect(await acts()).toEqual([{}]);
});

test('where the version is bound every event has it, and handlers do not see the binding', async () => {
  await using worker = await startWorker({
    vars: { AUTHORIZATION_SERVERS: [{ issuer: gate.issuer.issuer }] },
  });
  const token = await gate.issuer.sign();
  await rpc(worker, { token, method: 'tools/call', params: { name: 'whoami', arguments: {} } });
  await rpc(worker, {});
  const versions = worker.logs().flatMap(({ event, version }) => (event === 'decision' ? [version] : []));
  expect(versions).toEqual([expect.stringMatching(/^[\w-]{8,}$/), versions[0]]);
});
