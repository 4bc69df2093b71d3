// Asking the client, written once in the tool: answered in the modern era by repeating the request, in the legacy era on
// the session's stream. And the attacks on both.

import { expect, test } from 'vitest';
import { useGate } from '../support/gate.ts';
import { eventsOf, open, request, send } from '../support/legacy.ts';
import { META, rpc } from '../support/rpc.ts';

const gate = useGate({
  main: 'test/support/streaming-worker.ts',
  vars: { REQUEST_STATE_SECONDS: '10', ANSWER_TIMEOUT_SECONDS: '3' },
});
const CAPABILITIES = { elicitation: { form: {} }, sampling: {}, roots: {} };
const ACCEPT = { action: 'accept', content: { confirm: true } };
const SAMPLED = { role: 'assistant', content: { type: 'text', text: 'Two.' }, model: 'a-model' };

interface Call {
  readonly name?: string;
  readonly args?: object;
  readonly extra?: object;
  readonly capabilities?: object;
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly token?: string;
}

async function call({
  name = 'confirm',
  args = { text: 'it' },
  extra = {},
  capabilities = CAPABILITIES,
  claims = {},
  token,
  // biome-ignore lint/suspicious/noExplicitAny: the shape is what the tests are about
}: Call): Promise<any> {
  const _meta = { ...META, 'io.modelcontextprotocol/clientCapabilities': capabilities };
  const params = { name, arguments: args, ...extra, _meta };
  const response = await rpc(gate.worker, {
    token: token ?? (await gate.issuer.sign({ claims })),
    method: 'tools/call',
    params,
  });
  return { status: response.status, ...((await response.json()) as object) };
}

/** Asks, and gives the state with which the answer counts. */
async function asked(options: Call = {}): Promise<string> {
  const { result } = await call(options);
  expect(result.resultType).toBe('input_required');
  return result.requestState;
}

test('modern: a question is a result, and the repeated request with the answer completes', async () => {
  const { result } = await call({});
  expect(result).toMatchObject({
    resultType: 'input_required',
    inputRequests: {
      input_1: { method: 'elicitation/create', params: { mode: 'form', message: 'Sure about it?' } },
    },
    requestState: expect.any(String),
  });
  expect(result).not.toHaveProperty('ttlMs');
  const done = await call({
    extra: { inputResponses: { input_1: ACCEPT }, requestState: result.requestState },
  });
  expect(done.result).toMatchObject({ resultType: 'complete', content: [{ text: 'it: true' }] });
});

test('modern: several questions go out together, and answers are kept from round to round', async () => {
  const first = await call({ name: 'ask_everything', args: {} });
  expect(
    Object.values(first.result.inputRequests).map((question) => (question as { method: string }).method),
  ).toEqual(['elicitation/create', 'sampling/createMessage', 'roots/list']);
  const answers = { input_1: ACCEPT, input_2: SAMPLED, input_3: { roots: [{ uri: 'file:///a' }] } };
  const second = await call({
    name: 'ask_everything',
    args: {},
    extra: { inputResponses: answers, requestState: first.result.requestState },
  });
  expect(Object.keys(second.result.inputRequests)).toEqual(['input_4']);
  expect(second.result.requestState).not.toBe(first.result.requestState);
  const third = await call({
    name: 'ask_everything',
    args: {},
    extra: { inputResponses: { input_4: { action: 'decline' } }, requestState: second.result.requestState },
  });
  expect(third.result.content[0].text).toBe('["accept","a-model",1,"decline"]');
});

test('modern: a missing answer, or one of the wrong shape, is asked for again', async () => {
  const requestState = await asked();
  for (const inputResponses of [
    {},
    { other: ACCEPT },
    { input_1: null },
    { input_1: 5 },
    { input_1: { action: 'accept', content: { confirm: 'yes' } } },
    { input_1: { action: 'accept' } },
  ]) {
    const { result } = await call({ extra: { inputResponses, requestState } });
    expect(result.resultType, JSON.stringify(inputResponses)).toBe('input_required');
  }
});

