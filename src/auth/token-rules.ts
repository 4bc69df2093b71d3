// What must hold of a token's claims, and the Principal they make: the same whether they were signed in a JWT
// (access-token.ts) or told by the authorization server (introspection.ts).
//
// Each `if` is one check with an attack test of its own. Expects claims that are known to be the issuer's, with `exp` and
// `nbf` already held against the clock.
// Does not check: revocation, scopes and roles (policy).

import type { AuthorizationServer, Config } from '../config.ts';
import type { Denial } from '../denial.ts';
import { sha256 } from '../hash.ts';
import { isIdentifier, isRecord } from '../shapes.ts';
import { audienceProblem, brokenRule, type Payload, readClaims } from './claims.ts';
import type { Actor, Principal } from './principal.ts';

export type RuleConfig = Pick<Config, 'clockToleranceSeconds' | 'maxTokenLifetimeSeconds'>;

export interface TokenOrigin {
  /** One of the server's. */
  readonly issuer: string;
  readonly server: AuthorizationServer;
  /** What names the token when it has no id: the token, or the part of it that cannot be written in another way. */
  readonly signed: string;
}

export const invalid = (detail: string): Denial => ({ reason: 'token_invalid', detail });

/** Claims -> Principal. */
export async function principalFrom(
  payload: Payload,
  { issuer, server, signed }: TokenOrigin,
  now: number,
  config: RuleConfig,
): Promise<Principal | Denial> {
  const audience = audienceProblem(payload, server.audience);
  if (audience) return invalid(audience);
  const broken = brokenRule(payload, server.require);
  if (broken !== undefined) return invalid(`require_${broken}`);

  const { exp, iat, auth_time: authTime } = payload;
  if (!isInstant(exp)) return invalid('exp_unbounded');
  // A token from the future would escape every revocation "issued at or before". Absent is allowed: it counts as the oldest.
  if (iat !== undefined && (typeof iat !== 'number' || iat > now + config.clockToleranceSeconds))
    return invalid('iat_in_the_future');
  // A revocation is forgotten when no token it covers can be alive any more.
  if (exp - (iat ?? now) > config.maxTokenLifetimeSeconds) return invalid('lifetime_too_long');

  const claims = readClaims(payload, server);
  if (!claims) return invalid('claim_malformed');
  if (claims.subject === undefined) return invalid('subject_missing');
  if (server.tenants && !server.tenants.includes(claims.tenant ?? '')) return invalid('tenant_not_served');

  // Some authorization servers give a token itself as its id, and ids get into logs.
  const tokenId = claims.tokenId?.includes(signed) ? undefined : claims.tokenId;
  return Object.freeze({
    kind: 'oauth',
    ...claims,
    subject: claims.subject,
    issuer,
    tokenId: tokenId ?? (await hashOf(signed)),
    act: actorOf(payload.act),
    issuedAt: iat ?? 0,
    expiresAt: exp,
    // Whoever needs it refuses a token without; nobody else cares what stands there.
    authenticatedAt: isInstant(authTime) ? authTime : undefined,
  });
}

/** What is not well-formed is left out: nothing is decided by it, so it makes no token invalid. Earlier actors do not count. */
function actorOf(act: unknown): Actor | undefined {
  if (!isRecord(act)) return undefined;
  const [subject, clientId] = [act.sub, act.client_id].map((name) => (isIdentifier(name) ? name : undefined));
  return subject === undefined && clientId === undefined ? undefined : Object.freeze({ subject, clientId });
}

/** Whether these are the claims of something that is no bearer access token, whoever vouches for them. */
export function isForAnotherUse(payload: Payload): string | undefined {
  // Back-channel logout tokens and security event tokens (RFC 8417 section 2.2).
  if (payload.events !== undefined) return 'security_event';
  // DPoP proofs (RFC 9449 section 4.2).
  if (payload.htm !== undefined || payload.htu !== undefined) return 'dpop_proof';
  // Bound to a key the caller would have to prove (RFC 7800, 8705, 9449): as a bearer token it is a stolen one.
  if (payload.cnf !== undefined) return 'sender_constrained';
  return undefined;
}

/** JSON has no Infinity, but a number too large becomes one when it is read. */
export const isInstant = (value: unknown): value is number =>
  typeof value === 'number' && Number.isFinite(value);

/** What a token without an id is called. */
export const hashOf = async (signed: string): Promise<string> => `sha256:${await sha256(signed)}`;
