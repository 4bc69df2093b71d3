// The Worker: hands the app to the kit, and gives the kit's Durable Objects the names that wrangler.toml knows.

import { config } from './app/config.ts';
import { prompts } from './app/prompts.ts';
import { resources } from './app/resources.ts';
import { roles } from './app/roles.ts';
import { tools } from './app/tools/index.ts';
import { createDecisionLog } from './audit/decision-log.ts';
import { deploymentOf } from './context.ts';
import { serve } from './http/router.ts';
import { createPolicyRegistry } from './policy/policy-registry.ts';
import { createClientSession } from './sessions/client-session.ts';

const app = { config, roles, tools, resources, prompts };
const deployed = (env: Env) => deploymentOf(app, env);

export default { fetch: serve(app) } satisfies ExportedHandler<Env>;

export const ClientSession = createClientSession(deployed);
export const PolicyRegistry = createPolicyRegistry(deployed);
export const DecisionLog = createDecisionLog((env) => deployed(env).config);
export { NotificationHub } from './sessions/notification-hub.ts';
