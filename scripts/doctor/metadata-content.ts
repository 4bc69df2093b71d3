// What an authorization server's metadata promises, against what MCP clients need to sign in.
//
// It only says what the server claims to do. A member that is left out has the default of RFC 8414 section 2.

import { isSafeUrl } from '../../src/config.ts';
import { error, type Finding, listed, ok, shown, warning } from './finding.ts';
import type { Metadata } from './metadata.ts';

type Document = Metadata['document'];

export interface Wanted {
  readonly resource: string;
  /** As clients ask for them. */
  readonly scopes: readonly string[];
  /** Whether clients can choose among several authorization servers. */
  readonly isOneOfSeveral: boolean;
  /** Whether clients read a copy here that says PKCE (`mirror`). */
  readonly isMirrored: boolean;
  /** Whether tokens of operators have to say when somebody signed in (`adminMaxAuthAgeSeconds`). */
  readonly isAuthTimeNeeded: boolean;
}

export function checkContent(issuer: string, document: Document, wanted: Wanted): Finding[] {
  const faults = [
    ...endpoints(issuer, document),
    ...codeFlow(issuer, document),
    ...pkce(issuer, document, wanted),
    ...registration(issuer, document),
    ...publicClients(issuer, document),
    ...scopes(issuer, document, wanted),
    ...resources(issuer, document, wanted),
    ...mixUp(issuer, document, wanted),
    ...(wanted.isAuthTimeNeeded ? authTime(issuer, document) : []),
  ];
  const isFine = faults.every(({ level }) => level === 'ok');
  return isFine ? [...faults, ok('issuer.flow', `${issuer}: authorization code with PKCE (S256)`)] : faults;
}

const list = (value: unknown): readonly string[] | undefined =>
  Array.isArray(value) ? value.filter((item) => typeof item === 'string') : undefined;

function endpoints(issuer: string, document: Document): Finding[] {
  return ['authorization_endpoint', 'token_endpoint', 'registration_endpoint'].flatMap((name) => {
    const value = document[name];
    if (isSafeUrl(value) || (value === undefined && name === 'registration_endpoint')) return [];
    return error(
      'issuer.endpoint',
      value === undefined
        ? `${issuer}: its metadata has no ${name}`
        : `${issuer}: its ${name} is no https URL: ${shown(value)}`,
      'Clients cannot sign in without it, and send codes and tokens to no address without TLS.',
      'Have the authorization server publish it with https; behind a proxy it often has to be told its public URL.',
    );
  });
}

function codeFlow(issuer: string, document: Document): Finding[] {
  const types = list(document.response_types_supported);
  const grants = list(document.grant_types_supported);
  if ((!types || types.includes('code')) && (!grants || grants.includes('authorization_code'))) return [];
  return [
    error(
      'issuer.code-flow',
      `${issuer}: does not offer the authorization code flow (response types ${listed(types ?? [])}, grants ${listed(grants ?? ['by default'])})`,
      'It is the only one MCP clients sign users in with.',
      'Enable response type code and the grant authorization_code at the authorization server.',
    ),
  ];
}

function pkce(issuer: string, document: Document, { isMirrored }: Wanted): Finding[] {
  const methods = list(document.code_challenge_methods_supported);
  const isThere = methods?.includes('S256') === true;
  if (isMirrored)
    return isThere
      ? [needlessMirror(issuer)]
      : [ok('issuer.pkce', `${issuer}: the copy of its metadata says PKCE`)];
  if (isThere) return [];
  return [
    error(
      'issuer.pkce',
      methods
        ? `${issuer}: offers PKCE only with ${listed(methods)}, not with S256`
        : `${issuer}: its metadata does not say that it does PKCE (code_challenge_methods_supported)`,
      'MCP clients must refuse such a server, and Claude among others does, even where PKCE would in fact work (as with Entra and Cognito).',
      'Enable PKCE with S256. If the product does it but cannot say so: mirror = "pkce" in its entry has clients read a copy of its metadata, here, that says it.',
    ),
  ];
}

const needlessMirror = (issuer: string): Finding =>
  warning(
    'issuer.pkce',
    `${issuer}: says PKCE with S256 itself, and mirror is "pkce"`,
    'Clients know it under the name of this server, for nothing.',
    'Leave mirror out, or say mirror = true for clients of the first revisions of MCP.',
  );

