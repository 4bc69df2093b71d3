// Every reason of refusal and its whole answer: status, challenge, body. What is not in the table is not sent.

import { describe, expect, test } from 'vitest';
import { createDeployment } from '../../src/context.ts';
import type { Denial } from '../../src/denial.ts';
import { denialResponse } from '../../src/http/denial-response.ts';
import { resolveRoles } from '../../src/policy/roles.ts';
import type { RequestId, RequestMessage } from '../../src/protocol/message.ts';

function deployment(vars: object = {}) {
  const config = { serverInfo: { name: 'test', version: '1' }, scopesSupported: ['s:read', 's:list'] };
  const env = {
    RESOURCE: 'https://mcp.example.com/mcp',
    AUTHORIZATION_SERVERS: [{ issuer: 'https://issuer.example.com' }],
    ADMIN_MAX_AUTH_AGE_SECONDS: 900,
    KIT_KV: {},
    POLICY_REGISTRY: {},
    DECISION_LOG: {},
    ...vars,
  };
  const app = { config, roles: resolveRoles({}), tools: [] };
  return createDeployment(app, env as unknown as Env);
}

/** A denial before the message was read, or of a message with this id. */
async function answerTo(denial: Denial, vars: object = {}, id?: RequestId, method = 'tools/call') {
  const message: RequestMessage | undefined =
    id === undefined ? undefined : { kind: 'request', id, method, params: {}, meta: {} };
  const response = denialResponse(denial, deployment(vars), message);
  const {
    'content-type': type,
    'cache-control': cache,
    'x-content-type-options': sniff,
    ...headers
  } = Object.fromEntries(response.headers) as Record<string, string>;
  expect([type, cache, sniff]).toEqual(['application/json', 'no-store', 'nosniff']);
  return { status: response.status, headers, body: await response.json() };
}

const METADATA = 'resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/mcp"';
const SCOPE = 'scope="s:read s:list"';
const INVALID = 'The access token is expired, revoked or not valid for this resource';
const MALFORMED = 'Send one access token, in the Authorization header: Bearer and the token';
const LATELY = 'Operators must have signed in lately, by auth_time of the access token';
const STEP_UP = 'This operation needs more scopes than the access token has';
const STEP_UP_CHALLENGE = `Bearer error="insufficient_scope", error_description="${STEP_UP}", scope="s:write s:read", ${METADATA}`;

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

const FORBIDDEN: Answer = {
  status: 403,
  headers: {},
  body: { error: 'forbidden', error_description: 'This host or origin is not allowed here' },
};
const INVALID_REQUEST: Answer = {
  status: 400,
  headers: {
    'www-authenticate': `Bearer error="invalid_request", error_description="${MALFORMED}", ${METADATA}`,
  },
  body: { error: 'invalid_request', error_description: MALFORMED },
};
const INVALID_TOKEN: Answer = {
  status: 401,
  headers: {
    'www-authenticate': `Bearer error="invalid_token", error_description="${INVALID}", ${SCOPE}, ${METADATA}`,
  },
  body: { error: 'invalid_token', error_description: INVALID, scope: 's:read s:list' },
};
const unavailable = (retryAfter: string): Answer => ({
  status: 503,
  headers: { 'retry-after': retryAfter },
  body: {
    error: 'temporarily_unavailable',
    error_description: 'Whether this is allowed cannot be checked right now',
  },
});
const toolResult = (text: string, meta: object = {}): Answer => ({
  status: 200,
  headers: {},
  body: {
    jsonrpc: '2.0',
    id: 7,
    result: {
      resultType: 'complete',
      content: [{ type: 'text', text }],
      isError: true,
      _meta: { 'io.modelcontextprotocol/serverInfo': { name: 'test', version: '1' }, ...meta },
    },
  },
});

/** Words of ours that only the log may have. */
const DETAIL = 'secret_detail';
const MISSING_SCOPES = { requiredScopes: ['s:write', 's:read'], missingScopes: ['s:write'] };

