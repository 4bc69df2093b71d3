// What goes on with a call that was allowed earlier: an answer to its question, its stream again, the call itself. Each of
// them needs what the call needs, at that moment.

import { expect, test } from 'vitest';
import { useGate } from '../support/gate.ts';
import { eventsOf, get, messagesOf, open, request, send } from '../support/legacy.ts';
import { change, revoke } from '../support/objects.ts';
import { operator } from '../support/operator.ts';
import { decision, META, rpc } from '../support/rpc.ts';

// The published policy is never renewed here: what takes effect is asked from the registry.
const LATE = { POLICY_FRESH_SECONDS: '300', POLICY_HARD_LIMIT_SECONDS: '600' };
const shop = useGate({ vars: LATE });
const gate = useGate({
  main: 'test/support/streaming-worker.ts',
  vars: { ...LATE, STREAM_RECHECK_SECONDS: '1' },
});

const CAPABILITIES = { elicitation: { form: {} } };
const ACCEPT = { action: 'accept', content: { confirm: true } };
const KEEPER = { roles: ['keeper'], scope: 'secrets:read' };

/** A question that is open in a session of the older era. */
interface Asked {
  readonly token: string;
  readonly sessionId: string;
  readonly questionId: string;
  /** What else the stream of the call brings, up to its end. */
  rest(): Promise<Record<string, unknown>[]>;
}

async function asked(of: typeof gate, claims: object, name: string, args: object): Promise<Asked> {
  const token = await of.issuer.sign({ claims: { ...claims } });
  const sessionId = await open(of.worker, token, CAPABILITIES);
  const params = { name, arguments: args };
  const events = eventsOf(await request(of.worker, { token, sessionId }, 'tools/call', params));
  for (;;) {
    const { value, done } = await events.next();
    if (done) throw new Error('nothing was asked');
    if (value.data === '') continue;
    const question = JSON.parse(value.data);
    const rest = async () => {
      const messages = [];
      for await (const { data } of events) if (data !== '') messages.push(JSON.parse(data));
      return messages;
    };
    return { token, sessionId, questionId: question.id, rest };
  }
}

const answer = (of: typeof gate, { token, sessionId, questionId }: Asked): Promise<Response> =>
  send(of.worker, { token, sessionId }, { id: questionId, result: ACCEPT });

const strictly = (sub: string, text = sub) => asked(gate, { ...KEEPER, sub }, 'confirm_strictly', { text });
const confirmed = async () => (await gate.worker.env()).REPORTS.get('confirmed');

test('an answer is an operation: whose permission an operator took away refunds nothing, and the call is cancelled', async () => {
  const dave = { sub: 'dave', roles: ['finance'], scope: 'payments:refund' };
  const refund = { paymentId: 'pay_1042', idempotencyKey: 'refund-1042' };
  const call = await asked(shop, dave, 'refund_payment', refund);
  const operate = await operator(shop.worker, shop.issuer);
  const role = await operate('GET', '/roles/finance');
  const taken = { permissions: [], reason: 'no more refunds' };
  expect(
    (await operate('PUT', '/roles/finance', taken, { 'if-match': role.headers.get('etag') ?? '' })).status,
  ).toBe(200);
  shop.worker.logs();
  expect((await answer(shop, call)).status).toBe(403);
  expect(decision(shop.worker)).toMatchObject({ decision: 'deny', reason: 'permission_missing' });
  expect(await call.rest()).toEqual([]);
  expect((await answer(shop, call)).status, 'the question is gone').toBe(400);
});

test('an answer is an operation: of whoever was revoked it is refused, and the call is cancelled', async () => {
  const call = await strictly('revoked');
  await revoke(gate.worker, { kind: 'subject', issuer: gate.issuer.issuer, subject: 'revoked' });
  gate.worker.logs();
  const response = await answer(gate, call);
  expect([response.status, response.headers.get('www-authenticate')]).toEqual([
    401,
    expect.stringContaining('invalid_token'),
  ]);
  expect(decision(gate.worker)).toMatchObject({ reason: 'token_revoked', detail: 'subject' });
  expect(await call.rest()).toEqual([]);
  expect(await confirmed()).not.toBe('revoked');
});

test('an answer with a token that lacks a scope of the call is challenged, and the call waits on for a better one', async () => {
  const call = await strictly('stepping-up');
  const poorer = await gate.issuer.sign({ claims: { ...KEEPER, sub: 'stepping-up', scope: 'other' } });
  const challenged = await answer(gate, { ...call, token: poorer });
  expect(challenged.status).toBe(403);
  expect(challenged.headers.get('www-authenticate')).toMatch(/insufficient_scope.*scope="secrets:read"/);
  expect((await answer(gate, call)).status).toBe(202);
  expect(await call.rest()).toMatchObject([{ result: { content: [{ text: 'stepping-up: accept' }] } }]);
});

test('an answer with a token of the same grant that lacks the roles of the call is refused', async () => {
  const call = await strictly('lesser');
  const lesser = await gate.issuer.sign({ claims: { ...KEEPER, sub: 'lesser', roles: ['nobody'] } });
  expect((await answer(gate, { ...call, token: lesser })).status).toBe(403);
  expect(await call.rest()).toEqual([]);
  expect(await confirmed()).not.toBe('lesser');
});

test('a stream that is taken up again needs what its call needs, at that moment', async () => {
  const call = await strictly('returning');
  const poorer = await gate.issuer.sign({ claims: { ...KEEPER, sub: 'returning', scope: 'other' } });
  const again = (token: string) => get(gate.worker, { token, sessionId: call.sessionId }, '1-0');
  const challenged = await again(poorer);
  expect([challenged.status, challenged.headers.get('www-authenticate')]).toEqual([
    403,
    expect.stringContaining('insufficient_scope'),
  ]);
  await revoke(gate.worker, { kind: 'subject', issuer: gate.issuer.issuer, subject: 'returning' });
  expect((await again(call.token)).status).toBe(401);
});

