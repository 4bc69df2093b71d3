// What holds for every operation of the operators' API: what it knows and refuses, that a change is made once, whole or
// not at all, and that lists can be walked to their end.

import { expect, test } from 'vitest';
import openapi from '../../src/admin/assets/admin/openapi.json';
import { OPERATIONS } from '../../src/admin/routes.ts';
import { resolve } from '../support/json-schema.ts';
import { type Answer, described, useAdminGate } from './admin-gate.ts';

const gate = useAdminGate(() => ({ SERVICE_KEYS: true }));
const { call } = gate;

const NOW = Math.floor(Date.now() / 1_000);
const ISSUER = 'https://as.example.com';
const subject = { issuer: ISSUER, subject: 'alice' };
const key = { service: 'nightly', owner: 'team', scopes: [], roles: [], expiresInSeconds: 600 };

/** A call of every operation that can be understood, without its reason. */
const CALLS: Readonly<Record<string, { path: string; body?: object; headers?: Record<string, string> }>> = {
  status: { path: '/admin/status' },
  list_revocations: { path: '/admin/revocations' },
  revoke: { path: '/admin/revocations', body: { target: { kind: 'subject', ...subject } } },
  unrevoke: { path: '/admin/revocations/0123456789abcdef' },
  list_roles: { path: '/admin/roles' },
  reset_roles: { path: '/admin/roles', headers: { 'if-match': '"0"' } },
  apply_shadow: { path: '/admin/roles/shadow/apply', body: {}, headers: { 'if-match': '"0"' } },
  discard_shadow: { path: '/admin/roles/shadow', headers: { 'if-match': '"0"' } },
  read_role: { path: '/admin/roles/reader' },
  put_role: { path: '/admin/roles/reader', body: { permissions: [] }, headers: { 'if-match': '"0"' } },
  delete_role: { path: '/admin/roles/finance', headers: { 'if-match': '"0"' } },
  list_assignments: { path: '/admin/assignments' },
  assign: { path: '/admin/assignments', body: { ...subject, role: 'reader' } },
  unassign: { path: `/admin/assignments?issuer=${ISSUER}&subject=alice&role=reader` },
  list_keys: { path: '/admin/service-keys' },
  create_key: { path: '/admin/service-keys', body: key },
  rotate_key: { path: '/admin/service-keys/key_1/rotate', body: {} },
  revoke_key: { path: '/admin/service-keys/key_1' },
  list_sessions: { path: `/admin/sessions?issuer=${ISSUER}&subject=alice` },
  end_sessions: { path: `/admin/sessions?issuer=${ISSUER}&subject=alice` },
  forget: { path: '/admin/forget', body: { ...subject, confirm: 'forget' } },
  history: { path: '/admin/history' },
  decisions: { path: '/admin/decisions' },
  explain: { path: '/admin/explain', body: { principal: subject } },
};

const ALL = OPERATIONS.map(([method, , name]) => ({
  method,
  name,
  ...CALLS[name],
  path: CALLS[name]?.path ?? '',
}));
const WRITES = ALL.filter(({ method, name }) => method !== 'GET' && name !== 'explain');
const WITH_BODY = ALL.filter(({ body }) => body !== undefined);

const plus = (path: string, query: string): string => `${path}${path.includes('?') ? '&' : '?'}${query}`;
const refusal = ({ status, body }: Answer) => [status, body.error];
const version = async (): Promise<number> => (await call('GET', '/admin/status')).body.version;

test('anybody may read the document', async () => {
  // The platform serves it, so it is asked where that listens.
  const response = await fetch(new URL('/admin/openapi.json', gate.worker.url));
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe('application/json');
  expect(await response.json()).toEqual(openapi);
});

test('every operation knows the members and parameters that the document names, and no others', async () => {
  for (const { method, name, path, body, headers } of ALL) {
    const operation = described(method, path) as {
      parameters?: { $ref?: string }[];
      requestBody?: { content: { 'application/json': { schema: unknown } } };
    };
    const parameters = (operation.parameters ?? []).map(
      (parameter) =>
        (parameter.$ref ? resolve(parameter.$ref, openapi) : parameter) as { in: string; name: string },
    );
    const inQuery = parameters
      .filter((parameter) => parameter.in === 'query')
      .map((parameter) => parameter.name);
    const asked = [
      ...(method === 'GET' || method === 'DELETE' || inQuery.length > 0
        ? [[{ path: plus(path, 'nonsense=1'), body }, inQuery] as const]
        : []),
      ...(body
        ? [
            [
              { path, body: { ...body, nonsense: 1 } },
              members(operation.requestBody?.content['application/json'].schema),
            ] as const,
          ]
        : []),
    ];
    expect(asked.length, name).toBeGreaterThan(0);
    for (const [request, names] of asked) {
      const answer = await call(method, request.path, {
        ...(request.body ? { body: request.body } : {}),
        ...(headers ? { headers } : {}),
      });
      expect(refusal(answer), name).toEqual([400, 'invalid_request']);
      const known = /^nonsense is not known here; there is (.*)\.$/.exec(answer.body.error_description)?.[1];
      expect(known?.split(', ').sort(), name).toEqual(names.length > 0 ? [...names].sort() : ['nothing']);
    }
  }
});

