// A request to RESOURCE, byte for byte, is neither taken apart nor looked up in the router. It is guarded and answered as
// one that is: by the same Worker under another name of the same machine.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { startIssuer, type TestIssuer, trusting } from '../support/issuer.ts';
import { rpcInit } from '../support/rpc.ts';
import { startWorker, type TestWorker } from '../support/worker.ts';

const RESOURCE = 'http://localhost:8787/mcp';
const ALIAS = 'http://127.0.0.1:8787/mcp';
let issuer: TestIssuer;
let worker: TestWorker;
beforeAll(async () => {
  issuer = await startIssuer();
  const vars = { RESOURCE, ...trusting(issuer), ALLOWED_ORIGINS: ['https://app.example.com'] };
  worker = await startWorker({ vars });
});
afterAll(async () => {
  await worker?.[Symbol.asyncDispose]();
  await issuer?.[Symbol.asyncDispose]();
});

const token = () => issuer.sign({ claims: { aud: RESOURCE } });

/** Everything of an answer that a client sees. */
async function answerTo(url: string, init: RequestInit) {
  const response = await worker.fetch(url, init);
  const headers = Object.fromEntries(response.headers);
  return {
    status: response.status,
    headers,
    body: await response.text(),
    decision: worker.logs().at(-1)?.reason,
  };
}

const CASES: readonly [what: string, status: number, init: () => Promise<RequestInit>][] = [
  ['a call', 200, async () => rpcInit({ token: await token() })],
  ['no token', 401, async () => rpcInit({})],
  ['another token', 401, async () => rpcInit({ token: await issuer.sign() })],
  ['a GET', 405, async () => ({ headers: { authorization: `Bearer ${await token()}` } })],
  ['an allowed page', 200, async () => withOrigin('https://app.example.com', await token())],
  ['a page of this machine', 200, async () => withOrigin('http://localhost:3000', await token())],
  ['a foreign page', 403, async () => withOrigin('https://evil.example.com', await token())],
  ['null as origin', 403, async () => withOrigin('null', await token())],
  ['a preflight', 204, async () => preflight('https://app.example.com')],
  ['a preflight of a foreign page', 403, async () => preflight('https://evil.example.com')],
];
const withOrigin = (origin: string, credential: string): RequestInit =>
  rpcInit({ token: credential, headers: { origin } });
const preflight = (origin: string): RequestInit => ({
  method: 'OPTIONS',
  headers: {
    origin,
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'authorization',
  },
});

test.each(CASES)('%s: %i, however it is found', async (_, status, init) => {
  const request = await init();
  const found = await answerTo(RESOURCE, request);
  expect(found.status).toBe(status);
  expect(found).toEqual(await answerTo(ALIAS, request));
});

test('a token in the query is refused, and another host is not this one', async () => {
  const request = rpcInit({ token: await token() });
  expect((await answerTo(`${RESOURCE}?access_token=x`, request)).status).toBe(400);
  expect((await answerTo('http://evil.example.com:8787/mcp', request)).status).toBe(403);
});
