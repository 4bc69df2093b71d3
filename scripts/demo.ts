// `npm run demo`: the whole story with the official client, one line per step with what was proved.
//
// Starts a stack of its own on free ports, with storage of its own, so it neither needs nor disturbs `npm start`.

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serveClientMetadata } from './client-metadata.ts';
import { runCommand } from './command.ts';
import { clientCredentialsGrant, deviceGrant } from './grants.ts';
import { freePort, type LocalStack, startLocalStack } from './local-stack.ts';
import { Person, REDIRECT_URL } from './person.ts';

const HELP = `Usage: npm run demo [-- --verbose]

Starts the Worker and an authorization server on free ports and walks the whole path with the official MCP client:
discovery, registration, PKCE, calls, stepping up, roles, machine callers, and the refusals. Exit code 1 if a step fails.

  --verbose   also print what the Worker logs
  --help      this text
`;

/** Longer than expiring-bot's tokens live (1 s) plus the clock tolerance (5 s). */
const UNTIL_EXPIRED_MS = 7_000;

interface Story {
  readonly stack: LocalStack;
  /** Does one step; it returns what it proved. A failed step does not end the story. */
  step(title: string, prove: () => Promise<string>): Promise<void>;
}

async function tell({ stack, step }: Story): Promise<void> {
  const { mcp, issuer, otherResource } = stack;
  const alice = new Person({ mcp, user: 'alice' });
  let metadataUrl = '';

  await step('no token', async () => {
    const response = await fetch(mcp, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
    assert.equal(response.status, 401);
    const challenge = response.headers.get('www-authenticate') ?? '';
    metadataUrl = /resource_metadata="([^"]+)"/.exec(challenge)?.[1] ?? '';
    assert.ok(!challenge.includes('error='), 'a bare challenge has no error');
    return `401, ${challenge}`;
  });

  await step('metadata', async () => {
    const metadata = await (await fetch(metadataUrl)).json();
    assert.equal(metadata.resource, mcp);
    assert.deepEqual(metadata.authorization_servers, [issuer]);
    return `resource ${metadata.resource}, authorization server ${issuer}`;
  });

  await step('sign in', async () => {
    await alice.connect();
    return `registered dynamically as ${alice.clientId}, authorized with PKCE, consented to "${alice.asked.at(-1)}"`;
  });

  await step('list', async () => {
    const { tools } = await alice.client.listTools();
    const names = tools.map(({ name }) => name);
    assert.ok(names.includes('update_report') && !names.includes('refund_payment'));
    return `${names.join(', ')}; not refund_payment, which alice's roles cannot reach`;
  });

  await step('call', async () => {
    const result = await alice.call('read_report', { id: '2026-q1' });
    assert.ok(!result.isError);
    return `read_report: ${title(result.structuredContent)}`;
  });

  await step('step-up', async () => {
    const before = alice.asked.length;
    const result = await alice.call('update_report', { id: '2026-q1', body: 'Revised by the demo.' });
    assert.ok(!result.isError);
    assert.equal(alice.asked.length, before + 1, 'exactly one new consent');
    assert.match(alice.grantedScope ?? '', /reports:read/);
    assert.match(alice.grantedScope ?? '', /reports:write/);
    return `update_report answered 403, the new consent was to "${alice.grantedScope}", then the report was updated`;
  });

  await step('client ID metadata', async () => {
    await using document = await serveClientMetadata(REDIRECT_URL);
    const person = new Person({ mcp, user: 'alice', clientMetadataUrl: document.clientId });
    await person.connect();
    const { structuredContent } = await person.call('whoami');
    assert.equal((structuredContent as { clientId: string }).clientId, document.clientId);
    await person.close();
    return `signed in as the client ${document.clientId}, without registering`;
  });

  await step('refused by role', async () => {
    const bob = new Person({ mcp, user: 'bob' });
    await bob.connect();
    const result = await bob.call('update_report', { id: '2026-q1', body: 'Not by bob.' });
    assert.equal(result.isError, true);
    assert.equal(bob.asked.length, 1, 'no consent can help, so none is asked for');
    await bob.close();
    return `bob is a reader: ${text(result)}`;
  });

  await step('client credentials', async () => {
    const { access_token } = await clientCredentialsGrant({
      issuer,
      ...machine('ci-bot'),
      scope: 'reports:read',
      resource: mcp,
    });
    assert.equal((await call(mcp, access_token, 'list_reports')).status, 200);
    return 'ci-bot listed the reports without a person';
  });

  await step('device flow', async () => {
    const { access_token } = await deviceGrant({
      issuer,
      user: 'dave',
      scope: 'reports:read',
      resource: mcp,
    });
    assert.equal((await call(mcp, access_token, 'list_reports')).status, 200);
    return 'dave listed the reports from a device without a browser';
  });

  await step('a question', async () => {
    const questions: string[] = [];
    const dave = new Person({
      mcp,
      user: 'dave',
      answer: ({ message }) => {
        questions.push(message);
        return { action: 'accept', content: { confirm: true } };
      },
    });
    await dave.connect();
    const result = await dave.call('refund_payment', {
      paymentId: 'pay_1042',
      idempotencyKey: 'demo-refund-1',
    });
    assert.ok(!result.isError, JSON.stringify(result.content));
    assert.equal(questions.length, 1);
    await dave.close();
    return `"${questions[0]}" Dave (finance) agreed, and the payment was refunded`;
  });

  await step('an older client', async () => {
    const person = new Person({ mcp, user: 'alice', protocol: '2025-11-25' });
    await person.connect();
    const result = await person.call('read_report', { id: '2026-q2' });
    assert.ok(!result.isError);
    await person.close();
    return `a client of MCP 2025-11-25 read ${title(result.structuredContent)} in a session`;
  });

  await step('expired token', async () => {
    const { access_token } = await clientCredentialsGrant({
      issuer,
      ...machine('expiring-bot'),
      scope: 'reports:read',
      resource: mcp,
    });
    assert.equal((await call(mcp, access_token, 'list_reports')).status, 200);
    await new Promise((resolve) => setTimeout(resolve, UNTIL_EXPIRED_MS));
    return `accepted, and ${UNTIL_EXPIRED_MS / 1_000} s later ${await refusal(mcp, access_token)}`;
  });

  await step('wrong audience', async () => {
    const { access_token } = await clientCredentialsGrant({
      issuer,
      ...machine('ci-bot'),
      scope: 'reports:read',
      resource: otherResource,
    });
    return `a genuine token for ${otherResource}: ${await refusal(mcp, access_token)}`;
  });

  await alice.close();
}

