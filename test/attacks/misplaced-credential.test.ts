// Attack: a credential where it does not belong, twice, oversized or empty (RFC 6750, OAuth 2.1 section 5.1).

import { expect, test } from 'vitest';
import { useGate } from '../support/gate.ts';
import { startIssuer, trusting } from '../support/issuer.ts';
import { operator } from '../support/operator.ts';
import { decision, type Rpc, rpcInit } from '../support/rpc.ts';
import { RESOURCE, startWorker } from '../support/worker.ts';

const gate = useGate();

test('a token in the query is refused, even beside a good header, and never echoed', async () => {
  const token = await gate.issuer.sign();
  for (const init of [rpcInit({}), rpcInit({ token })]) {
    const response = await gate.worker.fetch(`${RESOURCE}?access_token=${token}`, init);
    expect(response.status).toBe(400);
    expect(response.headers.get('www-authenticate')).toMatch(/^Bearer error="invalid_request", /);
    expect(await response.text()).not.toContain(token);
    const lines = gate.worker.logs();
    expect(JSON.stringify(lines)).not.toContain(token);
    expect(lines.at(-1)).toMatchObject({ decision: 'deny', reason: 'token_in_query' });
  }
});

test('a token in a form body is not a credential', async () => {
  const token = await gate.issuer.sign();
  const response = await gate.worker.fetch(RESOURCE, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: `access_token=${token}`,
  });
  expect(response.status).toBe(401);
  expect(decision(gate.worker)).toMatchObject({ reason: 'token_missing' });
});

test('malformed headers are a 400, so that nobody signs in again because of them', async () => {
  const token = await gate.issuer.sign();
  const malformed: [authorization: string, detail: string][] = [
    ['Bearer', 'not_a_bearer_token'],
    [`Bearer ${token} ${token}`, 'not_a_bearer_token'],
    [`Bearer ${token}, Bearer ${token}`, 'not_a_bearer_token'],
    [`Bearer "${token}"`, 'not_a_bearer_token'],
    [`Bearer ${token}\u00e4`, 'not_a_bearer_token'],
    [`Bearer ${'a'.repeat(16_385)}`, 'too_long'],
  ];
  for (const [authorization, detail] of malformed) {
    const response = await gate.worker.fetch(RESOURCE, rpcInit({ headers: { authorization } }));
    expect(response.status, authorization.slice(0, 20)).toBe(400);
    expect(decision(gate.worker)).toMatchObject({ reason: 'token_malformed', detail });
  }
});

test('another scheme is no token at all', async () => {
  for (const authorization of ['Basic YWxpY2U6cHc=', `DPoP ${await gate.issuer.sign()}`, 'Bearerer x']) {
    const response = await gate.worker.fetch(RESOURCE, rpcInit({ headers: { authorization } }));
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).not.toContain('error=');
    expect(decision(gate.worker)).toMatchObject({ reason: 'token_missing' });
  }
});

test('the scheme is written in any case', async () => {
  for (const scheme of ['bearer', 'BEARER', 'Bearer ']) {
    const authorization = `${scheme} ${await gate.issuer.sign()}`;
    expect((await gate.worker.fetch(RESOURCE, rpcInit({ headers: { authorization } }))).status).toBe(200);
  }
});

test('a service key counts in the Authorization header only, not where a proxy puts the tokens of an issuer', async () => {
  const header = 'X-Proxy-Token';
  await using issuer = await startIssuer();
  await using proxied = await startIssuer();
  const entries = [
    { issuer: issuer.issuer },
    { issuer: proxied.issuer, tokenSource: { header }, advertise: false },
  ];
  await using worker = await startWorker({ vars: { ...trusting(...entries), SERVICE_KEYS: true } });
  const operate = await operator(worker, issuer);
  const { body } = await operate('POST', '/service-keys', {
    service: 'nightly',
    owner: 'team',
    scopes: [],
    roles: [],
    expiresInSeconds: 600,
    reason: 'a test',
  });
  const whoami = (init: Rpc) =>
    worker.fetch(
      RESOURCE,
      rpcInit({ method: 'tools/call', params: { name: 'whoami', arguments: {} }, ...init }),
    );
  expect((await whoami({ token: body.key })).status).toBe(200);
  expect((await whoami({ headers: { [header]: body.key } })).status).toBe(401);
  expect(decision(worker)).toMatchObject({ decision: 'deny', reason: 'token_invalid' });
});
