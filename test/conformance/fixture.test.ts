// What the conformance suite takes on trust: that the fixture's answers are the ones meant, and not errors in disguise.
//
// The suite looks at the shape of most answers only; a refused argument would pass for a text. Here the content is
// looked at, on the real Worker. The scenarios themselves are run by `npm run conformance`, not here.

import { expect, test } from 'vitest';
import { useGate } from '../support/gate.ts';
import { eventsOf, messagesOf, open, request, send } from '../support/legacy.ts';
import { META, rpc } from '../support/rpc.ts';

const gate = useGate({ main: 'test/conformance/fixture/worker.ts' });

interface Answer {
  readonly result: Record<string, unknown> & { content: { type: string; text: string }[] };
  readonly error?: { code: number; data?: unknown };
}

const ALL_CAPABILITIES = { elicitation: {}, sampling: {}, roots: {} };

async function modern(
  method: string,
  params: object,
  capabilities: object = ALL_CAPABILITIES,
): Promise<Answer> {
  const _meta = { ...META, 'io.modelcontextprotocol/clientCapabilities': capabilities };
  const token = await gate.issuer.sign();
  const response = await rpc(gate.worker, { token, method, params: { _meta, ...params } });
  return (await response.json()) as Answer;
}

const call = (name: string, args: object = {}, more: object = {}): Promise<Answer> =>
  modern('tools/call', { name, arguments: args, ...more });

const textOf = ({ result }: Answer): string | undefined => result.content[0]?.text;

test.each([
  ['test_simple_text', { type: 'text', text: 'This is a simple text response for testing.' }],
  ['test_image_content', { type: 'image', mimeType: 'image/png', data: expect.stringMatching(/^iVBOR/) }],
  ['test_audio_content', { type: 'audio', mimeType: 'audio/wav', data: expect.stringMatching(/^UklGR/) }],
  [
    'test_embedded_resource',
    { type: 'resource', resource: expect.objectContaining({ uri: 'test://embedded-resource' }) },
  ],
])('%s gives what it says', async (name, content) => {
  const { result } = await call(name);
  expect(result).not.toHaveProperty('isError');
  expect(result.content).toEqual([content]);
});

test('only what must fail fails', async () => {
  expect((await call('test_error_handling')).result).toMatchObject({
    isError: true,
    content: [{ text: 'This tool intentionally returns an error for testing' }],
  });
  expect((await call('test_simple_text', { unknown: 1 })).result.isError).toBe(true);
});

test('the schema of JSON Schema 2020-12 is really applied: allOf, if, then, else, $ref, additionalProperties', async () => {
  const name = 'json_schema_2020_12_tool';
  const good = await call(name, { name: 'Ada', contactMethod: 'phone', phone: '1', address: { city: 'X' } });
  expect(textOf(good)).toBe('Ada can be reached at 1.');
  expect(textOf(await call(name, { email: 'a@b' }))).toBe('Somebody can be reached at a@b.');
  for (const bad of [
    {},
    { phone: '1' },
    { contactMethod: 'phone', email: 'a@b' },
    { contactMethod: 'fax', phone: '1', email: 'a@b' },
    { email: 'a@b', address: { city: 1 } },
    { email: 'a@b', other: 1 },
  ]) {
    expect((await call(name, bad)).result.isError, JSON.stringify(bad)).toBe(true);
  }
});

test('everything in the fixture is behind the gate', async () => {
  const token = await gate.issuer.sign({ claims: { scope: '' } });
  for (const [method, params] of [
    ['tools/call', { name: 'test_simple_text' }],
    ['resources/read', { uri: 'test://static-text' }],
    ['prompts/get', { name: 'test_simple_prompt' }],
  ] as const) {
    expect((await rpc(gate.worker, { token, method, params })).status, method).toBe(403);
  }
});

test('answers count when the state comes with them, extra keys or not; without a needed one it is asked again', async () => {
  const name = 'test_input_required_result_elicitation';
  const { requestState } = (await call(name)).result;
  const user_name = { action: 'accept', content: { name: 'Alice' } };
  const extra = { action: 'accept', content: { foo: 'bar' } };

  const done = await call(name, {}, { requestState, inputResponses: { user_name, extra } });
  expect(done.result.resultType).toBe('complete');
  expect(textOf(done)).toBe('Hello, Alice!');
  for (const inputResponses of [{ extra }, { user_name: 12345 }, { user_name: null }, null, undefined]) {
    const again = await call(name, {}, { requestState, inputResponses });
    expect(again.result, JSON.stringify(inputResponses)).toMatchObject({
      resultType: 'input_required',
      inputRequests: { user_name: { method: 'elicitation/create' } },
    });
  }
});

test('an answer to a question that was never asked does not count', async () => {
  const inputResponses = { user_name: { action: 'accept', content: { name: 'Alice' } } };
  const { result } = await call('test_input_required_result_elicitation', {}, { inputResponses });
  expect(result.resultType).toBe('input_required');
});

