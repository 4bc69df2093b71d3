// The official client (2.x) in both eras: sign-in, every kind of request, questions, notes, subscriptions.
//
// Nothing is doubled but the person: the Worker runs in workerd, the authorization server is a real one.

import { type ElicitRequestFormParams, type ElicitResult, ProtocolError } from '@modelcontextprotocol/client';
import { expect, test } from 'vitest';
import { Person, type PersonOptions } from '../../../scripts/person.ts';
import { useLocalStack } from '../../support/local-stack.ts';

const stack = useLocalStack();

const MODERN = '2026-07-28';
const LEGACY = '2025-11-25';
const VERSIONS = [MODERN, LEGACY, '2025-06-18', '2025-03-26'];
const ERAS = [MODERN, LEGACY];

async function connect(options: Omit<PersonOptions, 'mcp'>): Promise<Person> {
  const person = new Person({ mcp: stack.mcp, ...options });
  await person.connect();
  return person;
}

async function tools({ client }: Person): Promise<string[]> {
  return (await client.listTools()).tools.map(({ name }) => name);
}

const said = ({ content }: { content: readonly unknown[] }): string => (content[0] as { text: string }).text;

test.for(VERSIONS)('a client of %s signs in and uses all that is offered', async (protocol) => {
  const alice = await connect({ user: 'alice', protocol });
  const { client } = alice;
  expect(client.getNegotiatedProtocolVersion()).toBe(protocol);
  expect(client.getServerVersion()).toMatchObject({ name: 'reports' });
  expect(client.getInstructions()).toMatch(/^Quarterly reports/);

  const report = { id: '2026-q1', title: 'First quarter 2026' };
  const result = await alice.call('read_report', { id: report.id });
  expect(result.isError).toBeFalsy();
  expect(JSON.parse(said(result))).toMatchObject(report);
  expect(result.structuredContent).toMatchObject(report);

  const { resourceTemplates } = await client.listResourceTemplates();
  expect(resourceTemplates.map(({ uriTemplate }) => uriTemplate)).toEqual(['report:///{id}']);
  const uri = 'report:///2026-q1';
  const { contents } = await client.readResource({ uri });
  expect(contents).toEqual([
    { uri, mimeType: 'text/plain', text: expect.stringMatching(/^First quarter 2026\n\n/) },
  ]);
  await expect(client.readResource({ uri: 'report:///2026-q9' })).rejects.toThrow(ProtocolError);

  expect((await client.listPrompts()).prompts.map(({ name }) => name)).toEqual(['summarize_report']);
  const prompt = await client.getPrompt({ name: 'summarize_report', arguments: { id: report.id } });
  expect(prompt.messages).toEqual([
    { role: 'user', content: { type: 'text', text: expect.stringContaining(report.title) } },
  ]);

  const argument = { name: 'id', value: '2026-q' };
  for (const ref of [
    { type: 'ref/prompt', name: 'summarize_report' },
    { type: 'ref/resource', uri: 'report:///{id}' },
  ] as const) {
    const { completion } = await client.complete({ ref, argument });
    expect(completion.values).toEqual(['2026-q1', '2026-q2', '2026-q3']);
  }
  expect(alice.asked).toHaveLength(1);
  await alice.close();
});

test('a client that leaves the revision open gets the newest', async () => {
  const alice = await connect({ user: 'alice', protocol: 'auto' });
  expect(alice.client.getNegotiatedProtocolVersion()).toBe(MODERN);
  await alice.close();
});

test.for(ERAS)('a client of %s sees what its user can reach, and no more', async (protocol) => {
  const seen: Record<string, string[]> = {};
  for (const user of ['alice', 'bob', 'carol', 'dave']) {
    const person = await connect({ user, protocol });
    seen[user] = await tools(person);
    if (user === 'carol') {
      expect((await person.client.listPrompts()).prompts).toEqual([]);
      expect((await person.client.listResourceTemplates()).resourceTemplates).toEqual([]);
    }
    await person.close();
  }
  const read = ['whoami', 'list_reports', 'read_report'];
  const notes = ['remember', 'recall'];
  expect(seen).toEqual({
    alice: [...read, 'update_report', ...notes],
    bob: [...read, ...notes],
    carol: ['whoami', ...notes],
    dave: [...read, 'refund_payment', ...notes],
  });
});

