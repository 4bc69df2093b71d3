// The kit with the benchmark's app, put together as src/worker.ts puts the app together. Its items are made with
// src/kit.ts alone: nothing is used here that an app could not use.

import { defineConfig, defineRoles } from '../../../src/kit.ts';
import { createServer } from '../../../src/server.ts';
import { SCOPE } from './offer.ts';
import { tools } from './ours-tools.ts';

const config = defineConfig({
  serverInfo: { name: 'bench', title: 'Benchmark', version: '1.0.0' },
  scopesSupported: [SCOPE],
});
const roles = defineRoles({ reader: { permissions: [SCOPE] } });
const server = createServer({ config, roles, tools });

export default { fetch: server.fetch } satisfies ExportedHandler<Env>;

export const { ClientSession, DecisionLog, NotificationHub, PolicyRegistry } = server.objects;
