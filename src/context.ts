// What one request may use, and what all requests of an isolate share.
//
// A Deployment is made once per isolate from the app's declarations and the Worker's variables; a Context once per
// request. Decides nothing.

import { type Audit, createAudit } from './audit/audit.ts';
import { type AccessTokenVerifier, createAccessTokenVerifier } from './auth/access-token.ts';
import { createIssuers, type IssuerIo, type Issuers } from './auth/issuers.ts';
import { createMetadataMirror, type ReadMirror } from './auth/metadata-mirror.ts';
import { metadataPaths, metadataUrl, resourceMetadata } from './auth/resource-metadata.ts';
import { createServiceKeyVerifier, type ServiceKeyVerifier } from './auth/service-key.ts';
import { type Config, ConfigError, checkConfig, type Settings } from './config.ts';
import { createLimits } from './limit.ts';
import { policyRegistry } from './objects.ts';
import { createPolicies, type Policies, type PolicyIo } from './policy/policies.ts';
import type { Roles } from './policy/roles.ts';
import { type Catalogue, createCatalogue, type Offers } from './protocol/catalogue.ts';
import { createSealer, type Sealer } from './protocol/seal.ts';
import { createInProgress, type InProgress } from './sessions/in-progress.ts';

/** A part that not everybody needs: imported by who uses it, and deployed by nobody else. */
export interface Feature {
  /** Verifies tokens that are no JWTs; `undefined` when the configuration names nobody to ask. */
  readonly opaqueTokens?: (config: Config) => AccessTokenVerifier | undefined;
}

/** What src/app declares. */
export interface App extends Offers {
  readonly config: Settings;
  readonly roles: Roles;
  readonly features?: readonly Feature[];
}

export interface Deployment {
  readonly config: Config;
  /** Of the app: in force until an operator edits a role. */
  readonly roles: Roles;
  readonly policies: Policies;
  readonly audit: Audit;
  readonly catalogue: Catalogue;
  /** For what modern clients carry; `undefined` when no secret is configured. */
  readonly sealer: Sealer | undefined;
  readonly issuers: Issuers;
  readonly verifyAccessToken: AccessTokenVerifier;
  readonly verifyServiceKey: ServiceKeyVerifier;
  readonly inProgress: InProgress;
  /** Whether somebody whom the policy here refuses has the registry asked too often (http/gate.ts). */
  readonly isTooMuchRefused: (subject: string, at: number) => boolean;
  /** Of the MCP endpoint. */
  readonly resourceUrl: Readonly<URL>;
  readonly metadata: { readonly paths: readonly string[]; readonly url: string; readonly document: string };
  /** `undefined` when no authorization server's metadata is mirrored. */
  readonly readMirror: ReadMirror | undefined;
}

export interface Context extends IssuerIo, PolicyIo {
  readonly deployment: Deployment;
  readonly env: Env;
  readonly requestId: string;
  /** The header: which page asks, if it is one. */
  readonly origin: string | null;
}

/** How often somebody whom the policy of an isolate refuses may have the registry asked for a newer one, and how many. */
const REFUSED_PER_SECOND = 5;
const REFUSED_SUBJECTS = 1_000;

const deployments = new WeakMap<App, Deployment>();

/** The deployment of this isolate: the same for the Worker and the Durable Objects in it. @throws {ConfigError} */
export function deploymentOf(app: App, env: Env): Deployment {
  const known = deployments.get(app);
  if (known) return known;
  const deployment = createDeployment(app, env);
  deployments.set(app, deployment);
  return deployment;
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
  if (!env.POLICY_REGISTRY)
    problems.push(
      'POLICY_REGISTRY (in wrangler.toml [[durable_objects.bindings]]): bind the Durable Object PolicyRegistry that src/worker.ts exports.',
    );
  const features: Feature = Object.assign({}, ...(app.features ?? []));
  if (config?.authorizationServers.some(({ introspection }) => introspection) && !features.opaqueTokens)
    problems.push(
      'AUTHORIZATION_SERVERS (in wrangler.toml [vars]): an entry has introspection, which is a feature: add features: [opaqueTokens()] to createServer in src/worker.ts.',
    );
  const noted = app.tools.find(({ auditArguments }) => auditArguments);
  if (config && noted && config.auditSecret === undefined)
    problems.push(
      `AUDIT_SECRET (wrangler secret put AUDIT_SECRET): is missing; the tool ${noted.name} says auditArguments, which needs it.`,
    );
  for (const role of config?.defaultRoles ?? []) {
    if (!app.roles.permissions.has(role))
      problems.push(
        `DEFAULT_ROLES (in wrangler.toml [vars], or defaultRoles in src/app/config.ts): there is no role "${role}" in src/app/roles.ts.`,
      );
  }
  if (!config || problems.length > 0) throw new ConfigError(problems);

  const { resource, requestStateSecret, requestStateSecretPrevious } = config;
  const issuers = createIssuers(config);
  return {
    config,
    roles: app.roles,
    policies: createPolicies({ ...config, roles: app.roles }, config),
    audit: createAudit(config),
    catalogue: createCatalogue(app),
    sealer:
      requestStateSecret === undefined
        ? undefined
        : createSealer(resource, requestStateSecret, requestStateSecretPrevious),
    issuers,
    verifyAccessToken: createAccessTokenVerifier(config, issuers, features.opaqueTokens?.(config)),
    verifyServiceKey: createServiceKeyVerifier(),
    inProgress: createInProgress(config.streamRecheckSeconds),
    isTooMuchRefused: createLimits(REFUSED_PER_SECOND, REFUSED_SUBJECTS),
    resourceUrl: new URL(resource),
    metadata: {
      paths: metadataPaths(resource),
      url: metadataUrl(resource),
      document: resourceMetadata(config),
    },
    readMirror: createMetadataMirror(config),
  };
}

export function createContext(
  deployment: Deployment,
  request: Request,
  env: Env,
  execution: ExecutionContext,
): Context {
  const io = policyIo(env, deployment.config, (promise) => execution.waitUntil(promise));
  const { headers } = request;
  const requestId = rayOf(headers) ?? crypto.randomUUID();
  return { ...io, deployment, env, requestId, origin: headers.get('origin') };
}

/** What reading a policy may use, in the Worker and in a Durable Object. */
export function policyIo(env: Env, config: Config, waitUntil: PolicyIo['waitUntil']): PolicyIo {
  return {
    kv: env.KIT_KV,
    registry: () => policyRegistry(env, config),
    now: () => Math.floor(Date.now() / 1_000),
    waitUntil,
  };
}

/** Cloudflare's name for the request. Elsewhere anyone can send the header. */
function rayOf(headers: Headers): string | undefined {
  return /^[\w-]{1,64}$/.exec(headers.get('cf-ray') ?? '')?.[0];
}
