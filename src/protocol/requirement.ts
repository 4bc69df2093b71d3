// Message -> the scopes and permissions it needs.
//
// Calling, reading and getting need what the thing itself asks for; so do a subscription to a resource and a suggestion
// for one of its variables or arguments. Listing and discovery need only a valid token. What does not exist needs
// nothing: the method itself will say so.

import type { Requirement } from '../policy/authorize.ts';
import { isRecord } from '../shapes.ts';
import { type Catalogue, findResource } from './catalogue.ts';
import type { Message } from './message.ts';
import { MAX_SUBSCRIPTIONS } from './topics.ts';

type IsAllowed = (requirement: Requirement) => boolean;

export const NOTHING: Requirement = { scopes: [], permissions: [] };

/** `isAllowed`, where it is known: what may not be heard of anyway decides nothing about how fresh a decision has to be. */
export function requirementOf(
  message: Message,
  catalogue: Catalogue,
  isAllowed: IsAllowed = () => true,
): Requirement {
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
      return isRecord(ref) ? (completed(ref, catalogue) ?? NOTHING) : NOTHING;
    case 'subscriptions/listen': {
      // What may not be read is left out of what is heard; only how fresh that decision has to be is decided here.
      const { notifications } = message.params;
      const uris = isRecord(notifications) ? notifications.resourceSubscriptions : undefined;
      return Array.isArray(uris)
        ? strictest(uris.slice(0, MAX_SUBSCRIPTIONS), catalogue, isAllowed)
        : NOTHING;
    }
    default:
      return NOTHING;
  }
}

/** Nothing, decided as freshly as the most delicate of these resources wants it. */
export function strictest(uris: readonly unknown[], catalogue: Catalogue, isAllowed: IsAllowed): Requirement {
  const isStrict = uris.some((uri) => {
    const resource = findResource(catalogue, text(uri))?.resource;
    return resource?.freshness === 'strict' && isAllowed(resource);
  });
  return isStrict ? { ...NOTHING, freshness: 'strict' } : NOTHING;
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
