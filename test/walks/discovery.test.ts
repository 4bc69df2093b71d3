// How a client finds the authorization server, and what everything else at this origin answers.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { startIssuer, type TestIssuer, trusting } from '../support/issuer.ts';
import { rpcInit } from '../support/rpc.ts';
import { RESOURCE, startWorker, type TestWorker } from '../support/worker.ts';

const ORIGIN = 'https://mcp.example.com';
const METADATA = '/.well-known/oauth-protected-resource';
let issuer: TestIssuer;
let worker: TestWorker;
beforeAll(async () => {
  issuer = await startIssuer();
  worker = await startWorker({
    vars: { ...trusting(issuer), ALLOWED_ORIGINS: ['https://inspector.example.com'] },
  });
});
afterAll(async () => {
  await worker?.[Symbol.asyncDispose]();
  await issuer?.[Symbol.asyncDispose]();
});

test('both metadata paths answer the same document, to any page, for a while', async () => {
  for (const path of [`${METADATA}/mcp`, METADATA]) {
    const response = await worker.fetch(ORIGIN + path, { headers: { origin: 'https://anyone.example.com' } });
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      resource: RESOURCE,
      authorization_servers: [issuer.issuer],
      scopes_supported: ['reports:read'],
      bearer_methods_supported: ['header'],
      resource_name: 'Reports',
    });
    expect(response.headers.get('access-control-allow-origin')).toBe('*');
    expect(response.headers.get('cache-control')).toBe('public, max-age=300');
    expect(response.headers.get('content-type')).toBe('application/json');
  }
});

test('the document is the same under any host name', async () => {
  const response = await worker.fetch(`https://evil.example.com${METADATA}/mcp`);
  expect(((await response.json()) as { resource: string }).resource).toBe(RESOURCE);
});

test('HEAD, OPTIONS and other methods of the metadata behave', async () => {
  const head = await worker.fetch(`${ORIGIN}${METADATA}`, { method: 'HEAD' });
  expect([head.status, await head.text()]).toEqual([200, '']);
  const options = await worker.fetch(`${ORIGIN}${METADATA}`, {
    method: 'OPTIONS',
    headers: {
      origin: 'https://anyone.example.com',
      'access-control-request-headers': 'mcp-protocol-version',
    },
  });
  expect(options.status).toBe(204);
  expect(options.headers.get('access-control-allow-origin')).toBe('*');
  expect(options.headers.get('access-control-allow-headers')).toContain('MCP-Protocol-Version');
  expect(options.headers.get('vary')).toBe(null);
  const post = await worker.fetch(`${ORIGIN}${METADATA}`, { method: 'POST' });
  expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET, HEAD, OPTIONS']);
});

test('without a credential every method of the endpoint gets the bare challenge', async () => {
  for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH']) {
    const response = await worker.fetch(RESOURCE, { method });
    expect(response.status, method).toBe(401);
    expect(response.headers.get('www-authenticate'), method).toBe(
      `Bearer scope="reports:read", resource_metadata="${ORIGIN}${METADATA}/mcp"`,
    );
    expect(response.headers.get('cache-control')).toBe('no-store');
  }
});

test('with a token only POST is served, and GET and DELETE of a session', async () => {
  const token = await issuer.sign();
  for (const method of ['GET', 'DELETE', 'PUT']) {
    const response = await worker.fetch(RESOURCE, { method, headers: { authorization: `Bearer ${token}` } });
    expect([response.status, response.headers.get('allow')], method).toEqual([
      405,
      'POST, GET, DELETE, OPTIONS',
    ]);
  }
});

test('an unknown path is a 404 that names the endpoint', async () => {
  for (const path of ['/', '/mcpx', '/mcp/x', '/.well-known/openid-configuration', `${METADATA}/other`]) {
    const response = await worker.fetch(ORIGIN + path);
    expect(response.status, path).toBe(404);
    expect(((await response.json()) as { error_description: string }).error_description).toContain(RESOURCE);
  }
});

test('a page of an allowed origin can read the challenge; a page of another gets nothing', async () => {
  const allowed = await worker.fetch(RESOURCE, {
    method: 'POST',
    headers: { origin: 'https://inspector.example.com' },
  });
  expect(allowed.status).toBe(401);
  expect(allowed.headers.get('access-control-allow-origin')).toBe('https://inspector.example.com');
  const exposed = allowed.headers.get('access-control-expose-headers') ?? '';
  for (const header of ['WWW-Authenticate', 'Mcp-Session-Id']) expect(exposed.split(', ')).toContain(header);
  expect(allowed.headers.get('vary')).toBe('Origin');

  for (const origin of [
    'https://evil.example.com',
    'http://inspector.example.com',
    'https://inspector.example.com.evil.example.com',
    'null',
    'http://localhost:3000',
  ]) {
    const refused = await worker.fetch(
      RESOURCE,
      rpcInit({ token: await issuer.sign(), headers: { origin } }),
    );
    expect(refused.status, origin).toBe(403);
    expect(refused.headers.get('access-control-allow-origin')).toBe(null);
    expect(worker.logs().at(-1)).toMatchObject({ decision: 'deny', reason: 'origin_forbidden' });
    expect((await worker.fetch(RESOURCE, { method: 'OPTIONS', headers: { origin } })).status, origin).toBe(
      403,
    );
  }
});

