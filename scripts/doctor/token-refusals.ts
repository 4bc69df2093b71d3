// Denial -> the sentence an operator needs: what the token has, what is expected, where to put it right.
//
// One entry for each word that auth/access-token.ts and auth/issuers.ts use; a word that is not here yet is told as it is.

import type { AuthorizationServer, Config, Rule } from '../../src/config.ts';
import type { Denial } from '../../src/denial.ts';
import { difference, error, type Finding, listed, shown } from './finding.ts';
import type { Unverified } from './token.ts';

export interface Refusal {
  readonly denial: Denial;
  readonly token: string;
  readonly unverified: Unverified | undefined;
  /** What is configured for its issuer. */
  readonly server: AuthorizationServer | undefined;
  readonly config: Config;
  /** What the log says besides, of an issuer whose keys cannot be had. */
  readonly detail: unknown;
}

type Words = readonly [what: string, fix: string];

const CONSEQUENCES = {
  signIn: 'It is answered with 401, and clients sign in again: in vain, if the next token is the same.',
  unavailable: 'It is answered with 503: whether it is good cannot be known.',
};

export function explainRefusal(refusal: Refusal): Finding {
  const { denial } = refusal;
  const detail = 'detail' in denial && denial.detail !== undefined ? denial.detail : denial.reason;
  const rule = /^require_(\d+)$/.exec(detail)?.[1];
  const words = rule === undefined ? WORDS[detail]?.(refusal) : brokenRule(refusal, Number(rule));
  const [what, fix] = words ?? [
    `the verification says ${detail}`,
    'Compare the token with the entry of its issuer in AUTHORIZATION_SERVERS.',
  ];
  const isUnknown = denial.reason === 'keys_unavailable' || denial.reason === 'introspection_unavailable';
  const why = isUnknown ? CONSEQUENCES.unavailable : CONSEQUENCES.signIn;
  return error(
    `token.${detail.toLowerCase().replaceAll('_', '-')}`,
    `the token is refused: ${what}`,
    why,
    fix,
  );
}

