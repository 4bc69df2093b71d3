// One line of JSON per event, on the right stream, whatever is in it.

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { describeError, type LogEvent, log } from '../src/log.ts';

let lines: { stream: 'log' | 'error'; line: string }[];
beforeEach(() => {
  lines = [];
  for (const stream of ['log', 'error'] as const)
    vi.spyOn(console, stream).mockImplementation((...given: string[]) => {
      lines.push({ stream, line: given.join(' ') });
    });
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

function written(event: LogEvent): { stream: string; line: string } {
  log(event);
  const [first, ...more] = lines.splice(0);
  if (!first) throw new Error('nothing was written');
  expect(more).toEqual([]);
  return first;
}

test('an event is one line of JSON, with the time first', () => {
  vi.useFakeTimers({ now: new Date('2026-08-01T10:20:30.456Z') });
  expect(written({ event: 'issuer_keys_loaded', issuer: 'https://a.example', from: 'kv', keys: 2 })).toEqual({
    stream: 'log',
    line: '{"time":"2026-08-01T10:20:30.456Z","event":"issuer_keys_loaded","issuer":"https://a.example","from":"kv","keys":2}',
  });
});

/** The type makes sure that no event is forgotten. */
const EVENTS: {
  readonly [E in LogEvent['event']]: readonly ['log' | 'error', Extract<LogEvent, { event: E }>];
} = {
  decision: [
    'log',
    {
      event: 'decision',
      requestId: 'r',
      decision: 'deny',
      reason: 'token_expired',
      status: 401,
      latencyMs: 0,
    },
  ],
  call_ended: [
    'log',
    {
      event: 'call_ended',
      requestId: 'r',
      decision: 'allow',
      outcome: 'completed',
      callId: 'c',
      status: 200,
      latencyMs: 9,
    },
  ],
  issuer_keys_loaded: ['log', { event: 'issuer_keys_loaded', issuer: 'i', from: 'network', keys: 1 }],
  issuer_keys_failed: ['log', { event: 'issuer_keys_failed', issuer: 'i', detail: 'd' }],
  mirror_failed: ['log', { event: 'mirror_failed', issuer: 'i', detail: 'd' }],
  introspection_failed: ['log', { event: 'introspection_failed', issuer: 'i', detail: 'd' }],
  kv_failed: ['log', { event: 'kv_failed', operation: 'read', key: 'k', detail: 'd' }],
  config_invalid: ['error', { event: 'config_invalid', problems: ['a', 'b'] }],
  config_unsafe: ['error', { event: 'config_unsafe', problems: ['a'] }],
  policy_loaded: ['log', { event: 'policy_loaded', version: 17, from: 'kv' }],
  policy_failed: ['log', { event: 'policy_failed', from: 'registry', detail: 'd' }],
  admin_keys_refused: ['error', { event: 'admin_keys_refused', keys: ['key_1'] }],
  policy_changed: [
    'log',
    {
      event: 'policy_changed',
      requestId: 'r',
      version: 17,
      action: 'assign',
      target: { issuer: 'i', subject: 's', role: 'editor' },
      issuer: 'i',
      subject: 'carol',
      clientId: 'cli',
    },
  ],
  policy_published: ['log', { event: 'policy_published', version: 17 }],
  policy_publish_failed: ['log', { event: 'policy_publish_failed', version: 17, detail: 'd' }],
  audit_failed: ['log', { event: 'audit_failed', sink: 'queue', count: 3, detail: 'd' }],
  handler_failed: ['error', { event: 'handler_failed', requestId: 'r', handler: 'h', error: 'e' }],
  tool_output_invalid: ['error', { event: 'tool_output_invalid', requestId: 'r', handler: 'h', at: ['a.0'] }],
  request_failed: ['error', { event: 'request_failed', requestId: 'r', error: 'e' }],
};

test.each(Object.values(EVENTS))(
  'what somebody has to mend goes to the error stream, the rest does not: %s %j',
  (stream, event) => {
    const found = written(event);
    expect(found.stream).toBe(stream);
    expect(JSON.parse(found.line)).toEqual({ time: expect.any(String), ...event });
  },
);

test.each(['\n', '\r\n', '\0', '"}\n{"event":"forged', '\u001b[2J', '\ud800', 'caf\u00e9'])(
  'no text breaks out of its line: %j',
  (text) => {
    const { line } = written({ event: 'request_failed', requestId: text, error: `a${text}b` });
    expect(line).toMatch(/^[^\p{Cc}\p{Cs}]+$/u);
    expect(JSON.parse(line)).toMatchObject({ event: 'request_failed', requestId: text, error: `a${text}b` });
  },
);

test('what is undefined is left out', () => {
  const { line } = written({ ...EVENTS.decision[1], subject: undefined, tool: undefined });
  expect(JSON.parse(line)).toEqual({ time: expect.any(String), ...EVENTS.decision[1] });
});

const circle: Record<string, unknown> = {};
circle.self = circle;
test.each<[string, unknown]>([
  ['a circle', circle],
  ['a bigint', 1n],
  [
    'what throws when it is written',
    {
      toJSON() {
        throw new Error('no');
      },
    },
  ],
])('an event with %s in it does not throw, and does not get lost', (_, odd) => {
  const { line } = written({ event: 'request_failed', requestId: odd, error: 'e' } as LogEvent);
  expect(JSON.parse(line)).toMatchObject({ event: 'request_failed' });
});

class OddError extends Error {
  override readonly name = 'OddError';
}
test.each<[string, unknown, string]>([
  ['an Error', new Error('no'), 'Error: no'],
  ['an Error of a kind', new OddError('no'), 'OddError: no'],
  ['an Error without a message', new TypeError(), 'TypeError: '],
  ['text', 'secret', 'a value that is not an Error was thrown'],
  [
    'an object like an Error',
    { name: 'Error', message: 'secret' },
    'a value that is not an Error was thrown',
  ],
  ['nothing', undefined, 'a value that is not an Error was thrown'],
])('%s is described', (_, error, expected) => {
  expect(describeError(error)).toBe(expected);
});
