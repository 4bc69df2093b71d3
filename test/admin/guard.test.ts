// Who gets to the operators' API: the scope from the user, the permission from the organisation, at this moment. Operators
// listed in the configuration need no role, so that a bad edit locks nobody out for good.

import { describe, expect, test } from 'vitest';
import { isListed } from '../../src/admin/operator.ts';
import { OPERATIONS } from '../../src/admin/routes.ts';
import { startIssuer } from '../support/issuer.ts';
import { ORIGIN, useAdminGate } from './admin-gate.ts';

const gate = useAdminGate((issuer) => ({
  OPERATORS: [{ issuer, subject: 'root' }],
  ALLOWED_ORIGINS: ['https://inspector.example.com'],
}));
const { call } = gate;

const because = { reason: 'a test' };
const METADATA = 'resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/mcp"';
const root = (claims: object = {}) => gate.sign({ claims: { sub: 'root', roles: [], ...claims } });
const status = async (token: string): Promise<number> =>
  (await call('GET', '/admin/status', { token })).status;
const revoke = (target: object, more: object = {}, token?: string) =>
  call('POST', '/admin/revocations', {
    body: { target, ...because, ...more },
    ...(token === undefined ? {} : { token }),
  });
const subject = (name: string) => ({ kind: 'subject', issuer: gate.issuer.issuer, subject: name });

test('without a token every path and method gets the bare challenge, whether it exists or not', async () => {
  const paths = [
    ...OPERATIONS.map(([method, path]) => [method, path] as const),
    ['GET', '/admin/nothing'] as const,
  ];
  for (const [method, path] of [...paths, ['PATCH', '/admin/roles'] as const]) {
    const answer = await call(method, path, { token: null });
    expect([answer.status, answer.body.error], path).toEqual([401, 'unauthorized']);
    expect(answer.headers.get('www-authenticate')).toBe(`Bearer scope="reports:read", ${METADATA}`);
  }
});

test('what is not a good token is told apart as everywhere', async () => {
  await using stranger = await startIssuer();
  const claims = { sub: 'root', scope: 'mcp:admin', roles: ['operator'] };
  const expired = Math.floor(Date.now() / 1_000) - 60;
  const refused: [string, number, string, string][] = [
    [await stranger.sign({ claims }), 401, 'invalid_token', 'issuer_not_trusted'],
    [await root({ aud: 'https://other.example.com/mcp' }), 401, 'invalid_token', 'token_invalid'],
    [await root({ iat: expired - 60, exp: expired }), 401, 'invalid_token', 'token_expired'],
    ['not a token', 400, 'invalid_request', 'token_malformed'],
  ];
  for (const [token, code, error, reason] of refused) {
    gate.decisions();
    const answer = await call('GET', '/admin/status', { token });
    expect([answer.status, answer.body.error], reason).toEqual([code, error]);
    expect(gate.decisions()).toMatchObject([{ reason, operation: 'status' }]);
  }
  const inQuery = await call('GET', `/admin/status?access_token=${await root()}`);
  expect([inQuery.status, inQuery.body.error]).toEqual([400, 'invalid_request']);
});

test('without the scope the challenge asks for it; without the permission nothing is asked for', async () => {
  const cases: [object, number, string, string | null][] = [
    [
      { scope: 'reports:read', roles: ['operator'] },
      403,
      'insufficient_scope',
      `Bearer error="insufficient_scope", error_description="This operation needs more scopes than the access token has", scope="mcp:admin", ${METADATA}`,
    ],
    [{ scope: 'mcp:admin', roles: ['editor'] }, 403, 'forbidden', null],
    [{ scope: 'mcp:admin', roles: [] }, 403, 'forbidden', null],
    // Consent could not help, so nobody is sent to it.
    [{ scope: 'reports:read', roles: [] }, 403, 'forbidden', null],
    [{ scope: 'mcp:admin', roles: [], permissions: ['mcp:operate'] }, 200, 'undefined', null],
    [{ scope: 'reports:read mcp:admin', roles: ['reader', 'operator'] }, 200, 'undefined', null],
  ];
  for (const [claims, code, error, challenge] of cases) {
    const answer = await call('GET', '/admin/status', { token: await gate.sign({ claims: { ...claims } }) });
    const why = JSON.stringify(claims);
    expect([answer.status, String(answer.body.error)], why).toEqual([code, error]);
    expect(answer.headers.get('www-authenticate'), why).toBe(challenge);
  }
});

test('a page of another origin is refused before its token is looked at, and no page may read the answers', async () => {
  for (const [url, origin, reason] of [
    [ORIGIN, 'https://evil.example.com', 'origin_forbidden'],
    [ORIGIN, 'null', 'origin_forbidden'],
    ['https://evil.example.com', undefined, 'host_forbidden'],
  ] as const) {
    gate.decisions();
    const headers = { authorization: `Bearer ${await root()}`, ...(origin ? { origin } : {}) };
    const response = await gate.worker.fetch(`${url}/admin/status`, { headers });
    expect([response.status, await response.json()]).toMatchObject([403, { error: 'forbidden' }]);
    expect(response.headers.get('access-control-allow-origin')).toBe(null);
    expect(gate.decisions()).toMatchObject([{ reason, operation: 'status' }]);
  }
  // A preflight has no token: a page cannot even send the Authorization header.
  const headers = {
    origin: 'https://inspector.example.com',
    'access-control-request-headers': 'authorization',
  };
  const preflight = await gate.worker.fetch(`${ORIGIN}/admin/status`, { method: 'OPTIONS', headers });
  expect(preflight.status).toBe(401);
  expect(preflight.headers.get('access-control-allow-headers')).toBe(null);
});

