// Where is a credential accepted from, and in what form?

import { describe, expect, test } from 'vitest';
import { readCredential } from '../../src/auth/bearer.ts';
import { checkConfig } from '../../src/config.ts';

const config = { maxTokenBytes: 512, authorizationServers: [] };
const HERE = 'https://mcp.example.com/mcp';
const read = (headers: HeadersInit, url = HERE) => readCredential(new Headers(headers), new URL(url), config);
const authorized = (authorization: string) => read({ authorization });

const TOKEN = 'eyJh.eyJp.c2ln-_';
const LONGEST = 'a'.repeat(config.maxTokenBytes);

test.each([
  [`Bearer ${TOKEN}`, TOKEN],
  [`bearer ${TOKEN}`, TOKEN],
  [`BEARER ${TOKEN}`, TOKEN],
  [`Bearer   ${TOKEN}`, TOKEN],
  [` Bearer ${TOKEN} `, TOKEN],
  ['Bearer A~+/z==', 'A~+/z=='],
  [`Bearer ${LONGEST}`, LONGEST],
])('%s is a credential', (authorization, credential) => {
  expect(authorized(authorization)).toEqual({ credential });
});

const MISSING = { reason: 'token_missing' };
const OTHER_SCHEME = { reason: 'token_missing', detail: 'scheme_not_bearer' };
const MALFORMED = { reason: 'token_malformed', detail: 'not_a_bearer_token' };
const TOO_LONG = { reason: 'token_malformed', detail: 'too_long' };
test.each([
  ['an empty header', '', MISSING],
  ['another scheme', 'Basic dXNlcjpwYXNz', OTHER_SCHEME],
  ['a bearer after another scheme', `Basic Bearer ${TOKEN}`, OTHER_SCHEME],
  ['DPoP', `DPoP ${TOKEN}`, OTHER_SCHEME],
  ['a scheme that only starts alike', `Bearers ${TOKEN}`, OTHER_SCHEME],
  ['a token without a scheme', TOKEN, OTHER_SCHEME],
  ['a tab after the scheme', `Bearer\t${TOKEN}`, OTHER_SCHEME],
  ['a tab before the token', `Bearer \t${TOKEN}`, MALFORMED],
  ['the scheme alone', 'Bearer', MALFORMED],
  ['two tokens', `Bearer ${TOKEN} ${TOKEN}`, MALFORMED],
  ['a quoted token', `Bearer "${TOKEN}"`, MALFORMED],
  ['a parameter', `Bearer token=${TOKEN}`, MALFORMED],
  ['padding in the middle', 'Bearer a=b', MALFORMED],
  ['padding alone', 'Bearer ==', MALFORMED],
  ['a character outside of the alphabet', 'Bearer ü', MALFORMED],
  ['a token that is one character too long', `Bearer ${LONGEST}a`, TOO_LONG],
  ['many spaces', `Bearer ${' '.repeat(600)}a`, TOO_LONG],
])('%s is no credential', (_, authorization, expected) => {
  expect(authorized(authorization)).toEqual(expected);
});

test('no header is no credential', () => {
  expect(read({})).toEqual(MISSING);
});

test('two Authorization headers are refused, even two equal ones', () => {
  const twice: [string, string][] = [
    ['authorization', `Bearer ${TOKEN}`],
    ['authorization', `Bearer ${TOKEN}`],
  ];
  expect(read(twice)).toEqual(MALFORMED);
});

test.each(['?access_token=x', '?a=b&access_token=', '?access%5Ftoken=x'])(
  'a token in the query is refused, even besides a good header: %s',
  (query) => {
    const IN_QUERY = { reason: 'token_in_query' };
    expect(read({}, HERE + query)).toEqual(IN_QUERY);
    expect(read({ authorization: `Bearer ${TOKEN}` }, HERE + query)).toEqual(IN_QUERY);
  },
);

test.each(['?token=x', '?x=access_token', '#access_token=x'])('%s is not taken for a token', (rest) => {
  expect(read({}, HERE + rest)).toEqual(MISSING);
  expect(read({ authorization: `Bearer ${TOKEN}` }, HERE + rest)).toEqual({ credential: TOKEN });
});

test.each(['cookie', 'x-access-token', 'proxy-authorization'])('the header %s is not looked at', (name) => {
  expect(read({ [name]: `Bearer ${TOKEN}` })).toEqual(MISSING);
});

describe('where a proxy puts tokens into a header of its own', () => {
  const behindProxy = checkConfig(
    { serverInfo: { name: 'test', version: '1' } },
    {
      RESOURCE: HERE,
      MAX_TOKEN_BYTES: 512,
      AUTHORIZATION_SERVERS: [
        { issuer: 'https://issuer.example.com' },
        { issuer: 'https://team.example.com', tokenSource: { header: 'Cf-Access-Jwt-Assertion' } },
      ],
    },
  );
  const header = 'cf-access-jwt-assertion';
  const readBehind = (headers: Record<string, string>, query = '') =>
    readCredential(new Headers(headers), new URL(HERE + query), behindProxy);

  test('that header counts, before Authorization', () => {
    expect(readBehind({ [header]: TOKEN })).toEqual({ credential: TOKEN, header });
    expect(readBehind({ [header]: TOKEN, authorization: 'Bearer other' })).toEqual({
      credential: TOKEN,
      header,
    });
  });

  test('Authorization counts without it', () => {
    expect(readBehind({ authorization: `Bearer ${TOKEN}` })).toEqual({ credential: TOKEN });
    expect(readBehind({})).toEqual(MISSING);
  });

  test.each([
    ['a scheme before it', `Bearer ${TOKEN}`],
    ['two of them', `${TOKEN}, ${TOKEN}`],
    ['nothing in it', ''],
    ['one character too many', `${LONGEST}a`],
  ])('%s is malformed, whatever Authorization has', (_, value) => {
    const denial = { reason: 'token_malformed', detail: 'token_source' };
    expect(readBehind({ [header]: value })).toEqual(denial);
    expect(readBehind({ [header]: value, authorization: `Bearer ${TOKEN}` })).toEqual(denial);
  });

  test('a token in the query is refused beside it too', () => {
    expect(readBehind({ [header]: TOKEN }, '?access_token=x')).toEqual({ reason: 'token_in_query' });
  });

  test('elsewhere that header is not looked at', () => {
    expect(read({ [header]: TOKEN })).toEqual(MISSING);
  });
});
