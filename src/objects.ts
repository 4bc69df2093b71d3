// Names -> Durable Objects: the only file that names one.
//
// A ClientSession belongs to an issuer, a subject and a client together, and to a tenant where the issuer's tokens have one:
// a session id that was stolen addresses, with the thief's own token, an object that has never heard of it. There is one
// PolicyRegistry and one DecisionLog.

import type { DecisionLogApi } from './audit/decision-log.ts';
import type { Config } from './config.ts';
import { type Grant, grantName } from './grant.ts';
import type { RegistryApi } from './policy/policy-registry.ts';
import type { ClientSessionApi } from './sessions/client-session.ts';
import type { NotificationHub } from './sessions/notification-hub.ts';

export type Placement = Pick<Config, 'objectJurisdiction' | 'objectLocationHint'>;

export function clientSession(env: Env, grant: Grant, placement: Placement): ClientSessionApi {
  return locate(env.CLIENT_SESSION, grantName(grant), placement) as unknown as ClientSessionApi;
}

export function notificationHub(
  env: Env,
  shard: number,
  placement: Placement,
): DurableObjectStub<NotificationHub> {
  return locate(env.NOTIFICATION_HUB as DurableObjectNamespace<NotificationHub>, `hub-${shard}`, placement);
}

export function policyRegistry(env: Env, placement: Placement): RegistryApi {
  return locate(env.POLICY_REGISTRY, 'policy', placement) as unknown as RegistryApi;
}

export function decisionLog(env: Env, placement: Placement): DecisionLogApi {
  return locate(env.DECISION_LOG, 'decisions', placement) as unknown as DecisionLogApi;
}

function locate<T extends Rpc.DurableObjectBranded | undefined>(
  namespace: DurableObjectNamespace<T>,
  name: string,
  { objectJurisdiction, objectLocationHint }: Placement,
): DurableObjectStub<T> {
  const placed =
    objectJurisdiction === undefined
      ? namespace
      : namespace.jurisdiction(objectJurisdiction as DurableObjectJurisdiction);
  const options =
    objectLocationHint === undefined ? {} : { locationHint: objectLocationHint as DurableObjectLocationHint };
  return placed.get(placed.idFromName(name), options);
}
