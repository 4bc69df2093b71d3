// Where opaque tokens are asked about: the `introspection` of an entry of AUTHORIZATION_SERVERS, checked.
//
// A token that is no JWT does not say who issued it, and must not be shown to anybody else's server. So the place is
// written down and never discovered, and at most one entry of a deployment has one (authorization-servers.ts).
// Secrets and Service Bindings are named here; config.ts looks them up.
// Does not ask: that is auth/introspection.ts.

import type { Fail } from './authorization-servers.ts';
import { isRecord } from './shapes.ts';
import { isSafeUrl } from './url.ts';

/** As written in an entry of AUTHORIZATION_SERVERS. */
export interface IntrospectionSettings {
  /**
   * `rfc7662`: token introspection, the default. `google-tokeninfo`: Google's endpoint of its own. `service-binding`: a
   * Worker that has `validateToken(resource, token)`, as @cloudflare/workers-oauth-provider offers it.
   */
  kind?: 'rfc7662' | 'google-tokeninfo' | 'service-binding';
  /** The endpoint; Google's own is the default for `google-tokeninfo`. */
  url?: string;
  /** How this server says who it is (rfc7662). Default: `basic`. `bearer` is for API keys. */
  auth?: 'basic' | 'post' | 'private_key_jwt' | 'bearer';
  /** This server's client id at the authorization server; not with `bearer`. */
  clientId?: string;
  /** The NAME of the Worker's secret that has the client secret, the API key or the key (JWK or PEM). */
  secret?: string;
  /** The NAME of the Service Binding. */
  binding?: string;
}

/** How this server says who it is at an introspection endpoint. */
export type ClientAuthentication =
  | {
      readonly method: 'basic' | 'post' | 'private_key_jwt';
      readonly clientId: string;
      readonly secret: string;
    }
  | { readonly method: 'bearer'; readonly secret: string };

/** Checked, with its secret. */
export type Introspection =
  | { readonly kind: 'rfc7662'; readonly url: string; readonly client: ClientAuthentication }
  | { readonly kind: 'google-tokeninfo'; readonly url: string }
  | {
      readonly kind: 'service-binding';
      readonly validateToken: (resource: string, token: string) => Promise<unknown>;
    };

/** The value of a Worker's variable, secret or binding. */
export type Variable = (name: string) => unknown;

const GOOGLE_URL = 'https://oauth2.googleapis.com/tokeninfo';
/** What each kind can have, besides `kind`. */
const KEYS: Readonly<Record<Introspection['kind'], readonly string[]>> = {
  rfc7662: ['url', 'auth', 'clientId', 'secret'],
  'google-tokeninfo': ['url'],
  'service-binding': ['binding'],
};
const METHODS = ['basic', 'post', 'private_key_jwt', 'bearer'] as const;
const KINDS = Object.keys(KEYS).join(', ');

/** The `introspection` of an entry -> checked; problems go to `fail`. */
export function checkIntrospection(
  value: unknown,
  variable: Variable,
  fail: Fail,
): Introspection | undefined {
  if (value === undefined) return undefined;
  if (!isRecord(value))
    return fail(
      'introspection must be an object such as { url = "https://…/introspect", clientId = "…", secret = "NAME" }',
    );
  const { kind = 'rfc7662', ...given } = value;
  if (typeof kind !== 'string' || !Object.hasOwn(KEYS, kind))
    return fail(`introspection.kind must be one of ${KINDS}`);
  const known = KEYS[kind as Introspection['kind']];
  const unknown = Object.keys(given).find((key) => !known.includes(key));
  if (unknown !== undefined)
    return fail(
      `introspection has an unknown key ${JSON.stringify(unknown)}; known for ${kind} are kind, ${known.join(', ')}`,
    );
  if (kind === 'service-binding') return checkBinding(given.binding, variable, fail);

  const { url = kind === 'google-tokeninfo' ? GOOGLE_URL : undefined } = given;
  if (!isSafeUrl(url))
    return fail('introspection.url must be an https URL (http only on localhost): tokens are sent there');
  if (kind === 'google-tokeninfo') return { kind, url };
  const client = checkClient(given, variable, fail);
  return client && { kind: 'rfc7662', url, client };
}

function checkBinding(name: unknown, variable: Variable, fail: Fail): Introspection | undefined {
  if (!isName(name)) return fail('introspection.binding must be the name of a Service Binding');
  const binding = variable(name) as { validateToken?: unknown } | undefined;
  // A Service Binding answers every name with a method; whether the other Worker has it shows when it is called.
  if (typeof binding !== 'object' || binding === null || typeof binding.validateToken !== 'function')
    return fail(
      `introspection.binding names ${name}, which is no Service Binding: add [[services]] binding = "${name}" to wrangler.toml`,
    );
  const service = binding as { validateToken(resource: string, token: string): Promise<unknown> };
  return {
    kind: 'service-binding',
    validateToken: (resource, token) => service.validateToken(resource, token),
  };
}

function checkClient(
  { auth = 'basic', clientId, secret: name }: Readonly<Record<string, unknown>>,
  variable: Variable,
  fail: Fail,
): ClientAuthentication | undefined {
  const method = METHODS.find((known) => known === auth);
  if (!method) return fail(`introspection.auth must be one of ${METHODS.join(', ')}`);
  if (!isName(name)) return fail('introspection.secret must be the name of a secret of this Worker');
  const secret = variable(name);
  if (typeof secret !== 'string' || secret === '')
    return fail(`introspection.secret names ${name}, which is not set: wrangler secret put ${name}`);
  if (method === 'bearer') {
    if (clientId !== undefined) return fail('introspection.clientId does not go with auth "bearer"');
    return { method, secret };
  }
  if (typeof clientId !== 'string' || clientId === '')
    return fail(`introspection.clientId is missing: auth "${method}" needs it`);
  if (method === 'private_key_jwt' && !isKey(secret))
    return fail(
      `introspection.secret names ${name}, which must be a private key: a JWK with alg, or PEM (BEGIN PRIVATE KEY)`,
    );
  return { method, clientId, secret };
}

const isName = (value: unknown): value is string => typeof value === 'string' && /^[A-Za-z_]\w*$/.test(value);

/** Looks like a key that can sign. Whether it is one shows when it is imported, which cannot be done at once. */
function isKey(secret: string): boolean {
  if (secret.includes('-----BEGIN PRIVATE KEY-----')) return true;
  try {
    const { kty, alg, d } = JSON.parse(secret);
    return ['EC', 'OKP', 'RSA'].includes(kty) && typeof alg === 'string' && typeof d === 'string';
  } catch {
    return false;
  }
}