test.for(ERAS)('a client of %s understands the refusal of what its user cannot reach', async (protocol) => {
  const carol = await connect({ user: 'carol', protocol });
  const { client } = carol;
  const result = await carol.call('read_report', { id: '2026-q1' });
  expect(result.isError).toBe(true);
  expect(said(result)).toMatch(/lacks the permission reports:read/);

  const uri = 'report:///2026-q1';
  const ref = { type: 'ref/prompt', name: 'summarize_report' } as const;
  const refused = [
    client.readResource({ uri }),
    client.getPrompt({ name: ref.name, arguments: { id: '2026-q1' } }),
    client.complete({ ref, argument: { name: 'id', value: '2026' } }),
    ...(protocol === LEGACY ? [client.subscribeResource({ uri })] : []),
  ];
  for (const outcome of await Promise.allSettled(refused)) {
    expect(outcome).toMatchObject({ status: 'rejected', reason: expect.any(ProtocolError) });
    expect(outcome).toMatchObject({ reason: { message: expect.stringMatching(/lacks the permission/) } });
  }
  if (protocol === MODERN) {
    const subscription = await client.listen({ resourceSubscriptions: [uri] });
    expect(subscription.honoredFilter).toEqual({ resourceSubscriptions: [] });
    await subscription.close();
  }
  // Consent cannot help, so nobody was sent there again.
  expect(carol.asked).toHaveLength(1);
  await carol.close();
});

test.for(ERAS)('a client of %s steps up, and its user confirms before money moves', async (protocol) => {
  const questions: string[] = [];
  const answers: ElicitResult[] = [
    { action: 'decline' },
    { action: 'accept', content: { confirm: false } },
    { action: 'accept', content: { confirm: true } },
  ];
  const answer = ({ message }: ElicitRequestFormParams): ElicitResult => {
    questions.push(message);
    return answers.shift() ?? { action: 'cancel' };
  };
  const dave = await connect({ user: 'dave', protocol, answer });
  const refund = { paymentId: 'pay_1042', idempotencyKey: crypto.randomUUID() };

  for (const asked of [1, 2]) {
    const refused = await dave.call('refund_payment', refund);
    expect(refused.isError).toBe(true);
    expect(said(refused)).toMatch(/did not confirm/);
    expect(questions).toHaveLength(asked);
  }
  const done = await dave.call('refund_payment', refund);
  expect(done.structuredContent).toMatchObject({ paymentId: 'pay_1042', refundedBy: 'dave' });
  expect(questions).toEqual(Array(3).fill('Refund pay_1042 in whole? This cannot be undone.'));

  // The same key again is the same refund, and nobody is asked.
  const again = await dave.call('refund_payment', refund);
  expect(again.structuredContent).toEqual(done.structuredContent);
  expect(questions).toHaveLength(3);

  expect(dave.asked.map((scopes) => scopes.split(' ').sort())).toEqual([
    ['offline_access', 'reports:read'],
    ['offline_access', 'payments:refund', 'reports:read'],
  ]);
  await dave.close();
});

test('a client that cannot be asked is told so, in the words of its era', async () => {
  const refund = { paymentId: 'pay_1042', idempotencyKey: crypto.randomUUID() };
  const modern = await connect({ user: 'dave', protocol: MODERN });
  await expect(modern.call('refund_payment', refund)).rejects.toMatchObject({
    code: -32_021,
    data: { requiredCapabilities: { elicitation: { form: {} } } },
  });
  const legacy = await connect({ user: 'dave', protocol: LEGACY, sameClientAs: modern });
  const result = await legacy.call('refund_payment', refund);
  expect(result.isError).toBe(true);
  expect(said(result)).toMatch(/does not support elicitation/);
  await Promise.all([modern.close(), legacy.close()]);
});

test('notes outlive the connection and the era, and belong to one user and client', async () => {
  const modern = await connect({ user: 'alice', protocol: MODERN });
  await modern.call('remember', { name: 'colour', text: 'green' });
  await modern.close();

  const modernAgain = await connect({ user: 'alice', protocol: MODERN, sameClientAs: modern });
  expect(said(await modernAgain.call('recall', { name: 'colour' }))).toBe('green');
  const legacy = await connect({ user: 'alice', protocol: LEGACY, sameClientAs: modern });
  expect(said(await legacy.call('recall', { name: 'colour' }))).toBe('green');
  await legacy.call('remember', { name: 'shape', text: 'round' });
  await legacy.close();

  const legacyAgain = await connect({ user: 'alice', protocol: LEGACY, sameClientAs: modern });
  expect(said(await legacyAgain.call('recall'))).toBe('colour\nshape');
  expect(said(await modernAgain.call('recall', { name: 'shape' }))).toBe('round');
  // Nobody had to sign in a second time.
  expect(modern.asked).toHaveLength(1);

  const otherClient = await connect({ user: 'alice' });
  expect(said(await otherClient.call('recall'))).toBe('There are no notes.');
  const otherUser = await connect({ user: 'bob' });
  expect((await otherUser.call('recall', { name: 'colour' })).isError).toBe(true);
  await Promise.all([modernAgain, legacyAgain, otherClient, otherUser].map((person) => person.close()));
});

