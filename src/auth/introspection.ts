// An opaque access token -> Principal: the authorization server is asked (RFC 7662), and its answer remembered shortly.
//
// Anybody can send a random token, and each makes us ask: so what must stay true is
// - one isolate asks about at most introspectionsPerSecond tokens it does not know; beyond that the answer is 503. Who was
//   good the last time is not counted, so a flood does not shut out callers that are known here;
// - about one token one question is under way at a time, and whatever was answered is remembered, a refusal too;
// - a server that cannot answer is a 503, never a 401, and one that says 429 is left alone for as long as it says;
// - no promise is shared between requests (issuers.ts says why): they share data and wait with timers of their own.
// An answer is believed because of where it comes from, and judged by the same rules as a JWT (token-rules.ts).
// Does not see: that a token was withdrawn at the server after it was asked, for introspectionCacheSeconds.

import type { AuthorizationServer, Config } from '../config.ts';
import { type Denial, isDenial } from '../denial.ts';
import { createLimit } from '../limit.ts';
import { log } from '../log.ts';
import type { AccessTokenVerifier } from './access-token.ts';
import type { Payload } from './claims.ts';
import { IntrospectionFailure, introspect } from './introspection-request.ts';
import type { IssuerIo } from './issuers.ts';
import type { Principal } from './principal.ts';
import { invalid, isForAnotherUse, isInstant, principalFrom } from './token-rules.ts';

type IntrospectionConfig = Pick<
  Config,
  | 'authorizationServers'
  | 'resource'
  | 'clockToleranceSeconds'
  | 'maxTokenLifetimeSeconds'
  | 'verifiedTokenCacheEntries'
  | 'introspectionCacheSeconds'
  | 'introspectionsPerSecond'
  | 'issuerTimeoutMs'
  | 'maxIssuerResponseBytes'
>;

/** A token that was good when the server was last asked. Kept when it is no longer usable: who was good may be asked about. */
interface Accepted {
  readonly principal: Principal;
  /** Epoch seconds. */
  readonly usableUntil: number;
}

interface Refused {
  readonly denial: Denial;
  /** Epoch seconds. */
  readonly until: number;
}

/** A question under way, and its outcome for whoever waits. */
interface Question {
  /** Epoch milliseconds after which nobody waits any more: the request that asked was cut off. */
  readonly until: number;
  outcome: Principal | Denial | undefined;
}

const MAX_QUESTIONS = 1_000;
const MAX_REFUSED = 1_000;
const REFUSED_SECONDS = 5;
const RETRY_SECONDS = 5;
const MAX_PAUSE_SECONDS = 60;
const POLL_MS = 20;
/** For what happens besides waiting for the server. */
const MARGIN_MS = 1_000;

/** The feature for createServer: tokens that are no JWTs are accepted where an entry has `introspection`. */
export const opaqueTokens = () => ({ opaqueTokens: createOpaqueTokenVerifier });

/** For the one authorization server whose opaque tokens are accepted; `undefined` when there is none. */
export function createOpaqueTokenVerifier(config: IntrospectionConfig): AccessTokenVerifier | undefined {
  const server = config.authorizationServers.find(({ introspection }) => introspection !== undefined);
  return server && createVerifier(server, config);
}

