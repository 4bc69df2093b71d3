// A rollout: the Worker still has a version in which a tool needs nothing, the objects one in which it needs a permission.

import { toStandardJsonSchema } from '@valibot/to-json-schema';
import * as v from 'valibot';
import { defineConfig, defineRoles, defineTool } from '../../src/kit.ts';
import { createServer } from '../../src/server.ts';

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

const older = createServer(appWith([]));
const newer = createServer(appWith(['delete']));

export default { fetch: older.fetch } satisfies ExportedHandler<Env>;

export const { ClientSession, DecisionLog, NotificationHub, PolicyRegistry } = newer.objects;
