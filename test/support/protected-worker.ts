// A server of the official SDK behind the gate: what a fork does that has one already.

import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import { defineConfig, defineRoles, protect } from '../../src/kit.ts';

const config = defineConfig({
  serverInfo: { name: 'protected', version: '1' },
  scopesSupported: ['notes:read'],
});
const roles = defineRoles({ reader: { permissions: ['notes:read'] } });

const sdk = createMcpHandler(() => {
  const server = new McpServer({ name: 'somebody-elses', version: '1' });
  server.registerTool('who', { description: 'Who is calling, as the SDK sees it.' }, ({ http }) => ({
    content: [
      {
        type: 'text',
        text: JSON.stringify({ ...http?.authInfo, header: http?.req?.headers.get('authorization') }),
      },
    ],
  }));
  return server;
});

export default {
  fetch: protect(
    { config, roles, scopes: ['notes:read'], permissions: ['notes:read'] },
    (request, { authInfo }) => sdk.fetch(request, { authInfo }),
  ),
} satisfies ExportedHandler<Env>;

// Bound in wrangler.toml; not used by a Worker of this kind.
export { ClientSession, DecisionLog, NotificationHub, PolicyRegistry } from '../../src/worker.ts';
