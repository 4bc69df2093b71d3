// The Worker with a KV and a PolicyRegistry that can be told to be out of reach, and that can become a new isolate.
//
// /trouble?kv=throws|hangs|sound&registry=throws|sound, /isolate. The Durable Objects have the real ones.

import { config } from '../../src/app/config.ts';
import { prompts } from '../../src/app/prompts.ts';
import { resources } from '../../src/app/resources.ts';
import { roles } from '../../src/app/roles.ts';
import { tools } from '../../src/app/tools/index.ts';
import { createServer } from '../../src/server.ts';

export { ClientSession, DecisionLog, NotificationHub, PolicyRegistry } from '../../src/worker.ts';

const trouble: Record<string, string> = {};

/** A deployment of its own, that remembers nothing of the one before. */
const isolate = () => createServer({ config, roles, tools, resources, prompts }).fetch;
let handle = isolate();

/** Every method of the binding, as long as there is no trouble with it. */
function troubled<T extends object>(binding: T, name: string): T {
  return new Proxy(binding, {
    get(target, property) {
      const value = Reflect.get(target, property);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]) => {
        if (trouble[name] === 'throws') return Promise.reject(new Error(`${name} cannot be reached`));
        if (trouble[name] === 'hangs') return new Promise(() => {});
        return Reflect.apply(value, target, args);
      };
    },
  });
}

export default {
  async fetch(request, env, context) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === '/trouble') {
      Object.assign(trouble, Object.fromEntries(searchParams));
      return new Response();
    }
    if (pathname === '/isolate') {
      handle = isolate();
      return new Response();
    }
    const { KIT_KV, POLICY_REGISTRY } = env;
    const registry = {
      idFromName: (name: string) => POLICY_REGISTRY.idFromName(name),
      get: (id: DurableObjectId) => troubled(POLICY_REGISTRY.get(id), 'registry'),
    } as unknown as Env['POLICY_REGISTRY'];
    return handle(request, { ...env, KIT_KV: troubled(KIT_KV, 'kv'), POLICY_REGISTRY: registry }, context);
  },
} satisfies ExportedHandler<Env>;
