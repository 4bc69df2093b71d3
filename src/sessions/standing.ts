// Whoever opened a stream or a call that is still open: is it welcome now, may it do this, and with which rights?
//
// Asked every streamRecheckSeconds. The registry is asked once for all that is open in this isolate; while it does not
// answer, the published policy counts, and beyond that policy's hard limit nobody is welcome.

import type { Principal } from '../auth/principal.ts';
import type { Config } from '../config.ts';
import { type Denial, isDenial } from '../denial.ts';
import { authorize, type Requirement } from '../policy/authorize.ts';
import { admit, type Caller } from '../policy/caller.ts';
import type { Policies, PolicyIo } from '../policy/policies.ts';

/** Does not check that the token is still current: whoever keeps the stream knows when it expires. */
export async function standing(
  principal: Principal,
  requirement: Requirement,
  policies: Policies,
  io: PolicyIo,
  { streamRecheckSeconds }: Pick<Config, 'streamRecheckSeconds'>,
): Promise<Caller | Denial> {
  const renewed = await policies.renew(io, streamRecheckSeconds);
  const policy = isDenial(renewed) ? await policies.read(io) : renewed;
  if (isDenial(policy)) return policy;
  const caller = await admit(principal, policy);
  return isDenial(caller) ? caller : (authorize(caller.rights, requirement) ?? caller);
}