/** Names of the members that a schema of an object knows. */
function members(schema: unknown): string[] {
  const {
    $ref,
    allOf = [],
    properties = {},
  } = schema as { $ref?: string; allOf?: unknown[]; properties?: object };
  if ($ref !== undefined) return members(resolve($ref, openapi));
  return [...Object.keys(properties), ...allOf.flatMap(members)];
}

test('a write without a good reason is refused, and nothing is changed', async () => {
  const before = await version();
  for (const { method, name, path, body, headers = {} } of WRITES) {
    for (const reason of [undefined, '', '  ', 'x'.repeat(501), 'a\nb']) {
      const inQuery = reason === undefined ? path : plus(path, `reason=${encodeURIComponent(reason)}`);
      const answer = body
        ? await call(method, path, {
            headers,
            body: { ...body, ...(reason === undefined ? {} : { reason }) },
          })
        : await call(method, inQuery, { headers });
      expect(refusal(answer), `${name} ${reason}`).toEqual([400, 'invalid_request']);
      expect(answer.body.error_description).toBe('reason must be text of 1 to 500 characters.');
    }
  }
  expect(await version()).toBe(before);
});

test('a body that is not a JSON object of a bearable size is refused', async () => {
  const before = await version();
  const bodies: [unknown, number][] = [
    ['{"reason":', 400],
    ['', 400],
    ['[]', 400],
    ['"text"', 400],
    ['null', 400],
    ['{"a":[[[[[[[[1]]]]]]]]}', 400],
    [`{"reason":"${'x'.repeat(65_536)}"}`, 413],
  ];
  for (const { method, name, path, headers = {} } of WITH_BODY) {
    for (const [body, status] of bodies) {
      const answer = await call(method, path, { body, headers });
      expect(refusal(answer), `${name} ${String(body).slice(0, 30)}`).toEqual([status, 'invalid_request']);
    }
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonp'])
      expect(
        refusal(await call(method, path, { body: '{}', headers: { ...headers, 'content-type': type } })),
      ).toEqual([415, 'invalid_request']);
  }
  expect(await version()).toBe(before);
});

