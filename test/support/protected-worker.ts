// A server of the official SDK behind the gate.

import { createServer } from '../../src/server.ts';
import { protectedApp } from './protected-app.ts';

const server = createServer(protectedApp);

export default { fetch: server.fetch } satisfies ExportedHandler<Env>;

export const { ClientSession, DecisionLog, NotificationHub, PolicyRegistry } = server.objects;
