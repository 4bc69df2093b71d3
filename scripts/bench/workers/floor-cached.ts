// Floor: a token that is known, JSON in, JSON out.

import { type FloorEnv, serve, verifyOnce } from './floor.ts';

export default {
  fetch: (request, env) => serve(request, env, verifyOnce),
} satisfies ExportedHandler<FloorEnv>;
