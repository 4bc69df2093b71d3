// The tokens that recorded clients come with: for which resource, with which scopes, and when they have expired.

import { extractWWWAuthenticateParams } from '@modelcontextprotocol/sdk/client/auth.js';
import { expect, test } from 'vitest';
import { type Gate, useGate } from '../../support/gate.ts';
import { startIssuer } from '../../support/issuer.ts';
import { decision } from '../../support/rpc.ts';
import { RESOURCE, startWorker } from '../../support/worker.ts';
import { CHATGPT, CLAUDE, CLAUDE_CODE, METADATA, ORIGIN, type Shape, send } from './shapes.ts';

/** What a client asks for as `resource` comes back as `aud`. */
const ASKED: readonly [who: string, aud: string][] = [
  ['Claude Code: the origin with a slash (claude-code #52871)', `${ORIGIN}/`],
  ['Claude: the origin with a slash (mcp-auth-proxy #123, workers-oauth-provider #133)', `${ORIGIN}/`],
  ['an origin', ORIGIN],
  ['a slash at the end', `${RESOURCE}/`],
  ['Claude Code: the query of the URL (sentry-mcp #1247)', `${RESOURCE}?utm_source=plugin`],
  [
    'Claude Code: no resource at all, so the client (claude-code #90497, mcp-context-forge #4384)',
    'client-17',
  ],
];

const asItIs = useGate();
const lenient = useGate({ entry: { audience: [RESOURCE, ...new Set(ASKED.map(([, aud]) => aud))] } });
const inResults = useGate({ vars: { STEP_UP: 'tool-result' } });

async function openSession(gate: Gate, shape: Shape, token: string): Promise<string> {
  const response = await send(gate.worker, shape, { token });
  expect(response.status).toBe(200);
  return response.headers.get('mcp-session-id') ?? '';
}

test.each(ASKED)('%s: accepted where the entry lists it, and nowhere else', async (_, aud) => {
  const listed = await lenient.issuer.sign({ claims: { aud } });
  expect((await send(lenient.worker, CLAUDE_CODE.initialize, { token: listed })).status).toBe(200);
  const unlisted = await asItIs.issuer.sign({ claims: { aud } });
  expect((await send(asItIs.worker, CLAUDE_CODE.initialize, { token: unlisted })).status).toBe(401);
  expect(decision(asItIs.worker)).toMatchObject({ reason: 'token_invalid', detail: 'aud_check_failed' });
});

// typescript-sdk #1968: `new URL(resource).href` adds a slash to an origin, and to nothing else.
test('a resource without a path is served at its origin, and its tokens may have the slash that clients add', async () => {
  await using issuer = await startIssuer();
  await using worker = await startWorker({
    vars: { RESOURCE: ORIGIN, AUTHORIZATION_SERVERS: [{ issuer: issuer.issuer }] },
  });
  const metadata = await worker.fetch(ORIGIN + METADATA);
  expect(await metadata.json()).toMatchObject({ resource: ORIGIN });
  const shape = { ...CLAUDE.initialize, target: '/' };
  const challenged = await send(worker, shape);
  expect(challenged.headers.get('www-authenticate')).toContain(`resource_metadata="${ORIGIN}${METADATA}"`);
  const statusOf = async (aud: string) =>
    (await send(worker, shape, { token: await issuer.sign({ claims: { aud } }) })).status;
  expect(await Promise.all([ORIGIN, `${ORIGIN}/`].map(statusOf))).toEqual([200, 200]);
  expect(await Promise.all([`${ORIGIN}//`, `${ORIGIN}/x`, 'http://mcp.example.com/'].map(statusOf))).toEqual([
    401, 401, 401,
  ]);
});

// claude-ai-mcp #931, typescript-sdk #1582: asks again for the scopes it had; obot #4080: refusals that nobody sees.
test('a client that comes back with the same scopes gets the same challenge, and is in the audit each time', async () => {
  const { issuer, worker } = asItIs;
  const first = await issuer.sign();
  const sessionId = await openSession(asItIs, CLAUDE.initialize, first);
  worker.logs();
  const challenges = new Set<string | null>();
  for (const token of [first, first, await issuer.sign()]) {
    const response = await send(worker, CLAUDE.write, { token, sessionId });
    expect(response.status).toBe(403);
    challenges.add(response.headers.get('www-authenticate'));
  }
  expect([...challenges]).toEqual([expect.stringContaining('scope="reports:write"')]);
  const refused = worker.logs().filter(({ event }) => event === 'decision');
  expect(refused).toHaveLength(3);
  for (const line of refused) {
    expect(line).toMatchObject({ reason: 'scope_missing', subject: 'alice', tool: 'update_report' });
  }

  const token = await issuer.sign({ claims: { scope: 'reports:read reports:write' } });
  const written = await send(worker, CLAUDE.write, { token, sessionId });
  expect([written.status, written.headers.get('www-authenticate')]).toEqual([200, null]);
});

// claude-ai-mcp #702, claude-code #28258: an expired token must lead to a sign-in, not to tools that are gone.
test('a token that expires is a 401 with the challenge, and its session goes on with the next token', async () => {
  const { issuer, worker } = asItIs;
  const sessionId = await openSession(asItIs, CLAUDE.initialize, await issuer.sign());
  const now = Math.floor(Date.now() / 1_000);
  const expired = await issuer.sign({ claims: { iat: now - 700, exp: now - 100 } });
  const refused = await send(worker, CLAUDE.list, { token: expired, sessionId });
  expect(refused.status).toBe(401);
  expect(extractWWWAuthenticateParams(refused)).toMatchObject({
    error: 'invalid_token',
    scope: 'reports:read',
  });
  const renewed = await issuer.sign();
  expect((await send(worker, CLAUDE.list, { token: renewed, sessionId })).status).toBe(200);
});

// ChatGPT signs in on `_meta["mcp/www_authenticate"]` of a result, and on a 401 only with WWW-Authenticate.
test('where a missing scope is told in results, ChatGPT finds the challenge there, and a 401 still has its own', async () => {
  const { issuer, worker } = inResults;
  const token = await issuer.sign();
  const sessionId = await openSession(inResults, CHATGPT.initialize, token);
  const response = await send(worker, CHATGPT.write, { token, sessionId });
  expect([response.status, response.headers.get('www-authenticate')]).toEqual([200, null]);
  const { id, result } = (await response.json()) as {
    id: number;
    result: { isError: boolean; _meta: Record<string, string[]> };
  };
  expect([id, result.isError]).toEqual([2, true]);
  const challenges = result._meta['mcp/www_authenticate'] ?? [];
  expect(challenges).toHaveLength(1);
  const read = new Response(null, { headers: { 'www-authenticate': challenges[0] ?? '' } });
  expect(extractWWWAuthenticateParams(read)).toEqual({
    error: 'insufficient_scope',
    scope: 'reports:write',
    resourceMetadataUrl: new URL(`${ORIGIN}${METADATA}/mcp`),
  });
  const challenged = await send(worker, CHATGPT.initialize);
  expect([challenged.status, extractWWWAuthenticateParams(challenged).scope]).toEqual([401, 'reports:read']);
});
