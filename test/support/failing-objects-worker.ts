// The streaming Worker with Durable Objects that fail: a hub that nobody can listen to, and sessions that forget no answer.

import { DurableObject } from 'cloudflare:workers';
import worker, { ClientSession as Session } from './streaming-worker.ts';

export { DecisionLog, PolicyRegistry } from './streaming-worker.ts';

export class NotificationHub extends DurableObject<Env> {
  listen(): never {
    throw new Error('overloaded');
  }
  publish(): void {}
}

const Base = Session as unknown as new (state: DurableObjectState, env: Env) => DurableObject<Env>;

export class ClientSession extends Base {
  useNonce(): never {
    throw new Error('overloaded');
  }
}

export default worker;
