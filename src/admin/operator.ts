// Who may use the operators' API: the same principal, policy and decision as everywhere, with a scope and a permission of
// its own.
//
// Operators listed in the configuration need no permission from a role, so that a bad role edit locks nobody out for good;
// they need the scope, and can be revoked, like everybody. Listed by subject only: a client is not a person.
// Does not check which operation it is: an operator may do all of them.

import type { Principal } from '../auth/principal.ts';
import type { Config } from '../config.ts';
import type { Requirement } from '../policy/authorize.ts';
import type { Author } from '../policy/change.ts';

type OperatorConfig = Pick<Config, 'adminScope' | 'adminPermission' | 'operators'>;

export const operatorRequirement = (principal: Principal, config: OperatorConfig): Requirement => ({
  scopes: [config.adminScope],
  permissions: isListed(principal, config) ? [] : [config.adminPermission],
});

/** Whether somebody is an operator by configuration. */
export function isListed(
  { issuer, subject }: Pick<Principal, 'issuer' | 'subject'>,
  { operators }: Pick<OperatorConfig, 'operators'>,
): boolean {
  return operators.some((operator) => operator.issuer === issuer && operator.subject === subject);
}

/** Who it is, for the history. */
export const authorOf = ({ issuer, subject, clientId }: Principal): Author => ({
  issuer,
  subject,
  clientId: clientId ?? null,
});
