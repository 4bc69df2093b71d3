// Principal -> ClientSession, topic -> NotificationHub. The only places that name these objects.
//
// A ClientSession belongs to an issuer, a subject and a client together: a session id that was stolen addresses, with the
// thief's own token, an object that has never heard of it.

import type { Principal } from '../auth/principal.ts';
import type { Config } from '../config.ts';
import type { ClientSessionApi } from './client-session.ts';
import type { NotificationHub } from './notification-hub.ts';

type Placement = Pick<Config, 'objectJurisdiction' | 'objectLocationHint'>;

export function clientSession(
  env: Env,
  { issuer, subject, clientId }: Principal,
  placement: Placement,
): ClientSessionApi {
  return locate(
    env.CLIENT_SESSION,
    JSON.stringify([issuer, subject, clientId ?? null]),
    placement,
  ) as unknown as ClientSessionApi;
}

export function notificationHub(
  env: Env,
  shard: number,
  placement: Placement,
): DurableObjectStub<NotificationHub> {
  return locate(env.NOTIFICATION_HUB as DurableObjectNamespace<NotificationHub>, `hub-${shard}`, placement);
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
