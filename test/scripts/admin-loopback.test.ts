// The default way to sign in to the operators' command line: what is asked for, what counts as the answer, and what is shown.

import { createHash } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { listenOnLoopback } from '../../scripts/admin/loopback.ts';
import { FakeAdminServer, statusAnswer, TOKEN } from './fake-admin-server.ts';

const server = new FakeAdminServer();
beforeAll(() => server.start());
afterAll(() => server.stop());
beforeEach(async () => {
  server.reset();
  server.answer = statusAnswer;
  await server.run(['logout']);
});

const PERSON = { ADMIN_TOKEN: '' };
const CODE = 'code-that-nobody-may-see';

interface Opened {
  readonly asked: Readonly<Record<string, string>>;
  /** Comes back to the command with these parameters, and gives what the browser shows. */
  back(parameters: Readonly<Record<string, string>>): Promise<Response>;
}

function opened(url: string): Opened {
  const asked = Object.fromEntries(new URL(url).searchParams);
  return {
    asked,
    back: (parameters) => fetch(`${asked.redirect_uri}?${new URLSearchParams(parameters)}`),
  };
}

/** Runs `status`; the person does what `act` says, once for each time it is told to open a URL. */
async function signIn(act: (person: Opened) => Promise<unknown>, args: readonly string[] = []) {
  const all: Opened[] = [];
  const acts: Promise<unknown>[] = [];
  const outcome = await server.run(['status', ...args], {
    env: PERSON,
    open: (url) => {
      const person = opened(url);
      all.push(person);
      acts.push(act(person));
    },
  });
  await Promise.all(acts);
  return { ...outcome, opened: all };
}
const allow = ({ asked: { state = '' }, back }: Opened) => back({ code: CODE, state, iss: server.issuer });

test('the URL asks for a code with PKCE S256, a state and a redirect to this machine, and keeps its own query', async () => {
  const { code, opened } = await signIn(allow);
  expect(code).toBe(0);
  const [{ asked } = { asked: {} as Opened['asked'] }] = opened;
  expect(asked).toEqual({
    tenant: '1',
    response_type: 'code',
    client_id: 'cli',
    redirect_uri: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/callback$/),
    code_challenge: expect.stringMatching(/^[\w-]{43}$/),
    code_challenge_method: 'S256',
    state: expect.stringMatching(/^[\w-]{22}$/),
    scope: 'mcp:admin',
    resource: server.url,
  });
  const [granted = {}] = server.granted;
  expect(granted).toEqual({
    grant_type: 'authorization_code',
    client_id: 'cli',
    code: CODE,
    code_verifier: expect.any(String),
    redirect_uri: asked.redirect_uri,
    resource: server.url,
  });
  const challenge = createHash('sha256')
    .update(granted.code_verifier ?? '')
    .digest('base64url');
  expect(challenge).toBe(asked.code_challenge);
  expect(server.asked.at(-1)?.headers.authorization).toBe(`Bearer ${TOKEN}`);
});

test('the page in the browser says that it can be closed, and neither page nor terminal has code or token', async () => {
  let page = new Response();
  let text = '';
  const { code, stdout, stderr } = await signIn(async (person) => {
    page = await allow(person);
    text = await page.text();
  });
  expect([code, page.status]).toEqual([0, 200]);
  expect(text).toContain('This page can be closed.');
  expect(Object.fromEntries(page.headers)).toMatchObject({
    'cache-control': 'no-store',
    'content-security-policy': "default-src 'none'",
    'referrer-policy': 'no-referrer',
  });
  for (const secret of [CODE, TOKEN]) expect(text + stdout + stderr).not.toContain(secret);
});

test('what lacks the state of this sign-in is not the answer, and does not end it', async () => {
  const statuses: number[] = [];
  const { code } = await signIn(async (person) => {
    const { redirect_uri: uri = '', state = '' } = person.asked;
    for (const other of [
      `${uri}?code=forged`,
      `${uri}?code=forged&state=other`,
      `${uri}?error=access_denied&state=`,
      `${uri.replace('/callback', '/')}?code=forged&state=${state}`,
    ])
      statuses.push((await fetch(other)).status);
    statuses.push((await fetch(`${uri}?code=forged&state=${state}`, { method: 'POST' })).status);
    await allow(person);
  });
  expect(statuses).toEqual([404, 404, 404, 404, 404]);
  expect(code).toBe(0);
  expect(server.granted.map(({ code }) => code)).toEqual([CODE]);
});

test('an answer of another issuer is refused, and one without is not, unless the server says that it always sends it', async () => {
  const from = (iss?: string) =>
    signIn(
      ({ asked: { state = '' }, back }) => back({ code: CODE, state, ...(iss === undefined ? {} : { iss }) }),
      ['--no-cache'],
    );
  const other = await from('https://other.example.com');
  expect(other).toMatchObject({ code: 1, stdout: '' });
  expect(other.stderr).toContain('issuer_mismatch');
  expect(server.granted).toEqual([]);
  expect((await from()).code).toBe(0);
  server.metadata = { authorization_response_iss_parameter_supported: true };
  expect((await from()).stderr).toContain('issuer_mismatch');
  expect((await from(server.issuer)).code).toBe(0);
});

