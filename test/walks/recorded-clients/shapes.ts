// Requests as real clients send them: what was recorded in public issues or stands in the client's public code.
//
// Headers that nobody recorded are left out; only the token, the session and the host are of the test's own.

import type { TestWorker } from '../../support/worker.ts';

export const ORIGIN = 'https://mcp.example.com';
export const METADATA = '/.well-known/oauth-protected-resource';
export const SERVER_METADATA = '/.well-known/oauth-authorization-server';

export interface Shape {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: object;
}

/** What differs from run to run. */
export interface Run {
  readonly token?: string;
  readonly sessionId?: string;
}

export function send(worker: TestWorker, shape: Shape, { token, sessionId }: Run = {}): Promise<Response> {
  return worker.fetch(ORIGIN + shape.target, {
    method: shape.method,
    headers: {
      ...shape.headers,
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(sessionId === undefined ? {} : { 'mcp-session-id': sessionId }),
    },
    ...(shape.body ? { body: JSON.stringify(shape.body) } : {}),
  });
}

const post = (headers: Readonly<Record<string, string>>, body: object, target = '/mcp'): Shape => ({
  method: 'POST',
  target,
  headers: { 'content-type': 'application/json', ...headers },
  body: { jsonrpc: '2.0', ...body },
});

const get = (target: string, headers: Readonly<Record<string, string>>): Shape => ({
  method: 'GET',
  target,
  headers,
});

const initialize = (protocolVersion: string, name: string, version: string): object => ({
  id: 0,
  method: 'initialize',
  params: { protocolVersion, capabilities: {}, clientInfo: { name, version } },
});

const LIST = { id: 1, method: 'tools/list' };
const INITIALIZED = { method: 'notifications/initialized' };
const call = (name: string, args: object, meta?: object): object => ({
  id: 2,
  method: 'tools/call',
  params: { name, arguments: args, ...(meta ? { _meta: meta } : {}) },
});

// claude-ai-mcp #1061: User-Agent; #62: no Origin; #260: clientInfo; #70: the version in the body only, never as a header.
const FROM_CLAUDE = { 'user-agent': 'Claude-User' };

export const CLAUDE = {
  initialize: post(FROM_CLAUDE, initialize('2025-11-25', 'Anthropic/ClaudeAI', '1.0.0')),
  initialized: post(FROM_CLAUDE, INITIALIZED),
  list: post(FROM_CLAUDE, LIST),
  call: post(FROM_CLAUDE, call('list_reports', {})),
  // claude-ai-mcp #931: a tool that needs a scope which was not asked for when connecting.
  write: post(FROM_CLAUDE, call('update_report', { id: '2026-q1', body: 'x' })),
  // fastmcp #1466: it asks HEAD first, and people enter the URL with a slash at the end.
  head: { method: 'HEAD', target: '/mcp', headers: { 'user-agent': 'python-httpx/0.27.0' } },
  headWithSlash: { method: 'HEAD', target: '/mcp/', headers: { 'user-agent': 'python-httpx/0.27.0' } },
} satisfies Record<string, Shape>;

// typingmind-mcp #25: User-Agent; claude-code #45368: Accept without text/event-stream.
const FROM_CLAUDE_CODE = { 'user-agent': 'claude-code/2.1.204 (cli)', accept: 'application/json' };
// sentry-mcp #1247: the query of the URL that was entered goes along with every request.
const ENTERED = '/mcp?utm_source=plugin';

export const CLAUDE_CODE = {
  initialize: post(FROM_CLAUDE_CODE, initialize('2025-11-25', 'claude-code', '2.1.258'), ENTERED),
  call: post(FROM_CLAUDE_CODE, call('whoami', {}), ENTERED),
  // claude-code #71610: `claude mcp login` looks here before it has seen any challenge.
  metadata: get(`${METADATA}/mcp?utm_source=plugin`, {}),
} satisfies Record<string, Shape>;

export const CURSOR = {
  // gamedev.pl #483: the order of the paths. The headers are what fetch sends.
  metadata: get(`${METADATA}/mcp`, {
    'user-agent': 'node',
    'mcp-protocol-version': '2025-06-18',
    accept: '*/*',
  }),
  // cursor #3640: goes on with the session it had before the server was restarted.
  call: post({}, call('whoami', {})),
} satisfies Record<string, Shape>;

// vscode, extHostMcp.ts: no Origin, and no MCP-Protocol-Version but for metadata.
const FROM_VSCODE = { 'user-agent': 'Visual Studio Code/1.124.2' };
const VSCODE_POST = { ...FROM_VSCODE, accept: 'text/event-stream, application/json' };

