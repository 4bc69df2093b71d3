// What one request may use, and what all requests of an isolate share.
//
// A Deployment is made once per isolate from the app's declarations and the Worker's variables; a Context once per
// request. Decides nothing.

import { type AccessTokenVerifier, createAccessTokenVerifier } from './auth/access-token.ts';
import { createIssuers, type IssuerIo } from './auth/issuers.ts';
import { metadataPaths, metadataUrl, resourceMetadata } from './auth/resource-metadata.ts';
import { type Config, ConfigError, checkConfig, type Settings } from './config.ts';
import type { Policy } from './policy/authorize.ts';
import type { Roles } from './policy/roles.ts';
import { type Catalogue, createCatalogue, type Offers } from './protocol/catalogue.ts';
import { createSealer, type Sealer } from './protocol/seal.ts';

/** What src/app declares. */
export interface App extends Offers {
  readonly config: Settings;
  readonly roles: Roles;
}

export interface Deployment {
  readonly config: Config;
  readonly policy: Policy;
  readonly catalogue: Catalogue;
  /** For what modern clients carry; `undefined` when no secret is configured. */
  readonly sealer: Sealer | undefined;
  readonly verifyAccessToken: AccessTokenVerifier;
  /** Path of the MCP endpoint. */
  readonly endpointPath: string;
  readonly metadata: { readonly paths: readonly string[]; readonly url: string; readonly document: string };
}

export interface Context extends IssuerIo {
  readonly deployment: Deployment;
  readonly env: Env;
  readonly requestId: string;
}

/** @throws {ConfigError} with everything that has to be put right before this Worker can serve */
export function createDeployment(app: App, env: Env): Deployment {
  const problems: string[] = [];
  let config: Config | undefined;
  try {
    config = checkConfig(app.config, env as unknown as Readonly<Record<string, unknown>>);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    problems.push(...error.problems);
  }
  if (!env.KIT_KV)
    problems.push(
      "KIT_KV (in wrangler.toml [[kv_namespaces]]): bind a KV namespace; the issuers' keys are kept in it.",
    );
  for (const role of config?.defaultRoles ?? []) {
    if (!app.roles.has(role))
      problems.push(
        `DEFAULT_ROLES (in wrangler.toml [vars], or defaultRoles in src/app/config.ts): there is no role "${role}" in src/app/roles.ts.`,
      );
  }
  if (!config || problems.length > 0) throw new ConfigError(problems);

  const { resource, defaultRoles, scopeImplications, requestStateSecret } = config;
  return {
    config,
    policy: { roles: app.roles, defaultRoles, scopeImplications },
    catalogue: createCatalogue(app),
    sealer: requestStateSecret === undefined ? undefined : createSealer(requestStateSecret),
    verifyAccessToken: createAccessTokenVerifier(config, createIssuers(config)),
    endpointPath: new URL(resource).pathname,
    metadata: {
      paths: metadataPaths(resource),
      url: metadataUrl(resource),
      document: resourceMetadata(config),
    },
  };
}

export function createContext(
  deployment: Deployment,
  request: Request,
  env: Env,
  execution: ExecutionContext,
): Context {
  return {
    deployment,
    env,
    kv: env.KIT_KV,
    requestId: rayOf(request) ?? crypto.randomUUID(),
    now: () => Math.floor(Date.now() / 1_000),
    waitUntil: (promise) => execution.waitUntil(promise),
  };
}

/** Cloudflare's name for the request. Elsewhere anyone can send the header. */
function rayOf(request: Request): string | undefined {
  return /^[\w-]{1,64}$/.exec(request.headers.get('cf-ray') ?? '')?.[0];
}
