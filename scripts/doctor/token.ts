// One token: what the Worker's own verification says about it, and why, in words.
//
// The token itself is never part of a finding; what it claims is, because that is what has to be put right. Claims are
// read without trust: of a token that was refused nothing is known to be true.
// Does not know revocations, nor roles that operators gave: they are in the registry of the deployment (token-at-server.ts).

import { decodeJwt, decodeProtectedHeader, type JWTPayload } from 'jose';
import type { Principal } from '../../src/auth/principal.ts';
import { isServiceKey } from '../../src/auth/service-key.ts';
import type { Config } from '../../src/config.ts';
import { type Denial, isDenial } from '../../src/denial.ts';
import { error, type Finding, listed, ok, shown, warning } from './finding.ts';
import { explainRefusal } from './token-refusals.ts';
import { checkRights } from './token-rights.ts';
import { isStandIn } from './unseen.ts';
import { type AppCode, verifyAccessToken } from './worker-code.ts';

export interface TokenResult {
  readonly findings: readonly Finding[];
  /** Who it is for, when it was accepted here. */
  readonly principal: Principal | undefined;
  /** Whether the verification here can say anything at all. */
  readonly isJudged: boolean;
  /** Whether a client sends it itself, and not a proxy in front. */
  readonly isSendable: boolean;
}

/** A token before anything is verified. */
export interface Unverified {
  readonly header: Readonly<Record<string, unknown>>;
  readonly payload: JWTPayload;
}

export async function examineToken(
  token: string,
  config: Config,
  app: AppCode | undefined,
): Promise<TokenResult> {
  if (isServiceKey(token))
    return { findings: [serviceKey(config)], principal: undefined, isJudged: false, isSendable: true };
  const unverified = decode(token);
  const asked = config.authorizationServers.find(({ introspection }) => introspection !== undefined);
  const isOpaque = unverified === undefined && token.split('.').length !== 5;
  if (isOpaque && asked?.introspection && isStandIn(asked.introspection))
    return {
      findings: [opaque(asked.issuers[0] ?? '')],
      principal: undefined,
      isJudged: false,
      isSendable: true,
    };
  const server = isOpaque
    ? asked
    : config.authorizationServers.find(({ issuers }) => issuers.includes(unverified?.payload.iss ?? ''));
  const isSendable = server?.tokenHeader === undefined;
  const tooLong = token.length > config.maxTokenBytes ? [longerThan(token.length, config)] : [];
  const { outcome, log } = await verifyAccessToken(token, config, server?.tokenHeader);
  if (isDenial(outcome)) {
    const detail = log.map(({ detail }) => detail).find((text) => typeof text === 'string');
    const finding = explainRefusal({ denial: outcome, token, unverified, server, config, detail });
    return { findings: [...tooLong, finding], principal: undefined, isJudged: true, isSendable };
  }
  const findings = [
    ...tooLong,
    accepted(outcome, config),
    ...opinions(outcome, config),
    ...forOperators(outcome, config),
    ...(app ? checkRights(outcome, app, config) : []),
  ];
  return { findings, principal: outcome, isJudged: tooLong.length === 0, isSendable };
}

function decode(token: string): Unverified | undefined {
  try {
    return { header: decodeProtectedHeader(token), payload: decodeJwt(token) };
  } catch {
    return undefined;
  }
}

const opaque = (issuer: string): Finding =>
  ok(
    'token.opaque',
    `the token is opaque: only the deployed server has the secret to ask ${issuer} about it (put it into .dev.vars to ask from here)`,
  );

const serviceKey = (config: Config): Finding =>
  config.serviceKeys
    ? ok(
        'token.service-key',
        'the token is a service key: only the deployed server can tell whether it is valid',
      )
    : error(
        'token.service-key',
        'the token is a service key, and service keys are not accepted here',
        'It is refused like a token that is none.',
        'Set SERVICE_KEYS = true, if they are wanted.',
      );

const longerThan = (length: number, { maxTokenBytes }: Config): Finding =>
  error(
    'token.too-long',
    `the token has ${length} bytes, more than maxTokenBytes (${maxTokenBytes})`,
    'It is refused with 400 before anyone looks into it.',
    'Have fewer claims put into it (groups, mostly), or raise MAX_TOKEN_BYTES.',
  );