export const VSCODE = {
  initialize: post(VSCODE_POST, initialize('2025-11-25', 'Visual Studio Code', '1.124.2')),
  // codex #7951: what VS Code puts into _meta.
  call: post(
    VSCODE_POST,
    call(
      'whoami',
      {},
      {
        progressToken: '1106ae9e-bd94-46ef-a2c5-d26891770c41',
        'vscode.conversationId': 'dc30885e-3edb-4744-8521-a8e63f890573',
        'vscode.requestId': 'bf766dd8-b330-4d1d-bac5-8bfa3f71b8dc',
      },
    ),
  ),
  backchannel: get('/mcp', { ...FROM_VSCODE, accept: 'text/event-stream' }),
  metadata: get(`${METADATA}/mcp`, { ...FROM_VSCODE, 'mcp-protocol-version': '2025-11-25' }),
  close: { method: 'DELETE', target: '/mcp', headers: FROM_VSCODE },
} satisfies Record<string, Shape>;

// openai-apps-sdk-examples #201: User-Agent, and every batch starts without a session.
const FROM_CHATGPT = { 'user-agent': 'openai-mcp/1.0.0' };

export const CHATGPT = {
  initialize: post(FROM_CHATGPT, initialize('2025-03-26', 'openai-mcp', '1.0.0')),
  list: post(FROM_CHATGPT, LIST),
  // flowfuse #8561: what ChatGPT puts into _meta.
  call: post(FROM_CHATGPT, call('whoami', {}, { 'openai/session': 'conversation-7' })),
  write: post(FROM_CHATGPT, call('update_report', { id: '2026-q1', body: 'x' })),
} satisfies Record<string, Shape>;

// routecraft #329: where the Inspector's page is; netdata #22258: what a browser asks before it sends such a request.
const PAGE = { origin: 'http://localhost:6274' };
const asking = (target: string, method: string, headers: string): Shape => ({
  method: 'OPTIONS',
  target,
  headers: {
    ...PAGE,
    'access-control-request-method': method,
    'access-control-request-headers': headers,
  },
});

/** Whether a browser that asked like this goes on to send the request. */
export function mayBeSent({ headers }: Shape, answer: Response): boolean {
  const allowed = answer.headers.get('access-control-allow-headers')?.toLowerCase().split(', ') ?? [];
  const asked = headers['access-control-request-headers']?.split(',') ?? [];
  return asked.length > 0 && asked.every((name) => allowed.includes(name));
}

const probing = (target: string) => ({
  preflight: asking(target, 'GET', 'mcp-protocol-version'),
  probe: get(target, { ...PAGE, 'mcp-protocol-version': '2025-11-25' }),
});

export const INSPECTOR = {
  initialize: post(PAGE, initialize('2025-11-25', 'mcp-inspector', '2.3.0')),
  list: post({ ...PAGE, 'mcp-protocol-version': '2025-11-25' }, LIST),
  // routecraft #320: its probes, in this order, each with a preflight for the header.
  probes: [
    probing(`${METADATA}/mcp`),
    probing(METADATA),
    probing(SERVER_METADATA),
    probing('/.well-known/openid-configuration'),
  ],
  mirror: probing(SERVER_METADATA),
  preflights: [
    asking('/mcp', 'POST', 'authorization,content-type,mcp-protocol-version,mcp-session-id'),
    asking('/mcp', 'GET', 'authorization,last-event-id,mcp-protocol-version,mcp-session-id'),
    asking('/mcp', 'DELETE', 'authorization,mcp-protocol-version,mcp-session-id'),
  ],
};

// mcp-remote 0.15.1, its code.
const DISCOVERING = { accept: 'application/json', 'accept-encoding': 'identity' };
// `--header`; claude-code #7290 names this one.
const FROM_BRIDGE = { accept: 'application/json, text/event-stream', 'x-api-key': 'a-key-of-something-else' };

export const MCP_REMOTE = {
  metadata: [get(`${METADATA}/mcp`, DISCOVERING), get(METADATA, DISCOVERING)],
  serverMetadata: get(SERVER_METADATA, DISCOVERING),
  test: post(FROM_BRIDGE, initialize('2025-11-25', 'mcp-remote-fallback-test', '0.0.0')),
  call: post({ ...FROM_BRIDGE, 'mcp-protocol-version': '2025-11-25' }, call('whoami', {})),
} satisfies Record<string, Shape | readonly Shape[]>;

export const GEMINI = {
  // gemini-cli, oauth-provider.ts.
  head: { method: 'HEAD', target: '/mcp', headers: { accept: 'application/json' } },
} satisfies Record<string, Shape>;

export const CODEX = {
  // codex, auth_status.rs: the only places it looks at before it says that a server has no sign-in.
  serverMetadata: [`${SERVER_METADATA}/mcp`, `/mcp${SERVER_METADATA}`, SERVER_METADATA].map((target) =>
    get(target, { 'mcp-protocol-version': '2024-11-05' }),
  ),
  // codex #7951: what Codex puts into _meta.
  call: post({}, call('whoami', {}, { progressToken: 3 })),
} satisfies Record<string, Shape | readonly Shape[]>;