/** A client of bob's, and the resources it hears of. */
async function listener(protocol: string) {
  let hasStream = false;
  const watching: typeof fetch = async (input, init) => {
    const response = await fetch(input, init);
    if (init?.method === 'GET' && String(input) === stack.mcp) hasStream = response.ok;
    return response;
  };
  const person = await connect({ user: 'bob', protocol, fetch: watching });
  const heard: string[] = [];
  person.client.setNotificationHandler('notifications/resources/updated', ({ params }) => {
    heard.push(params.uri);
  });
  return { person, heard, hasStream: () => hasStream };
}

test.for(ERAS)('what a client of %s changes is heard by the subscribers of both eras', async (protocol) => {
  const [modern, legacy] = await Promise.all([listener(MODERN), listener(LEGACY)]);
  const uri = 'report:///2026-q2';
  const subscription = await modern.person.client.listen({ resourceSubscriptions: [uri] });
  expect(subscription.honoredFilter).toEqual({ resourceSubscriptions: [uri] });
  // Older clients open their stream in the background.
  await expect.poll(legacy.hasStream, { timeout: 20_000 }).toBe(true);
  await legacy.person.client.subscribeResource({ uri });

  const alice = await connect({ user: 'alice', protocol });
  await alice.call('update_report', { id: '2026-q1', body: 'Nobody listens to this one.' });
  const body = `Changed by a client of ${protocol}.`;
  await alice.call('update_report', { id: '2026-q2', body });
  for (const { person, heard } of [modern, legacy]) {
    await expect.poll(() => heard, { timeout: 20_000 }).toEqual([uri]);
    const { contents } = await person.client.readResource({ uri }, { cacheMode: 'refresh' });
    expect(contents[0]).toMatchObject({ text: `Second quarter 2026\n\n${body}` });
  }

  // Who no longer listens no longer hears.
  await subscription.close();
  expect(await subscription.closed).toBe('local');
  await legacy.person.client.unsubscribeResource({ uri });
  await legacy.person.client.subscribeResource({ uri: 'report:///2026-q3' });
  await alice.call('update_report', { id: '2026-q2', body });
  await alice.call('update_report', { id: '2026-q3', body });
  await expect.poll(() => legacy.heard, { timeout: 20_000 }).toContain('report:///2026-q3');
  expect(legacy.heard).toEqual([uri, 'report:///2026-q3']);
  expect(modern.heard).toEqual([uri]);
  await Promise.all([alice, modern.person, legacy.person].map((person) => person.close()));
});

test('a subscription that is made twice is heard once', async () => {
  const { person, heard, hasStream } = await listener(LEGACY);
  await expect.poll(hasStream, { timeout: 20_000 }).toBe(true);
  const uris = ['report:///2026-q2', 'report:///2026-q3'];
  for (const uri of [...uris, ...uris]) await person.client.subscribeResource({ uri });
  await person.client.unsubscribeResource({ uri: 'report:///2026-q2' });
  await person.client.subscribeResource({ uri: 'report:///2026-q2' });

  const alice = await connect({ user: 'alice', protocol: LEGACY });
  await alice.call('update_report', { id: '2026-q2', body: 'Changed once.' });
  // What comes twice comes before the next change is heard of.
  await alice.call('update_report', { id: '2026-q3', body: 'Changed once.' });
  await expect.poll(() => heard, { timeout: 20_000 }).toContain('report:///2026-q3');
  expect(heard.toSorted()).toEqual(uris);
  await Promise.all([alice.close(), person.close()]);
});

test('a client whose session is gone is told 404, and connects anew without a sign-in', async () => {
  const alice = await connect({ user: 'alice', protocol: LEGACY });
  const headers = {
    authorization: `Bearer ${alice.accessToken}`,
    'mcp-session-id': alice.client.transport?.sessionId ?? '',
  };
  // As if it had expired: somebody else with the same token ends it.
  expect((await fetch(stack.mcp, { method: 'DELETE', headers })).status).toBe(204);
  await expect(alice.call('whoami')).rejects.toMatchObject({ data: { status: 404 } });
  await alice.close();

  const again = await connect({ user: 'alice', protocol: LEGACY, sameClientAs: alice });
  expect((await again.call('whoami')).structuredContent).toMatchObject({ clientId: alice.clientId });
  expect(alice.asked).toHaveLength(1);
  await again.close();
});
