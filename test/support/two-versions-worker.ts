// A rollout: the Worker still has a version in which a tool needs nothing, the objects one in which it needs a permission.

import { toStandardJsonSchema } from '@valibot/to-json-schema';
import * as v from 'valibot';
import { createDecisionLog } from '../../src/audit/decision-log.ts';
import { deploymentOf } from '../../src/context.ts';
import { serve } from '../../src/http/router.ts';
import { defineConfig, defineRoles, defineTool } from '../../src/kit.ts';
import { createPolicyRegistry } from '../../src/policy/policy-registry.ts';
import { createClientSession } from '../../src/sessions/client-session.ts';

const appWith = (permissions: readonly string[]) => ({
  config: defineConfig({ serverInfo: { name: 'two-versions', version: '1' } }),
  roles: defineRoles({ admin: { permissions: ['delete'] } }),
  tools: [
    defineTool({
      name: 'delete_all',
      title: 'Delete all',
      description: 'Deletes everything.',
      input: toStandardJsonSchema(v.object({})),
      scopes: [],
      permissions,
      handler: () => 'deleted',
    }),
  ],
});

const newer = appWith(['delete']);

export default { fetch: serve(appWith([])) } satisfies ExportedHandler<Env>;

const deployed = (env: Env) => deploymentOf(newer, env);
export const ClientSession = createClientSession(deployed);
export const PolicyRegistry = createPolicyRegistry(deployed);
export const DecisionLog = createDecisionLog((env) => deployed(env).config);
export { NotificationHub } from '../../src/sessions/notification-hub.ts';
