// The example app with one more role, which callers without any have.

import { config } from '../../src/app/config.ts';
import { prompts } from '../../src/app/prompts.ts';
import { resources } from '../../src/app/resources.ts';
import { roles } from '../../src/app/roles.ts';
import { tools } from '../../src/app/tools/index.ts';
import { defineRoles } from '../../src/kit.ts';
import { createServer } from '../../src/server.ts';

const server = createServer({
  config,
  roles: defineRoles({ ...roles.definitions, guest: {} }),
  tools,
  resources,
  prompts,
});

export default { fetch: server.fetch } satisfies ExportedHandler<Env>;

export const { ClientSession, DecisionLog, NotificationHub, PolicyRegistry } = server.objects;
