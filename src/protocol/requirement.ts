// Message -> the scopes and permissions it needs.
//
// Calling, reading and getting need what the thing itself asks for; so do a subscription to a resource and a suggestion
// for one of its variables or arguments. Listing and discovery need only a valid token. What does not exist needs
// nothing: the method itself will say so.

import type { Requirement } from '../policy/authorize.ts';
import { type Catalogue, findResource } from './catalogue.ts';
import { isObject, type Message } from './message.ts';

const NOTHING: Requirement = { scopes: [], permissions: [] };

export function requirementOf(message: Message, catalogue: Catalogue): Requirement {
  if (message.kind === 'response') return NOTHING;
  const { name, uri, ref } = message.params;
  switch (message.method) {
    case 'tools/call':
      return catalogue.toolByName.get(text(name)) ?? NOTHING;
    case 'prompts/get':
      return catalogue.promptByName.get(text(name)) ?? NOTHING;
    case 'resources/read':
    case 'resources/subscribe':
    case 'resources/unsubscribe':
      return findResource(catalogue, text(uri))?.resource ?? NOTHING;
    case 'completion/complete':
      return isObject(ref) ? (completed(ref, catalogue) ?? NOTHING) : NOTHING;
    default:
      return NOTHING;
  }
}

/** The prompt or resource template that a completion refers to. */
export function completed(ref: Readonly<Record<string, unknown>>, catalogue: Catalogue) {
  if (ref.type === 'ref/prompt') return catalogue.promptByName.get(text(ref.name));
  return ref.type === 'ref/resource'
    ? catalogue.templates.find(({ uriTemplate }) => uriTemplate === ref.uri)
    : undefined;
}

/** What is not text names nothing. */
const text = (value: unknown): string => (typeof value === 'string' ? value : '');
