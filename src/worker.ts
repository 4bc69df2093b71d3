// The Worker: hands the app to the kit, and gives the kit's Durable Objects the names that wrangler.toml knows.

import { config } from './app/config.ts';
import { prompts } from './app/prompts.ts';
import { resources } from './app/resources.ts';
import { roles } from './app/roles.ts';
import { tools } from './app/tools/index.ts';
import { createServer } from './server.ts';

const server = createServer({ config, roles, tools, resources, prompts });

export default { fetch: server.fetch } satisfies ExportedHandler<Env>;

export const { ClientSession, DecisionLog, NotificationHub, PolicyRegistry } = server.objects;
