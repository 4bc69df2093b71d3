// Before anything is timed: does a contender answer a good token, and refuse every bad one?
//
// A server that lets strangers in is fast, and no contender. Each bad token differs from a good one in one thing.

import { Connection } from './connection.ts';
import type { Contender } from './contenders.ts';
import { type Answer, faultOf, type Step, wire } from './exchange.ts';
import { callExchange } from './exchanges.ts';
import { type Issuer, RESOURCE } from './issuer.ts';
import { call, openSession } from './requests.ts';

/** What a contender did wrong. Nothing of it is timed. */
export class Unfit extends Error {}

interface Bad {
  readonly name: string;
  readonly isAboutScope?: boolean;
  token(issuer: Issuer): Promise<string> | string | undefined;
}

const HOUR = 3_600;
const now = (): number => Math.floor(Date.now() / 1_000);

export const BAD_TOKENS: readonly Bad[] = [
  { name: 'no token', token: () => undefined },
  { name: 'a garbage token', token: () => 'eyJ.garbage.token' },
  { name: 'an expired token', token: (issuer) => issuer.sign({ iat: now() - 2 * HOUR, exp: now() - HOUR }) },
  { name: 'a token with a wrong signature', token: (issuer) => issuer.sign({}, { isForged: true }) },
  {
    name: 'a token for another audience',
    token: (issuer) => issuer.sign({ aud: 'https://other.example.com/mcp' }),
  },
  { name: 'a token of another issuer', token: (issuer) => issuer.sign({ iss: 'https://other.example.com' }) },
  {
    name: 'a token without the scope',
    isAboutScope: true,
    token: (issuer) => issuer.sign({ scope: 'other' }),
  },
];

/** @throws {Unfit} naming the contender and what it did */
export async function checkRefusals(contender: Contender, port: number, issuer: Issuer): Promise<void> {
  const { host, pathname } = new URL(RESOURCE);
  const connection = await Connection.open(port);
  const fail = (what: string): never => {
    throw new Unfit(`${contender.name} ${what}`);
  };
  try {
    if (!contender.checksToken) return;
    const { dialect, needsSession } = contender;
    const goodToken = await issuer.sign();
    const sessionId = needsSession ? await openSession(port, goodToken) : undefined;
    const [good] = callExchange(dialect, goodToken, 7, sessionId) as [Step];
    const fault = faultOf(await connection.send(wire(pathname, host, good, undefined)), good.expect);
    if (fault !== undefined) fail(`does not answer a good token: ${fault}`);

    for (const { name, token, isAboutScope = false } of BAD_TOKENS) {
      if (isAboutScope && !contender.checksScope) continue;
      const step = { ...good, ...call(dialect, await token(issuer), 7, sessionId) };
      const answer = await connection.send(wire(pathname, host, step, undefined));
      if (answer.status >= 500) fail(`fails at ${name}: ${answer.status} ${answer.body.slice(0, 300)}`);
      if (!isRefusal(answer, isAboutScope)) fail(`accepts ${name}`);
    }
    const again = faultOf(await connection.send(wire(pathname, host, good, undefined)), good.expect);
    if (again !== undefined) fail(`does not answer a good token after bad ones: ${again}`);
  } finally {
    connection.close();
  }
}

/** A scope may also be refused as MCP refuses things: with an error in a 200. */
function isRefusal({ status, body }: Answer, isAboutScope: boolean): boolean {
  if (body.includes('This is note-7')) return false;
  return (status >= 400 && status < 500) || (isAboutScope && /"(isError":true|error":)/.test(body));
}
