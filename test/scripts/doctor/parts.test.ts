// The parts of the doctor that no server on this machine can show: TLS, https, other people's clocks and products.

import { globSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import type { Answer, Ask } from '../../../scripts/doctor/ask.ts';
import { checkClock } from '../../../scripts/doctor/clock.ts';
import { checkSettings } from '../../../scripts/doctor/configuration.ts';
import { difference, error, ok, shown, warning } from '../../../scripts/doctor/finding.ts';
import { faultOf } from '../../../scripts/doctor/network-fault.ts';
import { checkOffers } from '../../../scripts/doctor/offers.ts';
import { checkProduct } from '../../../scripts/doctor/products.ts';
import { reportOf, reportText } from '../../../scripts/doctor/report.ts';
import { checkServer } from '../../../scripts/doctor/server.ts';
import { checkPlainHttp } from '../../../scripts/doctor/server-access.ts';
import { parametersOf } from '../../../scripts/doctor/server-challenge.ts';
import { setUp } from '../../../scripts/doctor/setup.ts';
import { EXPLAINED } from '../../../scripts/doctor/token-refusals.ts';
import type { AppCode } from '../../../scripts/doctor/worker-code.ts';
import { challenge } from '../../../src/auth/challenge.ts';
import { PRESETS } from '../../../src/auth/providers/index.ts';
import { checkConfig } from '../../../src/config.ts';

const URL_ = 'https://mcp.acme.dev/mcp';

const answer = (status: number, headers: Record<string, string> = {}): Answer => ({
  url: URL_,
  status,
  headers: new Headers(headers),
  text: '',
  json: undefined,
  milliseconds: 1,
  bytes: 0,
});

const configOf = (server: object) =>
  checkConfig(
    { serverInfo: { name: 'test', version: '1' } },
    { RESOURCE: URL_, AUTHORIZATION_SERVERS: [server] },
  );

test.each<[string, object]>([
  ['pseudonyms', { AUDIT_SUBJECTS: 'hashed' }],
  ['replacing it', { AUDIT_SECRET_PREVIOUS: 'p'.repeat(32) }],
])('a secret that %s needs is taken to be there, and it is told', (_, more) => {
  const vars = { RESOURCE: URL_, AUTHORIZATION_SERVERS: [{ issuer: 'https://login.acme.dev' }], ...more };
  const setup = { app: undefined, file: undefined, vars, isGuessed: false, findings: [] };
  const { config, findings } = checkSettings(setup);
  expect(config).toBeDefined();
  expect(findings.map(({ what }) => what)).toContain(
    'taken to be there, for it cannot be seen from here: AUDIT_SECRET',
  );
});

test('the scopes of OpenID Connect are for the authorization server, and no tool has to need them', () => {
  const app = {
    tools: [],
    resources: [],
    prompts: [],
    roles: { permissions: new Map() },
  } as unknown as AppCode;
  const ids = (scopesSupported: string[]): string[] =>
    checkOffers(app, { ...configOf({ issuer: 'https://a.example' }), scopesSupported }).map(({ id }) => id);
  expect(ids(['openid', 'profile', 'email'])).toEqual(['config.scopes']);
  expect(ids(['openid', 'reports:read'])).toEqual(['config.scopes-unneeded']);
});

describe('why nobody answered', () => {
  test.each([
    ['ENOTFOUND', 'dns', 'there is no address for the name mcp.acme.dev (ENOTFOUND)'],
    ['ECONNREFUSED', 'refused', 'nothing listens at mcp.acme.dev'],
    ['CERT_HAS_EXPIRED', 'tls', 'its certificate has expired (CERT_HAS_EXPIRED)'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'tls', 'its certificate is signed by itself'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'tls', 'its certificate is for other names'],
    ['ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR', 'tls', 'no secure connection came about'],
    ['UND_ERR_CONNECT_TIMEOUT', 'timeout', 'did not answer in 10 seconds'],
    ['ECONNRESET', 'other', 'cannot be reached (ECONNRESET)'],
  ])('%s', (code, kind, problem) => {
    const cause = Object.assign(new Error('x'), { code });
    const fault = faultOf(new TypeError('fetch failed', { cause }), URL_);
    expect(fault).toMatchObject({ kind, problem: expect.stringContaining(problem) });
  });

  test('of several attempts the first counts, and what has no code is told as it is', () => {
    const refused = Object.assign(new Error('x'), { code: 'ECONNREFUSED' });
    const both = new AggregateError([refused, new Error('y')]);
    expect(faultOf(new TypeError('fetch failed', { cause: both }), URL_).kind).toBe('refused');
    const odd = new TypeError('fetch failed', { cause: new Error('bad port') });
    expect(faultOf(odd, URL_).problem).toBe('cannot be reached (bad port)');
  });
});

describe('without settings', () => {
  const flags = {
    config: 'wrangler.toml',
    env: undefined,
    resource: undefined,
    authorizationServers: undefined,
  };
  const told = { resource: URL_, authorization_servers: ['https://id.acme.dev'] };
  const setUpAt = (url: string | undefined, json?: object) =>
    setUp({ ...flags, url }, async () => ({ ...answer(200), json: json as Answer['json'] }));

  test('a deployed server is asked, and it is told that they should be in the file', async () => {
    const { vars, isGuessed, findings } = await setUpAt(URL_, told);
    expect(isGuessed).toBe(true);
    expect(vars).toEqual({ RESOURCE: URL_, AUTHORIZATION_SERVERS: [{ issuer: 'https://id.acme.dev' }] });
    expect(findings.map(({ id, level }) => [id, level])).toContainEqual(['config.source', 'warning']);
  });

  test('nothing is known when it does not say, and it is not asked when there is none', async () => {
    expect(await setUpAt(URL_, {})).toMatchObject({ vars: undefined, isGuessed: false });
    const { findings } = await setUpAt(undefined, told);
    expect(findings.map(({ id }) => id)).toContain('config.begin');
  });
});

describe('http beside https', () => {
  const asked = async (reply: Awaited<ReturnType<Ask>>, url = URL_) => {
    const urls: string[] = [];
    const ask: Ask = async (address) => {
      urls.push(address);
      return reply;
    };
    const findings = await checkPlainHttp({ url, config: undefined, isGuessed: false }, ask);
    return { urls, levels: findings.map(({ level }) => level) };
  };

  test('is fine when it is redirected or refused, or nobody answers', async () => {
    const moved = answer(301, { location: URL_ });
    expect(await asked(moved)).toEqual({ urls: ['http://mcp.acme.dev/mcp'], levels: ['ok'] });
    const refused = { ...answer(403), json: { error: 'insecure_transport' } };
    expect((await asked(refused)).levels).toEqual(['ok']);
    const nobody = { url: '', ...faultOf(new Error('x'), URL_) };
    expect((await asked(nobody)).levels).toEqual(['ok']);
  });

  test('is told of when it is answered, or redirected to http', async () => {
    expect((await asked(answer(401))).levels).toEqual(['warning']);
    expect((await asked(answer(302, { location: 'http://www.acme.dev/' }))).levels).toEqual(['warning']);
  });

  test('is not tried on this machine or on a port of its own', async () => {
    expect(await asked(answer(401), 'http://localhost:8787/mcp')).toEqual({ urls: [], levels: [] });
    expect(await asked(answer(401), 'https://mcp.acme.dev:8443/mcp')).toEqual({ urls: [], levels: [] });
  });
});

test('an https server that gets its requests as http is told first, with what may be in front of it', async () => {
  const ask: Ask = async () => ({ ...answer(403), json: { error: 'insecure_transport' } });
  const [finding, ...others] = await checkServer({ url: URL_, config: undefined, isGuessed: false }, ask);
  expect(others).toEqual([]);
  expect(finding).toMatchObject({ id: 'server.insecure-transport', level: 'error' });
  for (const word of ['tunnel', 'Service Binding', 'proxy']) expect(finding?.what).toContain(word);
  expect(finding?.fix).toContain('--upstream-protocol https');
});

describe("a server's clock", () => {
  const config = configOf({ issuer: 'https://id.acme.dev' });
  const now = Date.parse('2026-11-23T12:00:00Z');
  const levels = (headers: Record<string, string>) =>
    checkClock('it', 'issues tokens', answer(200, headers), config, now).map(({ level }) => level);

  test('may differ by what is tolerated and what a header can say', () => {
    expect(levels({ date: 'Mon, 23 Nov 2026 12:00:07 GMT' })).toEqual([]);
    expect(levels({ date: 'Mon, 23 Nov 2026 12:00:08 GMT' })).toEqual(['warning']);
    expect(levels({ date: 'Mon, 23 Nov 2026 11:58:00 GMT' })).toEqual(['error']);
    expect(levels({})).toEqual([]);
  });

  test('is not that of a cache', () => {
    expect(levels({ date: 'Mon, 23 Nov 2026 11:50:00 GMT', age: '600' })).toEqual([]);
  });
});

describe('a known product', () => {
  const ids = (server: object) =>
    checkProduct(configOf(server).authorizationServers[0] as never, URL_).map(({ id }) => id);

  test.each([
    'https://acme.eu.auth0.com/',
    'https://acme.okta.com/oauth2/default',
    'https://login.microsoftonline.com/common/v2.0',
    'https://sso.acme.dev/realms/staff',
    'https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbC',
    'https://acme.authkit.app',
    'https://abc.supabase.co/auth/v1',
  ])('%s is known by its issuer', (issuer) => {
    expect(ids({ issuer })).toEqual(['issuer.preset', 'issuer.product']);
  });

  test('is not asked for its preset when it has one, and an audience of its own settles the rest', () => {
    expect(ids({ preset: 'auth0', issuer: 'https://acme.eu.auth0.com/' })).toEqual(['issuer.product']);
    expect(ids({ preset: 'auth0', issuer: 'https://acme.eu.auth0.com/', audience: 'https://api' })).toEqual(
      [],
    );
    expect(ids({ issuer: 'https://id.acme.dev' })).toEqual([]);
  });
});

describe('a challenge', () => {
  test('of this server can be read', () => {
    const written = challenge({
      scopes: ['a', 'b'],
      resourceMetadata: 'https://x/y',
      description: 'a "b" \\c',
    });
    expect(Object.fromEntries(parametersOf(written))).toEqual({
      error_description: 'a "b" \\c',
      scope: 'a b',
      resource_metadata: 'https://x/y',
    });
  });

  test('without quotes says nothing, as to the clients that want them', () => {
    expect(parametersOf('Bearer resource_metadata=https://x/y').size).toBe(0);
  });
});

describe('what is printed', () => {
  test('errors come first, then warnings, then what is fine, each in the order of looking', () => {
    const findings = [
      ok('a', 'A'),
      warning('b', 'B', 'y', 'z'),
      error('c', 'C', 'y', 'z'),
      error('d', 'D', 'y', 'z'),
    ];
    const firsts = reportText(reportOf(findings)).match(/^\S.*$/gm);
    expect(firsts).toEqual([
      'error: C [c]',
      'error: D [d]',
      'warning: B [b]',
      'ok: A',
      '2 errors, 1 warning, 1 fine',
    ]);
  });

  test('a token that got into a finding is taken out, whole or in part', () => {
    const token = 'aaaaaaaaaaaaaaaa.bbbbbbbbbbbbbbbb.cccccccccccccccc';
    const { findings } = reportOf([error('x', token, 'of bbbbbbbbbbbbbbbb', 'cccccccccccccccc!')], token);
    expect(findings[0]).toMatchObject({ what: '[token]', why: 'of [token]', fix: '[token]!' });
  });

  test('text from elsewhere cannot command a terminal or go on for ever', () => {
    expect(shown('a\u001b[2Jb\r\nc\u202ed')).toBe('a\\u{1b}[2Jb c\\u{202e}d');
    expect(shown('x'.repeat(1_000))).toHaveLength(303);
  });

  test.each([
    ['https://a/x/', 'https://a/x', ' (it has a slash at the end)'],
    ['https://a/x', 'https://a/x/', ' (it lacks the slash at the end)'],
    ['https://a/X', 'https://a/x', ' (upper and lower case differ)'],
    ['https://b/x', 'https://a/x', ' (another host)'],
    ['http://a/x', 'https://a/x', ' (http and https)'],
    ['https://a/y', 'https://a/x', ' (another path)'],
    ['client-17', 'https://a/x', ''],
  ])('%s and %s differ%s', (found, wanted, text) => {
    expect(difference(found, wanted)).toBe(text);
  });
});

test('every word of the verification has an explanation', async () => {
  const names = ['access-token', 'token-rules', 'introspection', 'claims', 'issuers'];
  const sources = await Promise.all(names.map((name) => readFile(`src/auth/${name}.ts`, 'utf8')));
  const patterns = [
    /(?:invalid|unavailable)\((?:[\w.]+ === 0 \? )?'([a-z_]+)'/g,
    /(?:return|\? undefined :) '([a-z_]+)';/g,
    /reason: '([a-z_]+)' \}/g,
    /'(aud_[a-z_]+)'/g,
    /detail: '([a-z_]+)'/g,
  ];
  const words = new Set(
    patterns.flatMap((pattern) => [...sources.join('\n').matchAll(pattern)].map(([, word]) => word)),
  );
  words.delete('absent');
  expect(words.size).toBeGreaterThan(25);
  expect([...words].filter((word) => !EXPLAINED.includes(word ?? ''))).toEqual([]);
});

test('every product with advice is one with a preset', async () => {
  const source = await readFile('scripts/doctor/products.ts', 'utf8');
  const block = source.slice(source.indexOf('const PRODUCTS'), source.indexOf('\n};'));
  const ids = [...block.matchAll(/^ {2}'?([\w-]+)'?: \{/gm)].map(([, id = '']) => id);
  expect(ids.length).toBeGreaterThan(15);
  expect(ids.filter((id) => !Object.hasOwn(PRESETS, id))).toEqual([]);
});

test('every finding is in the documentation', async () => {
  const paths = globSync('scripts/doctor/*.ts');
  const sources = (await Promise.all(paths.map((path) => readFile(path, 'utf8')))).join('\n');
  const found = sources.matchAll(/'((?:app|config|bindings|issuer|server|token)\.[a-z-]+)'/g);
  const ids = new Set([...found].map(([, id = '']) => id));
  const documentation = await readFile('docs/doctor.md', 'utf8');
  expect(ids.size).toBeGreaterThan(60);
  expect([...ids].filter((id) => !documentation.includes(`\`${id}\``))).toEqual([]);
});
