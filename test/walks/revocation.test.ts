// One revocation, from the operator's command line to the last open stream: who is shut out, how fast, and who is not.

import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { authorizationCodeGrant } from '../../scripts/grants.ts';
import { freePort, type LocalStack, startLocalStack } from '../../scripts/local-stack.ts';
import { get, open } from '../support/legacy.ts';
import { META, rpcInit } from '../support/rpc.ts';

let stack: LocalStack;
let persist: string;
beforeAll(async () => {
  persist = await mkdtemp(join(tmpdir(), 'revocation-'));
  stack = await startLocalStack({ port: await freePort(), authorizationServerPort: 0, persist });
});
afterAll(async () => {
  await stack?.close();
  await rm(persist, { recursive: true, force: true });
});

/** `npm run admin`, as carol the operator. */
async function admin(...args: readonly string[]) {
  const url = ['--url', stack.mcp, '--authorization-server', stack.issuer, '--user', 'carol', '--no-cache'];
  const command = [join(import.meta.dirname, '../../scripts/admin.ts'), ...args, ...url, '--json'];
  const { stdout } = await promisify(execFile)(process.execPath, command);
  return JSON.parse(stdout);
}

const signIn = async (user: string): Promise<string> => {
  const scope = 'reports:read payments:refund';
  const granted = await authorizationCodeGrant({ issuer: stack.issuer, user, scope, resource: stack.mcp });
  return granted.access_token;
};

const call = (token: string, name: string, args: object = {}) =>
  fetch(
    stack.mcp,
    rpcInit({
      token,
      method: 'tools/call',
      params: {
        name,
        arguments: args,
        _meta: { ...META, 'io.modelcontextprotocol/clientCapabilities': { elicitation: {} } },
      },
    }),
  );

/** Declared `strict`: decided by what the registry has. Asks the user before anything happens. */
const strictCall = async (token: string): Promise<string> => {
  const response = await call(token, 'refund_payment', { paymentId: 'pay_1', idempotencyKey: 'one-of-mine' });
  const { result } = (await response.json()) as { result?: { resultType: string; isError?: boolean } };
  if (!result) return String(response.status);
  return result.isError ? 'not permitted' : result.resultType;
};

/** When a stream ends, epoch milliseconds. */
async function end(response: Response): Promise<number> {
  expect(response.status).toBe(200);
  for await (const _ of response.body ?? []);
  return Date.now();
}

const untilRefused = async (token: string): Promise<number> => {
  while ((await call(token, 'whoami')).status !== 401)
    await new Promise((resolve) => setTimeout(resolve, 250));
  return Date.now();
};

test('a grant that is revoked loses strict tools at once, streams in seconds, everything within the bound; nobody else does', {
  timeout: 180_000,
}, async () => {
  const [alice, bob] = await Promise.all([signIn('alice'), signIn('bob')]);
  expect(await strictCall(alice)).toBe('not permitted');
  await admin('assign', '--subject', 'alice', '--role', 'finance', '--reason', 'on duty this week');
  expect(await strictCall(alice)).toBe('input_required');
  for (const token of [alice, bob]) expect((await call(token, 'whoami')).status).toBe(200);

  const here = { fetch: (_: string, init?: RequestInit) => fetch(stack.mcp, init) };
  const listen = (token: string) =>
    fetch(
      stack.mcp,
      rpcInit({
        token,
        method: 'subscriptions/listen',
        params: { notifications: { toolsListChanged: true } },
      }),
    );
  const sessionId = await open(here, alice);
  const [modern, legacy, bobs] = await Promise.all([
    listen(alice),
    get(here, { token: alice, sessionId }),
    listen(bob),
  ]);
  const ends = Promise.all([end(modern), end(legacy)]);
  let isBobsOpen = true;
  // It is still open when the server is stopped.
  void end(bobs)
    .catch(() => {})
    .finally(() => {
      isBobsOpen = false;
    });

  const answer = await admin(
    ...['revoke', 'grant', '--subject', 'alice', '--client-id', 'cli', '--reason', 'laptop stolen', '--yes'],
  );
  const revokedAt = Date.now();
  expect(await strictCall(alice)).toBe('401');

  const { openStreams, requests, strictTools } = answer.inForceWithinSeconds;
  expect({ strictTools, openStreams }).toEqual({ strictTools: 0, openStreams: 10 });
  const [refusedAt, endedAt] = await Promise.all([untilRefused(alice), ends]);
  expect((refusedAt - revokedAt) / 1_000).toBeLessThan(requests);
  for (const at of endedAt) expect((at - revokedAt) / 1_000).toBeLessThan(openStreams + 2);
  expect((await call(bob, 'whoami')).status).toBe(200);
  expect(isBobsOpen).toBe(true);

  // The issuer's clock may be ahead by the tolerance, so a new token counts from then on.
  const wait = answer.newTokensFrom * 1_000 - Date.now();
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, wait)));
  const again = await signIn('alice');
  expect((await call(again, 'whoami')).status).toBe(200);
  expect(await strictCall(again)).toBe('input_required');
  expect((await call(alice, 'whoami')).status).toBe(401);

  const { items } = await admin('history');
  expect(items.map(({ action, reason }: Record<string, string>) => [action, reason])).toEqual([
    ['revoke', 'laptop stolen'],
    ['assign', 'on duty this week'],
  ]);
});
