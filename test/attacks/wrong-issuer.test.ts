// Attack: a token of one issuer passed off as another's, or of an issuer nobody trusts (mix-up).

import { afterAll, beforeAll, expect, test } from 'vitest';
import { useGate } from '../support/gate.ts';
import { startIssuer, type TestIssuer, trusting } from '../support/issuer.ts';
import { rpc } from '../support/rpc.ts';
import { startWorker, type TestWorker } from '../support/worker.ts';

const gate = useGate();

test('an issuer that is not listed is refused, without asking it for its keys', async () => {
  await using stranger = await startIssuer();
  await gate.refuses(await stranger.sign(), { reason: 'issuer_not_trusted' });
  expect(stranger.requests).toEqual([]);
});

test('an issuer is compared byte for byte', async () => {
  const { issuer } = gate.issuer;
  const near = [
    `${issuer}/`,
    issuer.toUpperCase(),
    issuer.replace('http', 'https'),
    ` ${issuer}`,
    `${issuer}#`,
    issuer.replace('localhost', '127.0.0.1'),
    '',
  ];
  for (const iss of near) {
    await gate.refuses(await gate.issuer.sign({ claims: { iss } }), { reason: 'issuer_not_trusted' }, iss);
  }
  await gate.refuses(await gate.issuer.sign({ claims: { iss: undefined } }), {
    reason: 'token_invalid',
    detail: 'not_a_jwt',
  });
});

test('names that every object has are not issuers', async () => {
  for (const iss of ['__proto__', 'constructor', 'toString']) {
    await gate.refuses(await gate.issuer.sign({ claims: { iss } }), { reason: 'issuer_not_trusted' }, iss);
  }
});

let one: TestIssuer;
let other: TestIssuer;
let both: TestWorker;
beforeAll(async () => {
  one = await startIssuer();
  other = await startIssuer();
  both = await startWorker({ vars: trusting(one, other) });
});
afterAll(async () => {
  await both?.[Symbol.asyncDispose]();
  await one?.[Symbol.asyncDispose]();
  await other?.[Symbol.asyncDispose]();
});

test('a key of one issuer never verifies a token that says another, even with both trusted and the same kid', async () => {
  expect((await rpc(both, { token: await one.sign() })).status).toBe(200);
  expect((await rpc(both, { token: await other.sign() })).status).toBe(200);
  for (const kid of [one.key.kid, other.key.kid, undefined]) {
    const token = await one.sign({ claims: { iss: other.issuer }, header: { kid } });
    expect((await rpc(both, { token })).status, String(kid)).toBe(401);
  }
});