/** Does something, and waits until the tool that waits has noticed that it is cancelled. */
async function cancels(act: () => Promise<void>): Promise<void> {
  const { REPORTS } = await gate.worker.env();
  await REPORTS.delete('cancelled');
  await act();
  const giveUpAt = Date.now() + 30_000;
  while ((await REPORTS.get('cancelled')) === null) {
    if (Date.now() > giveUpAt) throw new Error('it was not cancelled');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Assigns the role that has the permission, and gives how to take it away again. */
async function assigned(subject: string): Promise<() => Promise<void>> {
  const assignee = { issuer: gate.issuer.issuer, subject };
  await change(gate.worker, { action: 'assign', assignee, role: 'keeper' });
  return () => change(gate.worker, { action: 'unassign', assignee, role: 'keeper' });
}

const waiting = (text: string, meta: object = {}) => ({
  name: 'wait_guarded',
  arguments: { text },
  _meta: { ...meta, progressToken: 1 },
});

test('modern: a call that has sent nothing is cancelled and answered when its caller is revoked', async () => {
  const token = await gate.issuer.sign({ claims: { ...KEEPER, sub: 'silent' } });
  const response = rpc(gate.worker, { token, method: 'tools/call', params: waiting('silently', META) });
  await cancels(() =>
    revoke(gate.worker, { kind: 'subject', issuer: gate.issuer.issuer, subject: 'silent' }),
  );
  expect((await response).status).toBe(401);
  expect(decision(gate.worker)).toMatchObject({ decision: 'deny', reason: 'token_revoked' });
});

test.each(['silently', 'loudly'])(
  'modern: a call that waits %s is cancelled when its caller has lost the permission',
  async (text) => {
    const subject = `modern-${text}`;
    const token = await gate.issuer.sign({ claims: { sub: subject, roles: ['nobody'] } });
    const takeAway = await assigned(subject);
    // A strict question makes this isolate know of the assignment.
    await strictly(`${subject}-other`);
    const response = rpc(gate.worker, { token, method: 'tools/call', params: waiting(text, META) });
    await cancels(takeAway);
    const body = await (await response).text();
    if (text === 'silently') expect(JSON.parse(body)).toMatchObject({ result: { isError: true } });
    expect(body).not.toContain('cancelled');
  },
);

test.each(['silently', 'loudly', 'alone'])(
  'legacy: a call that waits %s is cancelled when its caller has lost the permission',
  async (text) => {
    const subject = `legacy-${text}`;
    const token = await gate.issuer.sign({ claims: { sub: subject, roles: ['nobody'] } });
    const takeAway = await assigned(subject);
    await strictly(`${subject}-other`);
    const sessionId = await open(gate.worker, token);
    const response = request(gate.worker, { token, sessionId }, 'tools/call', waiting(text));
    await cancels(takeAway);
    const answered = await response;
    if (text === 'silently') expect(await answered.json()).toMatchObject({ result: { isError: true } });
    else expect((await messagesOf(answered)).filter((message) => 'id' in message)).toEqual([]);
  },
);

test.each(['modern', 'legacy'])(
  '%s: whose right is gone is answered, also while the tool does not notice',
  async (era) => {
    const sub = `deaf-${era}`;
    const token = await gate.issuer.sign({ claims: { ...KEEPER, sub } });
    const params = { name: 'deaf', arguments: {} };
    const call = { token, method: 'tools/call', params: { ...params, _meta: META } };
    const answering =
      era === 'modern'
        ? rpc(gate.worker, call)
        : request(gate.worker, { token, sessionId: await open(gate.worker, token) }, 'tools/call', params);
    await new Promise((resolve) => setTimeout(resolve, 500));
    await revoke(gate.worker, { kind: 'subject', issuer: gate.issuer.issuer, subject: sub });
    const startedAt = Date.now();
    expect((await answering).status).toBe(401);
    expect(Date.now() - startedAt, 'before the tool ends').toBeLessThan(25_000);
  },
);

test('modern: what is strict is decided by the registry, also when a permission was taken away', async () => {
  const takeAway = await assigned('strict-modern');
  const token = await gate.issuer.sign({
    claims: { sub: 'strict-modern', roles: ['nobody'], scope: 'secrets:read' },
  });
  const _meta = { ...META, 'io.modelcontextprotocol/clientCapabilities': CAPABILITIES };
  const params = { name: 'confirm_strictly', arguments: {}, _meta };
  const call = async () => (await rpc(gate.worker, { token, method: 'tools/call', params })).json();
  expect(await call()).toMatchObject({ result: { resultType: 'input_required' } });
  await takeAway();
  expect(await call()).toMatchObject({ result: { isError: true } });
});

test('legacy: who took a stream up again loses it with the permission, and the call of the first goes on', async () => {
  const first = await gate.issuer.sign({ claims: { ...KEEPER, sub: 'relay' } });
  const takeAway = await assigned('relay');
  await strictly('relay-other');
  const second = await gate.issuer.sign({ claims: { ...KEEPER, sub: 'relay', roles: ['nobody'] } });
  const sessionId = await open(gate.worker, first);
  const params = waiting('loudly');
  await request(gate.worker, { token: first, sessionId }, 'tools/call', params);
  const again = await get(gate.worker, { token: second, sessionId }, '1-0');
  const { REPORTS } = await gate.worker.env();
  await REPORTS.delete('cancelled');
  await takeAway();
  expect((await messagesOf(again)).filter((message) => 'id' in message)).toEqual([]);
  expect(await REPORTS.get('cancelled')).toBeNull();
});
