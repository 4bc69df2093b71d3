// Floor: the token is verified every time.

import { type FloorEnv, serve, verify } from './floor.ts';

export default {
  fetch: (request, env) => serve(request, env, verify),
} satisfies ExportedHandler<FloorEnv>;
