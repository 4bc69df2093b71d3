// A Worker in one call: what answers its requests, and the classes of its Durable Objects, of the same app.
//
// There is no other way to put one together, so that the gate, the registry and the sessions can never be seeded with
// different roles. Decides nothing.

import { env as importable } from 'cloudflare:workers';
import { createDecisionLog, type DecisionLogApi } from './audit/decision-log.ts';
import { type App, deploymentOf } from './context.ts';
import { mcpEndpoint } from './http/mcp-endpoint.ts';
import type { Protection } from './http/protect.ts';
import { serve } from './http/router.ts';
import { createPolicyRegistry, type RegistryApi } from './policy/policy-registry.ts';
import type { Offers } from './protocol/catalogue.ts';
import { type ClientSessionApi, createClientSession } from './sessions/client-session.ts';
import { NotificationHub } from './sessions/notification-hub.ts';
import { unknownMember } from './shapes.ts';

/** What a team declares: tools, resources and prompts of its own, or a server that stands behind the gate in their place. */
export type ServerDefinition =
  | (App & { readonly behind?: undefined })
  | (Omit<App, keyof Offers> & { readonly behind: Protection });

type ObjectClass<Api> = new (state: DurableObjectState, env: Env) => Api & Rpc.DurableObjectBranded;

export interface Server {
  readonly fetch: ExportedHandlerFetchHandler<Env>;
  /** Under the names that wrangler.toml knows. */
  readonly objects: {
    readonly ClientSession: ObjectClass<ClientSessionApi>;
    readonly PolicyRegistry: ObjectClass<RegistryApi>;
    readonly DecisionLog: ObjectClass<DecisionLogApi>;
    readonly NotificationHub: typeof NotificationHub;
  };
}

/** Tools get the bindings without the kit's own, unless they can import all of them. */
const IMPORTABLE =
  'compatibility_flags (in wrangler.toml): add "disallow_importable_env"; without it the code of tools can import the bindings and secrets of the kit.';

const OF_ALL = ['config', 'roles', 'features'];
const OF_AN_APP = [...OF_ALL, 'tools', 'resources', 'prompts'];
const OF_A_GATE = [...OF_ALL, 'behind'];

/**
 * Settings are checked with the first request: only then are there variables. A Worker that is misconfigured answers 500,
 * and its log says what to put right.
 * @throws {Error} for a definition that cannot be applied
 */
export function createServer(definition: ServerDefinition): Server {
  const problem = unknownMember(definition, definition.behind ? OF_A_GATE : OF_AN_APP);
  if (problem) throw new Error(`createServer ${problem}`);
  const { behind } = definition;
  const app: App = definition.behind ? { ...definition, tools: [] } : definition;
  const deployed = (env: Env) => deploymentOf(app, env);
  return {
    fetch: serve(
      app,
      behind?.endpoint ?? mcpEndpoint,
      Object.keys(importable).length > 0 ? [IMPORTABLE] : [],
    ),
    objects: {
      ClientSession: createClientSession(deployed),
      PolicyRegistry: createPolicyRegistry(deployed),
      DecisionLog: createDecisionLog((env) => deployed(env).config),
      NotificationHub,
    },
  };
}