describe('an operator', () => {
  test('who is revoked is out with the next request, whatever was cached, and back as soon', async () => {
    const token = await gate.sign({ claims: { sub: 'rogue' } });
    expect(await status(token)).toBe(200);
    const revoked = await revoke(subject('rogue'));
    expect(revoked.status).toBe(201);
    gate.decisions();
    const { body } = await call('GET', '/admin/status', { token });
    expect(body.error).toBe('invalid_token');
    expect(gate.decisions()).toMatchObject([{ reason: 'token_revoked', detail: 'subject', status: 401 }]);
    await call('DELETE', `/admin/revocations/${revoked.body.id}?reason=a+mistake`);
    expect(await status(token)).toBe(200);
  });

  test('can revoke herself, and then nothing more', async () => {
    const token = await gate.sign({ claims: { sub: 'leaving' } });
    expect((await revoke(subject('leaving'), {}, token)).status).toBe(201);
    expect((await revoke(subject('somebody'), {}, token)).status).toBe(401);
  });

  test('by an assigned role is one at once, and no longer when it is taken away', async () => {
    const token = await gate.sign({ claims: { sub: 'nora', roles: [] } });
    expect(await status(token)).toBe(403);
    const assignment = { issuer: gate.issuer.issuer, subject: 'nora', role: 'operator', ...because };
    expect((await call('POST', '/admin/assignments', { body: assignment })).status).toBe(201);
    expect(await status(token)).toBe(200);
    await call('DELETE', `/admin/assignments?${new URLSearchParams(assignment)}`);
    expect(await status(token)).toBe(403);
  });
});

describe('a role edit that takes the permission from everybody', () => {
  test('locks out all but the operators listed in the configuration, who need the scope all the same', async () => {
    const others = await gate.sign();
    const edit = { permissions: [], ...because };
    const headers = { 'if-match': '"0"' };
    expect((await call('PUT', '/admin/roles/operator', { body: edit, headers })).status).toBe(200);
    expect(await status(others)).toBe(403);
    const [listed, without] = [await root(), await root({ scope: 'reports:read' })];
    expect(await status(listed)).toBe(200);
    const { status: code, body } = await call('DELETE', '/admin/roles?reason=x', { token: without });
    expect([code, body.error]).toEqual([403, 'insufficient_scope']);

    const etag = (await call('GET', '/admin/roles', { token: listed })).headers.get('etag') ?? '';
    const repair = { token: listed, headers: { 'if-match': etag } };
    expect((await call('DELETE', '/admin/roles?reason=repair', repair)).status).toBe(200);
    expect(await status(others)).toBe(200);
  });

  test('does not help others of that name: of another issuer, or a client', async () => {
    const operators = [{ issuer: 'https://as.example.com', subject: 'root' }];
    expect(isListed({ issuer: 'https://as.example.com', subject: 'root' }, { operators })).toBe(true);
    expect(isListed({ issuer: 'https://other.example.com', subject: 'root' }, { operators })).toBe(false);
    const client = await gate.sign({ claims: { sub: 'not-root', roles: [], client_id: 'root' } });
    expect(await status(client)).toBe(403);
  });
});

describe('a listed operator', () => {
  test('can be revoked, and is back with a token issued later', async () => {
    const token = await root();
    expect(await status(token)).toBe(200);
    const { body } = await revoke(subject('root'));
    expect(await status(token)).toBe(401);
    await expect
      .poll(() => Date.now() / 1_000, { timeout: 10_000 })
      .toBeGreaterThanOrEqual(body.newTokensFrom);
    expect(await status(await root())).toBe(200);
  });

  test('cannot be blocked, and neither can everybody, or the client that whoever blocks is signed in with', async () => {
    const until = Math.floor(Date.now() / 1_000) + 600;
    const { issuer } = gate.issuer;
    const targets = [
      [subject('root'), 'root is in OPERATORS'],
      [{ kind: 'grant', issuer, subject: 'root', clientId: 'test-client' }, 'root is in OPERATORS'],
      [{ kind: 'issuer', issuer }, 'until does not go with issuer', 'issuer'],
      [{ kind: 'everything' }, 'until does not go with everything', 'everything'],
      [
        { kind: 'client', issuer, clientId: 'test-client' },
        'until does not go with the client you are signed',
      ],
    ] as const;
    const before = (await call('GET', '/admin/status')).body.version;
    for (const [target, problem, confirm] of targets) {
      const { status: code, body } = await revoke(target, { until, ...(confirm ? { confirm } : {}) });
      expect([code, body.error], problem).toEqual([409, 'conflict']);
      expect(body.error_description).toContain(problem);
    }
    expect((await call('GET', '/admin/status')).body.version).toBe(before);
    expect((await revoke({ ...subject('root'), issuer: 'https://as.example.com' }, { until })).status).toBe(
      201,
    );
  });
});

describe('scope and permission', () => {
  const other = useAdminGate(() => ({
    ADMIN_SCOPE: 'ops:all',
    ADMIN_PERMISSION: 'reports:write',
    SCOPE_IMPLICATIONS: { 'ops:everything': ['ops:all'] },
    ADMIN_SCOPE_GRANTED: true,
  }));

  test('are those that the deployment names, and a scope may be implied', async () => {
    const codes: [object, number][] = [
      [{ scope: 'ops:all', roles: ['editor'] }, 200],
      [{ scope: 'ops:everything', roles: ['editor'] }, 200],
      [{ scope: 'mcp:admin', roles: ['editor'] }, 403],
      [{ scope: 'ops:all', roles: ['operator'] }, 403],
    ];
    for (const [claims, code] of codes) {
      const token = await other.sign({ claims: { ...claims } });
      expect((await other.call('GET', '/admin/status', { token })).status, JSON.stringify(claims)).toBe(code);
    }
  });
});
