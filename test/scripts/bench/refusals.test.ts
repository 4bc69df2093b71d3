// Contenders that should not be timed, made by hand: each does one thing wrong.

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CONTENDERS, type Contender } from '../../../scripts/bench/contenders.ts';
import { type Issuer, RESOURCE, SCOPE, startIssuer } from '../../../scripts/bench/issuer.ts';
import { checkRefusals } from '../../../scripts/bench/refusals.ts';

let issuer: Issuer;
beforeAll(async () => {
  issuer = await startIssuer();
});
afterAll(() => issuer[Symbol.asyncDispose]());

/** Any contender that speaks the modern revision: it is not started, only described. */
const [floor] = CONTENDERS.filter(({ name }) => name === 'floor-cached') as [Contender];
const contender: Contender = { ...floor, name: 'careless' };

type Check = 'presence' | 'form' | 'signature' | 'issuer' | 'audience' | 'expiry' | 'scope';
const CHECKS: readonly Check[] = ['presence', 'form', 'signature', 'issuer', 'audience', 'expiry', 'scope'];
const [, ...ALL_BUT_PRESENCE] = CHECKS;

/** A server that leaves out some checks. What it answers a good token is right. */
async function careless(without: readonly Check[], answer = (id: string) => `This is ${id}.`) {
  const holds = new Map<Check, (token: string) => boolean>([
    ['presence', (token) => token !== ''],
    ['form', (token) => token.split('.').every((part) => part.length > 20)],
    ['issuer', (token) => decodeJwt(token).iss === issuer.url],
    ['audience', (token) => decodeJwt(token).aud === RESOURCE],
    ['expiry', (token) => (decodeJwt(token).exp ?? 0) > Date.now() / 1_000],
    ['signature', (token) => !forged.has(token)],
    ['scope', (token) => String(decodeJwt(token).scope).split(' ').includes(SCOPE)],
  ]);
  const server = createServer(async (request, response) => {
    const token = request.headers.authorization?.slice('Bearer '.length) ?? '';
    const failed = CHECKS.filter((check) => !without.includes(check)).some((check) => {
      try {
        return holds.get(check)?.(token) !== true;
      } catch {
        return true;
      }
    });
    if (failed) return void response.writeHead(401).end();
    const { id, params } = JSON.parse(Buffer.concat(await request.toArray()).toString());
    const content = [{ type: 'text', text: answer(params.arguments.id) }];
    const text = JSON.stringify({ jsonrpc: '2.0', id, result: { content } });
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': text.length }).end(text);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

/** Tokens that another key has signed: the hand-made server asks here instead of verifying. */
const forged = new Set<string>();
const watched = (): Issuer => ({
  ...issuer,
  async sign(claims, spoilt) {
    const token = await issuer.sign(claims, spoilt);
    if (spoilt?.isForged) forged.add(token);
    return token;
  },
});

describe('before anything is timed', () => {
  test('a contender that checks everything is let through', async () => {
    await using server = await careless([]);
    await checkRefusals(contender, server.port, watched());
  });

  test.each([
    [['signature'], 'careless accepts a token with a wrong signature'],
    [['issuer'], 'careless accepts a token of another issuer'],
    [['audience'], 'careless accepts a token for another audience'],
    [['expiry'], 'careless accepts an expired token'],
    [['scope'], 'careless accepts a token without the scope'],
    [ALL_BUT_PRESENCE, 'careless accepts a garbage token'],
    [CHECKS, 'careless accepts no token'],
  ] as [readonly Check[], string][])(
    'one that does not check %j is refused, and it is said why',
    async (without, said) => {
      await using server = await careless(without);
      await expect(checkRefusals(contender, server.port, watched())).rejects.toThrow(said);
    },
  );

  test('a missing scope is not asked about where a recipe has no scopes', async () => {
    await using server = await careless(['scope']);
    await checkRefusals({ ...contender, checksScope: false }, server.port, watched());
  });

  test('a wrong answer to a good token is one too', async () => {
    await using server = await careless([], () => 'This is nothing.');
    await expect(checkRefusals(contender, server.port, watched())).rejects.toThrow(
      'careless does not answer a good token',
    );
  });
});
