// Where opaque tokens are asked about: whether anything is there that wants to know who is asking.
//
// Asks about nothing and as nobody, so whether this server's own secret is right is not seen: a token shows that.

import type { AuthorizationServer } from '../../src/config.ts';
import { type Answer, type Ask, isAnswer } from './ask.ts';
import { error, type Finding, ok, warning } from './finding.ts';

const CONSEQUENCE = 'Opaque tokens are answered with 503: whether they are good cannot be known.';

export async function checkIntrospection(
  { introspection, issuers }: AuthorizationServer,
  ask: Ask,
): Promise<Finding[]> {
  if (introspection?.kind !== 'rfc7662') return [];
  const { url } = introspection;
  const who = `${issuers[0]}: its introspection endpoint ${url}`;
  const answer = await ask(url, { method: 'POST', body: new URLSearchParams({ token: 'doctor' }) });
  if (!isAnswer(answer))
    return [error('issuer.introspection', `${who} ${answer.problem}`, CONSEQUENCE, answer.remedy)];
  if (isOpen(answer))
    return [
      warning(
        'issuer.introspection-open',
        `${who} answers everyone`,
        'Whoever has got hold of something can find out whether it is a token, and of whom (RFC 7662 section 2.1).',
        'Have the authorization server ask for credentials there.',
      ),
    ];
  if (answer.status >= 400 && answer.status < 500 && ![404, 405, 410].includes(answer.status))
    return [ok('issuer.introspection', `${who} wants to know who asks (${answer.status})`)];
  return [
    error(
      'issuer.introspection',
      `${who} answers ${answer.status}`,
      CONSEQUENCE,
      'Put introspection.url right; the metadata of the server often has it as introspection_endpoint.',
    ),
  ];
}

const isOpen = ({ status, json }: Answer): boolean => status === 200 && typeof json?.active === 'boolean';
