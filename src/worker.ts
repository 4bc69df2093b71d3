// The Worker: hands the app to the kit, and gives the kit's Durable Objects the names that wrangler.toml knows.

import { config } from './app/config.ts';
import { prompts } from './app/prompts.ts';
import { resources } from './app/resources.ts';
import { roles } from './app/roles.ts';
import { tools } from './app/tools/index.ts';
import { createDeployment } from './context.ts';
import { serve } from './http/router.ts';
import { createClientSession } from './sessions/client-session.ts';

const app = { config, roles, tools, resources, prompts };

export default { fetch: serve(app) } satisfies ExportedHandler<Env>;

export const ClientSession = createClientSession((env) => createDeployment(app, env));
export { NotificationHub } from './sessions/notification-hub.ts';
