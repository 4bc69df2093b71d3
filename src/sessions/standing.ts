// Whoever opened a stream or a call that is still open: is it welcome now, and with which rights?
//
// Asked every streamRecheckSeconds. The registry is asked once for all that is open in this isolate; while it does not
// answer, the published policy counts, and beyond that policy's hard limit nobody is welcome.

import type { Principal } from '../auth/principal.ts';
import type { Config } from '../config.ts';
import { type Denial, isDenial } from '../denial.ts';
import { admit, type Caller } from '../policy/caller.ts';
import type { Policies, PolicyIo } from '../policy/policies.ts';

type Pace = Pick<Config, 'streamRecheckSeconds'>;

/** Does not check that the token is still current: whoever keeps the stream knows when it expires. */
export async function standing(
  principal: Principal,
  policies: Policies,
  io: PolicyIo,
  { streamRecheckSeconds }: Pace,
): Promise<Caller | Denial> {
  const renewed = await policies.renew(io, streamRecheckSeconds);
  const policy = isDenial(renewed) ? await policies.read(io) : renewed;
  return isDenial(policy) ? policy : admit(principal, policy);
}

export interface Standing {
  mayStay(): Promise<boolean>;
  /** As of the last time `mayStay` was asked. */
  permissions(): ReadonlySet<string>;
}

/** The standing of a caller, from when it was admitted for as long as its token is current. */
export function standingOf(caller: Caller, policies: Policies, io: PolicyIo, pace: Pace): Standing {
  const { principal } = caller;
  let { permissions } = caller.rights;
  return {
    async mayStay() {
      if (io.now() >= principal.expiresAt) return false;
      const now = await standing(principal, policies, io, pace);
      if (isDenial(now)) return false;
      ({ permissions } = now.rights);
      return true;
    },
    permissions: () => permissions,
  };
}
