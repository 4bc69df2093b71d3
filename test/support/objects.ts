// A test's hand on the Durable Objects of its Worker, past the gate and the operators' API.

import type { Grant } from '../../src/grant.ts';
import { clientSession, policyRegistry } from '../../src/objects.ts';
import type { Change } from '../../src/policy/change.ts';
import type { RevocationTarget } from '../../src/policy/keys.ts';
import { operatorPermissions } from '../../src/policy/operator-permissions.ts';
import type { ClientSessionApi } from '../../src/sessions/client-session.ts';
import type { TestWorker } from './worker.ts';

const PLACEMENT = { objectJurisdiction: undefined, objectLocationHint: undefined };
const BY = {
  operator: { issuer: 'test', subject: 'operator', clientId: null },
  may: operatorPermissions('mcp:operate'),
  reason: 'test',
};

/** Changes the policy in the registry; it is published later. */
export async function change(worker: TestWorker, wanted: Change): Promise<void> {
  const outcome = await policyRegistry(await worker.env(), PLACEMENT).change(wanted, BY);
  if (!(await outcome.isDone)) throw new Error(`${wanted.action} was refused`);
}

export const revoke = (worker: TestWorker, target: RevocationTarget): Promise<void> =>
  change(worker, { action: 'revoke', target });

export async function objectOf(worker: TestWorker, owner: Grant): Promise<ClientSessionApi> {
  return clientSession(await worker.env(), owner, PLACEMENT);
}