/** The type makes sure that no reason is forgotten. */
const ANSWERS: { readonly [R in Denial['reason']]: readonly [Denial & { readonly reason: R }, Answer] } = {
  host_forbidden: [{ reason: 'host_forbidden' }, FORBIDDEN],
  insecure_transport: [
    { reason: 'insecure_transport' },
    {
      status: 403,
      headers: {},
      body: {
        error: 'insecure_transport',
        error_description: 'RESOURCE is an https URL, and this request came over http',
      },
    },
  ],
  origin_forbidden: [{ reason: 'origin_forbidden' }, FORBIDDEN],
  token_missing: [
    { reason: 'token_missing', detail: DETAIL },
    {
      status: 401,
      headers: { 'www-authenticate': `Bearer ${SCOPE}, ${METADATA}` },
      body: { error: 'unauthorized', error_description: 'An access token is required' },
    },
  ],
  token_malformed: [{ reason: 'token_malformed', detail: DETAIL }, INVALID_REQUEST],
  token_in_query: [{ reason: 'token_in_query', detail: DETAIL }, INVALID_REQUEST],
  issuer_not_trusted: [{ reason: 'issuer_not_trusted' }, INVALID_TOKEN],
  token_invalid: [{ reason: 'token_invalid', detail: DETAIL }, INVALID_TOKEN],
  token_expired: [{ reason: 'token_expired' }, INVALID_TOKEN],
  token_revoked: [{ reason: 'token_revoked', detail: DETAIL }, INVALID_TOKEN],
  keys_unavailable: [
    { reason: 'keys_unavailable', detail: DETAIL, retryAfterSeconds: 17 },
    unavailable('17'),
  ],
  policy_unavailable: [
    { reason: 'policy_unavailable', detail: DETAIL, retryAfterSeconds: 5 },
    unavailable('5'),
  ],
  introspection_unavailable: [
    { reason: 'introspection_unavailable', detail: DETAIL, retryAfterSeconds: 17 },
    {
      status: 503,
      headers: { 'retry-after': '17' },
      body: {
        error: 'temporarily_unavailable',
        error_description: 'Whether this is allowed cannot be checked right now',
      },
    },
  ],
  rate_limited: [
    { reason: 'rate_limited', retryAfterSeconds: 5 },
    {
      status: 429,
      headers: { 'retry-after': '5' },
      body: { error: 'rate_limited', error_description: 'Too much at once: wait and send it again' },
    },
  ],
  client_not_allowed: [
    { reason: 'client_not_allowed' },
    {
      status: 403,
      headers: {},
      body: {
        error: 'client_not_allowed',
        error_description: 'Operators sign in with another client (ADMIN_CLIENTS)',
      },
    },
  ],
  token_too_long_lived: [
    { reason: 'token_too_long_lived' },
    {
      status: 403,
      headers: {},
      body: {
        error: 'token_too_long_lived',
        error_description:
          'Have the authorization server issue tokens with iat that live for at most 43200 s (ADMIN_TOKEN_SECONDS)',
      },
    },
  ],
  authentication_too_old: [
    { reason: 'authentication_too_old' },
    {
      status: 401,
      headers: {
        'www-authenticate': `Bearer error="insufficient_user_authentication", error_description="${LATELY}", scope="mcp:admin", max_age="900", ${METADATA}`,
      },
      body: {
        error: 'insufficient_user_authentication',
        error_description: LATELY,
        scope: 'mcp:admin',
      },
    },
  ],
  permission_missing: [
    { reason: 'permission_missing', missingPermissions: ['p:write', 'p:pay'] },
    toolResult(
      'Your account lacks the permission p:write, p:pay. Consenting to more scopes cannot give it: ask an administrator for a role that has it.',
    ),
  ],
  scope_missing: [
    { reason: 'scope_missing', ...MISSING_SCOPES },
    {
      status: 403,
      headers: { 'www-authenticate': STEP_UP_CHALLENGE },
      body: { error: 'insufficient_scope', error_description: STEP_UP, scope: 's:write s:read' },
    },
  ],
};
const ALL: readonly (readonly [Denial, Answer])[] = Object.values(ANSWERS);

test.each(ALL.map(([denial, answer]) => [denial.reason, denial, answer] as const))(
  '%s has its one answer',
  async (_, denial, expected) => {
    const answer = await answerTo(denial, {}, 7);
    expect(answer).toEqual(expected);
    expect(JSON.stringify(answer)).not.toContain(DETAIL);
  },
);

