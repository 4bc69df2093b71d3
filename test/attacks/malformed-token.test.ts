// Attack: something that only resembles a token.

import { base64url } from 'jose';
import { expect, test } from 'vitest';
import { useGate } from '../support/gate.ts';
import { respelled } from '../support/respelled.ts';
import { rpc } from '../support/rpc.ts';

const gate = useGate();
const encode = (text: string): string => base64url.encode(text);

test('what is not a JWT is refused', async () => {
  const good = (await gate.issuer.sign()).split('.');
  const iss = gate.issuer.issuer;
  const notJwts = [
    'abc',
    'a.b',
    'a.b.c',
    'a.b.c.d',
    'a.b.c.d.e.f',
    '..',
    `${encode('[]')}.${good[1]}.${good[2]}`,
    `${encode('"x"')}.${good[1]}.${good[2]}`,
    `${encode('{"typ":"at+jwt"}')}.${good[1]}.${good[2]}`,
    `${encode('{"alg":5}')}.${good[1]}.${good[2]}`,
    `${good[0]}.${encode('[]')}.${good[2]}`,
    `${good[0]}.${encode('{')}.${good[2]}`,
    `${good[0]}.${encode('{}')}.${good[2]}`,
    `${good[0]}.${encode(`{"iss":["${iss}"]}`)}.${good[2]}`,
    `${good[0]}.${good[1]}.`.replace(/\.$/, ''),
  ];
  for (const token of notJwts)
    await gate.refuses(token, { reason: 'token_invalid', detail: 'not_a_jwt' }, token.slice(0, 60));
});

test('a kid that is not text is no reason to fail', async () => {
  for (const kid of [{ toString: null }, [], 7, null]) {
    const token = await gate.issuer.sign({ header: { kid } });
    await gate.refuses(token, { reason: 'token_invalid', detail: 'key_unknown' }, JSON.stringify(kid));
  }
});

test('an encrypted token is refused with a reason of its own, so that somebody turns encryption off', async () => {
  await gate.refuses(`${encode('{"alg":"RSA-OAEP","enc":"A256GCM"}')}.a.b.c.d`, {
    reason: 'token_invalid',
    detail: 'encrypted',
  });
});

test('a missing or garbled signature is refused', async () => {
  const [header, payload] = (await gate.issuer.sign()).split('.');
  await gate.refuses(`${header}.${payload}.`, { reason: 'token_invalid', detail: 'signature' });
  await gate.refuses(`${header}.${payload}.AAAA`, { reason: 'token_invalid', detail: 'signature' });
});

test('a good token whose signature ends in bits that mean nothing is refused', async () => {
  const good = await gate.issuer.sign();
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  // 64 bytes are 86 characters, of whose last only two bits count.
  const last = alphabet.indexOf(good.at(-1) ?? '');
  for (const other of [1, 5, 15])
    await gate.refuses(good.slice(0, -1) + alphabet[last ^ other], {
      reason: 'token_invalid',
      detail: 'not_a_jwt',
    });
  await gate.accepts(good);
});

test('a good token in another spelling is refused: padded, or in plain base64', async () => {
  const spellings = await respelled(gate.issuer);
  await gate.accepts(spellings.good);
  const { signaturePadded, signaturePlain, plain } = spellings;
  for (const token of [signaturePadded, `${spellings.good}=`, signaturePlain, plain])
    await gate.refuses(token, { reason: 'token_invalid', detail: 'not_a_jwt' }, token.slice(-8));
  // Padding inside of it is no b64token (RFC 6750 section 2.1) to begin with.
  for (const token of [spellings.headerPadded, spellings.payloadPadded])
    expect((await rpc(gate.worker, { token })).status).toBe(400);
});
