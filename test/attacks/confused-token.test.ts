// Attack: another token of the same issuer, signed with the same keys and even made out to this resource.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { startIssuer, type TestIssuer, trusting } from '../support/issuer.ts';
import { decision, rpc } from '../support/rpc.ts';
import { startWorker, type TestWorker } from '../support/worker.ts';

let issuer: TestIssuer;
let worker: TestWorker;
beforeAll(async () => {
  issuer = await startIssuer();
  worker = await startWorker({ vars: trusting(issuer) });
});
afterAll(async () => {
  await worker[Symbol.asyncDispose]();
  await issuer[Symbol.asyncDispose]();
});

test('an access token is accepted, typed or not', async () => {
  for (const typ of ['at+jwt', 'AT+JWT', 'application/at+jwt', 'JWT', undefined]) {
    expect((await rpc(worker, { token: await issuer.sign({ header: { typ } }) })).status, String(typ)).toBe(
      200,
    );
  }
});
