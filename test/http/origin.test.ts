// Which hosts and which pages may talk to the endpoint, and what may a page read of the answer?

import { expect, test } from 'vitest';
import { addCors, checkOrigin, preflight, sendableHeaders } from '../../src/http/origin.ts';

const CONFIG = {
  resource: 'https://mcp.example.com/mcp',
  allowedOrigins: ['https://app.example.com', 'http://localhost:6274'],
  allowedHosts: ['mcp.example.workers.dev', 'b.example:8443'],
};
const ANYONE = { ...CONFIG, allowedOrigins: ['*'] };
const LOCAL = { resource: 'http://localhost:8787/mcp', allowedOrigins: [], allowedHosts: [] };

const check = (config: typeof CONFIG, url: string, origin: string | null = null) =>
  checkOrigin(origin, new URL(url), config);

const HOST = { reason: 'host_forbidden' };
const ORIGIN = { reason: 'origin_forbidden' };
const INSECURE = { reason: 'insecure_transport' };
const OURS = 'https://mcp.example.com/mcp';
const HERE = 'http://localhost:8787/mcp';

test.each<[string, typeof CONFIG, string, object | undefined]>([
  ['our own host', CONFIG, OURS, undefined],
  ['our own host over http', CONFIG, 'http://mcp.example.com/mcp', INSECURE],
  ['an allowed host over http', CONFIG, 'http://mcp.example.workers.dev/mcp', INSECURE],
  ['another host over http', CONFIG, 'http://evil.example/mcp', HOST],
  ['an allowed host', CONFIG, 'https://mcp.example.workers.dev/mcp', undefined],
  ['an allowed host with its port', CONFIG, 'https://b.example:8443/mcp', undefined],
  ['an allowed host with another port', CONFIG, 'https://b.example/mcp', HOST],
  ['our own host with another port', CONFIG, 'https://mcp.example.com:8443/mcp', HOST],
  ['a host below ours', CONFIG, 'https://a.mcp.example.com/mcp', HOST],
  ['a host that starts like ours', CONFIG, 'https://mcp.example.com.evil.example/mcp', HOST],
  ['localhost in production', CONFIG, 'http://localhost/mcp', HOST],
  ['a rebound name in production', ANYONE, 'https://evil.example/mcp', HOST],
  ['localhost in development', LOCAL, HERE, undefined],
  ['another name of this machine in development', LOCAL, 'http://127.0.0.1:8787/mcp', undefined],
  ['this machine by IPv6 in development', LOCAL, 'http://[::1]:8787/mcp', undefined],
  ['another port of this machine in development', LOCAL, 'http://127.0.0.1:8788/mcp', HOST],
  ['a rebound name in development', LOCAL, 'http://evil.example:8787/mcp', HOST],
])('the host guard decides about %s', (_, config, url, expected) => {
  expect(check(config, url)).toEqual(expected);
});

test.each<[string, typeof CONFIG, string, string, object | undefined]>([
  ['our own', CONFIG, OURS, 'https://mcp.example.com', undefined],
  ['an allowed one', CONFIG, OURS, 'https://app.example.com', undefined],
  ['an allowed one with its port', CONFIG, OURS, 'http://localhost:6274', undefined],
  ['an allowed one over http', CONFIG, OURS, 'http://app.example.com', ORIGIN],
  ['our own over http', CONFIG, OURS, 'http://mcp.example.com', ORIGIN],
  ['an allowed one with another port', CONFIG, OURS, 'http://localhost:6275', ORIGIN],
  ['one that starts like an allowed one', CONFIG, OURS, 'https://app.example.com.evil.example', ORIGIN],
  ['one in another case', CONFIG, OURS, 'https://APP.example.com', ORIGIN],
  ['null, as sandboxed pages send it', CONFIG, OURS, 'null', ORIGIN],
  ['an empty one', CONFIG, OURS, '', ORIGIN],
  ['an allowed host, which is no origin', CONFIG, OURS, 'https://mcp.example.workers.dev', ORIGIN],
  ['localhost in production', CONFIG, OURS, 'http://localhost', ORIGIN],
  ['anyone, where anyone is allowed', ANYONE, OURS, 'https://evil.example', undefined],
  ['null, where anyone is allowed', ANYONE, OURS, 'null', undefined],
  ['any port of this machine in development', LOCAL, HERE, 'http://localhost:6274', undefined],
  ['another name of this machine in development', LOCAL, HERE, 'http://127.0.0.1:1', undefined],
  ['another page in development', LOCAL, HERE, 'https://evil.example', ORIGIN],
  ['null in development', LOCAL, HERE, 'null', ORIGIN],
  ['a name that ends like localhost in development', LOCAL, HERE, 'http://evillocalhost', ORIGIN],
])('the origin guard decides about %s', (_, config, url, origin, expected) => {
  expect(check(config, url, origin)).toEqual(expected);
});

