// A person at an MCP client: the official client with its own OAuth code, and someone who signs in and consents.
//
// Used by the demo and the tests. Only the person is simulated: where a real client opens a browser, the authorization
// server's pages are read and their buttons pressed. Everything else (discovery, registration, PKCE, token requests,
// stepping up) is the client's.

import {
  Client,
  type ClientOptions,
  type ElicitRequestFormParams,
  type ElicitResult,
  type OAuthClientMetadata,
  type OAuthClientProvider,
  type OAuthDiscoveryState,
  type StoredOAuthClientInformation,
  type StoredOAuthTokens,
  StreamableHTTPClientTransport,
  UnauthorizedError,
} from '@modelcontextprotocol/client';
import { Browser } from './authorization-server/browser.ts';
import { approveAuthorization } from './grants.ts';

export interface PersonOptions {
  readonly mcp: string;
  readonly user: string;
  /** Register with this client ID metadata document instead of dynamically. */
  readonly clientMetadataUrl?: string;
  /** Sees every request the client makes. */
  readonly fetch?: typeof fetch;
  /** The revision of MCP the client speaks, or `auto` to let it find out. Default: the modern one. */
  readonly protocol?: string;
  /** What the person answers when the server asks. Without it the client cannot be asked. */
  readonly answer?: (question: ElicitRequestFormParams) => ElicitResult;
  /** What the person does at another authorization server than the local one; gives where it sends the browser then. */
  readonly approve?: (url: URL) => Promise<URL>;
  /** Connects with that one's registration and tokens: one more connection of the same client. */
  readonly sameClientAs?: Person;
}

export const REDIRECT_URL = 'http://127.0.0.1:33418/callback';
const MODERN = '2026-07-28';

/** What a client has to keep between requests, in memory. */
class Keyring implements OAuthClientProvider {
  readonly redirectUrl = REDIRECT_URL;
  readonly clientMetadataUrl?: string;
  readonly clientMetadata: OAuthClientMetadata = {
    client_name: 'Demo client',
    redirect_uris: [REDIRECT_URL],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
  };
  /** Every scope set the person was asked to consent to, in order. */
  readonly asked: string[] = [];
  /** Where the authorization server sent the person back to, after the last consent. */
  callback: URL | undefined;
  information: StoredOAuthClientInformation | undefined;
  current: StoredOAuthTokens | undefined;
  readonly #approve: (url: URL) => Promise<URL>;
  #verifier = '';
  #discovery: OAuthDiscoveryState | undefined;

  constructor(approve: (url: URL) => Promise<URL>, clientMetadataUrl: string | undefined) {
    this.#approve = approve;
    if (clientMetadataUrl !== undefined) this.clientMetadataUrl = clientMetadataUrl;
  }

  state(): string {
    return crypto.randomUUID();
  }
  clientInformation(): StoredOAuthClientInformation | undefined {
    return this.information;
  }
  saveClientInformation(information: StoredOAuthClientInformation): void {
    this.information = information;
  }
  tokens(): StoredOAuthTokens | undefined {
    return this.current;
  }
  saveTokens(tokens: StoredOAuthTokens): void {
    this.current = tokens;
  }
  saveCodeVerifier(verifier: string): void {
    this.#verifier = verifier;
  }
  codeVerifier(): string {
    return this.#verifier;
  }
  saveDiscoveryState(state: OAuthDiscoveryState): void {
    this.#discovery = state;
  }
  discoveryState(): OAuthDiscoveryState | undefined {
    return this.#discovery;
  }
  async redirectToAuthorization(url: URL): Promise<void> {
    this.asked.push(url.searchParams.get('scope') ?? '');
    this.callback = await this.#approve(url);
  }
}

export class Person {
  readonly client: Client;
  readonly #keyring: Keyring;
  #transport: StreamableHTTPClientTransport;
  readonly #open: () => StreamableHTTPClientTransport;

  constructor(options: PersonOptions) {
    const { mcp, user, clientMetadataUrl, fetch, protocol = MODERN, answer, sameClientAs } = options;
    const { approve = (url: URL) => approveAuthorization(url, user) } = options;
    this.client = new Client(
      { name: 'demo-client', version: '1.0.0' },
      {
        ...versionsOf(protocol),
        capabilities: answer ? { elicitation: { form: {} } } : {},
      },
    );
    if (answer) {
      this.client.setRequestHandler('elicitation/create', ({ params }) =>
        'requestedSchema' in params ? answer(params) : { action: 'decline' },
      );
    }
    this.#keyring = sameClientAs ? sameClientAs.#keyring : new Keyring(approve, clientMetadataUrl);
    this.#open = () =>
      new StreamableHTTPClientTransport(new URL(mcp), {
        authProvider: this.#keyring,
        ...(fetch ? { fetch } : {}),
      });
    this.#transport = this.#open();
  }

  /** The scopes asked for, one entry per consent. */
  get asked(): readonly string[] {
    return this.#keyring.asked;
  }
  get clientId(): string | undefined {
    return this.#keyring.information?.client_id;
  }
  get accessToken(): string | undefined {
    return this.#keyring.current?.access_token;
  }
  get grantedScope(): string | undefined {
    return this.#keyring.current?.scope;
  }

  /** Connects, signing in on the way. */
  async connect(): Promise<void> {
    try {
      await this.client.connect(this.#transport);
    } catch (error) {
      if (!(error instanceof UnauthorizedError)) throw error;
      await this.#finishSignIn();
      this.#transport = this.#open();
      await this.client.connect(this.#transport);
    }
  }

  /** Calls a tool, consenting to more scopes when the server asks for them. */
  async call(name: string, args: Readonly<Record<string, unknown>> = {}) {
    const request = { name, arguments: { ...args } };
    try {
      return await this.client.callTool(request);
    } catch (error) {
      if (!(error instanceof UnauthorizedError)) throw error;
      await this.#finishSignIn();
      return await this.client.callTool(request);
    }
  }

  async close(): Promise<void> {
    await this.client.close();
  }

  async #finishSignIn(): Promise<void> {
    const { callback } = this.#keyring;
    if (!callback)
      throw new Error('the client wanted authorization but did not send anyone to the authorization server');
    await this.#transport.finishAuth(callback.searchParams);
  }
}

/**
 * Does what a command tells a person: opens the URL, signs in, and goes where the browser is sent. Gives the page that is
 * seen last.
 */
export async function openAndSignIn(url: string, user: string, deny = false): Promise<string> {
  const destination = await new Browser().visit(new URL(url), { user, deny });
  if ('page' in destination) return destination.page;
  return (await fetch(destination.redirect)).text();
}

function versionsOf(protocol: string): ClientOptions {
  if (protocol === 'auto') return { versionNegotiation: { mode: 'auto' } };
  if (protocol === MODERN) return { versionNegotiation: { mode: { pin: MODERN } } };
  return { versionNegotiation: { mode: 'legacy' }, supportedProtocolVersions: [protocol] };
}
