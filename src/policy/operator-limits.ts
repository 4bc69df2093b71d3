// Where an operator has the permission for what he does, and still may not: give what he lacks, or make everybody sign in
// again and again. Runs inside the transaction of the change, so that two changes at once cannot get around it.
//
// The author's permissions come with the change: those by which the request got in, a moment before.

import type { ChangeBy } from './change.ts';
import { type ChangeContext, Refused } from './change-context.ts';
import type { RevocationTarget } from './keys.ts';
import { lackedOf } from './operator-permissions.ts';
import type { Roles } from './roles.ts';

/**
 * Between two revocations of an issuer or of everything, so that there is time to sign in: otherwise one operator could keep
 * out all others, those of the configuration included, who would have to stop him.
 */
const SWEEP_SECONDS = 60;

/** @throws {Refused} when a role comes to give an operator permission that the author lacks */
export function checkGain(
  after: Roles,
  before: Roles | undefined,
  by: ChangeBy,
  context: ChangeContext,
): void {
  checkGiven([...after.permissions.keys()], after, before, by, context);
}

/** @throws {Refused} when the roles give an operator permission that the author lacks, and did not give it before */
export function checkGiven(
  names: readonly string[],
  roles: Roles,
  before: Roles | undefined,
  by: ChangeBy,
  { config }: ChangeContext,
): void {
  const lacked = lackedOf(names, roles, before, by.may, config.adminPermission);
  if (lacked !== undefined)
    throw new Refused('forbidden', `You lack the permission ${lacked}, so you cannot give it.`);
}

/** Not by their rows: those go when a revocation is lifted. @throws {Refused} */
export function checkSweep({ kind }: RevocationTarget, { store, at, config }: ChangeContext): void {
  if (kind !== 'issuer' && kind !== 'everything') return;
  const retryAfterSeconds =
    Number(store.get('swept_at') ?? 0) + SWEEP_SECONDS + config.clockToleranceSeconds - at;
  if (retryAfterSeconds > 0)
    throw new Refused('rate_limited', 'Everybody has to sign in again, and must have the time to.', {
      retryAfterSeconds,
    });
  store.set('swept_at', at);
}
