// Killed and started again: what a legacy session has stored is there, and what was lost is said to be lost.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Build, buildWorker } from '../support/build.ts';
import { startIssuer, type TestIssuer, trusting } from '../support/issuer.ts';
import { eventsOf, get, messagesOf, open, request } from '../support/legacy.ts';
import { startRuntime } from '../support/runtime.ts';

let build: Build;
let issuer: TestIssuer;
beforeAll(async () => {
  build = await buildWorker('test/support/streaming-worker.ts');
  issuer = await startIssuer();
});
afterAll(async () => {
  await issuer?.[Symbol.asyncDispose]();
  await build?.[Symbol.asyncDispose]();
});

test('a killed process loses no session and no stored event, and a call it was handling is answered with an error', async () => {
  const authorizationServers = trusting(issuer).AUTHORIZATION_SERVERS;
  const token = await issuer.sign();
  const before = await startRuntime({ build, authorizationServers });
  const sessionId = await open(before, token);
  await request(before, { token, sessionId }, 'logging/setLevel', { level: 'error' });
  const params = { name: 'count', arguments: { times: 3 }, _meta: { progressToken: 1 } };
  const seen = await messagesOf(await request(before, { token, sessionId }, 'tools/call', params, 'counted'));
  const waiting = eventsOf(
    await request(
      before,
      { token, sessionId },
      'tools/call',
      { name: 'wait', arguments: {}, _meta: { progressToken: 2 } },
      'lost',
    ),
  );
  await waiting.next();
  await waiting.next();
  await before.kill();

  await using after = await startRuntime({ build, authorizationServers });
  expect((await request(after, { token, sessionId }, 'ping')).status).toBe(200);
  expect(await messagesOf(await get(after, { token, sessionId }, '1-0'))).toEqual(seen);
  expect(await messagesOf(await get(after, { token, sessionId }, '2-0'))).toMatchObject([
    { method: 'notifications/progress' },
    { id: 'lost', error: { code: -32_603 } },
  ]);
});
