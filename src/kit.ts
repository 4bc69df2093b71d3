// What an app may use: everything in src/app imports from here and from nowhere else in the kit.

import type { Settings } from './config.ts';
import { checkDefinitions, type RoleDefinition, type Roles, resolveRoles } from './policy/roles.ts';

export type { ContentBlock, PromptMessage, ToolAnnotations } from '@modelcontextprotocol/server';
export { opaqueTokens } from './auth/introspection.ts';
export type { Principal } from './auth/principal.ts';
export type { AppEnv } from './bindings.ts';
export type { AuthorizationServerSettings, ClaimPath, Settings } from './config.ts';
export { type Behind, type Protected, type Protection, protect } from './http/protect.ts';
export type { RoleDefinition, Roles } from './policy/roles.ts';
export type { Elicitation, HandlerContext, Notifier, SessionState } from './protocol/handler.ts';
export {
  definePrompt,
  type Prompt,
  type PromptArgument,
  type PromptContent,
  type PromptDefinition,
} from './protocol/prompt.ts';
export {
  defineResource,
  type FixedResourceDefinition,
  type Resource,
  type ResourceContent,
  type TemplateResourceDefinition,
} from './protocol/resource.ts';
export type { Schema } from './protocol/schema.ts';
export {
  defineTool,
  Refused,
  type Tool,
  type ToolContent,
  type ToolDefinition,
  ToolError,
} from './protocol/tool.ts';

/**
 * Declares what does not differ between deployments. What does, and what decides trust, is better a variable in
 * wrangler.toml: a variable of the same name in capitals (`stepUp`, `STEP_UP`) replaces what is declared here.
 */
export function defineConfig(settings: Settings): Settings {
  return settings;
}

/**
 * Declares roles: what they permit, and the roles whose permissions they have as well.
 * @throws {Error} at start, naming the roles on the way to an unknown name or a cycle, or the member that there is not
 */
export function defineRoles(definitions: Readonly<Record<string, RoleDefinition>>): Roles {
  checkDefinitions(definitions);
  return resolveRoles(definitions);
}
