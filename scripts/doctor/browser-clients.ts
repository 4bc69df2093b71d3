// Whether clients that run in a browser (the Inspector, web chats) can talk to an authorization server: CORS.
//
// Asks as a page of an origin that nobody has allowed. A server that wants each origin registered looks closed here.

import { type Answer, type Ask, isAnswer } from './ask.ts';
import { type Finding, listed, ok, warning } from './finding.ts';
import type { Metadata } from './metadata.ts';

export const SOME_ORIGIN = 'https://client.doctor.invalid';

export async function checkBrowserClients(issuer: string, metadata: Metadata, ask: Ask): Promise<Finding[]> {
  const { token_endpoint: token, registration_endpoint: registration, jwks_uri: jwks } = metadata.document;
  const places: [name: string, open: Promise<boolean>][] = [
    ['metadata', isOpen(ask(metadata.url, { headers: { origin: SOME_ORIGIN } }))],
  ];
  if (typeof token === 'string' && URL.canParse(token))
    places.push(['token endpoint', isOpen(preflight(token, ask))]);
  if (typeof registration === 'string' && URL.canParse(registration))
    places.push(['registration endpoint', isOpen(preflight(registration, ask))]);
  if (typeof jwks === 'string' && URL.canParse(jwks))
    places.push(['keys', isOpen(ask(jwks, { headers: { origin: SOME_ORIGIN } }))]);
  const closed: string[] = [];
  for (const [name, open] of places) if (!(await open)) closed.push(name);
  if (closed.length === 0) return [ok('issuer.cors', `${issuer}: pages of any origin can use it (CORS)`)];
  return [
    warning(
      'issuer.cors',
      `${issuer}: pages of other origins cannot use its ${listed(closed)} (no CORS headers)`,
      'Clients in a browser, such as the Inspector and web chats, cannot sign in. All others can.',
      'Enable CORS there, for all origins or for those of the clients you want (often called trusted or web origins).',
    ),
  ];
}

const preflight = (url: string, ask: Ask) =>
  ask(url, {
    method: 'OPTIONS',
    headers: {
      origin: SOME_ORIGIN,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'content-type',
    },
  });

async function isOpen(asked: ReturnType<Ask>): Promise<boolean> {
  const answer = await asked;
  return isAnswer(answer) && answer.status < 400 && allowsOrigin(answer);
}

export function allowsOrigin({ headers }: Answer): boolean {
  return ['*', SOME_ORIGIN].includes(headers.get('access-control-allow-origin') ?? '');
}
