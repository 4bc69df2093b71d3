// The Worker with counters around everything that leaves the isolate. GET /counts reads them.

import worker from '../../src/worker.ts';

const counts = { fetch: 0, kv: 0, durableObject: 0, verify: 0 };

/** Counts every method call on a binding. */
function counted<T extends object>(binding: T, name: 'kv' | 'durableObject'): T {
  return new Proxy(binding, {
    get(target, property) {
      const value = Reflect.get(target, property);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]) => {
        counts[name] += 1;
        return Reflect.apply(value, target, args);
      };
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

let wrapped: Env | undefined;

/** KV namespaces and Durable Object namespaces are objects with methods; variables are left as they are. */
function wrap(env: Env): Env {
  const entries = Object.entries(env).map(([name, binding]) => {
    if (typeof binding !== 'object' || binding === null || Array.isArray(binding)) return [name, binding];
    return [name, counted(binding as object, 'idFromName' in binding ? 'durableObject' : 'kv')];
  });
  return Object.fromEntries(entries) as Env;
}

export default {
  async fetch(request, env, context) {
    if (new URL(request.url).pathname === '/counts') return Response.json(counts);
    wrapped ??= wrap(env);
    return worker.fetch(request, wrapped, context);
  },
} satisfies ExportedHandler<Env>;
