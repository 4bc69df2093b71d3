// mcp-remote, the bridge for clients that speak only stdio: its own OAuth code, both eras towards the server.

import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { expect, test } from 'vitest';
import { Person } from '../../../scripts/person.ts';
import { type Desktop, startDesktop } from '../../support/desktop.ts';
import { useLocalStack } from '../../support/local-stack.ts';

const stack = useLocalStack();

const MCP_REMOTE = join(import.meta.dirname, '../../../node_modules/.bin/mcp-remote');

/** A stdio client, connected through the bridge. `mode` is the bridge's: `auto` finds the modern era. */
async function connect({ env }: Desktop, mode: string) {
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [MCP_REMOTE, stack.mcp, '--protocol', mode],
    env: { ...env, MCP_REMOTE_CONFIG_DIR: join(env.HOME ?? '', 'mcp-remote') },
    stderr: 'pipe',
  });
  let log = '';
  transport.stderr?.on('data', (chunk) => {
    log += chunk;
  });
  const client = new Client(
    { name: 'stdio-client', version: '1.0.0' },
    { versionNegotiation: { mode: 'legacy' }, capabilities: { elicitation: {} } },
  );
  const questions: string[] = [];
  client.setRequestHandler('elicitation/create', ({ params }) => {
    questions.push(params.message);
    return { action: 'accept', content: { confirm: true } };
  });
  const heard = new Set<string>();
  client.setNotificationHandler('notifications/resources/updated', ({ params }) => {
    heard.add(params.uri);
  });
  await client.connect(transport);
  return { client, questions, heard, log: () => log };
}

const scopes = (asked: string): string[] => asked.split(' ').sort();

test.for([
  { mode: 'legacy', isModern: false },
  { mode: 'auto', isModern: true },
])('a client behind it uses all that is offered, with --protocol $mode', async ({ mode, isModern }) => {
  await using desktop = await startDesktop({ home: join(stack.folder, mode), user: 'dave' });
  const { client, questions, heard, log } = await connect(desktop, mode);
  expect(desktop.asked.map(scopes)).toEqual([['offline_access', 'reports:read']]);
  expect(log().includes('Remote server speaks MCP 2026-07-28')).toBe(isModern);

  const { tools } = await client.listTools();
  expect(tools.map(({ name }) => name)).toEqual([
    'whoami',
    'list_reports',
    'read_report',
    'refund_payment',
    'remember',
    'recall',
  ]);
  const me = await client.callTool({ name: 'whoami' });
  expect(me.structuredContent).toMatchObject({ subject: 'dave', scopes: ['reports:read'] });
  const report = await client.callTool({ name: 'read_report', arguments: { id: '2026-q1' } });
  expect(report.structuredContent).toMatchObject({ id: '2026-q1', title: 'First quarter 2026' });
  const uri = 'report:///2026-q2';
  expect((await client.readResource({ uri })).contents).toMatchObject([{ uri, mimeType: 'text/plain' }]);

  // More scopes are needed, so the browser opens once more; then the person is asked through the bridge.
  const paid = await client.callTool({
    name: 'refund_payment',
    arguments: { paymentId: 'pay_1042', idempotencyKey: crypto.randomUUID() },
  });
  expect(paid.structuredContent).toMatchObject({ paymentId: 'pay_1042', refundedBy: 'dave' });
  expect(questions).toEqual(['Refund pay_1042 in whole? This cannot be undone.']);
  expect(desktop.asked.slice(1).map(scopes)).toEqual([['offline_access', 'payments:refund', 'reports:read']]);

  await client.subscribeResource({ uri });
  const alice = new Person({ mcp: stack.mcp, user: 'alice' });
  await alice.connect();
  // Streams open in the background, and what happens before is not told: so until it is heard.
  const hears = async () => {
    await alice.call('update_report', { id: '2026-q2', body: 'Changed again.' });
    return [...heard];
  };
  await expect.poll(hears, { timeout: 20_000, interval: 250 }).toEqual([uri]);
  await Promise.all([client.close(), alice.close()]);

  // It keeps what it was given: the next start asks nobody.
  const next = await connect(desktop, mode);
  const again = await next.client.callTool({ name: 'whoami' });
  expect(again.structuredContent).toMatchObject({ scopes: ['reports:read', 'payments:refund'] });
  expect(desktop.asked).toHaveLength(2);
  await next.client.close();
});
