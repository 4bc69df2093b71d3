// What is a message, how much of a body is read, and what is a caller told about one that is none?

import { expect, test } from 'vitest';
import { type Failure, isDeeperThan, isFailure, readMessage } from '../../src/protocol/message.ts';

const LIMITS = { maxBodyBytes: 1_024, maxJsonDepth: 8 };
const JSON_TYPE = 'application/json';

function post(body: BodyInit | null, contentType: string | null = JSON_TYPE): Request {
  const headers = new Headers(contentType === null ? {} : { 'content-type': contentType });
  return new Request('https://mcp.example.com/mcp', {
    method: 'POST',
    headers,
    body,
    duplex: 'half',
  } as RequestInit);
}
const read = (body: BodyInit | null, contentType?: string) => readMessage(post(body, contentType), LIMITS);
const readJson = (value: unknown) => read(JSON.stringify(value));

const PING = { jsonrpc: '2.0', id: 1, method: 'ping' };
const PINGED = { kind: 'request', id: 1, method: 'ping', params: {}, meta: {} };

test.each<[string, object, object]>([
  ['a request', PING, PINGED],
  ['a request with a text id', { ...PING, id: 'a' }, { ...PINGED, id: 'a' }],
  ['a request with id 0', { ...PING, id: 0 }, { ...PINGED, id: 0 }],
  ['a request with an empty id', { ...PING, id: '' }, { ...PINGED, id: '' }],
  ['a request with params', { ...PING, params: { a: [1] } }, { ...PINGED, params: { a: [1] } }],
  [
    'a request with metadata',
    { ...PING, params: { a: 1, _meta: { b: 2 } } },
    { ...PINGED, params: { a: 1, _meta: { b: 2 } }, meta: { b: 2 } },
  ],
  [
    'a notification',
    { jsonrpc: '2.0', method: 'n', params: { a: 1 } },
    { kind: 'notification', method: 'n', params: { a: 1 }, meta: {} },
  ],
  ['a result', { jsonrpc: '2.0', id: 7, result: { a: 1 } }, { kind: 'response', id: 7, result: { a: 1 } }],
  [
    'a result that is null',
    { jsonrpc: '2.0', id: '', result: null },
    { kind: 'response', id: '', result: null },
  ],
  [
    'an error',
    { jsonrpc: '2.0', id: 'a', error: { code: 1, message: 'm' } },
    { kind: 'response', id: 'a', error: { code: 1, message: 'm' } },
  ],
  [
    'an error next to a result as an error only',
    { jsonrpc: '2.0', id: 7, result: {}, error: { code: 1 } },
    { kind: 'response', id: 7, error: { code: 1 } },
  ],
  ['a request that has a result as a request', { ...PING, result: {} }, PINGED],
  ['members it does not know', { ...PING, more: 1 }, PINGED],
])('reads %s', async (_, json, expected) => {
  expect(await readJson(json)).toStrictEqual(expected);
});

test.each([
  JSON_TYPE,
  'Application/JSON',
  'application/json; charset=utf-8',
  'application/json ;charset=UTF-8',
])('accepts the content type %s', async (contentType) => {
  expect(await read(JSON.stringify(PING), contentType)).toEqual(PINGED);
});

test.each([
  'text/plain',
  'application/json-rpc',
  'application/jsonp',
  'text/json',
  'a application/json',
  'application/x-www-form-urlencoded',
  'text/plain; application/json',
])('refuses the content type %s, and does not read the body', async (contentType) => {
  const request = post(JSON.stringify(PING), contentType);
  expect(await readMessage(request, LIMITS)).toEqual({
    status: 415,
    code: -32_600,
    message: 'Content-Type must be application/json',
  });
  expect(request.bodyUsed).toBe(false);
});

test('refuses a body without a content type', async () => {
  const request = post(new TextEncoder().encode(JSON.stringify(PING)), null);
  expect(await readMessage(request, LIMITS)).toMatchObject({ status: 415 });
});

const failure = (status: number, code: number, message: string, id?: string | number): Failure =>
  id === undefined ? { status, code, message } : { status, code, message, id };
const PARSE = failure(400, -32_700, 'The body is not valid JSON');
const NOT_UTF8 = failure(400, -32_700, 'The body is not UTF-8 or ended early');
const NOT_RPC = failure(400, -32_600, 'The body is not a JSON-RPC 2.0 message');
const BATCH = failure(400, -32_600, 'Batches are not supported; send one message per request');
const NO_METHOD = 'The message has neither a method nor a result';
const ID = failure(400, -32_600, 'id must be a number, or a string of at most 256 characters');
const OBJECTS = 'params and params._meta must be objects';
const DEEP = failure(400, -32_600, 'The message is nested too deeply');
const LARGE = failure(413, -32_600, 'The message is too large');

