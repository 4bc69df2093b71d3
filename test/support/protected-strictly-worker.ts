// The same server behind a gate that is strict.

import { protect } from '../../src/kit.ts';
import { createServer } from '../../src/server.ts';
import { app, behind } from './protected-app.ts';

const server = createServer({ ...app, behind: protect({ ...behind, freshness: 'strict' }) });

export default { fetch: server.fetch } satisfies ExportedHandler<Env>;

export const { ClientSession, DecisionLog, NotificationHub, PolicyRegistry } = server.objects;
