// Scopes and permissions against what src/app offers: what nothing needs, and what nobody can have.
//
// Roles edited by operators are not known here: only those of src/app/roles.ts.

import { OPENID_SCOPES } from '../../src/auth/challenge.ts';
import type { Config } from '../../src/config.ts';
import { impliedScopes } from '../../src/policy/roles.ts';
import { type Finding, listed, ok, warning } from './finding.ts';
import type { AppCode, Offer } from './worker-code.ts';

export function checkOffers(app: AppCode, config: Config): Finding[] {
  const offers = [...app.tools, ...(app.resources ?? []), ...(app.prompts ?? [])];
  const findings = [...unneededScopes(offers, config), ...unreachablePermissions(offers, app)];
  return findings.length > 0
    ? findings
    : [ok('config.scopes', `scopesSupported is what ${offers.length} tools, resources and prompts need`)];
}

function unneededScopes(offers: readonly Offer[], config: Config): Finding[] {
  const { scopesSupported, scopeImplications } = config;
  const findings: Finding[] = [];
  if (scopesSupported.includes('offline_access'))
    findings.push(
      warning(
        'config.offline-access',
        'scopesSupported names offline_access',
        'Whether a client gets a refresh token is between it and the authorization server; MCP says a resource should not ask for it.',
        'Remove it from scopesSupported. Clients add it themselves where the authorization server offers it.',
      ),
    );
  const needed = new Set(offers.flatMap(({ scopes }) => scopes));
  const unneeded = scopesSupported
    .filter((scope) => !OPENID_SCOPES.includes(scope))
    .filter((scope) => ![...impliedScopes([scope], scopeImplications)].some((held) => needed.has(held)));
  if (unneeded.length > 0)
    findings.push(
      warning(
        'config.scopes-unneeded',
        `scopesSupported names ${listed(unneeded)}, which no tool, resource or prompt needs`,
        'Clients ask for all of scopesSupported at first: users are asked to agree to more than is used, and an authorization server that does not know the scope refuses them.',
        'Remove it from scopesSupported, unless your authorization server wants it for something else.',
      ),
    );
  return findings;
}

function unreachablePermissions(offers: readonly Offer[], { roles }: AppCode): Finding[] {
  const given = new Set([...roles.permissions.values()].flatMap((permissions) => [...permissions]));
  const missing = [...new Set(offers.flatMap(({ permissions }) => permissions))].filter(
    (permission) => !given.has(permission),
  );
  if (missing.length === 0) return [];
  return [
    warning(
      'config.permissions',
      `no role of src/app/roles.ts gives ${listed(missing)}`,
      'Nobody can use what needs it, unless tokens carry the permission themselves or an operator adds such a role.',
      'Add the permission to a role, or look for a typing mistake in the tool.',
    ),
  ];
}
