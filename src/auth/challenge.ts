// WWW-Authenticate values (RFC 6750 section 3, RFC 9728 section 5.1, RFC 9470 section 3).
//
// Clients parse these with loose patterns, so: one Bearer challenge, every value quoted, descriptions in plain ASCII
// without quotes and without the text `scope=`. Does not decide which challenge a refusal gets (http/denial-response.ts).

import type { Config } from '../config.ts';

export interface ChallengeParameters {
  readonly error?:
    | 'invalid_request'
    | 'invalid_token'
    | 'insufficient_scope'
    | 'insufficient_user_authentication';
  readonly description?: string;
  /** All scopes the operation needs. */
  readonly scopes?: readonly string[];
  /** How long ago the person may have signed in, in seconds. */
  readonly maxAge?: number;
  /** Absolute URL of the protected resource metadata. */
  readonly resourceMetadata: string;
}

/** One challenge. Values that could break out of the header are dropped or escaped, whoever wrote them. */
export function challenge({
  error,
  description,
  scopes,
  maxAge,
  resourceMetadata,
}: ChallengeParameters): string {
  const parameters: [name: string, value: string | undefined][] = [
    ['error', error],
    ['error_description', description],
    ['scope', scopes && scopes.length > 0 ? scopes.join(' ') : undefined],
    ['max_age', maxAge?.toString()],
    ['resource_metadata', resourceMetadata],
  ];
  const written = parameters.flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${quoted(value)}`],
  );
  return `Bearer ${written.join(', ')}`;
}

export const OPENID_SCOPES: readonly string[] = [
  'openid',
  'profile',
  'email',
  'address',
  'phone',
  'offline_access',
];

/** Scopes as clients have to ask for them: with what their authorization server has before them (`scopePrefix`). */
export function scopesToAskFor(
  scopes: readonly string[],
  { authorizationServers }: Pick<Config, 'authorizationServers'>,
): readonly string[] {
  const prefix = authorizationServers.find(({ advertised }) => advertised.length > 0)?.scopePrefix ?? '';
  return scopes.map((scope) =>
    scope.startsWith(prefix) || OPENID_SCOPES.includes(scope) ? scope : prefix + scope,
  );
}

/** quoted-string of RFC 9110 section 5.6.4, printable ASCII only. */
function quoted(value: string): string {
  return `"${value.replace(/[^\x20-\x7E]/g, '').replace(/["\\]/g, '\\$&')}"`;
}
