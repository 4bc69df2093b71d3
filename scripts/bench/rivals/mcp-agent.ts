// Cloudflare's `McpAgent`: a Durable Object for each session, behind a token check with jose.

import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { McpAgent } from 'agents/mcp';
import * as z from 'zod';
import { DESCRIPTION, ID_DESCRIPTION, NAME, noteText, SCOPE, TITLE, toolNames } from '../workers/offer.ts';
import { bearerOf, challenge, scopesOf, verify } from './environment.ts';

export class NotesAgent extends McpAgent {
  server = new McpServer({ name: 'bench', version: '1.0.0' });

  async init() {
    for (const name of toolNames) {
      this.server.registerTool(
        name,
        {
          title: TITLE,
          description: DESCRIPTION,
          inputSchema: { id: z.string().regex(NAME).describe(ID_DESCRIPTION) },
        },
        async ({ id }) => ({ content: [{ type: 'text', text: noteText(id) }] }),
      );
    }
  }
}

const handler = NotesAgent.serve('/mcp');

export default {
  async fetch(request, env, ctx) {
    const payload = await verify(bearerOf(request)).catch(() => undefined);
    if (!payload) return challenge(401);
    if (!scopesOf(payload).includes(SCOPE)) return challenge(403);
    const context = ctx as ExecutionContext & { props: unknown };
    context.props = { userId: payload.sub };
    return handler.fetch(request, env, context);
  },
} satisfies ExportedHandler;
