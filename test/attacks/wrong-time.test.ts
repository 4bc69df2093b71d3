// Attack: a token used after its time, before it, or without one.

import { test } from 'vitest';
import { useGate } from '../support/gate.ts';

const gate = useGate();
const now = () => Math.floor(Date.now() / 1_000);
// The tolerance is 5 s; what must be refused is off by much more, so that a slow machine cannot matter.

test('an expired token is refused, a little difference of clocks is not', async () => {
  await gate.refuses(await gate.issuer.sign({ claims: { exp: now() - 60 } }), { reason: 'token_expired' });
  await gate.accepts(await gate.issuer.sign({ claims: { exp: now() + 1, nbf: now() + 3, iat: now() + 3 } }));
});

test('a token without an end is refused', async () => {
  await gate.refuses(await gate.issuer.sign({ claims: { exp: undefined } }), {
    reason: 'token_invalid',
    detail: 'exp_missing',
  });
  for (const exp of ['9999999999', null, true, [now() + 60], {}]) {
    await gate.refuses(
      await gate.issuer.sign({ claims: { exp } }),
      { reason: 'token_invalid', detail: 'exp_invalid' },
      JSON.stringify(exp),
    );
  }
});

test('a token whose end is infinite is refused', async () => {
  // JSON has no Infinity, but a number too large becomes one when it is read.
  const { CompactSign } = await import('jose');
  const payload = JSON.parse(
    Buffer.from((await gate.issuer.sign()).split('.')[1] ?? '', 'base64url').toString(),
  );
  const text = JSON.stringify({ ...payload, exp: 0 }).replace('"exp":0', '"exp":1e999');
  const token = await new CompactSign(new TextEncoder().encode(text))
    .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: gate.issuer.key.kid ?? '' })
    .sign(gate.issuer.key.privateKey);
  await gate.refuses(token, { reason: 'token_invalid', detail: 'exp_unbounded' });
});

test('a token that is not valid yet is refused', async () => {
  await gate.refuses(await gate.issuer.sign({ claims: { nbf: now() + 300 } }), {
    reason: 'token_invalid',
    detail: 'nbf_check_failed',
  });
  await gate.refuses(await gate.issuer.sign({ claims: { nbf: '0' } }), {
    reason: 'token_invalid',
    detail: 'nbf_invalid',
  });
});

test('a token from the future is refused: it would escape every revocation by time', async () => {
  await gate.refuses(await gate.issuer.sign({ claims: { iat: now() + 300 } }), {
    reason: 'token_invalid',
    detail: 'iat_in_the_future',
  });
  await gate.refuses(await gate.issuer.sign({ claims: { iat: '0' } }), {
    reason: 'token_invalid',
    detail: 'iat_invalid',
  });
});

test('a token without iat is accepted and counts as the oldest', async () => {
  await gate.accepts(await gate.issuer.sign({ claims: { iat: undefined } }));
});

test('a token that was accepted is refused once it has expired, though it was remembered', async () => {
  const token = await gate.issuer.sign({ claims: { exp: now() - 3 } });
  await gate.accepts(token);
  await gate.accepts(token);
  // Within the tolerance of 5 s it is still good; wait out the rest.
  await expectEventually(() => gate.refuses(token, { reason: 'token_expired' }));
});

async function expectEventually(check: () => Promise<void>): Promise<void> {
  const giveUpAt = Date.now() + 30_000;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() > giveUpAt) throw error;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
}