function createVerifier(server: AuthorizationServer, config: IntrospectionConfig): AccessTokenVerifier {
  const accepted = new Map<string, Accepted>();
  const refused = new Map<string, Refused>();
  const questions = new Map<string, Question>();
  const isOneTooMany = createLimit(config.introspectionsPerSecond);
  let pausedUntil = 0;

  return (credential, io, header) => {
    if (server.tokenHeader !== header) return invalid('token_source');
    const known = accepted.get(credential);
    if (known && io.now() < known.usableUntil) return known.principal;
    return verify(credential, io);
  };

  async function verify(credential: string, io: IssuerIo): Promise<Principal | Denial> {
    for (;;) {
      const other = questions.get(credential);
      if (!other || Date.now() >= other.until) break;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      if (other.outcome) return other.outcome;
    }

    const now = io.now();
    const remembered = refused.get(credential);
    if (remembered && now < remembered.until) return remembered.denial;
    if (now < pausedUntil) return unavailable('asked_to_wait', pausedUntil - now);
    if (!accepted.has(credential) && isOneTooMany(now)) return unavailable('too_many_unknown', 1);

    const question: Question = { until: Date.now() + config.issuerTimeoutMs + MARGIN_MS, outcome: undefined };
    if (questions.size >= MAX_QUESTIONS) questions.delete(oldest(questions));
    questions.set(credential, question);
    const answering = ask(credential, io).then((outcome) => {
      question.outcome = outcome;
      questions.delete(credential);
      return outcome;
    });
    io.waitUntil(answering);
    return answering;
  }

  /** Never throws. */
  async function ask(credential: string, io: IssuerIo): Promise<Principal | Denial> {
    let payload: Payload | undefined;
    try {
      payload = await introspect(credential, server, io.now(), config);
    } catch (error) {
      const failure = error instanceof IntrospectionFailure ? error : undefined;
      const detail = failure?.message ?? 'an exception';
      log({ event: 'introspection_failed', issuer: server.issuers[0] ?? '', detail });
      const wait = failure?.retryAfterSeconds;
      if (wait === undefined) return unavailable('no_answer', RETRY_SECONDS);
      const pause = Math.min(Math.max(wait, 1), MAX_PAUSE_SECONDS);
      pausedUntil = io.now() + pause;
      return unavailable('asked_to_wait', pause);
    }
    const outcome = payload ? await judge(payload, credential, io.now()) : invalid('inactive');
    remember(credential, outcome, io.now());
    return outcome;
  }

  async function judge(payload: Payload, credential: string, now: number): Promise<Principal | Denial> {
    const issuer = payload.iss ?? server.issuers[0];
    if (typeof issuer !== 'string' || !server.issuers.includes(issuer))
      return { reason: 'issuer_not_trusted' };
    const other = isForAnotherUse(payload) ?? kindProblem(payload, server);
    if (other) return invalid(other);
    const late = timeProblem(payload, now);
    if (late) return late;
    // Without an end it counts until it is asked about again, and not at all unless its age is known: a revocation is
    // forgotten when no token it covers can be alive any more.
    const exp = payload.exp ?? (payload.iat == null ? undefined : now + config.introspectionCacheSeconds);
    if (exp === undefined) return invalid('exp_missing');
    return principalFrom(
      { ...payload, exp, iat: payload.iat ?? undefined },
      { issuer, server, signed: credential },
      now,
      config,
    );
  }

  /** As jose checks them in a JWT; null is the same as absent. */
  function timeProblem({ exp, nbf, iat }: Payload, now: number): Denial | undefined {
    for (const [name, value] of Object.entries({ exp, nbf, iat }))
      if (value != null && !isInstant(value)) return invalid(`${name}_invalid`);
    if (exp != null && Number(exp) <= now - config.clockToleranceSeconds) return { reason: 'token_expired' };
    if (nbf != null && Number(nbf) > now + config.clockToleranceSeconds) return invalid('nbf_check_failed');
    return undefined;
  }

  function remember(credential: string, outcome: Principal | Denial, now: number): void {
    accepted.delete(credential);
    refused.delete(credential);
    if (isDenial(outcome)) {
      if (refused.size >= MAX_REFUSED) refused.delete(oldest(refused));
      refused.set(credential, { denial: outcome, until: now + REFUSED_SECONDS });
    } else if (config.verifiedTokenCacheEntries > 0) {
      if (accepted.size >= config.verifiedTokenCacheEntries) accepted.delete(oldest(accepted));
      const end = outcome.expiresAt + config.clockToleranceSeconds;
      const usableUntil = Math.min(now + config.introspectionCacheSeconds, end);
      accepted.set(credential, { principal: outcome, usableUntil });
    }
  }
}

const oldest = (map: ReadonlyMap<string, unknown>): string => map.keys().next().value ?? '';

const unavailable = (detail: string, retryAfterSeconds: number): Denial => ({
  reason: 'introspection_unavailable',
  detail,
  retryAfterSeconds,
});

/** Where servers say what kind of token it is: RFC 7662 section 2.2, Ory, Keycloak. */
const KIND_MEMBERS = ['token_type', 'token_use', 'token_type_hint', 'typ'];
const ACCESS_KINDS: readonly unknown[] = ['bearer', 'access', 'access_token'];

/**
 * Whether it is something else than a bearer access token: servers answer `active` for refresh tokens too. Where the
 * audience does not tell them apart, the answer has to say that it is an access token.
 */
function kindProblem(payload: Payload, { audience }: AuthorizationServer): string | undefined {
  const kinds = KIND_MEMBERS.map((name) => payload[name]).filter((kind) => kind != null);
  if (kinds.length === 0 && audience.values.length === 0) return 'token_kind_unknown';
  const isAccess = (kind: unknown): boolean =>
    typeof kind === 'string' && ACCESS_KINDS.includes(kind.toLowerCase());
  return kinds.every(isAccess) ? undefined : 'no_access_token';
}