test.each<[string, string, object, string]>([
  ['POST', '/admin/revocations', { target: 'alice' }, 'target must be an object'],
  ['POST', '/admin/revocations', { target: { kind: 'person' } }, 'target.kind must be one of token, subject'],
  ['POST', '/admin/revocations', { target: { kind: 'subject', issuer: ISSUER } }, 'subject must be text'],
  ['POST', '/admin/revocations', { target: { kind: 'grant', ...subject } }, 'clientId must be text'],
  ['POST', '/admin/revocations', { target: { kind: 'everything', issuer: ISSUER } }, 'issuer is not known'],
  [
    'POST',
    '/admin/revocations',
    { target: { kind: 'token', token: 'x', issuer: ISSUER } },
    'issuer is not known',
  ],
  [
    'POST',
    '/admin/revocations',
    { target: { kind: 'token', token: 'opaque' } },
    'neither a JWT nor a service key',
  ],
  [
    'POST',
    '/admin/revocations',
    { target: { kind: 'subject', ...subject }, until: 1 },
    'until must be a whole',
  ],
  [
    'POST',
    '/admin/revocations',
    { target: { kind: 'subject', ...subject }, until: NOW + 32_000_000 },
    'until must',
  ],
  [
    'POST',
    '/admin/revocations',
    { target: { kind: 'subject', ...subject }, eraseState: 1 },
    'eraseState must be',
  ],
  [
    'POST',
    '/admin/revocations',
    { target: { kind: 'client', issuer: ISSUER, clientId: 'c' }, eraseState: true },
    'eraseState goes with',
  ],
  ['POST', '/admin/assignments', { issuer: ISSUER, role: 'reader' }, 'Give either subject or clientId.'],
  [
    'POST',
    '/admin/assignments',
    { ...subject, clientId: 'c', role: 'reader' },
    'Give either subject or clientId.',
  ],
  ['POST', '/admin/assignments', { ...subject, role: ' reader' }, 'role must be a name'],
  ['POST', '/admin/service-keys', { ...key, service: 'x'.repeat(129) }, 'service must be a name of 1 to 128'],
  ['POST', '/admin/service-keys', { ...key, owner: '' }, 'owner must be text of 1 to 256'],
  ['POST', '/admin/service-keys', { ...key, scopes: ['a b'] }, 'scopes must be a list of scopes'],
  ['POST', '/admin/service-keys', { ...key, roles: 'reader' }, 'roles must be a list of names'],
  [
    'POST',
    '/admin/service-keys',
    { ...key, expiresInSeconds: 59 },
    'expiresInSeconds must be a whole number from 60',
  ],
  ['POST', '/admin/service-keys', { ...key, expiresInSeconds: 7_776_001 }, 'to 7776000'],
  [
    'POST',
    '/admin/service-keys',
    { ...key, expiresInSeconds: 60.5 },
    'expiresInSeconds must be a whole number',
  ],
  [
    'POST',
    '/admin/service-keys/key_1/rotate',
    { overlapSeconds: -1 },
    'overlapSeconds must be a whole number',
  ],
  ['POST', '/admin/forget', { confirm: 'forget', issuer: ISSUER }, 'subject must be text'],
  [
    'POST',
    '/admin/forget',
    { confirm: 'forget', issuer: ISSUER, subject: 'a\u0000b' },
    'subject must be text',
  ],
  ['POST', '/admin/forget', subject, 'confirm must be "forget"'],
  ['POST', '/admin/forget', { ...subject, confirm: true }, 'confirm must be "forget"'],
  ['POST', '/admin/revocations', { target: { kind: 'everything' } }, 'confirm must be "everything"'],
  [
    'POST',
    '/admin/revocations',
    { target: { kind: 'issuer', issuer: ISSUER }, confirm: 'everything' },
    'confirm must be "issuer"',
  ],
  [
    'POST',
    '/admin/revocations',
    { target: { kind: 'subject', ...subject }, confirm: 'subject' },
    'confirm goes with issuer and everything only.',
  ],
  [
    'POST',
    '/admin/revocations',
    { target: { kind: 'client', issuer: ISSUER, clientId: 'c' }, endKeys: true },
    'endKeys goes with a subject only.',
  ],
  [
    'POST',
    '/admin/assignments',
    { ...subject, role: 'reader', everybody: true },
    'everybody goes with a clientId only.',
  ],
  ['POST', '/admin/explain', {}, 'Give either principal or token.'],
  ['POST', '/admin/explain', { principal: subject, token: 'x' }, 'Give either principal or token.'],
  ['POST', '/admin/explain', { principal: [] }, 'principal must be an object'],
  ['POST', '/admin/explain', { principal: { ...subject, name: 'Alice' } }, 'name is not known here'],
  ['POST', '/admin/explain', { principal: { ...subject, roles: 'reader' } }, 'roles must be a list'],
  ['POST', '/admin/explain', { principal: subject, tool: 'whoami', prompt: 'p' }, 'Name one of tool, prompt'],
])('%s %s %j is refused and says why', async (method, path, body, problem) => {
  const answer = await call(method, path, {
    body: path.endsWith('explain') ? body : { ...body, reason: 'a test' },
  });
  expect(refusal(answer)).toEqual([400, 'invalid_request']);
  expect(answer.body.error_description).toContain(problem);
});

test.each([
  ['/admin/revocations?kind=person', 'kind must be one of token'],
  ['/admin/revocations?limit=0', 'limit must be a whole number from 1 to 500'],
  ['/admin/revocations?limit=501', 'limit must be a whole number from 1 to 500'],
  ['/admin/revocations?limit=10&limit=10', 'limit must be given once'],
  ['/admin/revocations?cursor=abc', 'cursor must be'],
  ['/admin/revocations?issuer=', 'issuer must be text'],
  ['/admin/history?action=delete', 'action must be one of revoke'],
  ['/admin/decisions?decision=maybe', 'decision must be one of allow, deny'],
  ['/admin/decisions?since=yesterday', 'since must be a whole number'],
  ['/admin/sessions?issuer=x', 'subject must be text'],
])('GET %s is refused and says why', async (path, problem) => {
  const answer = await call('GET', path);
  expect(refusal(answer)).toEqual([400, 'invalid_request']);
  expect(answer.body.error_description).toContain(problem);
});

