// Why may somebody do something, or why not? Answered by the functions that decide requests, under the newest policy.
//
// Does not decide anything, and does not run anything. A token is verified as any other and never repeated.

import type { Principal } from '../auth/principal.ts';
import { isServiceKey, SERVICE_ISSUER, servicePrincipal } from '../auth/service-key.ts';
import { type Denial, isDenial } from '../denial.ts';
import { tenantMember } from '../grant.ts';
import { authorize, type Requirement, rolesOf } from '../policy/authorize.ts';
import { admit, type Caller, kindsOf, revocationOf, shadowDenial } from '../policy/caller.ts';
import { keysOf } from '../policy/keys.ts';
import { impliedScopes, wayTo } from '../policy/roles.ts';
import type { Policy } from '../policy/snapshot.ts';
import type { Catalogue } from '../protocol/catalogue.ts';
import { requirementOf } from '../protocol/requirement.ts';
import { isRecord } from '../shapes.ts';
import { type Answer, type Call, ok } from './call.ts';
import {
  checkMembers,
  type Input,
  namesIn,
  optionalNumber,
  optionalText,
  Refusal,
  readBody,
  scopesIn,
  tenantIn,
  text,
} from './inputs.ts';
import { checkTenant, hasTenants } from './tenants.ts';

interface Rule {
  readonly needs: string;
  readonly isMet: boolean;
  /** What meets it, or what is missing. */
  readonly by: string;
}

export async function explain(call: Call): Promise<Answer> {
  const { request, context, operator } = call;
  const { input } = await readBody(request, ['principal', 'token', 'tool', 'prompt', 'resource']);
  const requirement = requirementIn(input, context.deployment.catalogue);
  const { policy } = operator;
  const principal = await principalIn(input, policy, call);
  if (isDenial(principal))
    return ok({ decision: 'deny', ...reasonFor(principal), rules: [], policyVersion: policy.version });

  const caller = await admit(principal, policy);
  const { kind, issuer, subject, clientId, tenant, scopes, roles, permissions, issuedAt, expiresAt } =
    principal;
  const about = {
    principal: {
      kind,
      issuer,
      subject,
      clientId: clientId ?? null,
      ...tenantMember(tenant),
      scopes,
      roles,
      permissions,
      issuedAt,
      expiresAt,
    },
    policyVersion: policy.version,
  };
  if (isDenial(caller)) {
    const revokedBy = await revocationFor(principal, policy);
    return ok({
      decision: 'deny',
      ...reasonFor(caller),
      rules: [],
      ...(revokedBy ? { revokedBy } : {}),
      ...about,
    });
  }
  const refused = authorize(caller.rights, requirement);
  const shadow = shadowDenial(caller, requirement);
  return ok({
    decision: refused ? 'deny' : 'allow',
    ...(refused ? reasonFor(refused) : {}),
    // What a tool's own code decides, nobody knows who does not run it.
    ...(refused || input.tool === undefined ? {} : { handlerMayRefuse: true }),
    rules: rulesFor(caller, requirement),
    ...(shadow ? { shadow: { decision: 'deny', missingPermissions: shadow } } : {}),
    ...about,
  });
}

const reasonFor = (denial: Denial) => ({
  reason: denial.reason,
  ...('detail' in denial && denial.detail !== undefined ? { detail: denial.detail } : {}),
});

/** What the operation in question needs; nothing when none is named. */
function requirementIn(input: Input, catalogue: Catalogue): Requirement {
  const messages = {
    tool: (name: string) => ({ method: 'tools/call', params: { name } }),
    prompt: (name: string) => ({ method: 'prompts/get', params: { name } }),
    resource: (uri: string) => ({ method: 'resources/read', params: { uri } }),
  };
  const named = (['tool', 'prompt', 'resource'] as const).filter((name) => input[name] !== undefined);
  const [what] = named;
  if (named.length > 1)
    throw new Refusal(400, 'invalid_request', 'Name one of tool, prompt and resource, or none.');
  if (!what) return { scopes: [], permissions: [] };
  const message = { kind: 'request', id: 0, meta: {}, ...messages[what](text(input, what)) } as const;
  const requirement = requirementOf(message, catalogue);
  if (!('name' in requirement)) throw new Refusal(404, 'not_found', `There is no such ${what}.`);
  return requirement;
}

