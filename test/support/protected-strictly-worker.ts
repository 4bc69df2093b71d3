// The same server behind a gate that is strict.

import { createServer } from '../../src/server.ts';
import { protectedApp } from './protected-app.ts';

const server = createServer({ ...protectedApp, behind: { ...protectedApp.behind, freshness: 'strict' } });

export default { fetch: server.fetch } satisfies ExportedHandler<Env>;

export const { ClientSession, DecisionLog, NotificationHub, PolicyRegistry } = server.objects;
