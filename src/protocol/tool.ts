// What a tool is: its description for clients, what a caller needs, and the code.
//
// Definitions are checked when the Worker starts, so a mistake stops a deployment instead of a caller.

import type { ContentBlock, Icon, ToolAnnotations } from '@modelcontextprotocol/server';
import type { Principal } from '../auth/principal.ts';
import type { Requirement } from '../policy/authorize.ts';
import { jsonSchemaOf, type Schema } from './schema.ts';

/** What a tool's handler may use besides its arguments. There is no token in it, on purpose. */
export interface ToolContext {
  /** The verified caller. */
  readonly principal: Principal;
  /** All the caller's permissions: those of its roles and those in the token. */
  readonly permissions: ReadonlySet<string>;
  /** The Worker's bindings. */
  readonly env: Env;
  /** Appears in the log next to everything this request did. */
  readonly requestId: string;
  /** Aborted when the caller goes away. */
  readonly signal: AbortSignal;
  /** Keeps the Worker alive for work that outlives the answer. */
  waitUntil(promise: Promise<unknown>): void;
}

/** What a handler returns when the tool has no `output` schema: text, or content blocks. */
export type ToolContent = string | readonly ContentBlock[];

/** A tool as `defineTool` takes it. `Input` and `Output` follow from the schemas. */
export interface ToolDefinition<Input = unknown, Output = never> extends Requirement {
  /** 1 to 128 of A-Z a-z 0-9 _ - . */
  readonly name: string;
  /** For people. */
  readonly title: string;
  /** For the model: what it does, when to use it. */
  readonly description: string;
  /** Schema of the arguments: an object. */
  readonly input: Schema<Input>;
  /** Schema of the structured result. With it the handler returns that value; without it, text or content blocks. */
  readonly output?: Schema<Output>;
  /** What the user must have let the client do; all of them. `[]` when any valid token is enough. */
  readonly scopes: readonly string[];
  /** What the organisation must let the subject do; all of them. `[]` when no role is needed. */
  readonly permissions: readonly string[];
  /** Hints for clients; untrusted by definition, never used for decisions. */
  readonly annotations?: ToolAnnotations;
  readonly icons?: readonly Icon[];
  /**
   * Runs after the caller was authorized and the arguments were validated.
   * Throw a ToolError to tell the model what went wrong; of any other exception it learns nothing.
   */
  handler(input: Input, context: ToolContext): Handled<Output> | Promise<Handled<Output>>;
}

type Handled<Output> = [Output] extends [never] ? ToolContent : Output;

/** A checked tool. What the caller sees of it is rendered once. */
export interface Tool extends Requirement {
  readonly name: string;
  readonly input: Schema<unknown>;
  readonly output: Schema<unknown> | undefined;
  /** The entry of tools/list, as JSON. */
  readonly listed: string;
  readonly handler: (input: unknown, context: ToolContext) => unknown;
}

/** Why a tool could not do what was asked, in words for the model: thrown by a handler, answered as a result with `isError`. */
export class ToolError extends Error {
  override readonly name = 'ToolError';
}

/** scope-token of RFC 6749 section 3.3: with any other a challenge would ask for a scope that does not exist. */
const SCOPE_TOKEN = /^[\x21\x23-\x5B\x5D-\x7E]+$/;

const TOOL_NAME = /^[\w.-]{1,128}$/;

/**
 * Declares one tool.
 * @throws {Error} naming the tool and what is wrong with its definition
 */
export function defineTool<Input, Output = never>(definition: ToolDefinition<Input, Output>): Tool {
  const { name, title, description, input, output, scopes, permissions, annotations, icons } = definition;
  const fail = (problem: string): never => {
    throw new Error(`tool ${JSON.stringify(name)}: ${problem}`);
  };
  if (!TOOL_NAME.test(name)) fail('name must be 1 to 128 characters of A-Z a-z 0-9 _ - .');
  if (description === '') fail('description must say what the tool does; the model chooses by it');
  if (!Array.isArray(scopes) || !Array.isArray(permissions))
    fail('scopes and permissions must be given; use [] for none');
  const badScope = scopes.find((scope) => !SCOPE_TOKEN.test(scope));
  if (badScope !== undefined) fail(`${JSON.stringify(badScope)} is not a scope name (RFC 6749 section 3.3)`);
  const inputSchema = jsonSchemaOf(input, 'input');
  if (inputSchema.type !== 'object') fail('input must be the schema of an object');
  const outputSchema = output && jsonSchemaOf(output, 'output');

  return Object.freeze({
    name,
    input,
    output,
    scopes: Object.freeze([...scopes]),
    permissions: Object.freeze([...permissions]),
    listed: JSON.stringify({ name, title, description, inputSchema, outputSchema, annotations, icons }),
    // Only arguments that `input` has validated reach the handler.
    handler: (value: unknown, context: ToolContext) => definition.handler(value as Input, context),
  });
}

/** The tools of a server, in the order they are offered. */
export interface Catalogue {
  readonly tools: readonly Tool[];
  readonly byName: ReadonlyMap<string, Tool>;
}

/** @throws {Error} when two tools have the same name */
export function defineTools(tools: readonly Tool[]): Catalogue {
  const byName = new Map(tools.map((tool) => [tool.name, tool]));
  const duplicate = tools.find((tool, index) => tools.findIndex(({ name }) => name === tool.name) !== index);
  if (duplicate) throw new Error(`tool ${JSON.stringify(duplicate.name)} is defined twice`);
  return Object.freeze({ tools: Object.freeze([...tools]), byName });
}
