// Attack: a genuine token that was issued for something else (RFC 8707, RFC 9068 section 4).

import { test } from 'vitest';
import { useGate } from '../support/gate.ts';

const gate = useGate();
const RESOURCE = 'https://mcp.example.com/mcp';

test('the resource among other audiences is enough', async () => {
  await gate.accepts(
    await gate.issuer.sign({ claims: { aud: ['https://issuer.example.com/userinfo', RESOURCE] } }),
  );
});

test('another, a similar, an empty or no audience is refused', async () => {
  for (const aud of [undefined, null]) {
    const missing = await gate.issuer.sign({ claims: { aud } });
    await gate.refuses(missing, { reason: 'token_invalid', detail: 'aud_missing' });
  }
  const wrong = [
    'https://other.example.com/mcp',
    `${RESOURCE}/`,
    'https://mcp.example.com',
    'https://mcp.example.com/',
    RESOURCE.toUpperCase(),
    `${RESOURCE}?x=1`,
    'https://mcp.example.com/mcp2',
    'test-client',
    '',
    [],
    [''],
    [[RESOURCE]],
    { 0: RESOURCE },
    7,
    true,
  ];
  for (const aud of wrong) {
    await gate.refuses(
      await gate.issuer.sign({ claims: { aud } }),
      { reason: 'token_invalid', detail: 'aud_check_failed' },
      JSON.stringify(aud),
    );
  }
});
