// Attack: cut this server off from an issuer, to be let in unverified or to have everyone signed out.
//
// Infrastructure trouble is a 503, never a 401: a 401 makes people sign in again.

import { expect, test } from 'vitest';
import { startIssuer, trusting } from '../support/issuer.ts';
import { decision, rpc } from '../support/rpc.ts';
import { startWorker } from '../support/worker.ts';

test('an issuer whose keys are known keeps being verified while it is down', async () => {
  await using issuer = await startIssuer();
  await using worker = await startWorker({ vars: trusting(issuer) });
  expect((await rpc(worker, { token: await issuer.sign() })).status).toBe(200);
  await issuer.close();
  expect((await rpc(worker, { token: await issuer.sign() })).status).toBe(200);
  expect(
    (await rpc(worker, { token: await issuer.sign({ claims: { aud: 'https://other.example.com' } }) }))
      .status,
  ).toBe(401);
});

test('an issuer whose keys were never seen is a 503 with Retry-After and without a challenge', async () => {
  await using issuer = await startIssuer();
  await using worker = await startWorker({ vars: trusting(issuer) });
  await issuer.close();
  const response = await rpc(worker, { token: await issuer.sign() });
  expect(response.status).toBe(503);
  expect(Number(response.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
  expect(response.headers.get('www-authenticate')).toBe(null);
  expect(decision(worker)).toMatchObject({ decision: 'deny', reason: 'keys_unavailable' });
});

test('an issuer that answers nonsense is a 503, and the log says which document was no good', async () => {
  await using issuer = await startIssuer();
  await using worker = await startWorker({ vars: trusting(issuer) });
  issuer.answers.set('/jwks', { status: 200, body: '<html>' });
  expect((await rpc(worker, { token: await issuer.sign() })).status).toBe(503);
  const failure = worker.logs().find(({ event }) => event === 'issuer_keys_failed');
  expect(failure?.detail).toContain(`${issuer.issuer}/jwks`);
});

test('one issuer that is down does not touch the callers of another', async () => {
  await using dead = await startIssuer();
  await using alive = await startIssuer();
  await using worker = await startWorker({ vars: trusting(dead, alive) });
  await dead.close();
  expect((await rpc(worker, { token: await dead.sign() })).status).toBe(503);
  expect((await rpc(worker, { token: await alive.sign() })).status).toBe(200);
});
