// mcp-lite behind a token check with jose. Its server is made once; it speaks revisions before 2026.

import { McpServer, StreamableHttpTransport } from 'mcp-lite';
import * as z from 'zod';
import { DESCRIPTION, ID_DESCRIPTION, NAME, noteText, SCOPE, TITLE, toolNames } from '../workers/offer.ts';
import { bearerOf, challenge, scopesOf, verify } from './environment.ts';

const server = new McpServer({
  name: 'bench',
  version: '1.0.0',
  schemaAdapter: (schema) => z.toJSONSchema(schema as z.ZodType),
});
for (const name of toolNames) {
  server.tool(name, {
    title: TITLE,
    description: DESCRIPTION,
    inputSchema: z.object({ id: z.string().regex(NAME).describe(ID_DESCRIPTION) }),
    handler: ({ id }) => ({ content: [{ type: 'text', text: noteText(id) }] }),
  });
}
const handle = new StreamableHttpTransport().bind(server);

export default {
  async fetch(request) {
    const payload = await verify(bearerOf(request)).catch(() => undefined);
    if (!payload) return challenge(401);
    if (!scopesOf(payload).includes(SCOPE)) return challenge(403);
    return handle(request);
  },
} satisfies ExportedHandler;