function registration(issuer: string, document: Document): Finding[] {
  const ways = [
    ...(document.client_id_metadata_document_supported === true ? ['client id metadata documents'] : []),
    ...(document.registration_endpoint === undefined ? [] : ['dynamic registration']),
  ];
  if (ways.length > 0)
    return [ok('issuer.registration', `${issuer}: clients register themselves by ${listed(ways)}`)];
  return [
    warning(
      'issuer.registration',
      `${issuer}: clients cannot register themselves (no registration_endpoint, no client id metadata documents)`,
      'Each client needs an id that you register: Claude and VS Code let the user type one in, others do not work at all.',
      'Enable client id metadata documents, or dynamic registration, at the authorization server; else register each client and tell its users the id.',
    ),
  ];
}

function publicClients(issuer: string, document: Document): Finding[] {
  const methods = list(document.token_endpoint_auth_methods_supported) ?? ['client_secret_basic'];
  if (methods.includes('none')) return [];
  return [
    warning(
      'issuer.public-clients',
      `${issuer}: its token endpoint takes only clients with a secret or a key (${listed(methods)})`,
      'Most MCP clients run on the machine of a user and are public ones: they use the method none, with PKCE.',
      'Allow public clients, and have token_endpoint_auth_methods_supported list none. If it does allow them, clients that read the list still stop.',
    ),
  ];
}

function scopes(issuer: string, document: Document, wanted: Wanted): Finding[] {
  const known = list(document.scopes_supported);
  const unknown = known ? wanted.scopes.filter((scope) => !known.includes(scope)) : [];
  if (unknown.length === 0) return [];
  return [
    warning(
      'issuer.scopes',
      `${issuer}: does not list the scope ${listed(unknown)} that clients are told to ask for`,
      'The list need not be complete, but if it is, every sign-in ends with invalid_scope.',
      'Create the scope at the authorization server, look for a typing mistake in scopesSupported, or set scopePrefix if it has something before each scope.',
    ),
  ];
}

/** RFC 9728 section 4. */
function resources(issuer: string, document: Document, { resource }: Wanted): Finding[] {
  const known = list(document.protected_resources);
  if (!known || known.length === 0 || known.includes(resource)) return [];
  return [
    warning(
      'issuer.resources',
      `${issuer}: lists its protected resources, and ${resource} is not among them`,
      'It probably issues no tokens for this server (invalid_target).',
      `Register ${resource} there, byte for byte.`,
    ),
  ];
}

/** RFC 9207. */
function mixUp(issuer: string, document: Document, { isOneOfSeveral, isMirrored }: Wanted): Finding[] {
  if (isMirrored && document.authorization_response_iss_parameter_supported === true)
    return [
      error(
        'issuer.iss',
        `${issuer}: says in its answers who it is (RFC 9207), and mirror is "pkce"`,
        'Clients compare that with the name of the copy, and would refuse; so the copy is not served (503).',
        'Leave mirror out: see that its metadata says code_challenge_methods_supported.',
      ),
    ];
  if (document.authorization_response_iss_parameter_supported === true)
    return [
      ok(
        'issuer.iss',
        `${issuer}: says in its answers who it is (RFC 9207); clients that drop \`iss\` may refuse`,
      ),
    ];
  if (!isOneOfSeveral) return [];
  return [
    warning(
      'issuer.iss',
      `${issuer}: does not say in its answers who it is (RFC 9207), and is one of several`,
      'A client that is in the middle of signing in at two of them can be made to send the code of one to the other.',
      'Enable `iss` in authorization responses, if the product can.',
    ),
  ];
}

/** RFC 9470. What is listed are claims in general (OpenID Connect Discovery section 3): a token shows more. */
function authTime(issuer: string, document: Document): Finding[] {
  if (list(document.claims_supported)?.includes('auth_time'))
    return [ok('issuer.auth-time', `${issuer}: says that it sends auth_time`)];
  return [
    warning(
      'issuer.auth-time',
      `${issuer}: does not say that it sends auth_time (claims_supported), and adminMaxAuthAgeSeconds is set`,
      'An operator whose token does not say when its person signed in is refused, however often they sign in.',
      'Have the authorization server put auth_time into access tokens, and look at one with --token; if it cannot, leave ADMIN_MAX_AUTH_AGE_SECONDS at 0.',
    ),
  ];
}
