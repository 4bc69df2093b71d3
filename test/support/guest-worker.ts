// The example app with one more role, which callers without any have.

import { config } from '../../src/app/config.ts';
import { prompts } from '../../src/app/prompts.ts';
import { resources } from '../../src/app/resources.ts';
import { roles } from '../../src/app/roles.ts';
import { tools } from '../../src/app/tools/index.ts';
import { createDecisionLog } from '../../src/audit/decision-log.ts';
import { deploymentOf } from '../../src/context.ts';
import { serve } from '../../src/http/router.ts';
import { defineRoles } from '../../src/kit.ts';
import { createPolicyRegistry } from '../../src/policy/policy-registry.ts';
import { createClientSession } from '../../src/sessions/client-session.ts';

const app = { config, roles: defineRoles({ ...roles.definitions, guest: {} }), tools, resources, prompts };
const deployed = (env: Env) => deploymentOf(app, env);

export default { fetch: serve(app) } satisfies ExportedHandler<Env>;

export const ClientSession = createClientSession(deployed);
export const PolicyRegistry = createPolicyRegistry(deployed);
export const DecisionLog = createDecisionLog((env) => deployed(env).config);
export { NotificationHub } from '../../src/sessions/notification-hub.ts';
