// Prints an access token from the local authorization server: `npm run -s token -- --user alice`.
//
// Only the token goes to standard output, so the command fits into $(...); complaints go to standard error.
// Does not start a server and does not keep the token. The grants themselves are in grants.ts.

import { decodeJwt } from 'jose';
import { MACHINES } from './authorization-server/accounts.ts';
import { runCommand, UsageError } from './command.ts';
import { authorizationCodeGrant, clientCredentialsGrant, deviceGrant, type TokenResponse } from './grants.ts';

const HELP = `Prints an access token from the local authorization server, and nothing else.

Usage: npm run -s token -- (--user NAME | --client ID) [options]
       (without -s, npm prints a banner on standard output first)

  --user NAME           sign in as alice, bob, carol or dave (authorization code with PKCE)
  --device              with --user: the device flow instead
  --client ID           act as a client of its own (client credentials): ${Object.keys(MACHINES).join(', ')}
  --client-secret TEXT  the secret of any other client
  --scope TEXT          scopes to ask for (default: reports:read)
  --resource URL        the resource the token is for (default: RESOURCE or http://localhost:8787/mcp)
  --issuer URL          the authorization server (default: ISSUER or http://localhost:9000)
  --json                print the whole token response and the token's claims
  --help                print this
`;

interface Wanted {
  readonly user?: string | undefined;
  readonly device: boolean;
  readonly client?: string | undefined;
  readonly 'client-secret'?: string | undefined;
  readonly scope: string;
  readonly resource: string;
  readonly issuer: string;
}

function requestToken(values: Wanted): Promise<TokenResponse> {
  const { issuer, user, client, scope, resource, device } = values;
  if ((user === undefined) === (client === undefined)) throw new UsageError('give either --user or --client');
  if (!URL.canParse(issuer)) throw new UsageError(`--issuer must be a URL, not ${JSON.stringify(issuer)}`);
  if (user !== undefined)
    return (device ? deviceGrant : authorizationCodeGrant)({ issuer, user, scope, resource });

  const clientId = client ?? '';
  const clientSecret = values['client-secret'] ?? MACHINES[clientId]?.secret;
  if (clientSecret === undefined)
    throw new UsageError(`--client-secret is needed for ${JSON.stringify(clientId)}`);
  return clientCredentialsGrant({ issuer, clientId, clientSecret, scope, resource });
}

/** Whether a fetch failed because nobody listens there. */
function isNobodyThere(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && 'code' in cause && cause.code === 'ECONNREFUSED';
}

await runCommand({
  help: HELP,
  options: {
    user: { type: 'string' },
    device: { type: 'boolean', default: false },
    client: { type: 'string' },
    'client-secret': { type: 'string' },
    scope: { type: 'string', default: 'reports:read' },
    resource: { type: 'string', default: process.env.RESOURCE || 'http://localhost:8787/mcp' },
    issuer: { type: 'string', default: process.env.ISSUER || 'http://localhost:9000' },
    json: { type: 'boolean', default: false },
  },
  async run(values) {
    try {
      const response = await requestToken(values);
      const whole = { ...response, claims: decodeJwt(response.access_token) };
      process.stdout.write(`${values.json ? JSON.stringify(whole, undefined, 2) : response.access_token}\n`);
      return true;
    } catch (error) {
      if (!isNobodyThere(error)) throw error;
      throw new Error(
        `no authorization server at ${values.issuer}: run \`npm start\` first, in another terminal`,
      );
    }
  },
});
