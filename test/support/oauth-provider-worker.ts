// An authorization server in a Worker of its own, made with @cloudflare/workers-oauth-provider as its documentation says:
// the library's endpoints, a consent page of the application's, and `validateToken` for Service Bindings.
//
// Whoever is named in the form is signed in; their roles are what the application keeps with a grant (`props`).

import { WorkerEntrypoint } from 'cloudflare:workers';
import { AuthorizationError, OAuthAuthorizationServer } from '@cloudflare/workers-oauth-provider';

interface AuthEnv {
  readonly OAUTH_KV: KVNamespace;
  readonly ISSUER: string;
  /** One or more, with spaces between. */
  readonly RESOURCES: string;
}

const ROLES: Readonly<Record<string, readonly string[]>> = {
  'alice@example.com': ['editor'],
  bob: ['reader'],
};

let made: OAuthAuthorizationServer<AuthEnv> | undefined;
function serverOf(env: AuthEnv): OAuthAuthorizationServer<AuthEnv> {
  made ??= new OAuthAuthorizationServer<AuthEnv>({
    issuer: env.ISSUER,
    resources: env.RESOURCES.split(' '),
    scopesSupported: ['reports:read', 'reports:write', 'offline_access'],
    clientRegistrationEndpoint: '/oauth/register',
  });
  return made;
}

export default class AuthServer extends WorkerEntrypoint<AuthEnv> {
  override async fetch(received: Request): Promise<Response> {
    // The harness speaks http to every host; the library knows its own URLs, which are https.
    const request = new Request(received.url.replace(/^http:/, 'https:'), received);
    if (new URL(request.url).pathname !== '/authorize')
      return serverOf(this.env).fetch(request, this.env, this.ctx);
    try {
      return await (request.method === 'POST' ? this.#approve(request) : this.#ask(request));
    } catch (error) {
      if (error instanceof AuthorizationError) return new Response(error.description, { status: 400 });
      throw error;
    }
  }

  validateToken(resource: string, token: string) {
    return serverOf(this.env).validateToken(resource, token, this.env);
  }

  async #ask(request: Request): Promise<Response> {
    const oauth = serverOf(this.env).getOAuthApi(this.env);
    const wanted = await oauth.parseAuthRequest(request);
    const { clientName, scope } = await oauth.describeConsent(wanted);
    const { handle, headers } = await oauth.beginConsent(wanted);
    headers.set('content-type', 'application/json');
    // In place of a page, what would be on it.
    return new Response(JSON.stringify({ clientName, scope, handle }), { headers });
  }

  async #approve(request: Request): Promise<Response> {
    const oauth = serverOf(this.env).getOAuthApi(this.env);
    const form = await request.formData();
    const userId = String(form.get('user'));
    const scope = form.getAll('scope').map(String);
    const approved = await oauth.approveConsent(request, String(form.get('handle')), { scope });
    const { redirectTo } = await oauth.completeAuthorization({
      request: approved.request,
      userId,
      metadata: {},
      scope: approved.request.scope,
      props: { roles: ROLES[userId] ?? [] },
    });
    approved.headers.set('location', redirectTo);
    return new Response(null, { status: 302, headers: approved.headers });
  }
}