test('modern: an answer before the question, without a state, does not count', async () => {
  expect((await call({ extra: { inputResponses: { input_1: ACCEPT } } })).result.resultType).toBe(
    'input_required',
  );
});

test('modern: an answer to a question that was not asked yet does not count', async () => {
  const first = await call({ name: 'ask_everything', args: {} });
  const early = { input_1: ACCEPT, input_2: SAMPLED, input_3: { roots: [] }, input_4: ACCEPT };
  const { requestState } = first.result;
  const second = await call({
    name: 'ask_everything',
    args: {},
    extra: { inputResponses: early, requestState },
  });
  expect(Object.keys(second.result.inputRequests)).toEqual(['input_4']);
});

test('modern: an answer counts for the very question it was given to, and for no other of the same name', async () => {
  const first = await call({ name: 'confirm_price' });
  const extra = { inputResponses: { input_1: ACCEPT }, requestState: first.result.requestState };
  const second = await call({ name: 'confirm_price', extra });
  expect(second.result.resultType).toBe('input_required');
  expect(second.result.inputRequests.input_1.params.message).not.toBe(
    first.result.inputRequests.input_1.params.message,
  );
});

test('modern: what the client has not declared is not asked for', async () => {
  const refused = await call({ capabilities: { sampling: {} } });
  expect([refused.status, refused.error.code]).toEqual([400, -32_021]);
  expect(refused.error.data).toEqual({ requiredCapabilities: { elicitation: { form: {} } } });
});

test('attack: a state that was changed, or is not one, is refused', async () => {
  const requestState = await asked();
  const flipped = (requestState[20] === 'A' ? 'B' : 'A') + requestState.slice(21);
  for (const forged of [
    `${requestState}x`,
    requestState.slice(0, -4),
    requestState.slice(0, 20) + flipped,
    '',
    'e30',
    7,
    null,
    {},
  ]) {
    const { error } = await call({ extra: { inputResponses: { input_1: ACCEPT }, requestState: forged } });
    expect(error?.code, String(forged)).toBe(-32_602);
  }
});

test('attack: a state of another user, another client, another tool or other arguments is refused', async () => {
  const requestState = await asked();
  const extra = { inputResponses: { input_1: ACCEPT }, requestState };
  for (const other of [
    { claims: { sub: 'mallory' } },
    { claims: { client_id: 'another' } },
    { name: 'confirm_once' },
    { args: { text: 'everything' } },
    { args: {} },
  ]) {
    expect((await call({ ...other, extra })).error?.code, JSON.stringify(other)).toBe(-32_602);
  }
  expect((await call({ extra })).result.resultType).toBe('complete');
});

test('attack: a state is refused after its time', async () => {
  const requestState = await asked();
  const giveUpAt = Date.now() + 30_000;
  let error: { code: number } | undefined;
  while (!error && Date.now() < giveUpAt) {
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    ({ error } = await call({ extra: { inputResponses: { input_1: ACCEPT }, requestState } }));
  }
  expect(error?.code).toBe(-32_602);
});

test('attack: where an answer serves once, its state serves once', async () => {
  const requestState = await asked({ name: 'confirm_once' });
  const extra = { inputResponses: { input_1: ACCEPT }, requestState };
  expect((await call({ name: 'confirm_once', extra })).result.content[0].text).toBe('it: accept');
  expect((await call({ name: 'confirm_once', extra })).error?.code).toBe(-32_602);
});

