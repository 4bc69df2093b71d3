// The 401 of a request without a token: it is how a client finds out where to sign in (RFC 6750, RFC 9728 section 5.1).
//
// Read here as strictly as the strictest client does: one Bearer challenge, quoted values, no error code.

import { scopesToAskFor } from '../../src/auth/challenge.ts';
import { metadataUrl } from '../../src/auth/resource-metadata.ts';
import { type Answer, type Ask, isAnswer } from './ask.ts';
import { difference, error, type Finding, listed, ok, shown, warning } from './finding.ts';
import type { Target } from './server.ts';

export async function checkChallenge(target: Target, answer: Answer, ask: Ask): Promise<Finding[]> {
  const { url } = target;
  const faults = [...judge(target, answer), ...(await otherMethods(url, ask))];
  return faults.length > 0
    ? faults
    : [ok('server.challenge', `${url}: the challenge leads to the metadata, for POST, GET and HEAD`)];
}

function judge({ url, config }: Target, { headers }: Answer): Finding[] {
  const value = headers.get('www-authenticate');
  if (value === null || !/^bearer(\s|$)/i.test(value)) {
    return [
      error(
        'server.challenge',
        value === null
          ? `${url}: its 401 has no WWW-Authenticate`
          : `${url}: its WWW-Authenticate is no Bearer challenge: ${shown(value)}`,
        'Clients do not find out where to sign in.',
        'This server always sends it: something between changes the answer, or answers itself (Cloudflare Access, a gateway, another server).',
      ),
    ];
  }
  const parameters = parametersOf(value);
  const wanted = metadataUrl(config?.resource ?? url);
  const named = parameters.get('resource_metadata');
  const findings: Finding[] = [];
  if (named !== wanted)
    findings.push(
      error(
        'server.challenge',
        named === undefined
          ? `${url}: its challenge does not name the metadata (resource_metadata)`
          : `${url}: its challenge names the metadata ${shown(named)}${difference(named, wanted)}, not ${wanted}`,
        'Clients read there whom to ask for a token, and refuse a document that is for another resource.',
        'The address is made from RESOURCE: deploy the RESOURCE that clients use.',
      ),
    );
  if (parameters.has('error'))
    findings.push(
      warning(
        'server.challenge-error',
        `${url}: its challenge to a request without a token has an error (${shown(parameters.get('error'))})`,
        'Nothing was wrong yet (RFC 6750 section 3.1). Some clients throw their tokens away and register anew.',
        'This server does not send one: see what answers in its place.',
      ),
    );
  return [...findings, ...scopes(url, config && scopesToAskFor(config.scopesSupported, config), parameters)];
}

function scopes(
  url: string,
  wanted: readonly string[] | undefined,
  parameters: ReadonlyMap<string, string>,
): Finding[] {
  const named = parameters.get('scope');
  if (!wanted || (named ?? '') === wanted.join(' ')) return [];
  return [
    warning(
      'server.challenge-scope',
      named === undefined
        ? `${url}: its challenge has no scope; here scopesSupported is ${listed(wanted)}`
        : `${url}: its challenge has the scope ${shown(named)}; here scopesSupported is ${listed(wanted)}`,
      'Clients ask for what stands there. It is not what this configuration says, so another one is deployed.',
      'Deploy again, and mind --env.',
    ),
  ];
}

/** Clients probe with GET and HEAD too, and look for the same challenge there. */
async function otherMethods(url: string, ask: Ask): Promise<Finding[]> {
  const statuses = await Promise.all(
    ['GET', 'HEAD'].map(async (method) => {
      const answer = await ask(url, { method, headers: { accept: 'text/event-stream' } });
      const isGood = isAnswer(answer) && answer.status === 401 && answer.headers.has('www-authenticate');
      return isGood ? [] : [`${method} with ${isAnswer(answer) ? answer.status : 'nothing'}`];
    }),
  );
  const odd = statuses.flat();
  if (odd.length === 0) return [];
  return [
    warning(
      'server.methods',
      `${url}: answers ${listed(odd)} instead of 401 with a challenge`,
      'Clients that probe with it (Claude, Gemini and others) take the server for one without sign-in, or for an old one.',
      'This server answers every method with the challenge: see what stands before it.',
    ),
  ];
}

/** auth-params of one challenge; values as quoted-string only, because that is what clients can read. */
export function parametersOf(value: string): ReadonlyMap<string, string> {
  const found = value.matchAll(/([\w-]+)="((?:[^"\\]|\\.)*)"/g);
  return new Map(
    [...found].map(([, name = '', text = '']) => [name.toLowerCase(), text.replace(/\\(.)/g, '$1')]),
  );
}
