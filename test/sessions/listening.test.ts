// Whether older clients may keep a stream open to hear of changes: their object is billed for as long as it is.

import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { expect, test } from 'vitest';
import { useGate } from '../support/gate.ts';
import { get, open, request } from '../support/legacy.ts';
import { RESOURCE } from '../support/worker.ts';

const gate = useGate({ vars: { SESSION_LISTENING: 'false' } });

test('without listening a GET is a 405, whatever it says it comes back to, and the session goes on', async () => {
  const token = await gate.issuer.sign();
  const sessionId = await open(gate.worker, token);
  for (const lastEventId of [undefined, '', '0-0', '0-17', '00-1', 'x']) {
    const response = await get(gate.worker, { token, sessionId }, lastEventId);
    expect([response.status, response.headers.get('allow')], lastEventId).toEqual([
      405,
      'POST, GET, DELETE, OPTIONS',
    ]);
  }
  const called = await request(gate.worker, { token, sessionId }, 'tools/call', {
    name: 'whoami',
    arguments: {},
  });
  expect(called.status).toBe(200);
});

test('the stream of a call can be resumed all the same', async () => {
  const token = await gate.issuer.sign();
  const sessionId = await open(gate.worker, token);
  // There is none with this number: it was looked for.
  expect((await get(gate.worker, { token, sessionId }, '1-0')).status).toBe(400);
});

test('the official client of the older era does without', async () => {
  const token = await gate.issuer.sign();
  const statuses: [string | undefined, number][] = [];
  const transport = new StreamableHTTPClientTransport(new URL(RESOURCE), {
    requestInit: { headers: { authorization: `Bearer ${token}` } },
    fetch: async (url, init) => {
      const response = await gate.worker.fetch(String(url), init);
      statuses.push([init?.method, response.status]);
      return response;
    },
  });
  const client = new Client({ name: 'listener', version: '1' });
  await client.connect(transport as Parameters<Client['connect']>[0]);
  const { content } = await client.callTool({ name: 'whoami', arguments: {} });
  expect(content).toHaveLength(1);
  expect(statuses).toContainEqual(['GET', 405]);
  await client.close();
});
