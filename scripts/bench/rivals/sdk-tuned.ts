// The official SDK with what an experienced user would do about its cost: verified tokens remembered, schemas made once,
// the body parsed once.

import {
  type AuthInfo,
  createMcpHandler,
  getOAuthProtectedResourceMetadataUrl,
  McpServer,
  OAuthError,
  OAuthErrorCode,
  requireBearerAuth,
} from '@modelcontextprotocol/server';
import * as z from 'zod';
import { DESCRIPTION, ID_DESCRIPTION, NAME, noteText, SCOPE, TITLE, toolNames } from '../workers/offer.ts';
import { scopesOf, variables, verify } from './environment.ts';

const inputSchema = z.object({ id: z.string().regex(NAME).describe(ID_DESCRIPTION) });
const definition = { title: TITLE, description: DESCRIPTION, inputSchema };

function createServer(): McpServer {
  const server = new McpServer({ name: 'bench', version: '1.0.0' });
  for (const name of toolNames)
    server.registerTool(name, definition, async ({ id }) => ({
      content: [{ type: 'text', text: noteText(id) }],
    }));
  return server;
}

const resource = new URL(variables.RESOURCE);
const handler = createMcpHandler(createServer, { responseMode: 'json' });
const remembered = new Map<string, AuthInfo & { expiresAt: number }>();
const MOST = 2_000;

const gate = requireBearerAuth({
  verifier: {
    async verifyAccessToken(token) {
      const known = remembered.get(token);
      if (known && known.expiresAt > Date.now() / 1_000) return known;
      const payload = await verify(token).catch(() => {
        throw new OAuthError(OAuthErrorCode.InvalidToken, 'The token is not valid');
      });
      const verified = {
        token,
        clientId: String(payload.client_id),
        scopes: scopesOf(payload),
        expiresAt: payload.exp ?? 0,
        resource,
      };
      if (remembered.size >= MOST) remembered.clear();
      remembered.set(token, verified);
      return verified;
    },
  },
  requiredScopes: [SCOPE],
  expectedResource: resource,
  resourceMetadataUrl: getOAuthProtectedResourceMetadataUrl(resource),
});

export default {
  async fetch(request) {
    const authInfo = await gate(request);
    if (authInfo instanceof Response) return authInfo;
    return handler.fetch(request, { authInfo, parsedBody: await request.json() });
  },
} satisfies ExportedHandler;