test('questions in turn carry the earlier answers along; questions at once are answered at once', async () => {
  const round = 'test_input_required_result_multi_round';
  const first = (await call(round)).result;
  const step1 = { action: 'accept', content: { name: 'Alice' } };
  const second = await call(round, {}, { requestState: first.requestState, inputResponses: { step1 } });
  expect(second.result.inputRequests).toMatchObject({
    step2: { params: { message: 'Step 2: What is your favorite color, Alice?' } },
  });
  const step2 = { action: 'accept', content: { color: 'blue' } };
  const { requestState } = second.result;
  expect(textOf(await call(round, {}, { requestState, inputResponses: { step2 } }))).toBe(
    'Alice likes blue.',
  );

  const several = 'test_input_required_result_multiple_inputs';
  const asked = (await call(several)).result;
  const answered = await call(
    several,
    {},
    {
      requestState: asked.requestState,
      inputResponses: {
        user_name: step1,
        greeting: { role: 'assistant', content: { type: 'text', text: 'Good day' }, model: 'm' },
        client_roots: { roots: [{ uri: 'file:///a' }] },
      },
    },
  );
  expect(textOf(answered)).toBe('Hello, Alice!\nGood day\n1 roots: file:///a');
});

test('only what the client declares is asked, and what it must declare is named', async () => {
  const some = { name: 'test_input_required_result_capabilities' };
  const { result } = await modern('tools/call', some, { roots: {} });
  expect(Object.keys(result.inputRequests as object)).toEqual(['client_roots']);
  const none = await modern('tools/call', some, {});
  expect(textOf(none)).toBe('There is nobody to ask.');
  const missing = await modern('tools/call', { name: 'test_missing_capability' }, {});
  expect(missing.error).toMatchObject({ code: -32021, data: { requiredCapabilities: { sampling: {} } } });
});

test('a template reads what it stands for, a prompt fills in its arguments and suggests some', async () => {
  const read = await modern('resources/read', { uri: 'test://template/123/data' });
  const [content] = read.result.contents as { text: string }[];
  expect(JSON.parse(content?.text ?? '')).toMatchObject({ id: '123', data: 'Data for ID: 123' });
  expect((await modern('resources/read', { uri: 'test://template/x/data' })).error?.code).toBe(-32602);

  const name = 'test_prompt_with_arguments';
  const { result } = await modern('prompts/get', { name, arguments: { arg1: 'one', arg2: 'two' } });
  expect(result.messages).toEqual([
    { role: 'user', content: { type: 'text', text: "Prompt with arguments: arg1='one', arg2='two'" } },
  ]);
  const completed = await modern('completion/complete', {
    ref: { type: 'ref/prompt', name },
    argument: { name: 'arg1', value: 'test' },
  });
  expect(completed.result.completion).toMatchObject({ values: ['test', 'testing'] });
});

test('in the older era the same tools ask on the stream, and tell what was answered', async () => {
  const token = await gate.issuer.sign();
  const sessionId = await open(gate.worker, token, { elicitation: {}, sampling: {} });
  const ask = async (name: string, args: object, answer: object): Promise<unknown> => {
    const response = await request(gate.worker, { token, sessionId }, 'tools/call', {
      name,
      arguments: args,
    });
    for await (const { data } of eventsOf(response)) {
      const message = data === '' ? {} : JSON.parse(data);
      if (message.method !== undefined)
        await send(gate.worker, { token, sessionId }, { id: message.id, result: answer });
      else if (message.result !== undefined) return message.result.content[0].text;
    }
    return 'no result';
  };
  const email = { username: 'ada', email: 'a@b' };
  expect(await ask('test_elicitation', { message: 'Who?' }, { action: 'accept', content: email })).toBe(
    `User response: action=accept, content=${JSON.stringify(email)}`,
  );
  const content = { type: 'text', text: 'Paris' };
  expect(await ask('test_sampling', { prompt: '?' }, { role: 'assistant', content, model: 'm' })).toBe(
    'LLM response: Paris',
  );
});

test('progress and logs come in order, before the result, and only to those who asked', async () => {
  const token = await gate.issuer.sign();
  const sessionId = await open(gate.worker, token);
  const messages = async (name: string, _meta: object) =>
    messagesOf(
      await request(gate.worker, { token, sessionId }, 'tools/call', { name, arguments: {}, _meta }),
    );
  const progress = await messages('test_tool_with_progress', { progressToken: 'p' });
  expect(progress.map(({ params }) => (params as { progress: number } | undefined)?.progress)).toEqual([
    0,
    50,
    100,
    undefined,
  ]);
  await request(gate.worker, { token, sessionId }, 'logging/setLevel', { level: 'debug' });
  const logs = await messages('test_tool_with_logging', {});
  expect(logs.map(({ params }) => (params as { data: string } | undefined)?.data)).toEqual([
    'Tool execution started',
    'Tool processing data',
    'Tool execution completed',
    undefined,
  ]);
  await request(gate.worker, { token, sessionId }, 'logging/setLevel', { level: 'error' });
  const quiet = await request(gate.worker, { token, sessionId }, 'tools/call', {
    name: 'test_tool_with_logging',
    arguments: {},
  });
  expect(quiet.headers.get('content-type')).toBe('application/json');
});
