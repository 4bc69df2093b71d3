// The legacy era: which version a session gets, which methods there are, and what a session keeps on behalf of them.

import { expect, test } from 'vitest';
import { createCatalogue } from '../../src/protocol/catalogue.ts';
import { handleLegacy, initialize, type LegacySession } from '../../src/protocol/legacy.ts';
import { isFailure } from '../../src/protocol/message.ts';
import { definePrompt } from '../../src/protocol/prompt.ts';
import { defineResource } from '../../src/protocol/resource.ts';
import { config, invalid, methodContext, request } from './methods/call.ts';

const serverInfo = { name: 'test', version: '1', title: 'Test' };
const started = (params: object, settings: object = {}) => {
  const catalogue = createCatalogue({ tools: [] });
  const outcome = initialize(request('initialize', params), {
    config: config({ serverInfo, ...settings }),
    catalogue,
  });
  return isFailure(outcome) ? outcome : { ...outcome, json: JSON.parse(outcome.json) };
};

test.each([
  ['2025-11-25', '2025-11-25'],
  ['2025-06-18', '2025-06-18'],
  ['2025-03-26', '2025-03-26'],
  ['2024-11-05', '2025-11-25'],
  ['2026-07-28', '2025-11-25'],
  ['2099-01-01', '2025-11-25'],
  ['', '2025-11-25'],
])('a client that asks for %j gets %s', (wanted, protocolVersion) => {
  const clientInfo = { name: 'c', version: '2' };
  const capabilities = { roots: { listChanged: true } };
  expect(started({ protocolVersion: wanted, clientInfo, capabilities })).toEqual({
    protocolVersion,
    clientInfo,
    capabilities,
    json: { protocolVersion, capabilities: { tools: { listChanged: true }, logging: {} }, serverInfo },
  });
});

test('instructions are told where there are any', () => {
  const params = { protocolVersion: '2025-11-25', capabilities: {} };
  expect(started(params, { instructions: 'List first.' })).toMatchObject({
    json: { instructions: 'List first.' },
  });
});

test('a client that declares nothing is capable of nothing', () => {
  expect(started({ protocolVersion: '2025-11-25' })).toMatchObject({ capabilities: {} });
});

test.each<[string, object]>([
  ['no version', { capabilities: {} }],
  ['a version that is no text', { protocolVersion: 20251125, capabilities: {} }],
  ['capabilities that are a list', { protocolVersion: '2025-11-25', capabilities: [] }],
  ['capabilities that are null', { protocolVersion: '2025-11-25', capabilities: null }],
])('initialize with %s is refused', (_, params) => {
  expect(started(params)).toEqual({
    ...invalid('initialize must have protocolVersion and capabilities'),
    status: 400,
  });
});

const GIVEN = {
  era: 'legacy',
  tools: [],
  prompts: [
    definePrompt({ name: 'p', title: 'P', description: 'D', scopes: [], permissions: [], get: () => 'hi' }),
  ],
  resources: [
    defineResource({
      name: 'r',
      description: 'D',
      scopes: [],
      permissions: [],
      uri: 'a://b',
      read: () => ({ text: '' }),
    }),
    defineResource({
      name: 't',
      description: 'D',
      scopes: [],
      permissions: [],
      uriTemplate: 't://{x}',
      read: () => undefined,
    }),
  ],
} as const;

/** The outcome, and what the session was told. */
async function handled(method: string, params: object = {}, hasRoom = true) {
  const told: unknown[] = [];
  const session: LegacySession = {
    setLogLevel: (level) => told.push(['level', level]),
    async subscribe(uri) {
      told.push(['subscribe', uri]);
      return hasRoom;
    },
    unsubscribe: (uri) => told.push(['unsubscribe', uri]),
  };
  const outcome = await handleLegacy(request(method, params), methodContext(GIVEN), session);
  return { outcome: 'json' in outcome ? { json: JSON.parse(outcome.json) } : outcome, told };
}
const EMPTY = { json: {} };

