// What an accepted token may call: the tools of src/app, by the roles of src/app/roles.ts.
//
// The decision is the Worker's own (policy/authorize.ts). Roles that operators assigned or edited are not known here.

import type { Principal } from '../../src/auth/principal.ts';
import type { Config } from '../../src/config.ts';
import { authorize, rightsOf } from '../../src/policy/authorize.ts';
import { type Finding, listed, ok, shown, warning } from './finding.ts';
import type { AppCode } from './worker-code.ts';

export function checkRights(principal: Principal, app: AppCode, config: Config): Finding[] {
  const { roles, tools } = app;
  const { defaultRoles, scopeImplications } = config;
  const rights = rightsOf(principal, [], { roles, defaultRoles, scopeImplications });
  const able: string[] = [];
  const unable: string[] = [];
  for (const tool of tools) {
    const denial = authorize(rights, tool);
    if (!denial) able.push(tool.name);
    else if (denial.reason === 'permission_missing')
      unable.push(`${tool.name} (no role gives ${listed(denial.missingPermissions)})`);
    else unable.push(`${tool.name} (lacks the scope ${listed(denial.missingScopes)})`);
  }
  const not = unable.length > 0 ? `; not ${unable.join(', ')}` : '';
  return [
    ...unknownRoles(principal, app),
    ...noRights(principal, app, able),
    ok('token.tools', `tools it can call: ${able.join(', ') || 'none'}${not}`),
  ];
}

function unknownRoles({ roles: held }: Principal, { roles }: AppCode): Finding[] {
  const unknown = held.filter((role) => !roles.permissions.has(role));
  if (unknown.length === 0) return [];
  return [
    warning(
      'token.roles',
      `src/app/roles.ts does not know the role ${listed(unknown.map(shown))} of the token`,
      'An unknown role gives nothing.',
      'Define it there under the name the authorization server uses, or leave it if it is for something else.',
    ),
  ];
}

/** A token that opens nothing but what is open to everyone. */
function noRights(
  { roles, scopes, permissions }: Principal,
  { tools }: AppCode,
  able: readonly string[],
): Finding[] {
  const guarded = tools.filter((tool) => tool.scopes.length + tool.permissions.length > 0);
  if (guarded.length === 0 || guarded.some(({ name }) => able.includes(name))) return [];
  const lacking = [
    ...(scopes.length === 0 ? ['scopes'] : []),
    ...(roles.length + permissions.length === 0 ? ['roles'] : []),
  ];
  return [
    warning(
      'token.rights',
      lacking.length > 0
        ? `the token has no ${listed(lacking)} where they are looked for, and can call none of the guarded tools`
        : 'the token can call none of the guarded tools',
      'Its user is let in and finds nearly everything closed.',
      'See where the authorization server puts scopes and roles, and give the paths (scopes, roles), use its preset, or set defaultRoles for users without a role.',
    ),
  ];
}
