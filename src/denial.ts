// Every way a request can be refused, in the order the checks run.
//
// A leaf that refuses returns one of these; http/denial-response.ts turns it into an answer (the only switch on
// `reason`), log.ts writes it down. The log has `reason` and `detail`, the wire a deliberately vaguer face: a caller
// must not learn from an answer which check a forged token failed.
// `detail` is always one of our own words, never text taken from the request.

export type Denial =
  | { readonly reason: 'host_forbidden' | 'insecure_transport' | 'origin_forbidden' }
  | { readonly reason: 'token_missing' | 'token_malformed' | 'token_in_query'; readonly detail?: string }
  | { readonly reason: 'issuer_not_trusted' | 'token_expired' }
  | { readonly reason: 'token_invalid'; readonly detail: string }
  | {
      /** By the operator; `detail` is the kind of revocation. */
      readonly reason: 'token_revoked';
      readonly detail: string;
    }
  | {
      readonly reason: 'keys_unavailable' | 'introspection_unavailable' | 'policy_unavailable';
      readonly detail: string;
      /** Seconds after which asking again can have another outcome. */
      readonly retryAfterSeconds: number;
    }
  | {
      /** The caller has as much in progress as it may, or too many wait for the same thing. */
      readonly reason: 'rate_limited';
      readonly retryAfterSeconds: number;
    }
  /** Of operators: who signed in with another client, whose token lives too long or says not how long, or was it long ago. */
  | { readonly reason: 'client_not_allowed' | 'token_too_long_lived' | 'authentication_too_old' }
  | {
      readonly reason: 'permission_missing';
      /** What the operation needs and the caller's roles do not give. */
      readonly missingPermissions: readonly string[];
      /** Where the roles would, but do not count. */
      readonly detail?: string;
    }
  | {
      readonly reason: 'scope_missing';
      /** All scopes of the operation, not only the missing ones: one challenge has to be enough. */
      readonly requiredScopes: readonly string[];
      readonly missingScopes: readonly string[];
    };

/** Tells a refusal from whatever else a leaf returns. No type in this project but Denial has a `reason`. */
export function isDenial(value: object): value is Denial {
  return 'reason' in value;
}
