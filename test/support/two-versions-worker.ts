// A rollout: the Worker still has a version in which a tool needs nothing, the objects one in which it needs a permission.

import { toStandardJsonSchema } from '@valibot/to-json-schema';
import * as v from 'valibot';
import { createDeployment } from '../../src/context.ts';
import { serve } from '../../src/http/router.ts';
import { defineConfig, defineRoles, defineTool } from '../../src/kit.ts';
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

export default { fetch: serve(appWith([])) } satisfies ExportedHandler<Env>;
export const ClientSession = createClientSession((env) => createDeployment(appWith(['delete']), env));
export { NotificationHub } from '../../src/sessions/notification-hub.ts';
