// What a client of the official SDK 1.x keeps in memory, and the person it sends to sign in.

import type { OAuthClientProvider } from '@modelcontextprotocol/sdk/client/auth.js';
import type {
  OAuthClientInformationMixed,
  OAuthClientMetadata,
  OAuthTokens,
} from '@modelcontextprotocol/sdk/shared/auth.js';
import { approveAuthorization } from '../../scripts/grants.ts';
import { REDIRECT_URL } from '../../scripts/person.ts';

export class Sdk1Keyring implements OAuthClientProvider {
  readonly redirectUrl = REDIRECT_URL;
  readonly clientMetadata: OAuthClientMetadata;
  /** Every scope set the person was asked to consent to, in order. */
  readonly asked: string[] = [];
  readonly #user: string;
  #information: OAuthClientInformationMixed | undefined;
  #tokens: OAuthTokens | undefined;
  #verifier = '';
  #callback: URL | undefined;

  constructor(user: string, { refreshes = true } = {}) {
    this.#user = user;
    this.clientMetadata = {
      client_name: 'A client of SDK 1.x',
      redirect_uris: [REDIRECT_URL],
      grant_types: ['authorization_code', ...(refreshes ? ['refresh_token'] : [])],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    };
  }

  /** Of the last sign-in. */
  get code(): string {
    return this.#callback?.searchParams.get('code') ?? '';
  }
  get accessToken(): string {
    return this.#tokens?.access_token ?? '';
  }

  clientInformation(): OAuthClientInformationMixed | undefined {
    return this.#information;
  }
  saveClientInformation(information: OAuthClientInformationMixed): void {
    this.#information = information;
  }
  tokens(): OAuthTokens | undefined {
    return this.#tokens;
  }
  saveTokens(tokens: OAuthTokens): void {
    this.#tokens = tokens;
  }
  saveCodeVerifier(verifier: string): void {
    this.#verifier = verifier;
  }
  codeVerifier(): string {
    return this.#verifier;
  }
  async redirectToAuthorization(url: URL): Promise<void> {
    this.asked.push(url.searchParams.get('scope') ?? '');
    this.#callback = await approveAuthorization(url, this.#user);
  }
}