test('modern: without a secret nothing can be asked, and the log names the setting', async () => {
  const { startWorker } = await import('../support/worker.ts');
  const { trusting } = await import('../support/issuer.ts');
  await using worker = await startWorker({
    main: 'test/support/streaming-worker.ts',
    vars: { ...trusting(gate.issuer), REQUEST_STATE_SECRET: '' },
  });
  const params = {
    name: 'confirm',
    arguments: {},
    _meta: { ...META, 'io.modelcontextprotocol/clientCapabilities': CAPABILITIES },
  };
  const response = await rpc(worker, { token: await gate.issuer.sign(), method: 'tools/call', params });
  expect(await response.json()).toMatchObject({ result: { isError: true } });
  const failure = worker.logs().find(({ event }) => event === 'handler_failed');
  expect(failure?.error).toContain('REQUEST_STATE_SECRET is not set');
});

/** Calls `confirm` in a session, up to the question on its stream. */
async function askedInSession(sub: string) {
  const token = await gate.issuer.sign({ claims: { sub } });
  const sessionId = await open(gate.worker, token, CAPABILITIES);
  const events = eventsOf(
    await request(gate.worker, { token, sessionId }, 'tools/call', {
      name: 'confirm',
      arguments: { text: 'it' },
    }),
  );
  for (;;) {
    const { value } = await events.next();
    if (!value || value.data === '') continue;
    const question = JSON.parse(value.data);
    const result = async () => {
      for await (const { data } of events) if (data !== '') return JSON.parse(data);
    };
    return { token, sessionId, question, result };
  }
}

test('legacy: a question is a request on the stream of the call, and the answer completes it', async () => {
  const { token, sessionId, question, result } = await askedInSession('asked');
  expect(question).toMatchObject({
    method: 'elicitation/create',
    params: { mode: 'form', message: 'Sure about it?' },
  });
  expect((await send(gate.worker, { token, sessionId }, { id: question.id, result: ACCEPT })).status).toBe(
    202,
  );
  expect(await result()).toMatchObject({ id: 1, result: { content: [{ text: 'it: true' }] } });
});

test('legacy: an answer that does not fit, a refusal and silence become an error of the tool', async () => {
  const unfit = await askedInSession('unfit');
  await send(gate.worker, unfit, {
    id: unfit.question.id,
    result: { action: 'accept', content: { confirm: 'yes' } },
  });
  expect(await unfit.result()).toMatchObject({ result: { isError: true } });
  const refusing = await askedInSession('refusing');
  await send(gate.worker, refusing, { id: refusing.question.id, error: { code: -1, message: 'no' } });
  expect(await refusing.result()).toMatchObject({ result: { isError: true } });
  const silent = await askedInSession('silent');
  expect(await silent.result()).toMatchObject({
    result: { isError: true, content: [{ text: 'The client did not answer in time.' }] },
  });
});

test('attack: a question is answered by no other session, of the same client or of another user', async () => {
  const { token, sessionId, question, result } = await askedInSession('questioned');
  const neighbour = await open(gate.worker, token, CAPABILITIES);
  expect(
    (await send(gate.worker, { token, sessionId: neighbour }, { id: question.id, result: ACCEPT })).status,
  ).toBe(400);
  const mallory = await gate.issuer.sign({ claims: { sub: 'mallory' } });
  expect(
    (await send(gate.worker, { token: mallory, sessionId }, { id: question.id, result: ACCEPT })).status,
  ).toBe(404);
  await send(gate.worker, { token, sessionId }, { id: question.id, result: { action: 'decline' } });
  expect(await result()).toMatchObject({
    result: { isError: true, content: [{ text: 'The user said decline.' }] },
  });
});

test('legacy: what the client has not declared is not asked for, and the tool says so', async () => {
  const token = await gate.issuer.sign({ claims: { sub: 'plain' } });
  const sessionId = await open(gate.worker, token, {});
  const response = await request(gate.worker, { token, sessionId }, 'tools/call', {
    name: 'confirm',
    arguments: {},
  });
  expect(await response.json()).toMatchObject({
    result: { isError: true, content: [{ text: expect.stringContaining('elicitation') }] },
  });
});
