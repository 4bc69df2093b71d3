// Attack: go on with a token after it was revoked. It is genuine, not expired, and this server remembers it as verified.
//
// Every kind of revocation is made by an operator and must shut out exactly the tokens it covers, with the same face as any
// other bad token and the exact reason in the log. Signing in again lets in again.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startIssuer, type TestIssuer, trusting } from '../support/issuer.ts';
import { open, request } from '../support/legacy.ts';
import { type Operate, operator } from '../support/operator.ts';
import { decision, rpc } from '../support/rpc.ts';
import { startWorker, type TestWorker } from '../support/worker.ts';

const TOLERANCE = 2;
const SERVICE_ISSUER = 'service-keys';

let staff: TestIssuer;
let partners: TestIssuer;
let operators: TestIssuer;
let worker: TestWorker;
let operate: Operate;
/** Of cron's service key. */
let keyId: string;

const now = (): number => Math.floor(Date.now() / 1_000);
const because = { reason: 'a test' };

/** From then on a token that is signed is one "issued later". */
const until = (instant: number) =>
  expect.poll(now, { timeout: 10_000, interval: 100 }).toBeGreaterThanOrEqual(instant);

/** A new token each time: revocations of everything cover operators too. */
const signIn = (): Promise<Operate> => operator(worker, operators, { sub: 'root', roles: [] });

async function must(method: string, path: string, body?: object) {
  const answer = await operate(method, path, body);
  expect(answer.status, `${method} ${path} ${JSON.stringify(answer.body)}`).toBeLessThan(300);
  return answer.body;
}

/** Everybody who calls, each with a credential that was used before and is remembered. */
const CALLERS = [
  'alice on her phone',
  'alice on her phone, another token',
  'alice on her desktop',
  'alice without a client',
  'alice, nobody knows when',
  'bob on his phone',
  'alice of the partners',
  'cron',
] as const;
type Name = (typeof CALLERS)[number];
const credentials = {} as Record<Name, string>;

beforeAll(async () => {
  [staff, partners, operators] = await Promise.all([startIssuer(), startIssuer(), startIssuer()]);
  worker = await startWorker({
    vars: {
      ...trusting(staff, partners, operators),
      OPERATORS: [{ issuer: operators.issuer, subject: 'root' }],
      SERVICE_KEYS: 'true',
      POLICY_FRESH_SECONDS: 1,
      CLOCK_TOLERANCE_SECONDS: TOLERANCE,
    },
    main: 'test/support/counting-worker.ts',
  });
  operate = await signIn();
  const { key, id } = await must('POST', '/service-keys', {
    service: 'cron',
    owner: 'ops',
    scopes: ['reports:read'],
    roles: ['reader'],
    expiresInSeconds: 3_600,
    ...because,
  });
  keyId = id;
  // An isolate that has just asked the registry asks again after some seconds.
  while ((await rpc(worker, { token: key })).status !== 200)
    await new Promise((resolve) => setTimeout(resolve, 200));
  // Before every revocation of these tests, so that one made in the same second covers them as well.
  const iat = now() - 60;
  const phone = { iat, client_id: 'phone', jti: 'token-1' };
  const sign = (claims: object, issuer = staff) => issuer.sign({ claims: { ...phone, ...claims } });
  Object.assign(credentials, {
    'alice on her phone': await sign({}),
    'alice on her phone, another token': await sign({ jti: 'token-2' }),
    'alice on her desktop': await sign({ jti: 'token-3', client_id: 'desktop' }),
    'alice without a client': await sign({ jti: 'token-4', client_id: undefined }),
    'alice, nobody knows when': await sign({ jti: 'token-5', client_id: 'desktop', iat: undefined }),
    'bob on his phone': await sign({ jti: 'token-6', sub: 'bob' }),
    'alice of the partners': await sign({}, partners),
    cron: key,
  } satisfies Record<Name, string>);
});
afterAll(async () => {
  await worker?.[Symbol.asyncDispose]();
  await Promise.all([staff, partners, operators].map((issuer) => issuer?.[Symbol.asyncDispose]()));
});

