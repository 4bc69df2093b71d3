// Cloudflare's `createMcpHandler` (agents) behind a token check with jose. It takes a server factory of the official SDK.

import { createMcpHandler } from 'agents/mcp/server';
import { SCOPE } from '../workers/offer.ts';
import { bearerOf, challenge, scopesOf, verify } from './environment.ts';
import { createServer } from './sdk-tools.ts';

const handler = createMcpHandler(createServer);

export default {
  async fetch(request, env, ctx) {
    const payload = await verify(bearerOf(request)).catch(() => undefined);
    if (!payload) return challenge(401);
    if (!scopesOf(payload).includes(SCOPE)) return challenge(403);
    return handler(request, env, ctx);
  },
} satisfies ExportedHandler;
