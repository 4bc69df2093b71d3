// The server at --url, as a client meets it: first what answers there at all, then what it says, then who is let through.
//
// When something else than this server answers (nobody, a proxy, a Worker that does not start), the rest would only
// repeat that in other words, and is left out.

import type { Config } from '../../src/config.ts';
import { type Answer, type Ask, isAnswer } from './ask.ts';
import { checkClock } from './clock.ts';
import { error, type Finding, ok } from './finding.ts';
import { checkBrowserAccess, checkPlainHttp, checkUserAgents } from './server-access.ts';
import { checkChallenge } from './server-challenge.ts';
import { frontFault } from './server-front.ts';
import { checkServerMetadata } from './server-metadata.ts';

export interface Target {
  /** As given: the URL that clients use. */
  readonly url: string;
  /** What is configured, if that is known. */
  readonly config: Config | undefined;
  /** Whether that came from the server itself, and so cannot disagree with it. */
  readonly isGuessed: boolean;
}

/** What clients of both eras can send first, without a token. */
export function firstRequest(headers: Readonly<Record<string, string>> = {}): RequestInit {
  const params = {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'doctor', version: '1' },
  };
  return {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'user-agent': 'mcp-edge-doctor/1',
      ...headers,
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params }),
  };
}

export async function checkServer(target: Target, ask: Ask): Promise<Finding[]> {
  const { url, config } = target;
  const answer = await ask(url, firstRequest());
  if (!isAnswer(answer))
    return [
      error(
        'server.unreachable',
        `${url} ${answer.problem}`,
        'No client can reach it either.',
        answer.remedy,
      ),
    ];
  const fault = frontFault(url, answer, config);
  if (fault) return [fault];
  if (config?.authorizationServers.every(({ tokenHeader }) => tokenHeader !== undefined))
    return [behindProxy(url)];
  const clock = config ? checkClock(url, 'checks tokens', answer, config) : [];
  return [
    ...noToken(url, answer),
    ...(answer.status === 401 ? await checkChallenge(target, answer, ask) : []),
    ...(await checkServerMetadata(target, ask)),
    ...(await checkBrowserAccess(target, ask)),
    ...(await checkUserAgents(target, ask)),
    ...(await checkPlainHttp(target, ask)),
    ...clock,
  ];
}

const behindProxy = (url: string): Finding =>
  ok(
    'server.proxy',
    `${url}: a proxy in front signs users in (tokenSource); what it tells clients is not judged`,
  );

function noToken(url: string, { status }: Answer): Finding[] {
  if (status === 401) return [ok('server.gate', `${url} asks for a token (401)`)];
  return [
    error(
      'server.gate',
      `${url} answers a request without a token with ${status} instead of 401`,
      status < 300
        ? 'Whoever knows the URL can use it: nothing protects what is behind.'
        : 'Clients find out where to sign in by a 401 and what stands in it.',
      'Something else than this server answers there, or the gate was taken out: see that the route leads to the Worker, and that src/worker.ts hands its requests to serve() or protect().',
    ),
  ];
}
