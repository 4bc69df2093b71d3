// The kit with the benchmark's app, put together as src/worker.ts puts the app together. Its items are made with
// src/kit.ts alone: nothing is used here that an app could not use.

import { createDecisionLog } from '../../../src/audit/decision-log.ts';
import { deploymentOf } from '../../../src/context.ts';
import { serve } from '../../../src/http/router.ts';
import { defineConfig, defineRoles } from '../../../src/kit.ts';
import { createPolicyRegistry } from '../../../src/policy/policy-registry.ts';
import { createClientSession } from '../../../src/sessions/client-session.ts';
import { SCOPE } from './offer.ts';
import { tools } from './ours-tools.ts';

const config = defineConfig({
  serverInfo: { name: 'bench', title: 'Benchmark', version: '1.0.0' },
  scopesSupported: [SCOPE],
});
const roles = defineRoles({ reader: { permissions: [SCOPE] } });
const app = { config, roles, tools, resources: [], prompts: [] };

export default { fetch: serve(app) } satisfies ExportedHandler<Env>;

const deployed = (env: Env) => deploymentOf(app, env);
export const ClientSession = createClientSession(deployed);
export const PolicyRegistry = createPolicyRegistry(deployed);
export const DecisionLog = createDecisionLog((env) => deployed(env).config);
export { NotificationHub } from '../../../src/sessions/notification-hub.ts';