test('a ping is answered with nothing', async () => {
  expect(await handled('ping')).toEqual({ outcome: EMPTY, told: [] });
});

test.each<[string, object, object]>([
  ['tools/list', {}, { tools: [] }],
  ['resources/list', {}, { resources: [{ uri: 'a://b' }] }],
  ['resources/templates/list', {}, { resourceTemplates: [{ uriTemplate: 't://{x}' }] }],
  ['resources/read', { uri: 'a://b' }, { contents: [{ uri: 'a://b', text: '' }] }],
  ['prompts/list', {}, { prompts: [{ name: 'p' }] }],
  ['prompts/get', { name: 'p' }, { messages: [{ role: 'user', content: { type: 'text', text: 'hi' } }] }],
  [
    'completion/complete',
    { ref: { type: 'ref/prompt', name: 'p' }, argument: { name: 'a', value: '' } },
    { completion: { values: [] } },
  ],
])('%s is a method, and has nothing of the modern era in its result', async (method, params, expected) => {
  const { outcome } = await handled(method, params);
  expect(outcome).toMatchObject({ json: expected });
  for (const name of ['resultType', 'ttlMs', 'cacheScope', '_meta'])
    expect(outcome).not.toHaveProperty(`json.${name}`);
});

test('a tool that there is not is a protocol error', async () => {
  expect((await handled('tools/call', { name: 'x' })).outcome).toEqual(invalid('There is no such tool'));
});

test.each([
  'server/discover',
  'subscriptions/listen',
  'initialize',
  'Ping',
  'tools/call ',
  'constructor',
  '__proto__',
  'notifications/cancelled',
  'tasks/list',
  '',
])('there is no method %j', async (method) => {
  const outcome = { status: 200, code: -32_601, message: 'Method not found', id: 7 };
  expect(await handled(method)).toEqual({ outcome, told: [] });
});

test.each(['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'])(
  '%s is a level of the log',
  async (level) => {
    expect(await handled('logging/setLevel', { level })).toEqual({
      outcome: EMPTY,
      told: [['level', level]],
    });
  },
);

test.each([undefined, null, '', 'Debug', 'warn', 'trace', 'off', 0, 7, ['debug'], 'constructor'])(
  '%j is no level of the log',
  async (level) => {
    const outcome = invalid('level must be one of the levels of RFC 5424');
    expect(await handled('logging/setLevel', { level })).toEqual({ outcome, told: [] });
  },
);

test.each(['a://b', 't://1'])(
  'a resource can be subscribed to, until there are too many: %s',
  async (uri) => {
    const told = [['subscribe', uri]];
    expect(await handled('resources/subscribe', { uri })).toEqual({ outcome: EMPTY, told });
    expect(await handled('resources/subscribe', { uri }, false)).toEqual({
      outcome: invalid('This session has too many subscriptions'),
      told,
    });
  },
);

test.each(['a://c', 't://1/2', ''])(
  'a resource that there is not cannot be subscribed to: %j',
  async (uri) => {
    expect(await handled('resources/subscribe', { uri })).toEqual({
      outcome: { status: 200, code: -32_002, message: 'There is no such resource', id: 7, data: { uri } },
      told: [],
    });
  },
);

test('a subscription can be given up, also one that was never there', async () => {
  for (const uri of ['a://b', 'a://c']) {
    expect(await handled('resources/unsubscribe', { uri })).toEqual({
      outcome: EMPTY,
      told: [['unsubscribe', uri]],
    });
  }
});

test.each(['resources/subscribe', 'resources/unsubscribe'])('%s wants a URI', async (method) => {
  for (const uri of [undefined, null, 5, ['a://b']]) {
    expect(await handled(method, { uri })).toEqual({ outcome: invalid('uri must be a string'), told: [] });
  }
});