/** How a credential is answered: let in, or the kind of revocation in the log. */
async function verdictOn(token: string): Promise<string> {
  worker.logs();
  const response = await rpc(worker, { token });
  const body = await response.text();
  const lines = worker.logs();
  expect(JSON.stringify(lines) + body).not.toContain(token);
  const event = lines.filter(({ event }) => event === 'decision').at(-1);
  if (response.status === 200) {
    expect(event).toMatchObject({ decision: 'allow' });
    return 'let in';
  }
  expect(response.status).toBe(401);
  expect(response.headers.get('www-authenticate')).toBe(
    'Bearer error="invalid_token", error_description="The access token is expired, revoked or not valid for this resource", scope="reports:read", resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/mcp"',
  );
  expect(event).toMatchObject({ decision: 'deny', reason: 'token_revoked' });
  return String(event?.detail);
}

const eventually = (token: string) => expect.poll(() => verdictOn(token), { timeout: 20_000, interval: 200 });

async function verdicts(): Promise<Record<Name, string>> {
  const all = {} as Record<Name, string>;
  for (const name of CALLERS) all[name] = await verdictOn(credentials[name]);
  return all;
}

const expected = (covered: readonly Name[], kind: string): Record<Name, string> =>
  Object.fromEntries(CALLERS.map((name) => [name, covered.includes(name) ? kind : 'let in'])) as never;

const verifications = async (): Promise<number> => {
  const response = await worker.fetch('https://mcp.example.com/counts');
  return ((await response.json()) as { verify: number }).verify;
};

const PHONE: Name[] = ['alice on her phone', 'alice on her phone, another token'];
const DESKTOP: Name[] = ['alice on her desktop', 'alice, nobody knows when'];
const ALICE: Name[] = [...PHONE, ...DESKTOP, 'alice without a client'];

/** Issuers are known when the tests run. */
const TARGETS: readonly (readonly [kind: string, what: string, target: () => object, covered: Name[]])[] = [
  ['token', 'one', () => ({ issuer: staff.issuer, tokenId: 'token-1' }), ['alice on her phone']],
  [
    'token',
    'without iat',
    () => ({ issuer: staff.issuer, tokenId: 'token-5' }),
    ['alice, nobody knows when'],
  ],
  ['subject', 'alice', () => ({ issuer: staff.issuer, subject: 'alice' }), ALICE],
  ['client', 'phone', () => ({ issuer: staff.issuer, clientId: 'phone' }), [...PHONE, 'bob on his phone']],
  ['grant', 'alice and phone', () => ({ issuer: staff.issuer, subject: 'alice', clientId: 'phone' }), PHONE],
  [
    'grant',
    'alice and no client',
    () => ({ issuer: staff.issuer, subject: 'alice', clientId: null }),
    ['alice without a client'],
  ],
  ['issuer', 'of the partners', () => ({ issuer: partners.issuer }), ['alice of the partners']],
  ['issuer', 'of the staff', () => ({ issuer: staff.issuer }), [...ALICE, 'bob on his phone']],
  ['issuer', 'of all services', () => ({ issuer: SERVICE_ISSUER }), ['cron']],
  ['subject', 'a service', () => ({ issuer: SERVICE_ISSUER, subject: 'cron' }), ['cron']],
  ['token', 'a key', () => ({ issuer: SERVICE_ISSUER, tokenId: keyId }), ['cron']],
  ['everything', 'at all', () => ({}), [...CALLERS]],
];

describe.each(TARGETS)('a revocation, %s: %s', (kind, _, target, covered) => {
  test('shuts out exactly those it covers, though all were let in and are remembered', async () => {
    expect(await verdicts()).toEqual(expected([], kind));
    const verified = await verifications();
    // As if the one before were a minute ago.
    await worker.registry.query("DELETE FROM meta WHERE name = 'swept_at'");
    const { id, newTokensFrom } = await must('POST', '/revocations', {
      target: { kind, ...target() },
      ...(kind === 'issuer' || kind === 'everything' ? { confirm: kind } : {}),
      ...because,
    });
    const [first] = covered as [Name];
    await eventually(credentials[first]).toBe(kind);
    expect(await verdicts()).toEqual(expected(covered, kind));
    // Of the credentials; the operator's token was verified before as well.
    expect(await verifications()).toBe(verified);

    if (kind === 'everything') {
      expect((await operate('GET', '/status')).status).toBe(401);
      await until(newTokensFrom);
      operate = await signIn();
    }
    await must('DELETE', `/revocations/${id}?reason=over`);
    await eventually(credentials[first]).toBe('let in');
    expect(await verdicts()).toEqual(expected([], kind));
  });
});

