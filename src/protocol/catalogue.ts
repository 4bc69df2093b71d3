// Everything a server offers, in the order it is offered, and found by name.

import type { Prompt } from './prompt.ts';
import type { Resource } from './resource.ts';
import type { Tool } from './tool.ts';

export interface Catalogue {
  readonly tools: readonly Tool[];
  /** Resources at fixed URIs. */
  readonly resources: readonly Resource[];
  readonly templates: readonly Resource[];
  readonly prompts: readonly Prompt[];
  readonly toolByName: ReadonlyMap<string, Tool>;
  readonly promptByName: ReadonlyMap<string, Prompt>;
  readonly resourceByUri: ReadonlyMap<string, Resource>;
}

export interface Offers {
  readonly tools: readonly Tool[];
  readonly resources?: readonly Resource[];
  readonly prompts?: readonly Prompt[];
}

/** @throws {Error} when two tools, prompts or resources have the same name or URI */
export function createCatalogue({ tools, resources = [], prompts = [] }: Offers): Catalogue {
  const fixed = resources.filter(({ uri }) => uri !== undefined);
  const templates = resources.filter(({ template }) => template !== undefined);
  // A cursor names the last entry of a page, so names must be as unique as URIs.
  indexed('resource', fixed, ({ name }) => name);
  indexed('resource template', templates, ({ name }) => name);
  indexed('resource template', templates, ({ uriTemplate }) => uriTemplate ?? '');
  return Object.freeze({
    tools,
    resources: fixed,
    templates,
    prompts,
    toolByName: indexed('tool', tools, ({ name }) => name),
    promptByName: indexed('prompt', prompts, ({ name }) => name),
    resourceByUri: indexed('resource', fixed, ({ uri }) => uri ?? ''),
  });
}

function indexed<T>(kind: string, items: readonly T[], keyOf: (item: T) => string): ReadonlyMap<string, T> {
  const index = new Map<string, T>();
  for (const item of items) {
    const key = keyOf(item);
    if (index.has(key)) throw new Error(`${kind} ${JSON.stringify(key)} is defined twice`);
    index.set(key, item);
  }
  return index;
}

/** The resource a URI names, with the variables of its template. A fixed URI comes before any template. */
export function findResource(
  catalogue: Catalogue,
  uri: string,
): { readonly resource: Resource; readonly variables: Readonly<Record<string, string>> } | undefined {
  if (uri.length > MAX_URI || NEEDLESSLY_ENCODED.test(uri)) return undefined;
  const fixed = catalogue.resourceByUri.get(uri);
  if (fixed) return { resource: fixed, variables: {} };
  for (const resource of catalogue.templates) {
    const variables = resource.template?.match(uri);
    if (variables) return { resource, variables };
  }
  return undefined;
}

const MAX_URI = 2_048;
/** A letter, digit or - . _ ~ that is percent-encoded (RFC 3986 section 2.3): another name for a resource with other needs. */
const NEEDLESSLY_ENCODED = /%(?:2[de]|3\d|4[1-9a-f]|5[\da]|5f|6[1-9a-f]|7[\dae])/i;
