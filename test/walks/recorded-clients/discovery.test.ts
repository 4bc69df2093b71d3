// How recorded clients look for the authorization server, and what they read out of the answers.

import * as sdk2 from '@modelcontextprotocol/client';
import * as sdk1 from '@modelcontextprotocol/sdk/client/auth.js';
import { expect, test } from 'vitest';
import { useGate } from '../../support/gate.ts';
import { startIssuer } from '../../support/issuer.ts';
import { RESOURCE, startWorker } from '../../support/worker.ts';
import {
  CHATGPT,
  CLAUDE,
  CLAUDE_CODE,
  CODEX,
  CURSOR,
  GEMINI,
  INSPECTOR,
  MCP_REMOTE,
  METADATA,
  mayBeSent,
  ORIGIN,
  SERVER_METADATA,
  type Shape,
  send,
  VSCODE,
} from './shapes.ts';

const ANOTHER_HOST = 'https://mcp.example.workers.dev';
const gate = useGate({
  vars: { ALLOWED_ORIGINS: ['http://localhost:6274'], ALLOWED_HOSTS: ['mcp.example.workers.dev'] },
});

const POINTER = `${ORIGIN}${METADATA}/mcp`;
const [mcpRemoteFirst, mcpRemoteThen] = MCP_REMOTE.metadata;

test.each<[string, Shape | undefined]>([
  ['Cursor', CURSOR.metadata],
  ['Claude Code, before any challenge and with the query of the URL', CLAUDE_CODE.metadata],
  ['VS Code', VSCODE.metadata],
  ['mcp-remote, which takes no compressed answer', mcpRemoteFirst],
  ['mcp-remote at the root', mcpRemoteThen],
])('the metadata is where it is looked for: %s', async (_, shape = CURSOR.metadata) => {
  const response = await send(gate.worker, shape);
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/json']);
  expect(response.headers.get('content-encoding')).toBeNull();
  expect(await response.json()).toMatchObject({ resource: RESOURCE, scopes_supported: ['reports:read'] });
});

// claude-ai-mcp #373, sentry-mcp #1247: with a query; fastmcp #1466: with a slash.
test.each([RESOURCE, `${RESOURCE}?utm_source=plugin`, `${RESOURCE}/`])(
  'the official clients find and accept the resource by the URL %s',
  async (entered) => {
    const fetchFn = (url: string | URL, init?: RequestInit) => gate.worker.fetch(String(url), init);
    for (const { discoverOAuthProtectedResourceMetadata, selectResourceURL } of [sdk1, sdk2]) {
      const metadata = await discoverOAuthProtectedResourceMetadata(entered, {}, fetchFn);
      const selected = await selectResourceURL(entered, {} as never, metadata);
      expect(String(selected)).toBe(RESOURCE);
    }
  },
);

test.each<[string, Shape]>([
  ['Claude', CLAUDE.head],
  ['Claude, by the URL with a slash', CLAUDE.headWithSlash],
  ['Gemini CLI', GEMINI.head],
])('a HEAD gets the challenge, and no redirect: %s', async (_, shape) => {
  const response = await send(gate.worker, shape);
  expect([response.status, await response.text()]).toEqual([401, '']);
  // gemini-cli, oauth-utils.ts: only a quoted value is found.
  const [, pointer] =
    /resource_metadata="([^"]+)"/.exec(response.headers.get('www-authenticate') ?? '') ?? [];
  expect(pointer).toBe(POINTER);
});

// claude-ai-mcp #260: Claude goes on asking without a token; #49, #1061, devspace #44: others block by User-Agent.
test('without a token every client gets the same challenge, whatever it says it is', async () => {
  const shapes = [CLAUDE, CLAUDE_CODE, VSCODE, CHATGPT].map(({ initialize }) => initialize);
  for (const shape of [...shapes, MCP_REMOTE.test]) {
    const response = await send(gate.worker, shape);
    expect(response.status, JSON.stringify(shape.headers)).toBe(401);
    expect(response.headers.get('www-authenticate')).toBe(
      `Bearer scope="reports:read", resource_metadata="${POINTER}"`,
    );
  }
});