async function principalIn(input: Input, policy: Policy, call: Call): Promise<Principal | Denial> {
  const { principal, token } = input;
  const { context } = call;
  if ((principal === undefined) === (token === undefined))
    throw new Refusal(400, 'invalid_request', 'Give either principal or token.');
  if (token !== undefined) {
    const { verifyAccessToken, verifyServiceKey, config } = context.deployment;
    const credential = text(input, 'token', 65_536);
    return config.serviceKeys && isServiceKey(credential)
      ? verifyServiceKey(credential, policy.serviceKeys, context.now())
      : verifyAccessToken(credential, context);
  }
  if (!isRecord(principal)) throw new Refusal(400, 'invalid_request', 'principal must be an object.');
  const names = ['issuer', 'subject', 'clientId', 'tenant', 'scopes', 'roles', 'permissions', 'issuedAt'];
  checkMembers(principal, names);
  const [issuer, tenant] = [text(principal, 'issuer'), tenantIn(principal)];
  checkTenant({ issuer, ...tenantMember(tenant) }, call);
  const now = context.now();
  const list = (name: string, read: typeof namesIn): readonly string[] =>
    principal[name] === undefined ? [] : read(principal, name);
  const described: Principal = {
    kind: 'oauth',
    issuer,
    subject: text(principal, 'subject'),
    clientId: optionalText(principal, 'clientId'),
    tenant: hasTenants(issuer, call) ? (tenant ?? null) : undefined,
    scopes: list('scopes', scopesIn),
    roles: list('roles', namesIn),
    permissions: list('permissions', namesIn),
    tokenId: 'none',
    issuedAt: optionalNumber(principal, 'issuedAt', 0, Number.MAX_SAFE_INTEGER) ?? now,
    expiresAt: now + 1,
    authenticatedAt: undefined,
  };
  if (issuer === SERVICE_ISSUER) {
    const record = [...policy.serviceKeys.values()].find(({ service }) => service === described.subject);
    if (!record) throw new Refusal(404, 'not_found', 'No key of that service is in force.');
    return servicePrincipal(record);
  }
  return context.deployment.issuers.server(issuer) ? described : { reason: 'issuer_not_trusted' };
}

/** As an operator would name it. */
async function revocationFor(principal: Principal, policy: Policy) {
  const found = revocationOf(principal, policy, await keysOf(principal, kindsOf(policy)));
  if (!found?.kind.startsWith('tenant')) return found;
  return { ...found, kind: found.kind.replace('tenant_', ''), ...tenantMember(principal.tenant) };
}

function rulesFor(caller: Caller, requirement: Requirement): readonly Rule[] {
  return [
    ...requirement.permissions.map((permission) => permissionRule(permission, caller)),
    ...requirement.scopes.map((scope) => scopeRule(scope, caller)),
  ];
}

function permissionRule(permission: string, { principal, policy, assigned, rights }: Caller): Rule {
  const needs = `permission ${permission}`;
  const isMet = rights.permissions.has(permission);
  if (principal.permissions.includes(permission)) return { needs, isMet, by: 'the token itself' };
  const roles = rolesOf(principal, assigned, policy);
  for (const role of roles) {
    const way = wayTo(permission, role, policy.roles.definitions);
    if (!way) continue;
    const from = principal.roles.includes(role) ? 'token' : assigned.includes(role) ? 'assigned' : 'default';
    return { needs, isMet, by: `role ${way.join(' -> ')} (${from})` };
  }
  return { needs, isMet, by: `no role gives it; roles: ${roles.join(', ') || 'none'}` };
}

function scopeRule(scope: string, { principal, policy, rights }: Caller): Rule {
  const needs = `scope ${scope}`;
  const isMet = rights.scopes.has(scope);
  if (principal.scopes.includes(scope)) return { needs, isMet, by: 'the token itself' };
  const from = principal.scopes.find((granted) =>
    impliedScopes([granted], policy.scopeImplications).has(scope),
  );
  return {
    needs,
    isMet,
    by:
      from === undefined
        ? `not granted; scopes: ${principal.scopes.join(' ') || 'none'}`
        : `implied by ${from}`,
  };
}