describe('across all reasons', () => {
  const challengeOf = ({ headers }: Answer) => headers['www-authenticate'] ?? '';
  const reasons = (matches: (answer: Answer) => boolean) =>
    ALL.filter(([, answer]) => matches(answer)).map(([{ reason }]) => reason);

  test('what failed about a token cannot be told from the answer', () => {
    const withError = reasons(
      ({ status, body }) => status === 401 && JSON.stringify(body).includes('invalid_token'),
    );
    expect(withError).toEqual(['issuer_not_trusted', 'token_invalid', 'token_expired', 'token_revoked']);
    const faces = new Set(
      ALL.filter(([{ reason }]) => withError.includes(reason)).map(([, answer]) => answer),
    );
    expect(faces).toEqual(new Set([INVALID_TOKEN]));
  });

  test('a client is sent to sign in or step up exactly where that can help', () => {
    expect(reasons((answer) => /^Bearer (scope|error="in)/.test(challengeOf(answer)))).toEqual([
      'token_missing',
      'token_malformed',
      'token_in_query',
      'issuer_not_trusted',
      'token_invalid',
      'token_expired',
      'token_revoked',
      'authentication_too_old',
      'scope_missing',
    ]);
    expect(reasons((answer) => challengeOf(answer) === '' && answer.status === 401)).toEqual([]);
  });

  test('a description has no quotes and no text that looks like a parameter', () => {
    for (const [, answer] of ALL) {
      expect(challengeOf(answer)).not.toMatch(/error_description="[^"]*(?:\\|scope=)/);
    }
  });
});

describe('where a missing scope is told in a tool result', () => {
  const TOOL_RESULT = { STEP_UP: 'tool-result' };

  test('the challenge is in its metadata', async () => {
    expect(await answerTo({ reason: 'scope_missing', ...MISSING_SCOPES }, TOOL_RESULT, 7)).toEqual(
      toolResult('The access token lacks the scope s:write. Sign in again and agree to it.', {
        'mcp/www_authenticate': [STEP_UP_CHALLENGE],
      }),
    );
  });

  test('every other reason has the same answer', async () => {
    for (const [denial, expected] of ALL) {
      if (denial.reason === 'scope_missing') continue;
      expect(await answerTo(denial, TOOL_RESULT, 7)).toEqual(expected);
    }
  });
});

describe.each(['prompts/get', 'resources/read', 'completion/complete'])(
  'for %s, which has no result that says so',
  (method) => {
    const error = (message: string): Answer => ({
      status: 200,
      headers: {},
      body: { jsonrpc: '2.0', id: 7, error: { code: -32_600, message } },
    });

    test('a missing permission is an error, and so is a missing scope in place of a tool result', async () => {
      expect(
        await answerTo({ reason: 'permission_missing', missingPermissions: ['p'] }, {}, 7, method),
      ).toEqual(
        error(
          'Your account lacks the permission p. Consenting to more scopes cannot give it: ask an administrator for a role that has it.',
        ),
      );
      const scopes = await answerTo(
        { reason: 'scope_missing', ...MISSING_SCOPES },
        { STEP_UP: 'tool-result' },
        7,
        method,
      );
      expect(scopes).toEqual(
        error('The access token lacks the scope s:write. Sign in again and agree to it.'),
      );
    });

    test('every other reason has the same answer', async () => {
      for (const [denial, expected] of ALL) {
        if (denial.reason === 'permission_missing') continue;
        expect(await answerTo(denial, {}, 7, method)).toEqual(expected);
      }
    });
  },
);

test('a refusal has the id of the message, whatever its type', async () => {
  const denial = { reason: 'permission_missing', missingPermissions: ['p'] } as const;
  expect((await answerTo(denial, {}, 0, 'prompts/get')).body).toMatchObject({ id: 0 });
  expect((await answerTo(denial, {}, 'text "id"')).body).toMatchObject({ id: 'text "id"' });
});

test('without supported scopes nothing asks for any', async () => {
  const vars = { SCOPES_SUPPORTED: [] };
  expect((await answerTo({ reason: 'token_missing' }, vars)).headers).toEqual({
    'www-authenticate': `Bearer ${METADATA}`,
  });
  expect((await answerTo({ reason: 'token_expired' }, vars)).headers).toEqual({
    'www-authenticate': `Bearer error="invalid_token", error_description="${INVALID}", ${METADATA}`,
  });
});

test('scopes are asked for with what the authorization server has before them', async () => {
  const issuer = 'https://issuer.example.com';
  const vars = { AUTHORIZATION_SERVERS: [{ issuer, scopePrefix: 'api://x/' }] };
  const asked = { 'www-authenticate': expect.stringContaining('scope="api://x/s:read api://x/s:list"') };
  expect((await answerTo({ reason: 'token_missing' }, vars)).headers).toMatchObject(asked);
  expect((await answerTo({ reason: 'token_expired' }, vars)).headers).toMatchObject(asked);
  const stepUp = await answerTo({ reason: 'scope_missing', ...MISSING_SCOPES }, vars);
  expect(stepUp.headers['www-authenticate']).toContain('scope="api://x/s:write api://x/s:read"');
  expect(stepUp.body).toMatchObject({ scope: 'api://x/s:write api://x/s:read' });
});
