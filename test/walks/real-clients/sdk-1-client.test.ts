// The official SDK 1.x, on which most clients are built: its own OAuth code, sessions, streams, questions.

import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ElicitRequestSchema, ResourceUpdatedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { expect, test } from 'vitest';
import { Person } from '../../../scripts/person.ts';
import { useLocalStack } from '../../support/local-stack.ts';
import { Sdk1Keyring } from '../../support/sdk-1-keyring.ts';

const stack = useLocalStack();

/** A client and its transport, and how one signs in with them. */
function open(keyring: Sdk1Keyring, questions: string[] = []) {
  const client = new Client({ name: 'sdk-1', version: '1.0.0' }, { capabilities: { elicitation: {} } });
  client.setRequestHandler(ElicitRequestSchema, ({ params }) => {
    questions.push(params.message);
    return { action: 'accept', content: { confirm: true } };
  });
  const transport = new StreamableHTTPClientTransport(new URL(stack.mcp), { authProvider: keyring });
  // The SDK's own types disagree about `undefined`.
  const connect = () => client.connect(transport as Parameters<Client['connect']>[0]);
  return { client, transport, connect };
}

async function signIn(keyring: Sdk1Keyring, questions: string[] = []) {
  const first = open(keyring);
  await expect(first.connect()).rejects.toThrow('Unauthorized');
  await first.transport.finishAuth(keyring.code);
  const second = open(keyring, questions);
  await second.connect();
  return second;
}

const refund = (key: string) => ({
  name: 'refund_payment',
  arguments: { paymentId: 'pay_1042', idempotencyKey: key },
});
const read = { name: 'read_report', arguments: { id: '2026-q1' } };

test('it signs in, opens a session and uses all that is offered', async () => {
  const keyring = new Sdk1Keyring('alice');
  const { client, transport } = await signIn(keyring);
  expect(transport.protocolVersion).toBe('2025-11-25');
  expect(transport.sessionId).toEqual(expect.any(String));
  expect(client.getServerVersion()).toMatchObject({ name: 'reports' });

  const { tools } = await client.listTools();
  expect(tools.map(({ name }) => name)).toEqual([
    'whoami',
    'list_reports',
    'read_report',
    'update_report',
    'remember',
    'recall',
  ]);
  expect((await client.callTool(read)).structuredContent).toMatchObject({ title: 'First quarter 2026' });
  const uri = 'report:///2026-q1';
  expect((await client.listResourceTemplates()).resourceTemplates).toHaveLength(1);
  expect((await client.readResource({ uri })).contents).toMatchObject([{ uri, mimeType: 'text/plain' }]);
  const name = 'summarize_report';
  expect((await client.getPrompt({ name, arguments: { id: '2026-q1' } })).messages).toHaveLength(1);
  const ref = { type: 'ref/prompt', name } as const;
  const { completion } = await client.complete({ ref, argument: { name: 'id', value: '2026-q3' } });
  expect(completion.values).toEqual(['2026-q3']);
  await client.ping();
  await client.setLoggingLevel('warning');
  expect(keyring.asked).toEqual(['reports:read']);
  await client.close();
});

test('without a refresh token it steps up, and its user confirms before money moves', async () => {
  const keyring = new Sdk1Keyring('dave', { refreshes: false });
  const questions: string[] = [];
  const { client, transport } = await signIn(keyring, questions);
  const { sessionId } = transport;
  const key = crypto.randomUUID();

  await expect(client.callTool(refund(key))).rejects.toThrow('Unauthorized');
  await transport.finishAuth(keyring.code);
  const done = await client.callTool(refund(key));
  expect(done.structuredContent).toMatchObject({ refundedBy: 'dave' });
  expect((await client.callTool(refund(key))).structuredContent).toEqual(done.structuredContent);
  expect(questions).toEqual(['Refund pay_1042 in whole? This cannot be undone.']);
  // It asks for what it was challenged for and nothing else; it stays in its session with the new token.
  expect(keyring.asked).toEqual(['reports:read', 'payments:refund']);
  expect(transport.sessionId).toBe(sessionId);
  await client.close();
});

test('with a refresh token it cannot step up: it says so, does not loop and goes on', async () => {
  const keyring = new Sdk1Keyring('dave');
  const { client } = await signIn(keyring);
  // It refreshes where it should ask for consent, and a refresh brings no new scope.
  await expect(client.callTool(refund(crypto.randomUUID()))).rejects.toMatchObject({ code: 403 });
  expect(keyring.asked).toHaveLength(1);
  expect((await client.callTool(read)).isError).toBeFalsy();
  await client.close();
});

test('it ends its session, and its next one needs no new sign-in', async () => {
  const keyring = new Sdk1Keyring('alice');
  const { client, transport } = await signIn(keyring);
  const { sessionId } = transport;
  await transport.terminateSession();
  expect(transport.sessionId).toBeUndefined();
  await client.close();

  const next = open(keyring);
  await next.connect();
  expect(next.transport.sessionId).not.toBe(sessionId);
  expect((await next.client.callTool(read)).isError).toBeFalsy();
  expect(keyring.asked).toHaveLength(1);
  await next.client.close();
});

test('when its session is gone it is told 404, and the same client connects anew', async () => {
  const keyring = new Sdk1Keyring('alice');
  const { client, transport } = await signIn(keyring);
  const { sessionId = '' } = transport;
  // As if it had expired: somebody else with the same token ends it.
  const headers = { authorization: `Bearer ${keyring.accessToken}`, 'mcp-session-id': sessionId };
  expect((await fetch(stack.mcp, { method: 'DELETE', headers })).status).toBe(204);
  await expect(client.callTool(read)).rejects.toMatchObject({ code: 404 });
  await client.close();

  const again = new StreamableHTTPClientTransport(new URL(stack.mcp), { authProvider: keyring });
  await client.connect(again as Parameters<Client['connect']>[0]);
  expect(again.sessionId).not.toBe(sessionId);
  expect((await client.callTool(read)).isError).toBeFalsy();
  expect(keyring.asked).toHaveLength(1);
  await client.close();
});

test('it hears of changes that a modern client makes', async () => {
  const { client } = await signIn(new Sdk1Keyring('bob'));
  const heard = new Set<string>();
  client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => {
    heard.add(params.uri);
  });
  const uri = 'report:///2026-q2';
  await client.subscribeResource({ uri });
  const alice = new Person({ mcp: stack.mcp, user: 'alice' });
  await alice.connect();
  // Its stream opens in the background, and what happens before is not told: so until it hears.
  const hears = async () => {
    await alice.call('update_report', { id: '2026-q2', body: 'Changed again.' });
    return [...heard];
  };
  await expect.poll(hears, { timeout: 20_000, interval: 250 }).toEqual([uri]);
  await Promise.all([client.close(), alice.close()]);
});
