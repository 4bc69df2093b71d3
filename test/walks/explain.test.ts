// `explain` says what really happens: a thousand random principals, policies and tools, asked and then tried.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { startIssuer, type TestIssuer, trusting } from '../support/issuer.ts';
import { type Operate, operator } from '../support/operator.ts';
import { type Random, random } from '../support/random.ts';
import { decision, rpc } from '../support/rpc.ts';
import { startWorker, type TestWorker } from '../support/worker.ts';

const POLICIES = 25;
const CALLS = 40;

const ROLES = ['reader', 'editor', 'finance', 'auditor', 'guest', 'chief'];
const PERMISSIONS = ['reports:read', 'reports:write', 'payments:refund', 'other'];
const SCOPES = ['reports:read', 'reports:write', 'payments:refund', 'other'];
const SUBJECTS = ['alice', 'bob', 'dave', 'erin', 'frank'];
const CLIENTS = ['desktop', 'editor', 'phone'];
const TOOLS: Readonly<Record<string, object>> = {
  whoami: {},
  list_reports: {},
  read_report: { id: 'q1-2026' },
  update_report: { id: 'q1-2026', body: 'text' },
  refund_payment: { paymentId: 'pay_1', idempotencyKey: 'a-key-of-mine' },
};

let staff: TestIssuer;
let operators: TestIssuer;
let worker: TestWorker;
let operate: Operate;
beforeAll(async () => {
  [staff, operators] = await Promise.all([startIssuer(), startIssuer()]);
  worker = await startWorker({
    vars: {
      ...trusting(staff, operators),
      OPERATORS: [{ issuer: operators.issuer, subject: 'root' }],
      DEFAULT_ROLES: ['guest'],
      // Only so that the first policy may leave it out: it is defined by every one of them.
      SCOPE_IMPLICATIONS: { 'reports:write': ['reports:read'] },
      CLOCK_TOLERANCE_SECONDS: 0,
    },
    main: 'test/support/guest-worker.ts',
  });
  operate = await operator(worker, operators, { sub: 'root', roles: [] });
});
afterAll(async () => {
  await worker?.[Symbol.asyncDispose]();
  await Promise.all([staff, operators].map((issuer) => issuer?.[Symbol.asyncDispose]()));
});

async function must(method: string, path: string, body?: object, headers?: Record<string, string>) {
  const answer = await operate(method, path, body, headers);
  expect(answer.status, `${method} ${path} ${JSON.stringify(answer.body)}`).toBeLessThan(300);
  return answer.body;
}

/** Roles, assignments and revocations, all different from those before. */
async function changePolicy({ one, some, chance, below }: Random): Promise<void> {
  const reason = 'a random policy';
  for (const { id } of (await must('GET', '/revocations?limit=500')).items)
    if (chance(0.7)) await must('DELETE', `/revocations/${id}?reason=${reason}`);
  for (const { issuer, subject, clientId, role } of (await must('GET', '/assignments?limit=500')).items) {
    const assignee = subject === undefined ? { clientId } : { subject };
    if (chance(0.6))
      await must('DELETE', `/assignments?${new URLSearchParams({ issuer, ...assignee, role, reason })}`);
  }
  const { items } = await must('GET', '/roles');
  for (const [index, name] of ROLES.entries()) {
    if (!chance(0.5)) continue;
    const known = items.find((role: { name: string }) => role.name === name);
    // Only from roles further up: whatever is chosen, there is no cycle.
    const inherits = some(ROLES.slice(0, index), 0.3).filter((role) =>
      items.some((item: { name: string }) => item.name === role),
    );
    const match = known ? { 'if-match': `"${known.version}"` } : { 'if-none-match': '*' };
    await must(
      'PUT',
      `/roles/${name}`,
      { permissions: some(PERMISSIONS, 0.3), inherits, reason },
      match as never,
    );
    if (!known) items.push({ name });
  }
  const names = (await must('GET', '/roles')).items.map((role: { name: string }) => role.name);
  for (let count = below(4); count > 0; count -= 1) {
    const assignee = chance(0.5)
      ? { subject: one(SUBJECTS) }
      : { clientId: one(CLIENTS), everybody: chance(0.7) };
    await must('POST', '/assignments', { issuer: staff.issuer, ...assignee, role: one(names), reason });
  }
  const { issuer } = staff;
  const [subject, clientId] = [one(SUBJECTS), one(CLIENTS)];
  const targets = [
    { kind: 'subject', issuer, subject },
    { kind: 'client', issuer, clientId },
    { kind: 'grant', issuer, subject, clientId },
    { kind: 'issuer', issuer },
  ];
  // As if the last time that everybody had to sign in again were a minute ago.
  await worker.registry.query("DELETE FROM meta WHERE name = 'swept_at'");
  for (const target of targets)
    if (chance(0.2))
      await must('POST', '/revocations', {
        target,
        ...(target.kind === 'issuer' ? { confirm: 'issuer' } : {}),
        reason,
      });
}

/** A token as one of them might have: some older than the revocations, some newer. */
function aToken({ one, some, chance }: Random): Promise<string> {
  const now = Math.floor(Date.now() / 1_000);
  return staff.sign({
    claims: {
      sub: one(SUBJECTS),
      client_id: chance(0.9) ? one(CLIENTS) : undefined,
      roles: some(ROLES, 0.25),
      permissions: some(PERMISSIONS, 0.1),
      scope: some(SCOPES, 0.6).join(' '),
      iat: one([now, now - 600, undefined as never]),
    },
  });
}

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));

test(`explain agrees with what happens (SEED=${seed})`, { timeout: 300_000 }, async () => {
  const choose = random(seed);
  const reasons: Record<string, number> = {};
  for (let policy = 0; policy < POLICIES; policy += 1) {
    await changePolicy(choose);
    for (let call = 0; call < CALLS; call += 1) {
      const token = await aToken(choose);
      const tool = choose.one(Object.keys(TOOLS));
      const told = await must('POST', '/explain', { token, tool });
      worker.logs();
      const response = await rpc(worker, {
        token,
        method: 'tools/call',
        params: { name: tool, arguments: TOOLS[tool] },
      });
      const event = decision(worker);
      // What the message itself lacked (this client cannot be asked) comes after it was allowed.
      const happened =
        event.reason === 'protocol' ? { ...event, decision: 'allow', reason: undefined } : event;
      const what = JSON.stringify({ policy, call, tool, told, happened });
      expect([told.decision, told.reason], what).toEqual([happened.decision, happened.reason]);
      expect(told.policyVersion, what).toBe(happened.policyVersion);
      const status = { token_revoked: 401, scope_missing: 403 }[String(happened.reason)];
      expect(response.status, what).toBe(status ?? (event.reason === 'protocol' ? 400 : 200));
      const isMet = told.rules.every((rule: { isMet: boolean }) => rule.isMet);
      if (told.reason !== 'token_revoked') expect(isMet, what).toBe(told.decision === 'allow');
      const reason = String(happened.reason ?? 'allow');
      reasons[reason] = (reasons[reason] ?? 0) + 1;
    }
  }
  // Otherwise nothing was tried.
  for (const reason of ['allow', 'token_revoked', 'scope_missing', 'permission_missing'])
    expect(reasons[reason] ?? 0, JSON.stringify(reasons)).toBeGreaterThan(20);
});
