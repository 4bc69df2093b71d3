// Attack: many tokens with made-up key ids, to make this server hammer the issuer or to shut others out.

import { expect, test } from 'vitest';
import { useGate } from '../support/gate.ts';
import { rpc } from '../support/rpc.ts';

const gate = useGate();

test('a flood of unknown kids costs the issuer at most one request, and nobody else notices', async () => {
  await gate.accepts(await gate.issuer.sign());
  const before = gate.issuer.requests.length;
  const flood = Array.from({ length: 60 }, async (_, index) =>
    rpc(gate.worker, { token: await gate.issuer.sign({ header: { kid: `made-up-${index}` } }) }),
  );
  const answers = await Promise.all(flood);
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401]));
  expect(gate.issuer.requests.length - before).toBeLessThanOrEqual(1);
  await gate.accepts(await gate.issuer.sign());
});
