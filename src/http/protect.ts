// The same gate in front of somebody else's MCP server: for a fork that has one already, from the official SDK.
//
// Authenticates, checks what the endpoint as a whole needs, and hands the request on with who is calling. What a single
// tool needs is then up to that server. The Authorization header and the token are not handed on: MCP forbids passing
// them to anything else, and nothing behind the gate needs them.

import type { Principal } from '../auth/principal.ts';
import type { Settings } from '../config.ts';
import { isDenial } from '../denial.ts';
import { authorize, type Requirement } from '../policy/authorize.ts';
import { shadowDenial } from '../policy/caller.ts';
import type { Roles } from '../policy/roles.ts';
import { answered, identify } from './mcp-endpoint.ts';
import { serve } from './router.ts';

/** What the server behind the gate gets besides the request. */
export interface Protected {
  readonly principal: Principal;
  readonly permissions: ReadonlySet<string>;
  readonly env: Env;
  readonly requestId: string;
  waitUntil(promise: Promise<unknown>): void;
  /** The caller as the official SDK wants it: `{ authInfo }` is the second argument of its handlers. The token is empty. */
  readonly authInfo: {
    token: string;
    clientId: string;
    scopes: string[];
    expiresAt: number;
    resource: URL;
    extra: Record<string, unknown>;
  };
}

export interface ProtectOptions extends Requirement {
  readonly config: Settings;
  readonly roles: Roles;
}

/**
 * A Worker's `fetch` that lets only authorized callers through to `handler`, and serves the metadata.
 * @throws {Error} nothing: a misconfigured Worker answers 500 and says why in its log
 */
export function protect(
  { config, roles, scopes, permissions }: ProtectOptions,
  handler: (request: Request, caller: Protected) => Promise<Response>,
): ExportedHandlerFetchHandler<Env> {
  return serve({ config, roles, tools: [] }, (request, url, context) =>
    answered(request, context, async (progress) => {
      const caller = await identify(request, url, context, progress);
      if (isDenial(caller)) return caller;
      const { principal, rights } = caller;
      const refused = authorize(rights, { scopes, permissions });
      if (refused) return refused;
      progress.shadow = shadowDenial(caller, { scopes, permissions });

      const headers = new Headers(request.headers);
      headers.delete('authorization');
      const { env, requestId, waitUntil } = context;
      const { issuer, subject, clientId = '', roles: names, tokenId, expiresAt } = principal;
      const response = await handler(new Request(request, { headers }), {
        principal,
        permissions: new Set(rights.permissions),
        env,
        requestId,
        waitUntil,
        authInfo: {
          token: '',
          clientId,
          scopes: [...principal.scopes],
          expiresAt,
          resource: new URL(context.deployment.config.resource),
          extra: { issuer, subject, roles: [...names], tokenId },
        },
      });
      // Headers are added to it, which a response that comes from elsewhere may not allow.
      return new Response(response.body, response);
    }),
  );
}
