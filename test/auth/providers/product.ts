// What the test of the presets is told about a product: an entry for it, tokens it issues, and what is not to pass.
//
// Payloads and headers are those of the sources named in src/auth/providers; iat and exp are added. Where a source has an
// example, its values are used.

import { RESOURCE } from '../../support/worker.ts';

export { RESOURCE };

export const ALGS = ['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA'] as const;
export type Alg = (typeof ALGS)[number];

export interface Token {
  readonly claims: Readonly<Record<string, unknown>>;
  readonly header?: Readonly<Record<string, unknown>>;
  /** Default: the product's. */
  readonly alg?: Alg;
}

/** What whoami tells, without what is empty; and what the audit calls the token, if that is not its `jti`. */
export interface Caller {
  readonly subject: string;
  readonly tokenId?: string;
  readonly clientId?: string;
  readonly tenant?: string;
  readonly scopes?: readonly string[];
  readonly roles?: readonly string[];
  readonly permissions?: readonly string[];
}

export interface Product {
  /** What a deployment writes, with the issuer as the vendor has it; the test adds where the keys are. */
  readonly entry: Readonly<Record<string, unknown>> & { readonly issuer: string | readonly string[] };
  /** Default: RS256. */
  readonly alg?: Alg;
  /** Never used by the product; none where a deployment may choose. */
  readonly otherAlg?: Alg;
  /** Instead of the Authorization header. */
  readonly tokenHeader?: string;
  readonly accepted: Readonly<Record<string, Token & { readonly caller: Caller }>>;
  /**
   * Other tokens of the product, with the same issuer and keys, and why each is refused. What a row does not say is as in
   * the first accepted token; `undefined` leaves a claim out.
   */
  readonly refused: Readonly<Record<string, Partial<Token> & { readonly detail: string }>>;
  /** The issuer of a tenant that is not ours. */
  readonly otherIssuer: string;
  /** The claim that names the audience; none where tokens are bound to their issuer. Default: aud. */
  readonly audienceClaim?: string | false;
}
