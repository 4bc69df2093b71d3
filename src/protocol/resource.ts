// What a resource is: one URI, or a template for many, with what a caller needs to read it.

import type { Annotations, Icon } from '@modelcontextprotocol/server';
import type { Freshness, Requirement } from '../policy/authorize.ts';
import {
  COMMON_MEMBERS,
  checkFunction,
  checkMembers,
  checkRequirement,
  type Fail,
  failing,
} from './definition.ts';
import type { HandlerContext } from './handler.ts';
import { parseUriTemplate, type UriTemplate } from './uri-template.ts';

/** What reading gives: text or base64, of the resource itself. */
export type ResourceContent =
  | { readonly text: string; readonly mimeType?: string }
  | { readonly blob: string; readonly mimeType?: string };

interface Described extends Requirement {
  readonly name: string;
  readonly title?: string;
  readonly description: string;
  readonly mimeType?: string;
  /** What the user must have let the client do; all of them. */
  readonly scopes: readonly string[];
  /** What the organisation must let the subject do; all of them. */
  readonly permissions: readonly string[];
  /** `strict`, as for a tool (tool.ts). */
  readonly freshness?: Freshness;
  readonly annotations?: Annotations;
  readonly icons?: readonly Icon[];
}

/** One resource at a fixed URI. */
export interface FixedResourceDefinition extends Described {
  readonly uri: string;
  readonly size?: number;
  /** @throws {ToolError} to tell the client why it cannot be read */
  read(context: HandlerContext): ResourceContent | Promise<ResourceContent>;
}

/** Resources that a template names: `report:///{id}`. */
export interface TemplateResourceDefinition extends Described {
  readonly uriTemplate: string;
  /** Gives `undefined` for what does not exist. */
  read(
    variables: Readonly<Record<string, string>>,
    context: HandlerContext,
  ): ResourceContent | undefined | Promise<ResourceContent | undefined>;
  /** Suggestions for a variable that is being typed. */
  readonly complete?: Readonly<
    Record<string, (value: string, context: HandlerContext) => readonly string[] | Promise<readonly string[]>>
  >;
}

/** A checked resource or template; what clients see of it is rendered once. */
export interface Resource extends Requirement {
  readonly name: string;
  readonly uri: string | undefined;
  readonly template: UriTemplate | undefined;
  readonly uriTemplate: string | undefined;
  readonly mimeType: string | undefined;
  /** The entry of the list, as JSON. */
  readonly listed: string;
  readonly read: (
    variables: Readonly<Record<string, string>>,
    context: HandlerContext,
  ) => ResourceContent | undefined | Promise<ResourceContent | undefined>;
  readonly complete: TemplateResourceDefinition['complete'];
}

const MEMBERS = [...COMMON_MEMBERS, 'annotations', 'mimeType', 'read'];
const FIXED_MEMBERS = [...MEMBERS, 'uri', 'size'];
const TEMPLATE_MEMBERS = [...MEMBERS, 'uriTemplate', 'complete'];

/**
 * Declares one resource, or a template for many.
 * @throws {Error} naming the resource and what is wrong with its definition
 */
export function defineResource(definition: FixedResourceDefinition | TemplateResourceDefinition): Resource {
  const { name, title, description, mimeType, annotations, icons } = definition;
  if (name === '') throw new Error('a resource needs a name');
  const fail = failing('resource', name);
  checkMembers(definition, 'uri' in definition ? FIXED_MEMBERS : TEMPLATE_MEMBERS, fail);
  const shared = { name, mimeType, ...checkRequirement(definition, fail) };
  checkFunction(definition.read, 'read', fail);
  const listed = { name, title, description, mimeType, annotations, icons };

  if ('uri' in definition) {
    const { uri, size } = definition;
    if (!URL.canParse(uri)) fail(`uri must be a URI, not ${JSON.stringify(uri)}`);
    return Object.freeze({
      ...shared,
      uri,
      template: undefined,
      uriTemplate: undefined,
      listed: JSON.stringify({ uri, ...listed, size }),
      read: (_variables: unknown, context: HandlerContext) => definition.read(context),
      complete: undefined,
    });
  }
  const { uriTemplate } = definition;
  const template = templateOf(uriTemplate, fail);
  const stray = Object.keys(definition.complete ?? {}).find((key) => !template.variables.includes(key));
  if (stray !== undefined)
    fail(`complete names the variable ${JSON.stringify(stray)}, which the template does not have`);
  return Object.freeze({
    ...shared,
    uri: undefined,
    template,
    uriTemplate,
    listed: JSON.stringify({ uriTemplate, ...listed }),
    read: definition.read.bind(definition),
    complete: definition.complete,
  });
}

function templateOf(uriTemplate: string, fail: Fail): UriTemplate {
  try {
    return parseUriTemplate(uriTemplate);
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error));
  }
}
