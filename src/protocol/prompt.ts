// What a prompt is: a message template a user can choose, with what a caller needs to use it.

import type { Icon, PromptMessage } from '@modelcontextprotocol/server';
import type { Freshness, Requirement } from '../policy/authorize.ts';
import { COMMON_MEMBERS, checkFunction, checkMembers, checkRequirement, failing } from './definition.ts';
import type { HandlerContext } from './handler.ts';

export interface PromptArgument {
  readonly title?: string;
  readonly description: string;
  readonly required?: boolean;
  /** Suggestions for a value that is being typed. */
  readonly complete?: (
    value: string,
    context: HandlerContext,
  ) => readonly string[] | Promise<readonly string[]>;
}

export interface PromptDefinition<Name extends string = string> extends Requirement {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly arguments?: Readonly<Record<Name, PromptArgument>>;
  /** What the user must have let the client do; all of them. */
  readonly scopes: readonly string[];
  /** What the organisation must let the subject do; all of them. */
  readonly permissions: readonly string[];
  /** `strict`, as for a tool (tool.ts). */
  readonly freshness?: Freshness;
  readonly icons?: readonly Icon[];
  /**
   * Gets strings only, all required ones among them.
   * @throws {ToolError} to tell the client what is wrong
   */
  get(
    args: Readonly<Partial<Record<Name, string>>>,
    context: HandlerContext,
  ): PromptContent | Promise<PromptContent>;
}

/** Text of the user, or messages. */
export type PromptContent = string | readonly PromptMessage[];

/** A checked prompt; what clients see of it is rendered once. */
export interface Prompt extends Requirement {
  readonly name: string;
  readonly description: string;
  readonly arguments: Readonly<Record<string, PromptArgument>>;
  /** The entry of prompts/list, as JSON. */
  readonly listed: string;
  readonly get: (
    args: Readonly<Record<string, string>>,
    context: HandlerContext,
  ) => PromptContent | Promise<PromptContent>;
}

const MEMBERS = [...COMMON_MEMBERS, 'arguments', 'get'];
const ARGUMENT_MEMBERS = ['title', 'description', 'required', 'complete'];

/**
 * Declares one prompt.
 * @throws {Error} naming the prompt and what is wrong with its definition
 */
export function definePrompt<const Name extends string = never>(definition: PromptDefinition<Name>): Prompt {
  const { name, title, description, icons } = definition;
  if (name === '') throw new Error('a prompt needs a name');
  const fail = failing('prompt', name);
  checkMembers(definition, MEMBERS, fail);
  const requirement = checkRequirement(definition, fail);
  checkFunction(definition.get, 'get', fail);
  const args: Readonly<Record<string, PromptArgument>> = definition.arguments ?? {};
  for (const [argument, described] of Object.entries(args)) {
    checkMembers(described, ARGUMENT_MEMBERS, failing(`prompt ${JSON.stringify(name)}, argument`, argument));
  }
  const listedArguments = Object.entries(args).map(([argument, { complete: _, ...described }]) => ({
    name: argument,
    ...described,
  }));
  return Object.freeze({
    name,
    description,
    arguments: args,
    ...requirement,
    listed: JSON.stringify({ name, title, description, arguments: listedArguments, icons }),
    // Only names that are declared get here.
    get: (given: Readonly<Record<string, string>>, context: HandlerContext) =>
      definition.get(given as Readonly<Partial<Record<Name, string>>>, context),
  });
}