/** In every input, and in no answer. */
const MARK = 'Zaphod';
const bytes = (text: string) => Uint8Array.from(text, (char) => char.charCodeAt(0));
const nested = (depth: number) => JSON.parse(`${'['.repeat(depth)}"${MARK}"${']'.repeat(depth)}`);

test.each<[string, BodyInit, Failure]>([
  ['no JSON', `{"jsonrpc": ${MARK}}`, PARSE],
  ['JSON that is cut off', JSON.stringify({ ...PING, method: MARK }).slice(0, -1), PARSE],
  ['two messages', `${JSON.stringify({ ...PING, method: MARK })}{}`, PARSE],
  ['a byte order mark', `\ufeff${JSON.stringify({ ...PING, method: MARK })}`, PARSE],
  ['what is not UTF-8', bytes(`"${MARK}\xff"`), NOT_UTF8],
  ['UTF-8 that is cut off', bytes(`"${MARK}\xe2\x82`), NOT_UTF8],
  ['UTF-16', bytes([...JSON.stringify(MARK)].map((char) => `${char}\0`).join('')), PARSE],
  ['text', JSON.stringify(MARK), NOT_RPC],
  ['null', 'null', NOT_RPC],
  ['an object that is no message', JSON.stringify({ [MARK]: 1 }), NOT_RPC],
  ['another version of JSON-RPC', JSON.stringify({ ...PING, jsonrpc: MARK }), NOT_RPC],
  ['a version that is a number', JSON.stringify({ ...PING, jsonrpc: 2, a: MARK }), NOT_RPC],
  ['a batch', JSON.stringify([{ ...PING, method: MARK }]), BATCH],
  ['an empty batch', '[]', BATCH],
  [
    'a result without an id',
    JSON.stringify({ jsonrpc: '2.0', result: { a: MARK } }),
    failure(400, -32_600, NO_METHOD),
  ],
  ['an error without an id', JSON.stringify({ jsonrpc: '2.0', id: null, error: { message: MARK } }), ID],
  [
    'a result next to a method that is no text',
    JSON.stringify({ jsonrpc: '2.0', id: 7, method: [MARK], result: {} }),
    failure(400, -32_600, NO_METHOD, 7),
  ],
  [
    'a method that is no text',
    JSON.stringify({ ...PING, method: [MARK] }),
    failure(400, -32_600, NO_METHOD, 1),
  ],
  ['nothing but a version', JSON.stringify({ jsonrpc: '2.0', a: MARK }), failure(400, -32_600, NO_METHOD)],
  ['an id that is null', JSON.stringify({ ...PING, id: null, method: MARK }), ID],
  ['an id that is an object', JSON.stringify({ ...PING, id: { a: MARK } }), ID],
  ['an id beyond every number', `{"jsonrpc":"2.0","id":1e999,"method":"${MARK}"}`, ID],
  ['an id that is true', JSON.stringify({ ...PING, id: true, method: MARK }), ID],
  ['params that are a list', JSON.stringify({ ...PING, params: [MARK] }), failure(400, -32_602, OBJECTS, 1)],
  ['params that are text', JSON.stringify({ ...PING, params: MARK }), failure(400, -32_602, OBJECTS, 1)],
  [
    'metadata that is a list',
    JSON.stringify({ ...PING, params: { _meta: [MARK] } }),
    failure(400, -32_602, OBJECTS, 1),
  ],
  [
    'metadata that is text',
    JSON.stringify({ ...PING, id: 'a', params: { _meta: MARK } }),
    failure(400, -32_602, OBJECTS, 'a'),
  ],
  [
    'metadata that is text, in a notification',
    JSON.stringify({ jsonrpc: '2.0', method: 'n', params: { _meta: MARK } }),
    failure(400, -32_602, OBJECTS),
  ],
  ['nine levels', JSON.stringify({ ...PING, params: { a: nested(7) } }), DEEP],
  ['deep nesting that is no JSON', `${MARK}${'['.repeat(9)}`, DEEP],
  ['more bytes than the limit', JSON.stringify({ ...PING, a: MARK.repeat(1_024) }), LARGE],
])('refuses %s, and does not repeat it', async (_, body, expected) => {
  const outcome = await read(body);
  expect(outcome).toStrictEqual(expected);
  expect(JSON.stringify(outcome)).not.toContain(MARK);
});

test('accepts as many levels and bytes as the limits say', async () => {
  const params = { a: nested(6) };
  expect(await readJson({ ...PING, params })).toEqual({ ...PINGED, params });
  const padded = (length: number) => JSON.stringify(PING).padEnd(length);
  expect(await read(padded(LIMITS.maxBodyBytes))).toEqual(PINGED);
  expect(await read(padded(LIMITS.maxBodyBytes + 1))).toEqual(LARGE);
  const euro = { ...PING, method: '\u20ac'.repeat(340) };
  expect(JSON.stringify(euro).length).toBeLessThan(LIMITS.maxBodyBytes);
  expect(await readJson(euro)).toEqual(LARGE);
});

