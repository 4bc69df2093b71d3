// Which of the Worker's bindings and variables are the kit's own, and what an app's code gets instead.
//
// A tool that could reach the registry could make its caller an operator, and one that has KIT_KV could forge tokens. So
// handlers, and a server behind the gate, get the bindings without those.
// Does not keep an app's code from what it shares the isolate with: it runs beside the kit, not in a sandbox.

import type { Config } from './config.ts';

const OF_THE_KIT = [
  'KIT_KV',
  'CLIENT_SESSION',
  'NOTIFICATION_HUB',
  'POLICY_REGISTRY',
  'DECISION_LOG',
  'AUDIT_ANALYTICS',
  'AUDIT_QUEUE',
  'CF_VERSION_METADATA',
] as const;

/** The Worker's bindings and variables without those of the kit. */
export type AppEnv = Readonly<Omit<Env, (typeof OF_THE_KIT)[number]>>;

/** The runtime hands the same object out again, in the Worker and in each Durable Object. By configuration and by that. */
const made = new WeakMap<readonly string[], WeakMap<Env, AppEnv>>();

/** `secretNames`: variables that only the kit may read. */
export function appEnv(env: Env, { secretNames }: Pick<Config, 'secretNames'>): AppEnv {
  const byEnv = made.get(secretNames) ?? new WeakMap<Env, AppEnv>();
  made.set(secretNames, byEnv);
  const known = byEnv.get(env);
  if (known) return known;
  const hidden: readonly string[] = [...OF_THE_KIT, ...secretNames];
  const rest = Object.fromEntries(Object.entries(env).filter(([name]) => !hidden.includes(name)));
  const own = Object.freeze(rest) as AppEnv;
  byEnv.set(env, own);
  return own;
}
