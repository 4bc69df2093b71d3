// Every method and every malformed input, in both eras: what differs is in one literal table, everything else is the same.

import { beforeAll, expect, test } from 'vitest';
import { useGate } from '../support/gate.ts';
import { open, send } from '../support/legacy.ts';
import { META, rpc } from '../support/rpc.ts';

const gate = useGate({ vars: { MAX_BODY_BYTES: '4096' } });

interface Case {
  readonly method: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly claims?: Readonly<Record<string, unknown>>;
}

const call = (name: unknown, args?: unknown, claims?: Case['claims']): Case => ({
  method: 'tools/call',
  params: { name, ...(args === undefined ? {} : { arguments: args }) },
  ...(claims ? { claims } : {}),
});

const CASES: Readonly<Record<string, Case>> = {
  'tools/list': { method: 'tools/list' },
  'tools/list as a reader': { method: 'tools/list', claims: { roles: ['reader'] } },
  'tools/list with a cursor that is none': { method: 'tools/list', params: { cursor: 'nonsense' } },
  'a tool': call('list_reports', {}),
  'a tool without arguments': call('list_reports'),
  'a tool with arguments that do not fit': call('read_report', { id: 7 }),
  'a tool with arguments that are no object': call('read_report', []),
  'a tool that fails': call('read_report', { id: 'none' }),
  'a tool that does not exist': call('nothing', {}),
  'a tool without the scope': call('update_report', { id: 'a', body: 'x' }, { scope: '' }),
  'a tool without the permission': call('update_report', { id: 'a', body: 'x' }, { roles: ['reader'] }),
  'a tool with state': call('recall', {}),
  'resources/list': { method: 'resources/list' },
  'resources/templates/list': { method: 'resources/templates/list' },
  'a resource': { method: 'resources/read', params: { uri: 'report:///a' } },
  'a resource without the scope': {
    method: 'resources/read',
    params: { uri: 'report:///a' },
    claims: { scope: '' },
  },
  'a resource without the permission': {
    method: 'resources/read',
    params: { uri: 'report:///a' },
    claims: { roles: [] },
  },
  'a resource that does not exist': { method: 'resources/read', params: { uri: 'report:///none' } },
  'a resource of no template': { method: 'resources/read', params: { uri: 'other:///a' } },
  'prompts/list': { method: 'prompts/list' },
  'a prompt': { method: 'prompts/get', params: { name: 'summarize_report', arguments: { id: 'a' } } },
  'a prompt without what it needs': {
    method: 'prompts/get',
    params: { name: 'summarize_report', arguments: {} },
  },
  'a prompt with an unknown argument': {
    method: 'prompts/get',
    params: { name: 'summarize_report', arguments: { id: 'a', x: 'y' } },
  },
  'a prompt that fails': {
    method: 'prompts/get',
    params: { name: 'summarize_report', arguments: { id: 'none' } },
  },
  'a prompt that does not exist': { method: 'prompts/get', params: { name: 'nothing' } },
  'a completion': {
    method: 'completion/complete',
    params: { ref: { type: 'ref/prompt', name: 'summarize_report' }, argument: { name: 'id', value: '' } },
  },
  'a completion of a template': {
    method: 'completion/complete',
    params: { ref: { type: 'ref/resource', uri: 'report:///{id}' }, argument: { name: 'id', value: 'a' } },
  },
  'a completion of nothing': {
    method: 'completion/complete',
    params: { ref: { type: 'ref/prompt', name: 'nothing' }, argument: { name: 'x', value: '' } },
  },
  'a completion that is malformed': { method: 'completion/complete', params: { ref: 'x' } },
  'an unknown method': { method: 'no/such' },
  ping: { method: 'ping' },
  'logging/setLevel': { method: 'logging/setLevel', params: { level: 'debug' } },
  'resources/subscribe': { method: 'resources/subscribe', params: { uri: 'report:///a' } },
  'server/discover': { method: 'server/discover' },
};

/** What may differ, and how. */
const DIFFERENCES: Readonly<Record<string, { modern: unknown; legacy: unknown }>> = {
  'a resource that does not exist': { modern: [200, -32_602], legacy: [200, -32_002] },
  'a resource of no template': { modern: [200, -32_602], legacy: [200, -32_002] },
  'an unknown method': { modern: [404, -32_601], legacy: [200, -32_601] },
  // Gone in the modern era.
  ping: { modern: [404, -32_601], legacy: [200, undefined] },
  'logging/setLevel': { modern: [404, -32_601], legacy: [200, undefined] },
  'resources/subscribe': { modern: [404, -32_601], legacy: [200, undefined] },
  // New in the modern era.
  'server/discover': { modern: [200, undefined], legacy: [200, -32_601] },
};

