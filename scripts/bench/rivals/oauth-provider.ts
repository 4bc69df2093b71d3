// Cloudflare's `OAuthResourceServer` in front of its `createMcpHandler`: the closest to what this template does. Tokens of
// another issuer are verified with jose, as its documentation shows; the scope is the handler's.

import { insufficientScope, OAuthResourceServer } from '@cloudflare/workers-oauth-provider';
import { createMcpHandler } from 'agents/mcp/server';
import { SCOPE } from '../workers/offer.ts';
import { scopesOf, variables, verify } from './environment.ts';
import { createServer } from './sdk-tools.ts';

const handler = createMcpHandler(createServer);

export default new OAuthResourceServer<object, { userId: string }>({
  resourceMetadata: { resource: variables.RESOURCE, authorization_servers: [variables.ISSUER] },
  requiredScopes: [SCOPE],
  validateToken: () => async (resource, token) => {
    const payload = await verify(token).catch(() => undefined);
    if (!payload) return null;
    return {
      props: { userId: String(payload.sub) },
      audience: resource,
      expiresAt: payload.exp ?? 0,
      scope: scopesOf(payload),
      userId: String(payload.sub),
      clientId: String(payload.client_id),
    };
  },
  handler: {
    fetch(request, env, ctx) {
      if (!ctx.auth.scope.includes(SCOPE)) return insufficientScope(ctx.auth, [SCOPE]);
      return handler(request, env, ctx);
    },
  },
});
