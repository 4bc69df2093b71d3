// Who is calling: what remains of a credential once it has been verified.
//
// Everything behind the gate works on this and never on the credential: tools, policy, sessions, logs. A Principal is
// immutable and is handed out again for every request with the same token, so others may key caches by its identity.

export interface Principal {
  /** How it proved who it is: an access token of an authorization server, or a service key of this server. */
  readonly kind: 'oauth' | 'service';
  /** `iss`, byte for byte as configured; `service-keys` for services. */
  readonly issuer: string;
  /** Who the token speaks for; unique only together with the issuer. */
  readonly subject: string;
  /** The OAuth client that presents the token, when the issuer says so. */
  readonly clientId: string | undefined;
  /**
   * The organization it speaks for. `null`: the configuration says which claim names it, and this token has none; that is
   * a tenant of its own. `undefined`: the configuration does not say, and the issuer's tokens are not told apart by it.
   */
  readonly tenant: string | null | undefined;
  /** What the user let the client do. */
  readonly scopes: readonly string[];
  /** Names of roles as the token has them; what they permit is policy. */
  readonly roles: readonly string[];
  /** Permissions the token carries directly, besides those of the roles. */
  readonly permissions: readonly string[];
  /** `jti`, or `sha256:` and the hash of what is signed where there is none; of a service, the key's id. */
  readonly tokenId: string;
  /** Who acts for the subject, if the token says so. For display and the audit: nothing is decided by it. */
  readonly act?: Actor | undefined;
  /** Epoch seconds; 0 when the token does not say, so that every revocation by time covers it. */
  readonly issuedAt: number;
  /** Epoch seconds. */
  readonly expiresAt: number;
  /** When the person proved to the issuer who it is (`auth_time`): not when the token was issued. Epoch seconds. */
  readonly authenticatedAt: number | undefined;
}

/** The current actor of a token (RFC 8693, section 4.1), of the same issuer as the token. */
export interface Actor {
  readonly subject?: string | undefined;
  readonly clientId?: string | undefined;
}