test('a preflight is answered with what means something here, whatever the page asks for', async () => {
  await using offers = await startWorker({
    vars: {
      ...trusting(issuer),
      ALLOWED_ORIGINS: ['https://inspector.example.com'],
      ALLOWED_HEADERS: ['X-Api-Key'],
    },
    main: 'test/support/offers-worker.ts',
  });
  const known =
    'Authorization, Content-Type, Accept, MCP-Protocol-Version, Mcp-Session-Id, Mcp-Method, Mcp-Name, Last-Event-ID, traceparent, tracestate, baggage';
  for (const [asked, allowed] of [
    [worker, known],
    [offers, `${known}, mcp-param-region, X-Api-Key`],
  ] as const) {
    for (const [url, origin] of [
      [RESOURCE, 'https://inspector.example.com'],
      [`${ORIGIN}${METADATA}/mcp`, '*'],
    ] as const) {
      const response = await asked.fetch(url, {
        method: 'OPTIONS',
        headers: {
          origin: 'https://inspector.example.com',
          'access-control-request-headers': 'authorization,x-evil,*',
        },
      });
      expect(response.status).toBe(204);
      expect(response.headers.get('access-control-allow-origin')).toBe(origin);
      expect(response.headers.get('access-control-allow-headers')).toBe(allowed);
      expect(response.headers.get('vary')).toBe(origin === '*' ? null : 'Origin');
    }
  }
  const preflight = await worker.fetch(RESOURCE, {
    method: 'OPTIONS',
    headers: { origin: 'https://inspector.example.com' },
  });
  expect(preflight.headers.get('access-control-allow-methods')).toBe('POST, GET, DELETE, OPTIONS');
});

test('another host name is refused before the token is looked at (DNS rebinding)', async () => {
  const response = await worker.fetch(
    'https://evil.example.com/mcp',
    rpcInit({ token: await issuer.sign() }),
  );
  expect(response.status).toBe(403);
  expect(worker.logs().at(-1)).toMatchObject({ decision: 'deny', reason: 'host_forbidden' });
});

test('a misconfigured Worker answers everything 500, says nothing outside and everything in the log', async () => {
  await using broken = await startWorker({
    vars: {
      RESOURCE: 'https://mcp.example.com/mcp/',
      AUTHORIZATION_SERVERS: '[{"issuer":"http://as.example.com"}]',
      DEFAULT_ROLES: '["nobody"]',
    },
  });
  for (const url of [RESOURCE, `${ORIGIN}${METADATA}`, ORIGIN]) {
    const response = await broken.fetch(url);
    expect(response.status).toBe(500);
    expect(await response.json()).toEqual({
      error: 'server_error',
      error_description: 'The server could not handle the request',
    });
  }
  const problems = broken.logs().find(({ event }) => event === 'config_invalid')?.problems as string[];
  expect(
    problems.some(
      (line) =>
        line.startsWith('RESOURCE (in wrangler.toml [vars]') && line.includes('must not end with a slash'),
    ),
  ).toBe(true);
  expect(
    problems.some((line) => line.startsWith('AUTHORIZATION_SERVERS') && line.includes('must use https')),
  ).toBe(true);
});

test('a default role that there is not keeps a Worker from starting, and the log names it', async () => {
  const vars = { ...trusting(issuer), DEFAULT_ROLES: ['raeder'] };
  await using broken = await startWorker({ vars });
  expect((await broken.fetch(RESOURCE)).status).toBe(500);
  const { problems } = broken.logs().find(({ event }) => event === 'config_invalid') ?? {};
  expect(problems).toEqual([expect.stringContaining('there is no role "raeder"')]);
});

test('a Worker that was told nothing trusts nobody', async () => {
  await using unset = await startWorker({ vars: { RESOURCE: '' } });
  expect((await unset.fetch(RESOURCE)).status).toBe(500);
  const problems = unset.logs().find(({ event }) => event === 'config_invalid')?.problems as string[];
  expect(problems.map((line) => line.split(' ')[0]).sort()).toEqual(['AUTHORIZATION_SERVERS', 'RESOURCE']);
});