// typescript-sdk, auth.ts: reads the first challenge only, with patterns that match anywhere in it.
test('the official clients read of each challenge what was meant', async () => {
  const without = await gate.issuer.sign({ claims: { scope: 'openid' } });
  const opened = await send(gate.worker, CLAUDE.initialize, { token: without });
  const sessionId = opened.headers.get('mcp-session-id') ?? '';
  const reading = { scope: 'reports:read', resourceMetadataUrl: new URL(POINTER) };
  const challenges: [Response, object][] = [
    [await send(gate.worker, CLAUDE.list), { ...reading, error: undefined }],
    [await send(gate.worker, CLAUDE.list, { token: 'e30.e30.e30' }), { ...reading, error: 'invalid_token' }],
    [
      await send(gate.worker, CLAUDE.list, { token: 'two tokens' }),
      { ...reading, scope: undefined, error: 'invalid_request' },
    ],
    [
      await send(gate.worker, CLAUDE.write, { token: without, sessionId }),
      { ...reading, scope: 'reports:write', error: 'insufficient_scope' },
    ],
  ];
  expect(challenges.map(([{ status }]) => status)).toEqual([401, 401, 400, 403]);
  for (const [response, meant] of challenges) {
    const header = response.headers.get('www-authenticate') ?? '';
    expect(header.replace(/"[^"]*"/g, '').match(/bearer|,(?! [a-z_]+=)/gi), header).toEqual(['Bearer']);
    expect(sdk1.extractWWWAuthenticateParams(response)).toEqual(meant);
    expect(sdk2.extractWWWAuthenticateParams(response)).toMatchObject(meant);
  }
});

// mcp-handler #110: names of the host behind the proxy; #163: names that anybody can send.
test('what a proxy or a client says about the host changes nothing that is published', async () => {
  const said = {
    forwarded: 'host=evil.example.com;proto=http',
    'x-forwarded-host': 'evil.example.com',
    'x-forwarded-proto': 'http',
    'x-original-host': 'evil.example.com',
  };
  for (const origin of [ORIGIN, ANOTHER_HOST]) {
    const challenged = await gate.worker.fetch(`${origin}/mcp?utm_source=plugin`, { headers: said });
    expect(challenged.headers.get('www-authenticate')).toContain(`resource_metadata="${POINTER}"`);
    for (const path of [`${METADATA}/mcp`, METADATA]) {
      const metadata = await gate.worker.fetch(origin + path, { headers: said });
      expect(await metadata.json()).toMatchObject({ resource: RESOURCE });
    }
  }
});

test('the probes of the Inspector are answered in its order, and its page may read what is there', async () => {
  const answers = [];
  for (const { preflight, probe } of INSPECTOR.probes) {
    const asked = await send(gate.worker, preflight);
    const answered = await send(gate.worker, probe);
    const allowed = answered.headers.get('access-control-allow-origin');
    answers.push([asked.status, answered.status, allowed]);
    if (answered.ok) expect(mayBeSent(preflight, asked)).toBe(true);
  }
  expect(answers).toEqual([
    [204, 200, '*'],
    [204, 200, '*'],
    [404, 404, null],
    [404, 404, null],
  ]);
});

test('with a mirror, clients that look at this origin only find the authorization server', async () => {
  await using issuer = await startIssuer();
  const document = {
    ...issuer.metadata,
    authorization_endpoint: `${issuer.issuer}/authorize`,
    token_endpoint: `${issuer.issuer}/token`,
    response_types_supported: ['code'],
  };
  issuer.answers.set(SERVER_METADATA, { status: 200, body: JSON.stringify(document) });
  await using worker = await startWorker({
    vars: { AUTHORIZATION_SERVERS: [{ issuer: issuer.issuer, mirror: true }] },
  });

  const found = [];
  for (const shape of CODEX.serverMetadata) found.push((await send(worker, shape)).status);
  // codex takes the first 200 for the metadata, whatever is in it.
  expect(found).toEqual([404, 404, 200]);

  const { preflight, probe } = INSPECTOR.mirror;
  const asked = await send(worker, preflight);
  expect([asked.status, mayBeSent(preflight, asked)]).toEqual([204, true]);
  for (const shape of [probe, MCP_REMOTE.serverMetadata]) {
    const response = await send(worker, shape);
    expect(response.headers.get('access-control-allow-origin')).toBe('*');
    expect(response.headers.get('content-encoding')).toBeNull();
    expect(await response.json()).toEqual(document);
  }
});
