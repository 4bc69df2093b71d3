// The Worker with counters around everything that leaves the isolate. GET /counts reads them.

import worker from './opaque-worker.ts';

export { ClientSession, DecisionLog, NotificationHub, PolicyRegistry } from './opaque-worker.ts';

/** `decisionLog` is a Durable Object too; what goes there goes after the answer. `readsAtOnce` is the most of KV. */
const counts = { fetch: 0, kv: 0, readsAtOnce: 0, durableObject: 0, decisionLog: 0, verify: 0, timers: 0 };
let reads = 0;

/** The binding with every call of a method counted. */
function counted<T extends object>(binding: T, name: 'kv' | 'durableObject' | 'decisionLog'): T {
  return wrapped(binding, (target, method, args) => {
    counts[name] += 1;
    const result = Reflect.apply(method, target, args);
    if (name === 'kv' && method.name === 'get') noteRead(result as Promise<unknown>);
    return result;
  });
}

function noteRead(read: Promise<unknown>): void {
  reads += 1;
  counts.readsAtOnce = Math.max(counts.readsAtOnce, reads);
  read.finally(() => {
    reads -= 1;
  });
}

/** A namespace whose objects are counted: naming and finding one is free, calling it is not. */
function countedNamespace<T extends object>(namespace: T, name: 'durableObject' | 'decisionLog'): T {
  return wrapped(namespace, (target, method, args) => {
    const result = Reflect.apply(method, target, args);
    return method.name === 'get' ? counted(result, name) : result;
  });
}

type Call = (target: object, method: (...args: unknown[]) => object, args: unknown[]) => unknown;

function wrapped<T extends object>(binding: T, call: Call): T {
  return new Proxy(binding, {
    get(target, property) {
      const value = Reflect.get(target, property);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]) => call(target, value as unknown as (...args: unknown[]) => object, args);
    },
  });
}

const realFetch = globalThis.fetch;
globalThis.fetch = ((...args: Parameters<typeof fetch>) => {
  counts.fetch += 1;
  return realFetch(...args);
}) as typeof fetch;

const realVerify = crypto.subtle.verify.bind(crypto.subtle);
crypto.subtle.verify = ((...args: Parameters<SubtleCrypto['verify']>) => {
  counts.verify += 1;
  return realVerify(...args);
}) as SubtleCrypto['verify'];

for (const name of ['setTimeout', 'setInterval'] as const) {
  const real = globalThis[name] as (...args: unknown[]) => number;
  globalThis[name] = ((...args: unknown[]) => {
    counts.timers += 1;
    return real(...args);
  }) as never;
}

let counting: Env | undefined;

/** KV namespaces and Durable Object namespaces are objects with methods; variables are left as they are. */
function wrap(env: Env): Env {
  const entries = Object.entries(env).map(([name, binding]) => {
    if (typeof binding !== 'object' || binding === null || Array.isArray(binding)) return [name, binding];
    const object = name === 'DECISION_LOG' ? 'decisionLog' : 'durableObject';
    return [
      name,
      'idFromName' in binding ? countedNamespace(binding, object) : counted(binding as object, 'kv'),
    ];
  });
  return Object.fromEntries(entries) as Env;
}

export default {
  async fetch(request, env, context) {
    if (new URL(request.url).pathname === '/counts') return Response.json(counts);
    counting ??= wrap(env);
    return worker.fetch(request, counting, context);
  },
} satisfies ExportedHandler<Env>;
