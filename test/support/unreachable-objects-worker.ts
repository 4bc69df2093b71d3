// The Worker on a day when no Durable Object can be reached.

import worker from '../../src/worker.ts';

export { ClientSession, DecisionLog, NotificationHub, PolicyRegistry } from '../../src/worker.ts';

const handle = async () => {
  throw new Error('Durable Object is overloaded.');
};

export default {
  fetch: (request, env, context) => {
    const namespace = { idFromName: () => ({}), get: () => ({ handle }) };
    return worker.fetch(
      request,
      { ...env, CLIENT_SESSION: namespace as unknown as Env['CLIENT_SESSION'] },
      context,
    );
  },
} satisfies ExportedHandler<Env>;
