// Better Auth as an authorization server, set up as its documentation of the MCP plugin says, and a person at its pages.
//
// The pages are the application's, not the library's, so they are not here: the person sends what their scripts would.
// Dynamic registration is enabled for clients without a metadata document, and the claim `roles` is the application's.

import { once } from 'node:events';
import { createServer } from 'node:http';
import { DatabaseSync } from 'node:sqlite';
import { mcp } from '@better-auth/mcp';
import { type BetterAuthPlugin, betterAuth } from 'better-auth';
import { getMigrations } from 'better-auth/db/migration';
import { toNodeHandler } from 'better-auth/node';
import { jwt } from 'better-auth/plugins';
import { freePort } from '../../scripts/local-stack.ts';

export interface BetterAuth extends AsyncDisposable {
  readonly issuer: string;
  /** Signs in as a user and consents; gives where the browser is sent then. */
  approve(url: URL, user: string): Promise<URL>;
  /** A JWT for a user's session, signed with the same keys. */
  sessionToken(user: string): Promise<string>;
  /** What it was asked, in order. */
  readonly requests: readonly string[];
}

const PASSWORD = 'correct horse battery staple';

export async function startBetterAuth(
  resource: string,
  users: Readonly<Record<string, readonly string[]>>,
): Promise<BetterAuth> {
  const port = await freePort();
  const origin = `http://localhost:${port}`;
  const emailOf = (user: string): string => `${user}@example.com`;
  const auth = betterAuth({
    baseURL: origin,
    secret: 'a secret for tests that is long enough, 0123456789',
    database: new DatabaseSync(':memory:'),
    emailAndPassword: { enabled: true },
    telemetry: { enabled: false },
    logger: { disabled: true },
    plugins: [
      jwt(),
      mcp({
        loginPage: '/sign-in',
        consentPage: '/consent',
        resource,
        scopes: ['openid', 'offline_access', 'reports:read', 'reports:write'],
        allowDynamicClientRegistration: true,
        allowUnauthenticatedClientRegistration: true,
        customAccessTokenClaims: ({ user }) => ({ roles: users[user?.name ?? ''] ?? [] }),
        // Its types do not stand exactOptionalPropertyTypes.
      }) as unknown as BetterAuthPlugin,
    ],
  });
  const { runMigrations } = await getMigrations(auth.options);
  await runMigrations();
  for (const user of Object.keys(users))
    await auth.api.signUpEmail({ body: { name: user, email: emailOf(user), password: PASSWORD } });

  const requests: string[] = [];
  const handle = toNodeHandler(auth);
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${new URL(request.url ?? '/', origin).pathname}`);
    return handle(request, response);
  }).listen(port, 'localhost');
  await once(server, 'listening');

  /** What the script of a page sends, which is answered with the next page; cookies go along. */
  async function send(url: string, init: RequestInit, cookie = '') {
    const headers = { 'content-type': 'application/json', origin, cookie };
    const response = await fetch(url, { ...init, headers });
    if (!response.ok)
      throw new Error(`${new URL(url).pathname}: ${response.status} ${await response.text()}`);
    const { url: next = '/' } = (await response.json()) as { url?: string };
    const cookies = response.headers.getSetCookie().map((header) => header.split(';')[0]);
    return { next: new URL(next, origin), cookie: cookies.join('; ') };
  }
  const post = (path: string, page: URL, body: object, cookie = '') => {
    const query = { ...body, oauth_query: page.search.slice(1) };
    return send(`${origin}/api/auth${path}`, { method: 'POST', body: JSON.stringify(query) }, cookie);
  };

  return {
    issuer: `${origin}/api/auth`,
    requests,
    async approve(url, user) {
      const { next: signInPage } = await send(url.href, {});
      if (signInPage.pathname !== '/sign-in') throw new Error(`${signInPage} is not the sign-in page`);
      const credentials = { email: emailOf(user), password: PASSWORD };
      const { next: consentPage, cookie } = await post('/sign-in/email', signInPage, credentials);
      if (consentPage.pathname !== '/consent') throw new Error(`${consentPage} is not the consent page`);
      return (await post('/oauth2/consent', consentPage, { accept: true }, cookie)).next;
    },
    async sessionToken(user) {
      const credentials = { email: emailOf(user), password: PASSWORD };
      const { headers } = await auth.api.signInEmail({ body: credentials, returnHeaders: true });
      const cookie = headers.getSetCookie().map((header) => header.split(';')[0]);
      const { token } = await auth.api.getToken({ headers: { cookie: cookie.join('; ') } });
      return token;
    },
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
