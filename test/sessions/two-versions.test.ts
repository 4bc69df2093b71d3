// While a version is rolled out, Worker and objects can run different ones: what counts is what the one that acts requires.

import { expect, test } from 'vitest';
import { useGate } from '../support/gate.ts';
import { open, request } from '../support/legacy.ts';

const gate = useGate({ main: 'test/support/two-versions-worker.ts' });

test('a permission that only the newer version asks for is asked for where the tool runs', async () => {
  const call = async (roles: string[]) => {
    const token = await gate.issuer.sign({ claims: { sub: roles.join(), roles } });
    const sessionId = await open(gate.worker, token);
    return (
      await request(gate.worker, { token, sessionId }, 'tools/call', { name: 'delete_all', arguments: {} })
    ).json();
  };
  expect(await call(['editor'])).toMatchObject({ result: { isError: true } });
  expect(await call(['admin'])).toMatchObject({ result: { content: [{ text: 'deleted' }] } });
});
