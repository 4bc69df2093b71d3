// Attack: a token nobody trusted has signed, or that asks to be verified in another way (RFC 8725).

import { base64url, CompactSign, exportJWK, generateKeyPair } from 'jose';
import { test } from 'vitest';
import { useGate } from '../support/gate.ts';
import { signingKey } from '../support/issuer.ts';

const gate = useGate();
const encode = (value: unknown): string => base64url.encode(JSON.stringify(value));

/** The payload of a good token. */
async function goodPayload(): Promise<string> {
  return (await gate.issuer.sign()).split('.')[1] ?? '';
}

test('a signature of another key with the same kid is refused', async () => {
  const key = await signingKey('ES256', gate.issuer.key.kid);
  await gate.refuses(await gate.issuer.sign({ key }), { reason: 'token_invalid', detail: 'signature' });
});

test('a changed payload or header is refused', async () => {
  const [header = '', payload = '', signature = ''] = (await gate.issuer.sign()).split('.');
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString());
  const head = JSON.parse(Buffer.from(header, 'base64url').toString());
  const forged = [
    `${header}.${encode({ ...claims, sub: 'carol' })}.${signature}`,
    `${encode({ ...head, x: 1 })}.${payload}.${signature}`,
  ];
  for (const token of forged) await gate.refuses(token, { reason: 'token_invalid', detail: 'signature' });
});

test('alg none is refused in every spelling, with and without a signature', async () => {
  const payload = await goodPayload();
  for (const alg of ['none', 'None', 'NONE', 'nOnE']) {
    for (const signature of ['', 'AAAA']) {
      const token = `${encode({ alg, typ: 'at+jwt' })}.${payload}.${signature}`;
      await gate.refuses(token, { reason: 'token_invalid', detail: 'alg_not_allowed' }, alg);
    }
  }
});

test('a public key used as a shared secret is refused (algorithm confusion)', async () => {
  const secret = new TextEncoder().encode(JSON.stringify(gate.issuer.key.publicJwk));
  const token = await new CompactSign(Buffer.from(await goodPayload(), 'base64url'))
    .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt', kid: gate.issuer.key.kid ?? '' })
    .sign(secret);
  await gate.refuses(token, { reason: 'token_invalid', detail: 'alg_not_allowed' });
});

test("an algorithm that is not on the list is refused, though the key is the issuer's own", async () => {
  const key = await signingKey('ES512', 'es512');
  gate.issuer.jwks.keys.push(key.publicJwk);
  await gate.refuses(await gate.issuer.sign({ key }), { reason: 'token_invalid', detail: 'alg_not_allowed' });
});

test('keys that the token brings along or points to are never used', async () => {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid: 'mine', alg: 'ES256' };
  const key = { alg: 'ES256', kid: undefined, privateKey, publicJwk: jwk };
  const before = gate.issuer.requests.length;
  for (const header of [
    { jwk, kid: 'mine' },
    { jku: `${gate.issuer.issuer}/evil-jwks`, kid: 'mine' },
    { x5u: `${gate.issuer.issuer}/evil-cert`, kid: 'mine' },
    { x5c: ['MIIB'], kid: 'mine' },
  ]) {
    await gate.refuses(
      await gate.issuer.sign({ key, header }),
      { reason: 'token_invalid', detail: 'key_unknown' },
      Object.keys(header)[0],
    );
  }
  const asked = gate.issuer.requests.slice(before);
  if (asked.some((path) => path.includes('evil'))) throw new Error(`asked for ${asked}`);
});

test('a critical header that is not understood is refused', async () => {
  const token = await new CompactSign(Buffer.from(await goodPayload(), 'base64url'))
    .setProtectedHeader({
      alg: 'ES256',
      typ: 'at+jwt',
      kid: gate.issuer.key.kid ?? '',
      crit: ['urn:x'],
      'urn:x': 1,
    })
    .sign(gate.issuer.key.privateKey, { crit: { 'urn:x': true } });
  await gate.refuses(token, { reason: 'token_invalid', detail: 'ERR_JOSE_NOT_SUPPORTED' });
});

test('a token without kid is tried against the fitting keys of its issuer only', async () => {
  const nameless = { ...gate.issuer.key, kid: undefined };
  await gate.accepts(await gate.issuer.sign({ key: nameless }));
  const stranger = { ...(await signingKey()), kid: undefined };
  await gate.refuses(await gate.issuer.sign({ key: stranger }), {
    reason: 'token_invalid',
    detail: 'signature',
  });
});
