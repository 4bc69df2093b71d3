// Attack: reading tokens on the way. Where RESOURCE is https nothing that came over http gets in, and no token is looked at.

import { expect, test } from 'vitest';
import { useGate } from '../support/gate.ts';
import { type Rpc, rpcInit } from '../support/rpc.ts';
import { RESOURCE, startWorker } from '../support/worker.ts';

const OTHER_HOST = 'mcp.example.workers.dev';
const PAGE = 'https://inspector.example.com';
const gate = useGate({ vars: { ALLOWED_HOSTS: [OTHER_HOST], ALLOWED_ORIGINS: [PAGE] } });
const METADATA = '/.well-known/oauth-protected-resource';
const REFUSED = {
  error: 'insecure_transport',
  error_description: 'RESOURCE is an https URL, and this request came over http',
};
const overHttp = (url: string): string => url.replace(/^https:/, 'http:');

/** The one decision since the last call, refused as it must be; the token is in neither answer nor log. */
async function expectRefusal(response: Response, token: string | undefined, why: string): Promise<void> {
  const body = await response.text();
  expect([response.status, JSON.parse(body)], why).toEqual([403, REFUSED]);
  for (const header of ['www-authenticate', 'access-control-allow-origin'])
    expect(response.headers.get(header), why).toBe(null);
  const lines = gate.worker.logs();
  expect(lines, why).toMatchObject([{ event: 'decision', decision: 'deny', reason: 'insecure_transport' }]);
  expect(lines[0], why).not.toHaveProperty('subject');
  if (token !== undefined) expect(body + JSON.stringify(lines), why).not.toContain(token);
}

test('attack: a good token over http opens nothing, under no host and with no method', async () => {
  const token = await gate.issuer.sign();
  await gate.accepts(token);
  gate.worker.logs();
  const headers = { authorization: `Bearer ${token}` };
  for (const host of [new URL(RESOURCE).host, OTHER_HOST]) {
    expect((await gate.worker.fetch(`https://${host}/mcp`, rpcInit({ token }))).status, host).toBe(200);
    gate.worker.logs();
    const url = `http://${host}/mcp`;
    await expectRefusal(await gate.worker.fetch(url, rpcInit({ token })), token, host);
    for (const method of ['GET', 'DELETE', 'PUT'])
      await expectRefusal(await gate.worker.fetch(url, { method, headers }), token, `${method} ${host}`);
  }
});

test('attack: over http a credential is not even read, whatever it is', async () => {
  const bad: readonly [string, Rpc][] = [
    ['none', {}],
    ['garbage', { token: 'garbage' }],
    ['two of them', { token: 'a b' }],
    ['one of another issuer', { token: `${await gate.issuer.sign()}x` }],
  ];
  for (const [why, request] of bad)
    await expectRefusal(await gate.worker.fetch(overHttp(RESOURCE), rpcInit(request)), request.token, why);
});

test('attack: an operator gets nothing over http', async () => {
  const token = await gate.issuer.sign({ claims: { roles: ['operator'], scope: 'mcp:admin' } });
  const headers = { authorization: `Bearer ${token}` };
  const url = 'https://mcp.example.com/admin/status';
  expect((await gate.worker.fetch(url, { headers })).status).toBe(200);
  gate.worker.logs();
  await expectRefusal(await gate.worker.fetch(overHttp(url), { headers }), token, 'status');
  const write = { method: 'POST', headers: { ...headers, 'content-type': 'application/json' }, body: '{}' };
  await expectRefusal(
    await gate.worker.fetch(`${overHttp('https://mcp.example.com')}/admin/revocations`, write),
    token,
    'a revocation',
  );
});

test('a page is not granted to send a token over http, and may not read the refusal', async () => {
  const headers = { origin: PAGE, 'access-control-request-headers': 'authorization' };
  const ask = (url: string) => gate.worker.fetch(url, { method: 'OPTIONS', headers });
  expect((await ask(RESOURCE)).status).toBe(204);
  const refused = await ask(overHttp(RESOURCE));
  expect([refused.status, await refused.json()]).toEqual([403, REFUSED]);
  expect(refused.headers.get('access-control-allow-headers')).toBe(null);
  gate.worker.logs();
  const token = await gate.issuer.sign();
  const init = rpcInit({ token, headers: { origin: PAGE } });
  await expectRefusal(await gate.worker.fetch(overHttp(RESOURCE), init), token, 'a page');
});

test('what is public is served over http as well', async () => {
  for (const path of [METADATA, `${METADATA}/mcp`]) {
    const response = await gate.worker.fetch(`http://mcp.example.com${path}`);
    expect(response.status, path).toBe(200);
    expect(await response.json(), path).toMatchObject({ resource: RESOURCE });
  }
});

test('where RESOURCE is http, on this machine, http is as good', async () => {
  const local = 'http://localhost:8787/mcp';
  const authorizationServers = [{ issuer: gate.issuer.issuer }];
  await using worker = await startWorker({
    vars: { RESOURCE: local, AUTHORIZATION_SERVERS: authorizationServers },
  });
  const token = await gate.issuer.sign({ claims: { aud: local } });
  expect((await worker.fetch(local, rpcInit({ token }))).status).toBe(200);
  expect((await worker.fetch('https://localhost:8787/mcp', rpcInit({ token }))).status).toBe(200);
});
