// What a tool is: its description for clients, what a caller needs, and the code.
//
// Definitions are checked when the Worker starts, so a mistake stops a deployment instead of a caller.

import type { ContentBlock, Icon, ToolAnnotations } from '@modelcontextprotocol/server';
import type { Freshness, Requirement } from '../policy/authorize.ts';
import { COMMON_MEMBERS, checkFunction, checkMembers, checkRequirement, failing } from './definition.ts';
import type { HandlerContext } from './handler.ts';
import { type ParameterHeader, parameterHeaders } from './parameter-headers.ts';
import { jsonSchemaOf, type Schema } from './schema.ts';

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
   * Arguments that clients repeat as headers, for proxies that route by them: `{ region: 'Region' }` makes clients send
   * `Mcp-Param-Region`. Never for secrets. A schema may also say so itself, with `x-mcp-header`.
   */
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * `strict` asks the PolicyRegistry before every call, so that a revocation or a changed role is in force at once: for
   * what cannot be undone. Costs a Durable Object call; while the registry cannot be reached the call is refused (503).
   */
  readonly freshness?: Freshness;
  /** An answer the user gave (`elicit`, `sample`) serves for one call only. Costs a Durable Object call per answer. */
  readonly answersOnce?: boolean;
  /**
   * The audit gets a MAC of the arguments of every call (audit/arguments-mac.ts), so that it can be told later whether they
   * were these. Needs AUDIT_SECRET.
   */
  readonly auditArguments?: boolean;
  /**
   * Runs after the caller was authorized and the arguments were validated.
   * Throw a ToolError to tell the model what went wrong, a Refused when the caller may not do it; of any other exception
   * the model learns nothing.
   */
  handler(input: Input, context: HandlerContext): Handled<Output> | Promise<Handled<Output>>;
}

type Handled<Output> = [Output] extends [never] ? ToolContent : Output;

/** A checked tool. What the caller sees of it is rendered once. */
export interface Tool extends Requirement {
  readonly name: string;
  readonly input: Schema<unknown>;
  readonly output: Schema<unknown> | undefined;
  /** The entry of tools/list, as JSON. */
  readonly listed: string;
  /** The same for revisions before 2026, whose structured results are objects; `listed` where there is no difference. */
  readonly listedLegacy: string;
  /** Whether a structured result is an object, as those revisions want it. */
  readonly hasObjectOutput: boolean;
  readonly parameterHeaders: readonly ParameterHeader[];
  readonly answersOnce: boolean;
  readonly auditArguments: boolean;
  readonly handler: (input: unknown, context: HandlerContext) => unknown;
}

/** Why a tool could not do what was asked, in words for the model: thrown by a handler, answered as a result with `isError`. */
export class ToolError extends Error {
  override readonly name: string = 'ToolError';
}

/** A ToolError by which a handler refuses its caller: in the audit it is a refusal, `refused_by_tool`. */
export class Refused extends ToolError {
  override readonly name = 'Refused';
}

const MEMBERS = [
  ...COMMON_MEMBERS,
  'annotations',
  'input',
  'output',
  'headers',
  'answersOnce',
  'auditArguments',
  'handler',
];

const TOOL_NAME = /^[\w.-]{1,128}$/;

/**
 * Declares one tool.
 * @throws {Error} naming the tool and what is wrong with its definition
 */
export function defineTool<Input, Output = never>(definition: ToolDefinition<Input, Output>): Tool {
  const { name, title, description, input, output, annotations, icons } = definition;
  const { answersOnce = false, auditArguments = false } = definition;
  const fail = failing('tool', name);
  checkMembers(definition, MEMBERS, fail);
  if (!TOOL_NAME.test(name)) fail('name must be 1 to 128 characters of A-Z a-z 0-9 _ - .');
  if (description === '') fail('description must say what the tool does; the model chooses by it');
  const requirement = checkRequirement(definition, fail);
  checkFunction(definition.handler, 'handler', fail);
  if (typeof answersOnce !== 'boolean') fail('answersOnce must be true or false');
  if (typeof auditArguments !== 'boolean') fail('auditArguments must be true or false');
  const inputSchema = withHeaders(jsonSchemaOf(input, 'input'), definition.headers ?? {}, fail);
  if (inputSchema.type !== 'object') fail('input must be the schema of an object');
  const outputSchema = output && jsonSchemaOf(output, 'output');
  const hasObjectOutput = outputSchema?.type === 'object';
  const described = { name, title, description, inputSchema, annotations, icons };
  const listed = JSON.stringify({ ...described, outputSchema });

  return Object.freeze({
    name,
    input,
    output,
    ...requirement,
    listed,
    listedLegacy: outputSchema === undefined || hasObjectOutput ? listed : JSON.stringify(described),
    hasObjectOutput,
    parameterHeaders: parameterHeaders(inputSchema, fail),
    answersOnce,
    auditArguments,
    // Only arguments that `input` has validated reach the handler.
    handler: (value: unknown, context: HandlerContext) => definition.handler(value as Input, context),
  });
}

/** The schema with `x-mcp-header` at the properties named. */
function withHeaders(
  schema: Record<string, unknown>,
  headers: Readonly<Record<string, string>>,
  fail: (problem: string) => never,
): Record<string, unknown> {
  const properties = { ...(schema.properties as Record<string, object> | undefined) };
  for (const [name, header] of Object.entries(headers)) {
    if (!Object.hasOwn(properties, name))
      fail(`headers names the argument ${JSON.stringify(name)}, which input does not have`);
    properties[name] = { ...properties[name], 'x-mcp-header': header };
  }
  return Object.keys(headers).length === 0 ? schema : { ...schema, properties };
}
