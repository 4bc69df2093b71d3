// Who is let through to a deployed server: pages of other origins, known clients, http.
//
// The programs are known by their User-Agent only: calls from their own networks may be treated otherwise, which cannot be
// seen from here.

import { isLoopback } from '../../src/config.ts';
import { type Ask, isAnswer } from './ask.ts';
import { SOME_ORIGIN } from './browser-clients.ts';
import { error, type Finding, listed, ok, warning } from './finding.ts';
import { firstRequest, type Target } from './server.ts';
import { blocked, isBlocked } from './server-front.ts';

const CLIENTS: Readonly<Record<string, string>> = {
  Claude: 'Claude-User',
  ChatGPT: 'openai-mcp/1.0.0',
};

export async function checkUserAgents({ url }: Target, ask: Ask): Promise<Finding[]> {
  const refused = await Promise.all(
    Object.entries(CLIENTS).map(async ([name, agent]) => {
      const answer = await ask(url, firstRequest({ 'user-agent': agent }));
      return isAnswer(answer) && !isBlocked(answer) && answer.status !== 403 ? [] : [name];
    }),
  );
  const names = refused.flat();
  return names.length > 0
    ? [blocked(url, listed(names))]
    : [
        ok(
          'server.clients',
          `${url}: nothing shields it from ${listed(Object.keys(CLIENTS))}, as called from here`,
        ),
      ];
}

/** The guard against foreign pages, and what the pages that may use it can read. */
export async function checkBrowserAccess({ url, config }: Target, ask: Ask): Promise<Finding[]> {
  const { origin } = new URL(url);
  const [foreign, own] = await Promise.all([
    ask(url, firstRequest({ origin: SOME_ORIGIN })),
    ask(url, firstRequest({ origin })),
  ]);
  const findings: Finding[] = [];
  const isOpenToAll = config?.allowedOrigins.includes('*') ?? false;
  if (isAnswer(foreign) && foreign.status !== 403 && !isOpenToAll)
    findings.push(
      error(
        'server.origin',
        `${url}: answers a page of a foreign origin with ${foreign.status} instead of 403`,
        'Any page that a user opens can then send requests in their name, to servers on their own machine or network in particular (DNS rebinding).',
        'If ALLOWED_ORIGINS is "*" there, list the origins of your browser clients instead; else something answers in place of this server.',
      ),
    );
  const exposed = isAnswer(own) ? (own.headers.get('access-control-expose-headers') ?? '') : '';
  if (!/(^|,)\s*(www-authenticate|\*)\s*(,|$)/i.test(exposed))
    findings.push(
      warning(
        'server.cors',
        `${url}: pages of its own origin cannot read WWW-Authenticate (Access-Control-Expose-Headers)`,
        'Clients in a browser do not find out where to sign in.',
        'This server exposes it: see what takes the header away.',
      ),
    );
  return findings.length > 0
    ? findings
    : [
        ok(
          'server.browsers',
          `${url}: foreign pages are ${isOpenToAll ? 'allowed' : 'refused'}, allowed ones can read the challenge`,
        ),
      ];
}

/** Whether what is sent without TLS by mistake is sent on, or at least told of. */
export async function checkPlainHttp({ url }: Target, ask: Ask): Promise<Finding[]> {
  const { protocol, port, hostname, host, pathname } = new URL(url);
  if (protocol !== 'https:' || port !== '' || isLoopback(hostname)) return [];
  const answer = await ask(`http://${host}${pathname}`, firstRequest());
  const location = isAnswer(answer) ? URL.parse(answer.headers.get('location') ?? '', url) : undefined;
  if (!isAnswer(answer)) return [ok('server.http', `${url}: http is not answered`)];
  if (answer.status === 403 && answer.json?.error === 'insecure_transport')
    return [ok('server.http', `${url}: http is refused before a token is looked at`)];
  if (answer.status >= 300 && answer.status < 400 && location?.protocol === 'https:')
    return [ok('server.http', `${url}: http is redirected to https`)];
  return [
    warning(
      'server.http',
      `http://${host}${pathname} is answered (${answer.status}) instead of redirected to https`,
      'A client that was given http sends its token for everyone on the way to read, and nobody notices.',
      'Turn on "Always Use HTTPS" for the zone (SSL/TLS, Edge Certificates), and HSTS.',
    ),
  ];
}
