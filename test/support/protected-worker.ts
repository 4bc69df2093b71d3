// A server of the official SDK behind the gate.

import { protect } from '../../src/kit.ts';
import { createServer } from '../../src/server.ts';
import { app, behind } from './protected-app.ts';

const server = createServer({ ...app, behind: protect(behind) });

export default { fetch: server.fetch } satisfies ExportedHandler<Env>;

export const { ClientSession, DecisionLog, NotificationHub, PolicyRegistry } = server.objects;
