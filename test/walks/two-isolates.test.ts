// Keys are shared through KV: what one isolate has fetched, another verifies with, even when the issuer is gone.
//
// Two workerd processes of Miniflare over one KV on disk stand for two isolates; each sees its outgoing requests counted.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Build, buildWorker } from '../support/build.ts';
import { startIssuer, trusting } from '../support/issuer.ts';
import { rpcInit } from '../support/rpc.ts';
import { type Runtime, startRuntime } from '../support/runtime.ts';
import { RESOURCE } from '../support/worker.ts';

let build: Build;
beforeAll(async () => {
  build = await buildWorker();
});
afterAll(() => build?.[Symbol.asyncDispose]());

test('the second isolate takes the keys from KV and asks nobody, not even when the issuer is gone', async () => {
  await using issuer = await startIssuer();
  const authorizationServers = trusting(issuer).AUTHORIZATION_SERVERS;
  const call = async (runtime: Runtime) =>
    (await runtime.fetch(RESOURCE, rpcInit({ token: await issuer.sign() }))).status;

  const first: string[] = [];
  {
    await using runtime = await startRuntime({ build, authorizationServers, outgoing: first });
    expect(await call(runtime)).toBe(200);
  }
  expect(first).toEqual([`${issuer.issuer}/.well-known/oauth-authorization-server`, `${issuer.issuer}/jwks`]);

  await issuer.close();
  const second: string[] = [];
  await using runtime = await startRuntime({ build, authorizationServers, outgoing: second });
  expect(await call(runtime)).toBe(200);
  expect(second).toEqual([]);
});
