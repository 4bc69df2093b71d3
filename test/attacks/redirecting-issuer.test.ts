// Attack: an issuer's keys, or its metadata, by way of another host.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Build, buildWorker } from '../support/build.ts';
import { startIssuer, trusting } from '../support/issuer.ts';
import { rpcInit } from '../support/rpc.ts';
import { startRuntime } from '../support/runtime.ts';
import { RESOURCE } from '../support/worker.ts';

let build: Build;
beforeAll(async () => {
  build = await buildWorker();
});
afterAll(() => build?.[Symbol.asyncDispose]());

test.each(['/jwks', '/.well-known/oauth-authorization-server'])(
  'a redirect of %s is not followed',
  async (path) => {
    await using issuer = await startIssuer();
    await using attacker = await startIssuer();
    const location = `${attacker.issuer}${path}`;
    issuer.answers.set(path, { status: 302, body: '', headers: { location } });
    const authorizationServers = trusting(issuer).AUTHORIZATION_SERVERS;
    await using runtime = await startRuntime({ build, authorizationServers });
    const token = await issuer.sign({ key: attacker.key });
    expect((await runtime.fetch(RESOURCE, rpcInit({ token }))).status).toBe(503);
    expect(attacker.requests).toEqual([]);
  },
);

test('metadata that names another issuer is not used', async () => {
  await using issuer = await startIssuer();
  await using attacker = await startIssuer();
  const metadata = { issuer: attacker.issuer, jwks_uri: `${attacker.issuer}/jwks` };
  issuer.answers.set('/.well-known/oauth-authorization-server', {
    status: 200,
    body: JSON.stringify(metadata),
  });
  const authorizationServers = trusting(issuer).AUTHORIZATION_SERVERS;
  await using runtime = await startRuntime({ build, authorizationServers });
  const token = await issuer.sign({ key: attacker.key });
  expect((await runtime.fetch(RESOURCE, rpcInit({ token }))).status).toBe(503);
});
