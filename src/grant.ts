// A grant's name: whose is what is kept, sealed, counted or answered.
//
// One name for all of it, so that nothing separates less than the rest. Imports nothing but types, so everybody may use it.

import type { Principal } from './auth/principal.ts';

/** Whose ClientSession, and whose everything else that one organization's token must not find under another's. */
export interface Grant extends Pick<Principal, 'issuer' | 'subject'> {
  /** `null` is the same as `undefined`: a token that names no client. */
  readonly clientId?: string | null | undefined;
  /** `null` is not the same as `undefined`: see Principal. */
  readonly tenant?: Principal['tenant'];
}

/** A name that no other grant has. Without a tenant it has one part less than any with one, `null` included. */
export const grantName = ({ issuer, subject, clientId, tenant }: Grant): string =>
  JSON.stringify([issuer, subject, clientId ?? null, ...tenantPart(tenant)]);

/** A tenant as one more part of a name, where there is one. */
export const tenantPart = (tenant: Grant['tenant']): readonly (string | null)[] =>
  tenant === undefined ? [] : [tenant];

/** A tenant as a member of what is kept or shown, where there is one. */
export const tenantMember = (tenant: Grant['tenant']): { readonly tenant?: string | null } =>
  tenant === undefined ? {} : { tenant };