test.each<[string, string, object?]>([
  ['GET', '/admin/roles/nobody'],
  ['DELETE', '/admin/revocations/0123456789abcdef?reason=x'],
  ['DELETE', '/admin/revocations/%zz?reason=x'],
  ['DELETE', '/admin/roles/nobody?reason=x'],
  ['DELETE', `/admin/assignments?issuer=${ISSUER}&subject=nobody&role=reader&reason=x`],
  ['DELETE', '/admin/service-keys/key_1?reason=x'],
  ['POST', '/admin/service-keys/key_1/rotate', { reason: 'x' }],
  ['POST', '/admin/roles/shadow/apply', { reason: 'x' }],
  ['DELETE', '/admin/roles/shadow?reason=x'],
  ['POST', '/admin/explain', { principal: { issuer: 'service-keys', subject: 'x' }, tool: 'no_tool' }],
])('%s %s names nothing that is there: 404', async (method, path, body) => {
  const before = await version();
  const isOnVersion = path.includes('/roles/') && method !== 'GET';
  const headers = isOnVersion ? { 'if-match': '"0"' } : {};
  expect(refusal(await call(method, path, { headers, ...(body ? { body } : {}) }))).toEqual([
    404,
    'not_found',
  ]);
  expect(await version()).toBe(before);
});

test('a path that is not known is a 404 that names the document', async () => {
  for (const path of [
    '/admin',
    '/admin/',
    '/admin/users',
    '/admin/roles/a/b',
    '/admin/status/x',
    '/admin/Status',
  ]) {
    const answer = await call('GET', path);
    expect(answer.status, path).toBe(404);
    if (path !== '/admin') expect(answer.body.error_description).toContain('/admin/openapi.json');
  }
});

test('a path that lost its last part is no path to more: nothing is deleted', async () => {
  const before = await version();
  for (const path of ['/admin/roles/', '/admin/roles/%2e', '/admin/sessions/', '/admin/assignments/']) {
    const answer = await call('DELETE', `${path}?reason=an%20empty%20name`);
    expect(answer.status, path).toBe(404);
  }
  expect(await version()).toBe(before);
});

test('a method that a path does not have is a 405 with those it has', async () => {
  const paths: Record<string, string> = {
    '/admin/status': 'GET',
    '/admin/revocations': 'GET, POST',
    '/admin/revocations/x': 'DELETE',
    '/admin/roles': 'GET, DELETE',
    '/admin/roles/reader': 'GET, PUT, DELETE',
    '/admin/roles/shadow/apply': 'POST',
    '/admin/assignments': 'GET, POST, DELETE',
    '/admin/service-keys': 'GET, POST',
    '/admin/service-keys/x': 'DELETE',
    '/admin/service-keys/x/rotate': 'POST',
    '/admin/sessions': 'GET, DELETE',
    '/admin/forget': 'POST',
    '/admin/history': 'GET',
    '/admin/decisions': 'GET',
    '/admin/explain': 'POST',
  };
  for (const [path, allow] of Object.entries(paths)) {
    const answer = await call('PATCH', path);
    expect([...refusal(answer), answer.headers.get('allow')], path).toEqual([
      405,
      'method_not_allowed',
      allow,
    ]);
  }
});

test('every request is in the audit with its operation, also one that is refused', async () => {
  gate.decisions();
  for (const { method, name, path, body, headers = {} } of ALL) {
    const { status } = await call(method, plus(path, 'nonsense=1'), {
      headers,
      ...(body ? { body: {} } : {}),
    });
    const [event, ...more] = gate.decisions();
    expect(more).toEqual([]);
    expect(event, name).toMatchObject({ operation: name, status, subject: 'olivia', principalKind: 'oauth' });
    expect(event).toHaveProperty('decision', status < 300 ? 'allow' : 'deny');
  }
  await call('GET', '/admin/nonsense');
  await call('GET', '/admin/status', { token: null });
  expect(gate.decisions()).toMatchObject([
    { operation: 'unknown', status: 404 },
    { operation: 'status', status: 401, reason: 'token_missing' },
  ]);
});

test('a change says its version and when it is in force, and the next one is newer', async () => {
  const assign = (name: string) =>
    call('POST', '/admin/assignments', {
      body: { issuer: gate.issuer.issuer, subject: name, role: 'reader', reason: 'x' },
    });
  const [first, second] = [await assign('ann'), await assign('ben')];
  expect(first.status).toBe(201);
  expect(second.body.version).toBe(first.body.version + 1);
  expect(first.body).toMatchObject({
    inForceWithinSeconds: { strictTools: 0, openStreams: 10, requests: 63 },
    publishing: 'pending',
  });
  expect(first.body).not.toHaveProperty('warnings');
});