test('a revoked session is gone, and its token opens another one', async () => {
  const token = credentials['alice on her phone'];
  const sessions = [await open(worker, token), await open(worker, token)];
  const ping = async (sessionId: string) => (await request(worker, { token, sessionId }, 'ping')).status;
  const [ended, other] = sessions as [string, string];
  await must('POST', '/revocations', { target: { kind: 'session', sessionId: ended }, ...because });
  await expect.poll(() => ping(ended), { timeout: 20_000, interval: 200 }).toBe(404);
  expect(await ping(other)).toBe(200);
  expect(await verdicts()).toEqual(expected([], 'session'));
});

test('a token issued after a revocation works, as soon as no clock that is allowed could have issued it before', async () => {
  const claims = { sub: 'dora' };
  const before = await staff.sign({ claims });
  expect(await verdictOn(before)).toBe('let in');
  const { revokedAt, newTokensFrom } = await must('POST', '/revocations', {
    target: { kind: 'subject', issuer: staff.issuer, subject: 'dora' },
    ...because,
  });
  expect(newTokensFrom).toBe(revokedAt + TOLERANCE + 1);
  await eventually(before).toBe('subject');

  // In the future by no more than the tolerance, so it is not refused for that.
  const ahead = await staff.sign({ claims: { ...claims, iat: revokedAt + TOLERANCE } });
  expect(await verdictOn(ahead)).toBe('subject');
  await until(newTokensFrom);
  expect(await verdictOn(ahead)).toBe('subject');
  const after = await staff.sign({ claims: { ...claims, iat: newTokensFrom } });
  expect(await verdictOn(after)).toBe('let in');
  expect(await verdictOn(before)).toBe('subject');
  expect(await verdictOn(await staff.sign({ claims: { ...claims, iat: undefined } }))).toBe('subject');
});

test('a token issued after a block was set is refused too, until the block ends', async () => {
  const end = now() + 5;
  const block = { target: { kind: 'subject', issuer: staff.issuer, subject: 'emma' }, until: end };
  const { newTokensFrom } = await must('POST', '/revocations', { ...block, ...because });
  const sign = () => staff.sign({ claims: { sub: 'emma' } });
  const before = await sign();
  await eventually(before).toBe('subject');
  await until(end);
  const during = await staff.sign({ claims: { sub: 'emma', iat: end } });
  expect(await verdictOn(during)).toBe('subject');
  await until(newTokensFrom);
  expect(await verdictOn(await sign())).toBe('let in');
  for (const old of [before, during]) expect(await verdictOn(old)).toBe('subject');
});

test('a token is revoked by its text as well, however its signature is written', async () => {
  const token = await staff.sign({ claims: { sub: 'finn', jti: undefined } });
  const other = await staff.sign({ claims: { sub: 'finn', jti: undefined, scope: 'reports:write' } });
  for (const good of [token, other]) expect(await verdictOn(good)).toBe('let in');
  const forged = `${token.slice(0, token.lastIndexOf('.'))}.e30`;
  await must('POST', '/revocations', { target: { kind: 'token', token: forged }, ...because });
  await eventually(token).toBe('token');
  expect(await verdictOn(other)).toBe('let in');
});

test('a service key that was withdrawn is refused, and remembered or not it never works again', async () => {
  expect(await verdictOn(credentials.cron)).toBe('let in');
  await must('DELETE', `/service-keys/${keyId}?reason=leaked`);
  await expect
    .poll(async () => (await rpc(worker, { token: credentials.cron })).status, {
      timeout: 20_000,
      interval: 200,
    })
    .toBe(401);
  expect(decision(worker)).toMatchObject({
    decision: 'deny',
    reason: 'token_invalid',
    detail: 'service_key_unknown',
  });
});
