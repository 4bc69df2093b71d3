// The Worker with a KV that its sessions cannot write to while it is switched off: /kv/off, /kv/on.

import worker, { ClientSession as Sound } from '../../src/worker.ts';

export { DecisionLog, NotificationHub, PolicyRegistry } from '../../src/worker.ts';

let isOff = false;

const failing = (kv: KVNamespace): KVNamespace =>
  new Proxy(kv, {
    get(target, property) {
      if (isOff) return () => Promise.reject(new Error('KV PUT failed: 500 Internal Server Error'));
      const value = Reflect.get(target, property);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });

export class ClientSession extends Sound {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, { ...env, KIT_KV: failing(env.KIT_KV) });
  }
}

export default {
  fetch: (request, env, context) => {
    const { pathname } = new URL(request.url);
    if (!pathname.startsWith('/kv/')) return worker.fetch(request, env, context);
    isOff = pathname === '/kv/off';
    return new Response();
  },
} satisfies ExportedHandler<Env>;