const WORDS: Readonly<Record<string, (refusal: Refusal) => Words>> = {
  not_a_jwt: ({ token }) => [
    token.split('.').length === 3
      ? 'it has three parts, but is no JWT with alg and iss, in base64url without padding'
      : 'it is opaque (no JWT), so nothing in it can be verified here',
    'Have the authorization server issue access tokens as signed JWTs. Many products do so only for a registered API or resource (Auth0, Logto, Better Auth), or as a setting of the application (Ory, ZITADEL, Clerk): register RESOURCE there, and see that the client sends `resource`. Or have this server ask about opaque tokens: `introspection`, see docs/opaque-tokens.md.',
  ],
  encrypted: () => [
    'it is encrypted (JWE, five parts)',
    'Turn the encryption of access tokens off for this API at the authorization server: this server has no key to read them.',
  ],
  issuer_not_trusted: ({ unverified, config }) => {
    const issuer = unverified?.payload.iss ?? '';
    const known = config.authorizationServers.flatMap(({ issuers }) => issuers);
    const near = known.find(
      (name) => difference(issuer, name) !== '' && !difference(issuer, name).includes('another'),
    );
    return [
      `iss is ${shown(issuer)}${near ? difference(issuer, near) : ''}, this server trusts ${listed(known.map(shown))}`,
      near
        ? `Write issuer = ${JSON.stringify(shown(issuer))} into AUTHORIZATION_SERVERS: it is compared byte for byte.`
        : 'If it is your authorization server, give it an entry in AUTHORIZATION_SERVERS; one that has several names takes a list: issuer = ["...", "..."].',
    ];
  },
  token_expired: ({ unverified }) => [
    `it expired ${ago(unverified?.payload.exp)}`,
    'Get a new one. If it was just issued, compare the clocks of this machine and the authorization server.',
  ],
  token_source: ({ server }) => [
    `tokens of this issuer come in the header ${server?.tokenHeader ?? 'Authorization'} only`,
    'Remove tokenSource from the entry if clients send its tokens themselves.',
  ],
  alg_not_allowed: ({ unverified, server }) => {
    const alg = shown(unverified?.header.alg);
    return [
      `it is signed with ${alg}, algs allows ${server?.algs.join(', ')}`,
      /^HS|^none$/i.test(alg)
        ? 'Have the authorization server sign with an asymmetric key (RS256, ES256, EdDSA): a shared secret cannot prove who signed.'
        : `Set algs = ["${alg}"] in the entry of the issuer.`,
    ];
  },
  typ_not_allowed: ({ unverified, server }) => [
    `its header says typ ${shown(unverified?.header.typ ?? 'nothing')}, the entry allows ${server?.typ.join(', ')}`,
    'Probably it is another kind of token (an ID token, a logout token): send the access token. If the product calls access tokens so, set typ.',
  ],
  key_unknown: ({ unverified }) => [
    `its issuer has no key ${shown(unverified?.header.kid ?? 'that fits')} (kid)`,
    'The key was rotated away, or the token is from another environment or tenant of the same product: get a new one, and compare the JWKS.',
  ],
  signature: () => [
    'its signature is wrong',
    'It was changed or cut off on the way, or signed by somebody else who uses the same kid. Copy it whole; get a new one.',
  ],
  aud_missing: ({ server }) => [
    `it names no audience (${server?.audience.claim.map(String).join('.')}), this server expects ${expected(server)}`,
    'Have tokens issued for RESOURCE: register it as an API or resource there (Keycloak: an audience mapper), and see that the client sends `resource`. For products that name none: preset, or audience = { mode = "issuer-bound" } with require.',
  ],
  aud_check_failed: ({ unverified, server, config }) => {
    const found = [unverified?.payload.aud ?? []].flat();
    const [first = ''] = found;
    const near = difference(first, config.resource);
    return [
      `${found.length > 0 ? `aud is ${listed(found.map(shown))}` : 'its issuer names another audience'}${found.length === 1 && !near.includes('another') ? near : ''}, this server expects ${expected(server)}`,
      `Best register ${config.resource} as an API or resource at the authorization server, and see that the client sends \`resource\`. If all tokens for this server have that audience, and those of no other: audience = ${JSON.stringify(shown(first))}. An audience that is a client's id is that of ID tokens.`,
    ];
  },
  id_token: () => [
    'it is an ID token (it has nonce or at_hash)',
    'Send the access token: an ID token tells a client who signed in, and opens nothing.',
  ],
  typ_claim: ({ unverified }) => [
    `it calls itself ${shown(unverified?.payload.typ)} in the claim typ`,
    'Send the access token: ID, refresh and logout tokens say so there.',
  ],
  token_use_claim: ({ unverified }) => [
    `it says token_use ${shown(unverified?.payload.token_use)}`,
    'Send the access token: that one says access.',
  ],
  security_event: () => ['it is a security event or a logout token', 'Send the access token.'],
  dpop_proof: () => ['it is a DPoP proof', 'Send the access token.'],
  sender_constrained: () => [
    'it is bound to a key of the client (cnf: DPoP or mutual TLS)',
    'Have the authorization server issue plain bearer tokens to this client: what the key would prove is not checked here.',
  ],
  exp_missing: () => [
    'it never expires (no exp)',
    'Have the authorization server put exp into access tokens.',
  ],
  exp_unbounded: () => [
    'it never expires (exp is no number)',
    'Have the authorization server put a number into exp.',
  ],
  nbf_check_failed: ({ unverified }) => [
    `it is not valid before ${instant(unverified?.payload.nbf)}`,
    'Compare the clocks of this machine and the authorization server.',
  ],
  iat_in_the_future: ({ unverified }) => [
    `it was issued in the future (${instant(unverified?.payload.iat)})`,
    'Compare the clocks of this machine and the authorization server; CLOCK_TOLERANCE_SECONDS forgives up to 60 seconds.',
  ],
  lifetime_too_long: ({ config }) => [
    `it lives longer than maxTokenLifetimeSeconds (${config.maxTokenLifetimeSeconds})`,
    'Have access tokens live shorter; an hour is usual. MAX_TOKEN_LIFETIME_SECONDS is how long revocations are remembered.',
  ],
  claim_malformed: () => [
    'one of subject, client, scopes, roles, permissions, token id or tenant is not text or a list of it',
    'Look at the paths in the entry of the issuer (subject, clientId, scopes, roles, permissions, tokenId, tenant): one leads to something else.',
  ],
  subject_missing: () => [
    'it has no subject',
    'Say where it is: subject = [["sub"], ["client_id"]], for tokens of machines that have no sub.',
  ],
  tenant_not_served: ({ server }) => [
    `its tenant is not served, only ${listed((server?.tenants ?? []).map(shown))}`,
    'Add the tenant to tenant.values, if its users should get in.',
  ],
  inactive: ({ server }) => [
    `${shown(server?.issuers[0])} says that it is not active`,
    'It has expired or was withdrawn, it is of another server, or this server may not ask about it: some products answer so to everyone but the resource a token is for.',
  ],
  no_access_token: () => [
    'its issuer says that it is no bearer access token',
    'Send the access token: refresh tokens are active as well.',
  ],
  token_kind_unknown: () => [
    'its issuer does not say what kind of token it is, nor for whom',
    'Have tokens issued for RESOURCE, or have the answer say token_type.',
  ],
  exp_invalid: () => ['exp in the answer of its issuer is no number', MEND_ANSWER],
  nbf_invalid: () => ['nbf in the answer of its issuer is no number', MEND_ANSWER],
  iat_invalid: () => ['iat in the answer of its issuer is no number', MEND_ANSWER],
  no_answer: ({ server, detail }) => [
    `${shown(server?.issuers[0])} could not be asked about it${typeof detail === 'string' ? ` (${shown(detail)})` : ''}`,
    'Look at introspection.url, and at clientId, auth and the secret: the server must know this one, and let it ask.',
  ],
  asked_to_wait: () => [
    'its issuer asked to wait (429 or 503)',
    'Try again in a minute. If it stays so, have its rate limit raised for this server, or issue JWTs.',
  ],
  too_many_unknown: () => ['too many unknown tokens were asked about', 'Raise INTROSPECTIONS_PER_SECOND.'],
  no_usable_keys: ({ detail, unverified }) => [
    `the keys of ${shown(unverified?.payload.iss)} cannot be had${typeof detail === 'string' ? ` (${shown(detail)})` : ''}`,
    'Put right what was found about the authorization server above.',
  ],
};