test('an empty body is no message', async () => {
  expect(await read('')).toEqual(PARSE);
  expect(await read(null)).toEqual(PARSE);
});

/** A body without Content-Length, and how often it was asked for more. */
function streamed(chunks: readonly (string | Error)[]) {
  const state = { pulled: 0, cancelled: false };
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const chunk = chunks[state.pulled];
        state.pulled += 1;
        if (chunk === undefined) controller.close();
        else if (typeof chunk === 'string') controller.enqueue(bytes(chunk));
        else controller.error(chunk);
      },
      cancel() {
        state.cancelled = true;
      },
    },
    { highWaterMark: 0 },
  );
  return { request: post(body as BodyInit), state };
}

test('a streamed body is read piece by piece, wherever its characters are cut', async () => {
  const text = JSON.stringify({ ...PING, method: '\u20ac' });
  const utf8 = Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte));
  const { request } = streamed(utf8);
  expect(request.headers.get('content-length')).toBeNull();
  expect(await readMessage(request, LIMITS)).toEqual({ ...PINGED, method: '\u20ac' });
});

test('a streamed body is counted while it is read, and given up at the limit', async () => {
  const { request, state } = streamed(Array.from({ length: 100 }, () => ' '.repeat(512)));
  expect(await readMessage(request, LIMITS)).toEqual(LARGE);
  expect(state).toEqual({ pulled: 3, cancelled: true });
});

test('a body that breaks off is refused', async () => {
  const { request } = streamed(['{"jsonrpc"', new Error(MARK)]);
  expect(await readMessage(request, LIMITS)).toEqual(NOT_UTF8);
});

/** With a Content-Length, as clients send bodies that they have whole. */
function measured(body: BodyInit, length: string | number): Request {
  const request = post(body);
  request.headers.set('content-length', String(length));
  return request;
}

test('a body that says its length is read at once, up to the limit and to the byte', async () => {
  const text = JSON.stringify({ ...PING, method: '\u20ac' });
  const length = new TextEncoder().encode(text).byteLength;
  expect(await readMessage(measured(text, length), LIMITS)).toEqual({ ...PINGED, method: '\u20ac' });
  const longest = JSON.stringify(PING).padEnd(LIMITS.maxBodyBytes);
  expect(await readMessage(measured(longest, 1_024), LIMITS)).toEqual(PINGED);
  expect(await readMessage(measured(`${longest} `, 1_025), LIMITS)).toEqual(LARGE);
  expect(await readMessage(measured(new Uint8Array([0xff]), 1), LIMITS)).toEqual(NOT_UTF8);
});

test.each(['1024', '5', '0'])('attack: a body that says %s and is longer is refused', async (length) => {
  expect(await readMessage(measured(' '.repeat(1_025), length), LIMITS)).toEqual(LARGE);
});

test.each(['', '-1', '1e3', '0x10', ' ', '5, 5', '99999'])(
  'attack: a length that is none or too much, %j, is not believed, and the body counted',
  async (length) => {
    const { request, state } = streamed(Array.from({ length: 100 }, () => ' '.repeat(512)));
    request.headers.set('content-length', length);
    expect(await readMessage(request, LIMITS)).toEqual(LARGE);
    expect(state).toEqual({ pulled: 3, cancelled: true });
  },
);

test.each<[string, number, boolean]>([
  ['[[]]', 2, false],
  ['[[]]', 1, true],
  ['{"a":[{}]}', 3, false],
  ['{"a":[{}]}', 2, true],
  ['[[],[],[],{}]', 2, false],
  ['["[[[[", "{{{"]', 1, false],
  ['["\\"[[[["]', 1, false],
  ['["\\\\",[[]]]', 2, true],
  ['"', 0, false],
])('whether %s is deeper than %i: %s', (text, limit, expected) => {
  expect(isDeeperThan(text, limit)).toBe(expected);
});

test('a failure is told from a message and from a result', () => {
  const response = { kind: 'response', id: 1, error: { code: 1 } };
  expect([PARSE, PINGED, response, { json: '{}' }].map(isFailure)).toEqual([true, false, false, false]);
});

test('an id of more than 256 characters is refused, and not repeated', async () => {
  const send = (id: string) => {
    const body = JSON.stringify({ jsonrpc: '2.0', id, method: 'ping' });
    const headers = { 'content-type': 'application/json' };
    return readMessage(new Request('https://mcp.example.com/mcp', { method: 'POST', headers, body }), {
      maxBodyBytes: 10_000,
      maxJsonDepth: 64,
    });
  };
  expect(await send('x'.repeat(256))).toMatchObject({ kind: 'request' });
  expect(await send('x'.repeat(257))).toStrictEqual(ID);
});
