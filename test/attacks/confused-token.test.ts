// Attack: another token of the same issuer, signed with the same keys and even made out to this resource.

import { expect, test } from 'vitest';
import { useGate } from '../support/gate.ts';
import { rpc } from '../support/rpc.ts';

const gate = useGate();
const now = Math.floor(Date.now() / 1_000);

test('an access token is accepted, typed or not', async () => {
  for (const typ of ['at+jwt', 'AT+JWT', 'application/at+jwt', 'JWT', undefined]) {
    await gate.accepts(await gate.issuer.sign({ header: { typ } }), String(typ));
  }
});

test('a header that names another type of token is refused', async () => {
  const others = [
    'id_token+jwt',
    'logout+jwt',
    'secevent+jwt',
    'dpop+jwt',
    'oauth-authz-req+jwt',
    'jwt+at',
    '',
  ];
  for (const typ of others) {
    await gate.refuses(
      await gate.issuer.sign({ header: { typ } }),
      { reason: 'token_invalid', detail: 'typ_not_allowed' },
      typ,
    );
  }
  await gate.refuses(await gate.issuer.sign({ header: { typ: 5 } }), {
    reason: 'token_invalid',
    detail: 'typ_not_allowed',
  });
});

const IMPOSTORS: readonly [name: string, claims: Record<string, unknown>, detail: string][] = [
  ['an ID token with a nonce', { nonce: 'n-0S6_WzA2Mj' }, 'id_token'],
  ['an ID token with at_hash', { at_hash: '77QmUPtjPfzWtF2AnpK9RQ' }, 'id_token'],
  ['an ID token with c_hash', { c_hash: 'LDktKdoQak3Pk0cnXxCltA' }, 'id_token'],
  ['an ID token with s_hash', { s_hash: '77QmUPtjPfzWtF2AnpK9RQ' }, 'id_token'],
  ['a Keycloak ID token', { typ: 'ID' }, 'typ_claim'],
  ['a Keycloak refresh token', { typ: 'Refresh' }, 'typ_claim'],
  ['a Cognito ID token', { token_use: 'id' }, 'token_use_claim'],
  [
    'a back-channel logout token',
    { events: { 'http://schemas.openid.net/event/backchannel-logout': {} } },
    'security_event',
  ],
  [
    'a security event',
    { events: { 'https://schemas.openid.net/secevent/caep/event-type/session-revoked': {} } },
    'security_event',
  ],
  ['a DPoP proof', { htm: 'POST' }, 'dpop_proof'],
  ['a DPoP proof without a method', { htu: 'https://mcp.example.com/mcp' }, 'dpop_proof'],
  [
    'a stolen DPoP-bound token',
    { cnf: { jkt: '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I' } },
    'sender_constrained',
  ],
  [
    'a stolen certificate-bound token',
    { cnf: { 'x5t#S256': 'bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2' } },
    'sender_constrained',
  ],
];

test.each(IMPOSTORS)('%s is refused under typ JWT and without typ', async (_name, claims, detail) => {
  for (const typ of ['JWT', undefined]) {
    await gate.refuses(await gate.issuer.sign({ claims, header: { typ } }), {
      reason: 'token_invalid',
      detail,
    });
  }
});

test('what at+jwt cannot excuse is refused under at+jwt too', async () => {
  for (const [, claims, detail] of IMPOSTORS.filter(([, , why]) => why !== 'id_token')) {
    await gate.refuses(await gate.issuer.sign({ claims }), { reason: 'token_invalid', detail });
  }
});

test('a token typed at+jwt is no ID token, whatever its claims are called', async () => {
  await gate.accepts(await gate.issuer.sign({ claims: { nonce: 'n-0S6_WzA2Mj' } }));
});

test('a claim named like one of our own words changes nothing', async () => {
  await gate.accepts(
    await gate.issuer.sign({
      claims: { reason: 'token_missing', code: -32_000, problems: [], isError: true },
    }),
  );
});

test('a subject that is missing, empty or not a string is refused', async () => {
  await gate.refuses(await gate.issuer.sign({ claims: { sub: undefined } }), {
    reason: 'token_invalid',
    detail: 'subject_missing',
  });
  await gate.refuses(await gate.issuer.sign({ claims: { sub: '' } }), {
    reason: 'token_invalid',
    detail: 'subject_missing',
  });
  for (const claims of [
    { sub: 7 },
    { sub: { a: 1 } },
    { scope: 7 },
    { roles: [7] },
    { roles: 7 },
    { permissions: [null] },
    { client_id: [] },
    { jti: 7 },
    { sub: 'x'.repeat(1_025) },
  ]) {
    await gate.refuses(
      await gate.issuer.sign({ claims }),
      { reason: 'token_invalid', detail: 'claim_malformed' },
      JSON.stringify(claims).slice(0, 40),
    );
  }
});

test('a token without jti is known by the hash of what is signed: every spelling of one signature has the same id', async () => {
  const token = await gate.issuer.sign({ claims: { jti: undefined } });
  const signed = token.slice(0, token.lastIndexOf('.'));
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(signed));
  for (const spelling of [token, `${token}==`]) {
    await rpc(gate.worker, { token: spelling });
    const logged = gate.worker.logs().find(({ event }) => event === 'decision');
    if (logged?.decision === 'deny') continue;
    expect(logged?.tokenId).toBe(`sha256:${Buffer.from(digest).toString('hex')}`);
  }
});

test('a role that an object of roles denies is not granted', async () => {
  await gate.accepts(
    await gate.issuer.sign({ claims: { roles: { editor: false, operator: null, reader: {} } } }),
  );
  const token = await gate.issuer.sign({ claims: { roles: { editor: false, operator: null, reader: {} } } });
  const response = await rpc(gate.worker, {
    token,
    method: 'tools/call',
    params: { name: 'whoami', arguments: {} },
  });
  expect(await response.json()).toMatchObject({ result: { structuredContent: { roles: ['reader'] } } });
});

test('an old token stays what it was issued as', async () => {
  await gate.accepts(await gate.issuer.sign({ claims: { iat: now - 100_000, exp: now + 60 } }));
});
