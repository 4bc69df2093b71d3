// `--tenant` and `--no-tenant`: in which organization, where the issuer's tokens name one.
//
// Does not know whether they do: the server refuses a tenant where there is none, and asks for one where it must be said.

import { UsageError } from '../command.ts';
import type { Flags } from './command.ts';
import type { Given } from './given.ts';

export const TENANT_FLAGS: Flags = {
  tenant: { type: 'string', value: 'TENANT', help: 'only in this organization (default: in all of them)' },
  'no-tenant': { type: 'boolean', help: 'instead of --tenant: only tokens that name none' },
};

/** `null` is the tenant of tokens that name none; `undefined`: all. */
function tenantOf({ text, is }: Given): string | null | undefined {
  const tenant = text('tenant');
  if (!is('no-tenant')) return tenant;
  if (tenant !== undefined) throw new UsageError('give either --tenant or --no-tenant');
  return null;
}

/** For a body. */
export function tenantIn(given: Given): { readonly tenant?: string | null } {
  const tenant = tenantOf(given);
  return tenant === undefined ? {} : { tenant };
}

/** For a query, which has no null. */
export function tenantQuery(given: Given): Readonly<Record<string, string | undefined>> {
  const tenant = tenantOf(given);
  return tenant === null ? { noTenant: 'true' } : { tenant };
}
