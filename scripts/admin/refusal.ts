// What a refusal of the operators' API means for whoever sits at the terminal, and what they can do.

import type { ApiRequest } from './api.ts';
import { oneLine } from './output.ts';
import type { Credential } from './sign-in.ts';
import { localTime } from './table.ts';

/** The API said no. */
export class Refusal extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

interface Refused {
  readonly status: number;
  readonly body: object | undefined;
  readonly request: ApiRequest;
  readonly credential: Credential;
  readonly resource: string;
}

export function refusalOf(refused: Refused): Refusal {
  const { status, body = {}, request, resource } = refused;
  const { error, error_description: description } = body as Readonly<Record<string, unknown>>;
  const said =
    typeof error === 'string'
      ? `${status} ${oneLine(error)}: ${oneLine(String(description ?? ''))}`
      : `${new URL(resource).origin}/admin answered ${status}, and not as the operators' API does`;
  const advice = [...adviceFor(refused), ...(status >= 500 ? [repeatHint(request)] : [])];
  return new Refusal(status, [said, ...advice.filter(Boolean)].join('\n  '));
}

function adviceFor({ status, body = {}, credential, resource }: Refused): readonly string[] {
  const { error, error_description: description, scope } = body as Readonly<Record<string, unknown>>;
  const { source, again } = credential;
  if (error === 'insufficient_user_authentication')
    return [
      `${source} does not say that its person signed in lately enough: ${again}.`,
      'If that does not help, the authorization server does not put auth_time into access tokens, or does not obey max_age: npm run doctor',
    ];
  if (error === 'client_not_allowed') return ['--as-client says which client to sign in with.'];
  if (status === 401)
    return [
      `${source} is expired, revoked, or not for ${resource}: ${again}.`,
      'If that does not help, your access was revoked, or the server does not trust that authorization server.',
    ];
  if (error === 'insufficient_scope')
    return [
      `${source} lacks the scope${typeof scope === 'string' ? ` ${oneLine(scope)}` : ''}: ${again}, and see that the client may ask for it`,
      '(--scope says what is asked for, if it is not mcp:admin).',
    ];
  if (status === 403 && String(description).includes('lacks the permission'))
    return [
      'Another operator can give you a role that has it: npm run admin -- assign ...',
      `If ${source} was issued before you had such a role: ${again}.`,
      'Where tokens name an organization, roles make operators only in those that OPERATOR_TENANTS of the server names.',
      'If nobody is an operator any more: list yourself in OPERATORS, as [{ issuer, subject }], and deploy. That needs no role.',
    ];
  return [];
}

/** How to find out whether a write was done, after it was tried twice. */
export function repeatHint({ headers, body = {} }: ApiRequest): string {
  const key = headers?.['idempotency-key'];
  if (key === undefined) return '';
  // A duration would end at another instant by then, and make it another request.
  const until = 'until' in body ? ` and --until ${localTime(Number(body.until))} for --block` : '';
  return `It may or may not have been done. Repeat the same command with --idempotency-key ${key}${until}: then it is done once.`;
}