test('whoever says no is believed', async () => {
  const { code, stderr } = await signIn(({ asked: { state = '' }, back }) =>
    back({ error: 'access_denied', state, iss: server.issuer }),
  );
  expect(code).toBe(1);
  expect(stderr).toContain('signing in was refused');
  expect(server.granted).toEqual([]);
});

test('a page that is no https URL is not shown to anybody', async () => {
  server.metadata = { authorization_endpoint: 'http://as.example.com/authorize' };
  const { code, opened } = await signIn(allow);
  expect(code).not.toBe(0);
  expect(opened).toEqual([]);
  server.metadata = { authorization_endpoint: undefined };
  expect((await signIn(allow)).stderr).toContain('--device');
});

const CHALLENGE =
  'Bearer error="insufficient_user_authentication", error_description="Sign in, max_age=1", max_age="900", acr_values="phr urn:a", resource_metadata="https://x"';
const old = (challenge = CHALLENGE) => ({
  status: 401,
  body: { error: 'insufficient_user_authentication' },
  headers: { 'www-authenticate': challenge },
});

test('a server that wants a newer sign-in has one asked for by its max_age and acr_values', async () => {
  server.answer = (asked) => (server.asked.length === 1 ? old() : statusAnswer(asked));
  const { code, stderr, opened } = await signIn(allow);
  expect(code).toBe(0);
  expect(stderr).toContain('signing in again');
  expect(opened.map(({ asked: { max_age, acr_values } }) => [max_age, acr_values])).toEqual([
    [undefined, undefined],
    ['900', 'phr urn:a'],
  ]);
  // What came of it is kept, and used.
  expect((await signIn(allow)).opened).toEqual([]);
});

test('where the authorization server knows the scope of OpenID Connect, that is asked for with it', async () => {
  server.metadata = { scopes_supported: ['openid', 'mcp:admin'] };
  server.answer = (asked) => (server.asked.length === 1 ? old() : statusAnswer(asked));
  const { opened } = await signIn(allow);
  expect(opened.map(({ asked }) => asked.scope)).toEqual(['mcp:admin', 'mcp:admin openid']);
});

test('once, and then it says whose fault that is', async () => {
  server.answer = () => old();
  const { code, stderr, opened } = await signIn(allow);
  expect(code).toBe(1);
  expect(opened).toHaveLength(2);
  expect(server.asked).toHaveLength(2);
  expect(stderr).toContain('does not put auth_time into access tokens');
});

test('also after a kept token was refused for another reason', async () => {
  await signIn(allow);
  server.asked.length = 0;
  server.answer = (asked) =>
    [{ status: 401, body: { error: 'invalid_token' } }, old()][server.asked.length - 1] ??
    statusAnswer(asked);
  const { code, opened } = await signIn(allow);
  expect(code).toBe(0);
  expect(opened.map(({ asked }) => asked.max_age)).toEqual([undefined, '900']);
});

test('the device flow asks for it as well; what is no number is not asked for', async () => {
  server.answer = (asked) => (server.asked.length === 1 ? old() : statusAnswer(asked));
  expect((await server.run(['status', '--device', '--no-cache'], { env: PERSON })).code).toBe(0);
  const devices = server.granted.filter(({ grant_type }) => grant_type === undefined);
  expect(devices.map(({ max_age, acr_values }) => [max_age, acr_values])).toEqual([
    [undefined, undefined],
    ['900', 'phr urn:a'],
  ]);
  server.asked.length = 0;
  server.answer = (asked) =>
    server.asked.length === 1 ? old(CHALLENGE.replace('"900"', '"soon"')) : statusAnswer(asked);
  expect((await signIn(allow, ['--no-cache'])).opened.map(({ asked }) => asked.max_age)).toEqual([
    undefined,
    undefined,
  ]);
});

test('with a token that is at hand nobody can sign in again', async () => {
  server.answer = () => old();
  expect(await server.run(['status'])).toMatchObject({ code: 1 });
  expect(server.asked).toHaveLength(1);
});

test('nobody listens any more after the answer, nor when nobody signed in in time', async () => {
  const refused = async (uri: string) => (await fetch(uri).catch((error: Error) => error)) instanceof Error;
  const loopback = await listenOnLoopback();
  const answer = loopback.answer('s');
  await (await fetch(`${loopback.redirectUri}?state=s&code=c`)).text();
  expect((await answer).searchParams.get('code')).toBe('c');
  expect(await refused(loopback.redirectUri)).toBe(true);

  const late = await listenOnLoopback(50);
  await expect(late.answer('s')).rejects.toThrow('nobody signed in in time');
  expect(await refused(late.redirectUri)).toBe(true);
});
