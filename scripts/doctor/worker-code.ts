// The Worker's own code under Node: what src/app declares, and the verification of tokens.
//
// Loaded at run time, because src is typed for Workers and this is not one. What only Workers have is put in place of by
// an empty stand-in: nothing that needs it is called. The verifier gets storage of its own that begins empty.
// Does not start a Worker.

import { registerHooks } from 'node:module';
import type { Principal } from '../../src/auth/principal.ts';
import type { Config, Settings } from '../../src/config.ts';
import type { Denial } from '../../src/denial.ts';
import type { Roles } from '../../src/policy/roles.ts';
import { error, type Finding, shown } from './finding.ts';

/** A tool, a resource or a prompt, as far as it matters here. */
export interface Offer {
  readonly name: string;
  readonly scopes: readonly string[];
  readonly permissions: readonly string[];
}

export interface AppCode {
  readonly config: Settings;
  readonly roles: Roles;
  readonly tools: readonly Offer[];
  readonly resources: readonly Offer[];
  readonly prompts: readonly Offer[];
}

const STAND_IN = `data:text/javascript,${encodeURIComponent(
  `${['DurableObject', 'WorkerEntrypoint', 'WorkflowEntrypoint', 'RpcTarget']
    .map((name) => `export class ${name} {}`)
    .join(';')};export const env = {}; export const exports = {}; export const waitUntil = () => {};`,
)}`;

async function load(path: string): Promise<Record<string, unknown>> {
  const hooks = registerHooks({
    resolve: (specifier, context, next) =>
      specifier.startsWith('cloudflare:') ? { url: STAND_IN, shortCircuit: true } : next(specifier, context),
    load: (url, context, next) =>
      next(url, url.endsWith('.json') ? { ...context, importAttributes: { type: 'json' } } : context),
  });
  try {
    return await import(new URL(`../../src/${path}`, import.meta.url).href);
  } finally {
    hooks.deregister();
  }
}

/** What src/app declares, or why it cannot be had: a mistake in a role is found here as it would be at the Worker's start. */
export async function loadApp(): Promise<AppCode | Finding> {
  try {
    const { config } = await load('app/config.ts');
    const { roles } = await load('app/roles.ts');
    const { tools } = await load('app/tools/index.ts');
    const { resources } = await load('app/resources.ts');
    const { prompts } = await load('app/prompts.ts');
    return { config, roles, tools, resources, prompts } as AppCode;
  } catch (problem) {
    return error(
      'app.load',
      `src/app cannot be loaded: ${shown(problem instanceof Error ? problem.message : problem)}`,
      'The Worker loads the same files when it starts.',
      'Put it right in src/app; `npm run check` may say more.',
    );
  }
}

export interface Verification {
  readonly outcome: Principal | Denial;
  /** What the code wrote into the log meanwhile, such as why an issuer's keys could not be had. */
  readonly log: readonly Readonly<Record<string, unknown>>[];
}

interface VerificationCode {
  createIssuers(config: Config): unknown;
  createOpaqueTokenVerifier(config: Config): unknown;
  createAccessTokenVerifier(
    config: Config,
    issuers: unknown,
    opaque: unknown,
  ): (credential: string, io: unknown, header?: string) => Promise<Principal | Denial> | Principal | Denial;
}

/** The verdict of src/auth about a token. `header` is where the Worker would have found it, if not in Authorization. */
export async function verifyAccessToken(
  token: string,
  config: Config,
  header: string | undefined,
): Promise<Verification> {
  const code = {
    ...(await load('auth/issuers.ts')),
    ...(await load('auth/introspection.ts')),
    ...(await load('auth/access-token.ts')),
  };
  const { createIssuers, createOpaqueTokenVerifier, createAccessTokenVerifier } =
    code as unknown as VerificationCode;
  const opaque = createOpaqueTokenVerifier(config);
  const verify = createAccessTokenVerifier(config, createIssuers(config), opaque);
  const io = {
    kv: { get: async () => null, put: async () => {} },
    now: () => Math.floor(Date.now() / 1_000),
    waitUntil: () => {},
  };
  const log: Record<string, unknown>[] = [];
  const { log: standardLog, error: standardError } = console;
  console.log = console.error = (line: string) => log.push(JSON.parse(line));
  try {
    return { outcome: await verify(token, io, header), log };
  } finally {
    console.log = standardLog;
    console.error = standardError;
  }
}
