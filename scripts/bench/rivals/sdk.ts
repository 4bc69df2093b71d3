// The official SDK on web-standard requests, as its documentation shows: `createMcpHandler` behind `requireBearerAuth`.

import {
  createMcpHandler,
  getOAuthProtectedResourceMetadataUrl,
  OAuthError,
  OAuthErrorCode,
  requireBearerAuth,
} from '@modelcontextprotocol/server';
import { SCOPE } from '../workers/offer.ts';
import { scopesOf, variables, verify } from './environment.ts';
import { createServer } from './sdk-tools.ts';

const resource = new URL(variables.RESOURCE);
const handler = createMcpHandler(createServer);
const gate = requireBearerAuth({
  verifier: {
    async verifyAccessToken(token) {
      const payload = await verify(token).catch(() => {
        throw new OAuthError(OAuthErrorCode.InvalidToken, 'The token is not valid');
      });
      return {
        token,
        clientId: String(payload.client_id),
        scopes: scopesOf(payload),
        expiresAt: payload.exp ?? 0,
        resource,
      };
    },
  },
  requiredScopes: [SCOPE],
  expectedResource: resource,
  resourceMetadataUrl: getOAuthProtectedResourceMetadataUrl(resource),
});

export default {
  async fetch(request) {
    const authInfo = await gate(request);
    return authInfo instanceof Response ? authInfo : handler.fetch(request, { authInfo });
  },
} satisfies ExportedHandler;