const machine = (id: string) => ({ clientId: id, clientSecret: `${id}-secret` });
const title = (report: unknown): string => (report as { title: string }).title;
const text = ({ content }: { content: readonly unknown[] }): string => (content[0] as { text: string }).text;

/** A tools/call as a program without an MCP client would send it. */
async function call(mcp: string, accessToken: string, name: string, args: object = {}): Promise<Response> {
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': {},
  };
  return fetch(mcp, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${accessToken}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': name,
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name, arguments: args, _meta },
    }),
  });
}

async function refusal(mcp: string, accessToken: string): Promise<string> {
  const response = await call(mcp, accessToken, 'list_reports');
  assert.equal(response.status, 401);
  assert.match(response.headers.get('www-authenticate') ?? '', /error="invalid_token"/);
  return '401 invalid_token';
}

/** Tells the story and counts its steps. */
async function demonstrate(stack: LocalStack): Promise<boolean> {
  let steps = 0;
  let failed = 0;
  await tell({
    stack,
    async step(name, prove) {
      steps += 1;
      try {
        process.stdout.write(`ok      ${name}: ${await prove()}\n`);
      } catch (error) {
        failed += 1;
        process.stdout.write(`FAILED  ${name}: ${error instanceof Error ? error.message : String(error)}\n`);
      }
    },
  });
  process.stdout.write(`demo: ${steps} steps, ${failed} failed\n`);
  return failed === 0;
}

await runCommand({
  help: HELP,
  options: { verbose: { type: 'boolean' } },
  async run({ verbose }) {
    const persist = await mkdtemp(join(tmpdir(), 'mcp-edge-demo-'));
    try {
      const stack = await startLocalStack({
        port: await freePort(),
        authorizationServerPort: 0,
        persist,
        log: verbose ? (line) => process.stdout.write(`    ${line}\n`) : () => {},
      });
      return await demonstrate(stack).finally(() => stack.close());
    } finally {
      await rm(persist, { recursive: true, force: true });
    }
  },
});
