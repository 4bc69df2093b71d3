// How an operator gets an access token: by a browser on this machine (authorization code with PKCE, RFC 8252), by one
// elsewhere (device flow), at the local authorization server, as a client, or ready.
//
// The device flow is never the default: whoever starts it somewhere and has an operator confirm the code has the token. The
// answer of the other one comes to this machine only.
// Does not print a token, and keeps only those that somebody had to sign in for (token-files.ts).

import { MACHINES, USERS } from '../authorization-server/accounts.ts';
import { UsageError } from '../command.ts';
import {
  type Authentication,
  authorizationCodeGrant,
  clientCredentialsGrant,
  type DeviceAuthorization,
  deviceGrant,
  GrantError,
  type TokenResponse,
} from '../grants.ts';
import type { Given } from './given.ts';
import { listenOnLoopback } from './loopback.ts';
import { hide, note, oneLine } from './output.ts';
import { problemOf } from './problem.ts';
import { checkedUrl, isLocal, onlyIssuer, type ResourceServer } from './server.ts';
import { dropToken, keepToken, keptToken, type TokenScope } from './token-files.ts';

export interface Credential {
  /** The same one until it was refused. Signs in when there is none. */
  token(): Promise<string>;
  /**
   * The server does not take it. `true` when signing in may help: it was an old one, or the server has not said before how
   * somebody has to have signed in.
   */
  refused(authentication?: Authentication): Promise<boolean>;
  /** What it is called in an explanation. */
  readonly source: string;
  /** How to get another one. */
  readonly again: string;
}

const DEFAULT_SCOPE = 'mcp:admin';
const DEFAULT_CLIENT = 'cli';

type Way =
  | { readonly by: 'token'; readonly token: string }
  | { readonly by: 'client'; readonly clientId: string; readonly secret: string | undefined }
  | { readonly by: 'user'; readonly user: string }
  | { readonly by: 'code' }
  | { readonly by: 'device' };

/** What was said on the command line comes before what the environment says. @throws {UsageError} */
export function wayToSignIn(given: Given): Way {
  const { ADMIN_TOKEN, ADMIN_CLIENT_ID, ADMIN_CLIENT_SECRET } = process.env;
  const [user, client] = [given.text('user'), given.text('client')];
  const secret = given.text('client-secret') ?? (ADMIN_CLIENT_SECRET || undefined);
  const said = [user !== undefined, client !== undefined, given.is('device')];
  if (said.filter(Boolean).length > 1) throw new UsageError('give one of --user, --client and --device');
  if (client === undefined && given.text('client-secret') !== undefined)
    throw new UsageError('--client-secret goes with --client');
  if (user !== undefined) {
    if (!Object.hasOwn(USERS, user))
      throw new UsageError(`--user must be one of ${Object.keys(USERS).join(', ')}`);
    return { by: 'user', user };
  }
  if (client !== undefined) return { by: 'client', clientId: client, secret };
  if (given.is('device')) return { by: 'device' };
  if (given.text('as-client') !== undefined) return { by: 'code' };
  if (ADMIN_TOKEN) {
    const token = ADMIN_TOKEN.trim();
    // Whatever else it is would get into the message of whoever refuses it.
    if (!/^[\w\-.~+/]+=*$/.test(token)) throw new UsageError('ADMIN_TOKEN is not an access token');
    return { by: 'token', token };
  }
  if (ADMIN_CLIENT_ID) return { by: 'client', clientId: ADMIN_CLIENT_ID, secret };
  return { by: 'code' };
}

export function createCredential(
  way: Way,
  given: Given,
  readServer: () => Promise<ResourceServer>,
): Credential {
  let token: string | undefined;
  /** What the token at hand is kept under, when it is. */
  let keptAs: TokenScope | undefined;
  let isOld = false;
  let authentication: Authentication | undefined;

  async function signIn(): Promise<string> {
    if (way.by === 'token') return way.token;
    const server = await readServer();
    const named = given.text('authorization-server');
    const issuer = named ?? onlyIssuer(server, 'authorization-server');
    checkedUrl('--authorization-server', issuer);
    const { resource } = server;
    const scope = given.text('scope') ?? DEFAULT_SCOPE;
    const target = { issuer, resource, scope };
    if (way.by === 'client') return (await clientToken(way, target)).access_token;

    if (way.by === 'user' && !isLocal(issuer))
      throw new UsageError(`--user works at the local authorization server only, not at ${issuer}`);
    const clientId = given.text('as-client') ?? DEFAULT_CLIENT;
    const user = way.by === 'user' ? way.user : null;
    const isKept = !given.is('no-cache');
    const wanted = { issuer, resource, clientId, user, scope };
    keptAs = isKept ? wanted : undefined;
    const kept = isKept && !authentication ? await keptToken(wanted) : undefined;
    isOld = kept !== undefined;
    if (kept !== undefined) return kept;

    const asked = { ...target, ...authentication, clientId };
    const issued = await granted(issuer, () => {
      if (way.by === 'user') return authorizationCodeGrant({ ...asked, user: way.user });
      return way.by === 'code' ? browserGrant(asked) : deviceGrant({ ...asked, show: showDevice(resource) });
    });
    const { access_token: accessToken, expires_in: expiresInSeconds } = issued;
    // Before anything else can go wrong and be told.
    hide(accessToken);
    if (isKept && expiresInSeconds !== undefined) await keepToken(wanted, accessToken, expiresInSeconds);
    return accessToken;
  }

  return {
    ...WORDS[way.by],
    async token() {
      token ??= await signIn();
      hide(token);
      return token;
    },
    async refused(wanted) {
      if (keptAs) await dropToken(keptAs);
      token = undefined;
      const isNew = wanted !== undefined && authentication === undefined && isPerson(way);
      if (isNew) authentication = wanted;
      const mayHelp = isOld || isNew;
      isOld = false;
      return mayHelp;
    },
  };
}