const MEND_ANSWER = 'That is to be mended at the authorization server (RFC 7662 section 2.2).';

const expected = (server: AuthorizationServer | undefined): string => {
  const values = server?.audience.values ?? [];
  return listed((values.length > 0 ? values : (server?.audience.aud ?? [])).map(shown));
};

function brokenRule({ server }: Refusal, index: number): Words {
  const alternatives = server?.require[index] ?? [];
  const from = server?.preset === undefined ? 'require' : `preset ${server.preset}, or require`;
  return [
    `it breaks a rule of ${from}: ${alternatives.map(ruleText).join(', or ')}`,
    'Probably it is another kind of token of the same issuer (an ID token, a session): send the access token. If it is one, put the rule right.',
  ];
}

function ruleText({ claim, must, values }: Rule): string {
  const name = claim
    .map((segment) => (typeof segment === 'string' ? segment : `<${segment.claim.join('.')}>`))
    .join('.');
  switch (must) {
    case 'equal':
      return `${name} must be ${listed(values.map(shown))}`;
    case 'differ':
      return `${name} must not be ${listed(values.map(shown))}`;
    case 'be_present':
      return `${name} must be there`;
    case 'be_absent':
      return `${name} must not be there`;
  }
}

const instant = (seconds: unknown): string =>
  typeof seconds === 'number' && Math.abs(seconds) < 8e12
    ? new Date(seconds * 1_000).toISOString()
    : shown(seconds);

function ago(seconds: number | undefined): string {
  const minutes = Math.round((Date.now() / 1_000 - (seconds ?? 0)) / 60);
  return minutes < 120 ? `${minutes} min ago` : `on ${instant(seconds)}`;
}

/** The words that have a sentence of their own. */
export const EXPLAINED: readonly string[] = Object.keys(WORDS);