function accepted(principal: Principal, { clockToleranceSeconds }: Config): Finding {
  const { issuer, subject, clientId, scopes, roles, permissions, tenant, issuedAt, expiresAt } = principal;
  const now = Math.floor(Date.now() / 1_000);
  const parts = [
    `issuer ${shown(issuer)}`,
    `subject ${shown(subject)}`,
    `client ${shown(clientId ?? 'not named')}`,
    `scopes ${shown(scopes.join(' ') || 'none')}`,
    `roles ${shown(roles.join(', ') || 'none')}`,
    ...(permissions.length > 0 ? [`permissions ${shown(permissions.join(', '))}`] : []),
    ...(tenant === undefined ? [] : [tenant === null ? 'no tenant' : `tenant ${shown(tenant)}`]),
    `expires in ${duration(expiresAt - now)}${issuedAt > 0 ? `, lives ${duration(expiresAt - issuedAt)}` : ''}`,
  ];
  const isLate =
    expiresAt <= now ? `; expired, and let through only by the ${clockToleranceSeconds} s for clocks` : '';
  return ok('token.accepted', `the token is accepted: ${parts.join('; ')}${isLate}`);
}

function duration(seconds: number): string {
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3_600)} h` : `${Math.round(seconds / 86_400)} days`;
}

const DAY = 86_400;

function opinions({ clientId, issuedAt, expiresAt }: Principal, config: Config): Finding[] {
  const findings: Finding[] = [];
  if (issuedAt > 0 && expiresAt - issuedAt > DAY)
    findings.push(
      warning(
        'token.lifetime',
        `the token lives ${duration(expiresAt - issuedAt)}`,
        'A token that is stolen, or whose user has left, is good until it expires or an operator revokes it.',
        'Have access tokens live for an hour or less; clients renew them with refresh tokens.',
      ),
    );
  if (issuedAt === 0)
    findings.push(
      warning(
        'token.issued-at',
        'the token does not say when it was issued (iat)',
        'Every revocation of its subject or client covers it, also after its user has signed in again.',
        'Have the authorization server put iat into access tokens.',
      ),
    );
  if (clientId === undefined)
    findings.push(
      warning(
        'token.client',
        'the token names no client (client_id or azp)',
        'Revoking a client, and telling clients of one user apart, is not possible.',
        `Say where it is: clientId = [["..."]] in the entry of ${config.authorizationServers.length === 1 ? 'AUTHORIZATION_SERVERS' : 'its issuer'}.`,
      ),
    );
  return findings;
}

/** What would keep the token of an operator that is like this one out of the operators' API. */
function forOperators({ issuedAt, expiresAt, authenticatedAt }: Principal, config: Config): Finding[] {
  const { adminTokenSeconds, adminMaxAuthAgeSeconds } = config;
  const findings: Finding[] = [];
  if (issuedAt > 0 && expiresAt - issuedAt > adminTokenSeconds)
    findings.push(
      warning(
        'token.operators',
        `the token lives ${duration(expiresAt - issuedAt)}, longer than one of an operator may (adminTokenSeconds, ${duration(adminTokenSeconds)})`,
        "The operators' API refuses a token that lives like this one, with token_too_long_lived.",
        'Have the authorization server issue shorter ones, at least to the client that operators sign in with; or raise ADMIN_TOKEN_SECONDS.',
      ),
    );
  if (adminMaxAuthAgeSeconds === 0) return findings;
  findings.push(
    authenticatedAt === undefined
      ? warning(
          'token.auth-time',
          'the token does not say when its person signed in (auth_time), and adminMaxAuthAgeSeconds is set',
          "The operators' API refuses a token like this one, however often its person signs in.",
          'Have the authorization server put auth_time, in seconds, into access tokens. A token that a client got for itself has none.',
        )
      : ok(
          'token.auth-time',
          `the token says when its person signed in: ${duration(Math.floor(Date.now() / 1_000) - authenticatedAt)} ago (adminMaxAuthAgeSeconds: ${duration(adminMaxAuthAgeSeconds)})`,
        ),
  );
  return findings;
}

/** Reason and detail as the log has them. */
export const reasonOf = (denial: Denial): string =>
  listed([denial.reason, ...('detail' in denial && denial.detail !== undefined ? [denial.detail] : [])]);