/** What the token is called in an explanation, and how to get another one. */
const WORDS: Readonly<Record<Way['by'], Pick<Credential, 'source' | 'again'>>> = {
  token: { source: 'the token in ADMIN_TOKEN', again: 'put another one there, or unset it to sign in' },
  client: { source: "the client's token", again: 'repeat the command' },
  user: { source: 'the token', again: 'repeat the command, which signs in again' },
  code: { source: 'the token', again: 'repeat the command, which signs in again' },
  device: { source: 'the token', again: 'repeat the command, which signs in again' },
};

const isPerson = ({ by }: Way): boolean => by !== 'token' && by !== 'client';

function clientToken(
  { clientId, secret }: Extract<Way, { by: 'client' }>,
  target: { readonly issuer: string; readonly resource: string; readonly scope: string },
): Promise<TokenResponse> {
  const known = isLocal(target.issuer) ? MACHINES[clientId]?.secret : undefined;
  const clientSecret = secret ?? known;
  if (clientSecret === undefined)
    throw new UsageError(
      `the client ${JSON.stringify(clientId)} needs ADMIN_CLIENT_SECRET (or --client-secret)`,
    );
  hide(clientSecret);
  return granted(target.issuer, () => clientCredentialsGrant({ ...target, clientId, clientSecret }));
}

/** The URL is shown, and opened by nobody but the person. */
async function browserGrant(
  asked: Omit<Parameters<typeof authorizationCodeGrant>[0], 'user' | 'open'> & { readonly resource: string },
): Promise<TokenResponse> {
  const loopback = await listenOnLoopback();
  try {
    return await authorizationCodeGrant({
      ...asked,
      redirectUri: loopback.redirectUri,
      open: (url) => {
        checkedUrl('the authorization endpoint', url.href);
        note(oneLine(`Sign in for ${asked.resource}: open ${url}`));
        note('in a browser on this machine (--device: on any other). Waiting ...');
        return loopback.answer(url.searchParams.get('state') ?? '');
      },
    });
  } finally {
    loopback.close();
  }
}

const showDevice =
  (resource: string) =>
  ({ verification_uri: uri, verification_uri_complete: complete, user_code: code }: DeviceAuthorization) => {
    note(oneLine(`Sign in for ${resource}: open ${complete ?? uri}`));
    note(
      oneLine(
        `and confirm the code ${code}${complete === undefined ? '' : ` (or enter it at ${uri})`}. Waiting ...`,
      ),
    );
  };

const EXPLANATIONS: Readonly<Record<string, string>> = {
  access_denied: 'signing in was refused',
  expired_token: 'nobody signed in in time: run the command again',
  authorization_pending: 'nobody signed in in time: run the command again',
  invalid_client: 'the authorization server does not know this client or its secret (--as-client, --client)',
  unauthorized_client: 'the client may not use this grant (--as-client, --client)',
  invalid_scope:
    'the client may not ask for this scope: allow it at the authorization server, or say --scope',
  'no authorization_endpoint': 'the authorization server signs nobody in by a browser here (--device)',
  invalid_target: 'the authorization server issues no tokens for this resource',
};

/** Does a grant; what goes wrong says what to do. */
async function granted(issuer: string, grant: () => Promise<TokenResponse>): Promise<TokenResponse> {
  try {
    return await grant();
  } catch (error) {
    if (error instanceof GrantError) {
      const explanation = EXPLANATIONS[error.code];
      throw new Error([explanation, oneLine(error.message)].filter(Boolean).join('\n  '));
    }
    if (error instanceof TypeError)
      throw new Error(`the authorization server ${issuer} cannot be reached: ${problemOf(error)}`);
    throw error;
  }
}
