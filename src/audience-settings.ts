// Which tokens are meant for this resource: the key `audience` of an entry of AUTHORIZATION_SERVERS.
//
// Does not look at a token (auth/claims.ts), and does not know what a product puts into audiences (auth/providers).

import type { Fail } from './authorization-servers.ts';
import { type ClaimPath, isPath, type Rule } from './claim-rules.ts';
import { isRecord, stringList } from './shapes.ts';
import { parseUrl } from './url.ts';

/**
 * Which tokens are meant for this resource. Wherever the audience is looked for: a token whose `aud` names only others
 * than these values and RESOURCE is never taken.
 */
export interface AudienceSettings {
  /** Default: what the preset says, else `aud`. */
  claim?: ClaimPath;
  /** Accepted values, one of which the claim must have exactly. Default: RESOURCE; without a path, with a slash as well. */
  values?: readonly string[];
  /**
   * `issuer-bound`: tokens of this issuer name no audience, so every one of them is taken. Needs `require`, or the
   * issuer's other tokens (ID tokens, sessions) would be taken as well.
   */
  mode?: 'any-of' | 'issuer-bound';
}

/** Checked AudienceSettings. */
export interface Audience {
  readonly claim: ClaimPath;
  /** Empty when tokens are bound to their issuer only. */
  readonly values: readonly string[];
  /** What `aud` may name, if it is there. */
  readonly aud: readonly string[];
}

export function checkAudience(
  value: unknown,
  resource: string | undefined,
  require: readonly (readonly Rule[])[],
  fail: Fail,
): Audience | undefined {
  if (!isRecord(value)) {
    const values =
      value === undefined ? namesOf(resource) : typeof value === 'string' ? [value] : stringList(value);
    if (!values || values.length === 0 || (value !== undefined && values.includes('')))
      return fail('audience must be a non-empty string, or a list of them');
    return { claim: ['aud'], values, aud: values };
  }
  const unknown = Object.keys(value).find((key) => !['claim', 'values', 'mode'].includes(key));
  if (unknown !== undefined)
    return fail(`audience has an unknown key ${JSON.stringify(unknown)}; known are claim, values, mode`);
  const { claim = ['aud'], values = namesOf(resource), mode = 'any-of' } = value;
  if (!isPath(claim)) return fail('audience.claim must be a claim path, such as ["client_id"]');
  if (mode !== 'any-of' && mode !== 'issuer-bound')
    return fail('audience.mode must be "any-of" or "issuer-bound"');
  if (mode === 'issuer-bound') {
    if (value.values !== undefined)
      return fail('audience.mode "issuer-bound" takes tokens for any audience: leave values out');
    const asksFor = ({ must }: Rule): boolean => must === 'equal' || must === 'be_present';
    if (!require.some((alternatives) => alternatives.every(asksFor)))
      return fail(
        'audience.mode "issuer-bound" needs require with equals or isPresent: something that only access tokens of this issuer have, or its ID tokens would be taken too',
      );
    return { claim, values: [], aud: namesOf(resource) };
  }
  const list = stringList(values);
  if (!list || list.length === 0 || (value.values !== undefined && list.includes('')))
    return fail('audience.values must be a list of non-empty strings');
  const isAud = claim.length === 1 && claim[0] === 'aud';
  return { claim, values: list, aud: isAud ? list : [...new Set([...namesOf(resource), ...list])] };
}

/**
 * RESOURCE as audiences name it: byte for byte, but for one without a path. That is written with a slash at the end by
 * whoever builds a URL of it, the official clients among them, and both are the same URL (RFC 3986 section 6.2.3).
 */
function namesOf(resource = ''): readonly string[] {
  return parseUrl(resource)?.origin === resource ? [resource, `${resource}/`] : [resource];
}
