// The example app with a resource whose template has everything that a template may have.

import { config } from '../../src/app/config.ts';
import { roles } from '../../src/app/roles.ts';
import { createDecisionLog } from '../../src/audit/decision-log.ts';
import { deploymentOf } from '../../src/context.ts';
import { serve } from '../../src/http/router.ts';
import { defineResource } from '../../src/kit.ts';
import { createPolicyRegistry } from '../../src/policy/policy-registry.ts';
import { createClientSession } from '../../src/sessions/client-session.ts';

const file = defineResource({
  uriTemplate: 'file:///{volume}/{+path}/{version}/{part}/end',
  name: 'file',
  description: 'Says how long what its variables stand for is.',
  scopes: ['reports:read'],
  permissions: ['reports:read'],
  read: (variables: Readonly<Record<string, string>>) => ({
    text: JSON.stringify(Object.entries(variables).map(([name, value]) => [name, value.length])),
  }),
});

const app = { config, roles, tools: [], resources: [file] };
const deployed = (env: Env) => deploymentOf(app, env);

export default { fetch: serve(app) } satisfies ExportedHandler<Env>;

export const ClientSession = createClientSession(deployed);
export const PolicyRegistry = createPolicyRegistry(deployed);
export const DecisionLog = createDecisionLog((env) => deployed(env).config);
export { NotificationHub } from '../../src/sessions/notification-hub.ts';
