// The Worker, without what a request names in the header x-out-of-reach: KV, or a method of the registry (`head`, ...).

import worker from '../../src/worker.ts';

export { ClientSession, DecisionLog, NotificationHub, PolicyRegistry } from '../../src/worker.ts';

function without(method: string | null, namespace: Env['POLICY_REGISTRY']): Env['POLICY_REGISTRY'] {
  return new Proxy(namespace, {
    get(target, property) {
      const value = Reflect.get(target, property);
      if (property !== 'get') return typeof value === 'function' ? value.bind(target) : value;
      return (...args: unknown[]) =>
        new Proxy(Reflect.apply(value, target, args) as object, {
          get(stub, name) {
            if (name === method) return () => Promise.reject(new Error('Durable Object is overloaded.'));
            return (...rest: unknown[]) => Reflect.get(stub, name)(...rest);
          },
        });
    },
  });
}

const unreachable = async () => {
  throw new Error('KV GET failed: 500 Internal Server Error');
};
const NO_KV = { get: unreachable, put: unreachable, list: unreachable } as unknown as KVNamespace;

export default {
  fetch: (request, env, context) => {
    const missing = request.headers.get('x-out-of-reach');
    const POLICY_REGISTRY = without(missing, env.POLICY_REGISTRY);
    const KIT_KV = missing === 'KV' ? NO_KV : env.KIT_KV;
    return worker.fetch(request, { ...env, KIT_KV, POLICY_REGISTRY }, context);
  },
} satisfies ExportedHandler<Env>;