test('where RESOURCE is https on this machine, http is refused there as well', () => {
  const secured = { ...LOCAL, resource: 'https://localhost:8787/mcp' };
  expect(check(secured, 'https://127.0.0.1:8787/mcp')).toBeUndefined();
  for (const url of [HERE, 'http://127.0.0.1:8787/mcp']) expect(check(secured, url)).toEqual(INSECURE);
});

test('the scheme is told before the origin', () => {
  for (const origin of ['https://evil.example', 'https://app.example.com', 'http://mcp.example.com'])
    expect(check(CONFIG, 'http://mcp.example.com/mcp', origin)).toEqual(INSECURE);
});

test('the host is told before the origin', () => {
  expect(check(CONFIG, 'https://evil.example/mcp', 'https://evil.example')).toEqual(HOST);
});

test('a page may read the headers it needs, and no answer allows credentials', () => {
  const response = new Response('', { headers: { vary: 'Accept', 'content-type': 'text/plain' } });
  const answer = addCors(response, 'https://app.example.com');
  expect(Object.fromEntries(answer.headers)).toEqual({
    'access-control-allow-origin': 'https://app.example.com',
    'access-control-expose-headers': 'WWW-Authenticate, Mcp-Session-Id, MCP-Protocol-Version, Retry-After',
    'content-type': 'text/plain',
    vary: 'Accept, Origin',
  });
});

test('an answer to something that is no page stays as it is', () => {
  const answer = addCors(new Response(null), null);
  expect(Object.fromEntries(answer.headers)).toEqual({});
});

const KNOWN =
  'Authorization, Content-Type, Accept, MCP-Protocol-Version, Mcp-Session-Id, Mcp-Method, Mcp-Name, Last-Event-ID, traceparent, tracestate, baggage';

test('a page may send what means something here, each header once', () => {
  expect(sendableHeaders({ allowedHeaders: [] }, [])).toBe(KNOWN);
  const region = { header: 'mcp-param-region', path: ['region'] };
  const tools = [{ parameterHeaders: [region] }, { parameterHeaders: [] }, { parameterHeaders: [region] }];
  expect(
    sendableHeaders({ allowedHeaders: ['X-Api-Key', 'x-api-key', 'ACCEPT'] }, tools)
      .split(', ')
      .sort(),
  ).toEqual([...KNOWN.replace('Accept', 'ACCEPT').split(', '), 'mcp-param-region', 'x-api-key'].sort());
});

test.each<[string, string | null | undefined, object]>([
  [
    'an allowed page',
    'https://app.example.com',
    { 'access-control-allow-origin': 'https://app.example.com', vary: 'Origin' },
  ],
  ['something that names no origin', null, { 'access-control-allow-origin': '*', vary: 'Origin' }],
  ['any page alike', undefined, { 'access-control-allow-origin': '*' }],
])('a preflight is answered for %s, and varies by nothing that it does not depend on', (_, origin, more) => {
  const answer = preflight('POST, OPTIONS', KNOWN, origin);
  expect(answer.status).toBe(204);
  expect(Object.fromEntries(answer.headers)).toEqual({
    'access-control-allow-methods': 'POST, OPTIONS',
    'access-control-allow-headers': KNOWN,
    'access-control-max-age': '7200',
    ...more,
  });
});