interface Outcome {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

async function outcomeOf(response: Promise<Response>): Promise<Outcome> {
  const { status, headers, text } = await response.then(async (got) => ({
    status: got.status,
    headers: got.headers,
    text: await got.text(),
  }));
  expect(headers.get('content-type')).toBe('application/json');
  return { status, body: JSON.parse(text) };
}

const tokenOf = (claims: Case['claims'] = {}) =>
  gate.issuer.sign({ claims: { scope: 'reports:read reports:write', ...claims } });

async function modern({ method, params, claims }: Case): Promise<Outcome> {
  return outcomeOf(
    rpc(gate.worker, { token: await tokenOf(claims), method, params: { ...params, _meta: META } }),
  );
}

async function legacy({ method, params = {}, claims }: Case): Promise<Outcome> {
  const token = await tokenOf(claims);
  return outcomeOf(send(gate.worker, { token, sessionId }, { id: 1, method, params }));
}

/** Without what every modern result has and no legacy one. */
function common({ status, body }: Outcome): Outcome {
  const { result, ...rest } = body as { result?: Record<string, unknown> };
  if (!result) return { status, body };
  const { resultType, ttlMs, cacheScope, _meta, ...shared } = result;
  return { status, body: { ...rest, result: shared } };
}

let sessionId: string;
beforeAll(async () => {
  const env = await gate.worker.env();
  await env.REPORTS.put('report:a', JSON.stringify({ id: 'a', title: 'A', body: 'Text of A' }), {
    metadata: { title: 'A' },
  });
  sessionId = await open(gate.worker, await tokenOf());
});

test.each(Object.keys(CASES).filter((name) => !(name in DIFFERENCES)))(
  '%s: is the same in both eras',
  async (name) => {
    const same = CASES[name] as Case;
    expect(common(await legacy(same))).toEqual(common(await modern(same)));
  },
);

test.each(Object.entries(DIFFERENCES))('%s: differs as written', async (name, expected) => {
  const codeOf = ({ status, body }: Outcome) => [status, (body.error as { code: number } | undefined)?.code];
  const different = CASES[name] as Case;
  expect({ modern: codeOf(await modern(different)), legacy: codeOf(await legacy(different)) }).toEqual(
    expected,
  );
});

test('every result of the modern era says of what type it is, and none of the legacy era does', async () => {
  for (const name of [
    'tools/list',
    'a tool',
    'a tool without the permission',
    'a resource',
    'a prompt',
    'a completion',
  ]) {
    const one = CASES[name] as Case;
    expect((await modern(one)).body.result, name).toHaveProperty('resultType', 'complete');
    expect((await legacy(one)).body.result, name).not.toHaveProperty('resultType');
  }
});

const FINE = [200, undefined];
const MISMATCH = [400, -32_020];
/** Headers beside a good message: the older era does not need them, and in both they say what the body says. */
const HEADERS: readonly [
  what: string,
  name: string,
  headers: Readonly<Record<string, string | null>>,
  expected: { modern: unknown; legacy: unknown },
][] = [
  ['no Mcp-Method', 'a tool', { 'mcp-method': null }, { modern: MISMATCH, legacy: FINE }],
  ['no Mcp-Name', 'a tool', { 'mcp-name': null }, { modern: MISMATCH, legacy: FINE }],
  ['what the body says', 'a tool', {}, { modern: FINE, legacy: FINE }],
  ['another Mcp-Method', 'a tool', { 'mcp-method': 'tools/list' }, { modern: MISMATCH, legacy: MISMATCH }],
  ['another Mcp-Name', 'a tool', { 'mcp-name': 'whoami' }, { modern: MISMATCH, legacy: MISMATCH }],
  ['another URI', 'a resource', { 'mcp-name': 'report:///b' }, { modern: MISMATCH, legacy: MISMATCH }],
  ['another prompt', 'a prompt', { 'mcp-name': 'nothing' }, { modern: MISMATCH, legacy: MISMATCH }],
  ['a name of nothing', 'tools/list', { 'mcp-name': 'whoami' }, { modern: MISMATCH, legacy: MISMATCH }],
];

test.each(HEADERS)('%s in the headers of %s: counts as written', async (_what, name, headers, expected) => {
  const { method, params } = CASES[name] as Case;
  const token = await tokenOf();
  const codeOf = ({ status, body }: Outcome) => [status, (body.error as { code: number } | undefined)?.code];
  const inModern = rpc(gate.worker, { token, method, params: { ...params, _meta: META }, headers });
  const session = { 'mcp-protocol-version': '2025-11-25', 'mcp-session-id': sessionId };
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: params ?? {} });
  const inLegacy = rpc(gate.worker, {
    token,
    method,
    params: params ?? {},
    body,
    headers: { ...session, ...headers },
  });
  expect({ modern: codeOf(await outcomeOf(inModern)), legacy: codeOf(await outcomeOf(inLegacy)) }).toEqual(
    expected,
  );
});

const MALFORMED: readonly [name: string, body: string, contentType?: string][] = [
  ['not JSON', '{'],
  ['not JSON-RPC', '{}'],
  ['a batch', '[]'],
  ['an id that is null', '{"jsonrpc":"2.0","id":null,"method":"tools/list"}'],
  ['params that are a list', '{"jsonrpc":"2.0","id":1,"method":"tools/list","params":[]}'],
  ['no method', '{"jsonrpc":"2.0","id":1}'],
  ['nested too deeply', '['.repeat(100)],
  ['too long', `{"jsonrpc":"2.0","id":1,"method":"tools/list","x":"${'x'.repeat(5_000)}"}`],
  ['another content type', '{"jsonrpc":"2.0","id":1,"method":"tools/list"}', 'text/plain'],
];

test.each(MALFORMED)('%s: is refused alike', async (_name, body, contentType = 'application/json') => {
  const token = await tokenOf();
  const modernHeaders = { 'content-type': contentType };
  const inModern = await outcomeOf(rpc(gate.worker, { token, body, headers: modernHeaders }));
  const legacyHeaders = {
    ...modernHeaders,
    'mcp-protocol-version': '2025-11-25',
    'mcp-method': null,
    'mcp-session-id': sessionId,
  };
  const inLegacy = await outcomeOf(rpc(gate.worker, { token, body, headers: legacyHeaders }));
  expect(inLegacy).toEqual(inModern);
  expect(inModern.status).toBeGreaterThanOrEqual(400);
});
