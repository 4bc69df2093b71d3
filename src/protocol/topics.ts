// What a client can be told about, and the notification for it. Topics are what change notifications are published under.

import type { Requirement } from '../policy/authorize.ts';
import type { Catalogue } from './catalogue.ts';
import { findResource } from './catalogue.ts';

/** `tools`, `prompts`, `resources`: the lists. `resource:` and a URI: one resource. */
export type Topic = string;

/** The lists there are: those of something this server has. */
export function listTopics({ prompts, resources, templates }: Catalogue): readonly Topic[] {
  const topics: Topic[] = ['tools'];
  if (prompts.length > 0) topics.push('prompts');
  if (resources.length + templates.length > 0) topics.push('resources');
  return topics;
}

export const isList = (topic: Topic): boolean => !topic.startsWith('resource:');
export const resourceTopic = (uri: string): Topic => `resource:${uri}`;

/** The notification of a topic, without `_meta`. */
export function notificationOf(topic: Topic): {
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>>;
} {
  if (!isList(topic)) {
    return { method: 'notifications/resources/updated', params: { uri: topic.slice('resource:'.length) } };
  }
  return { method: `notifications/${topic}/list_changed`, params: {} };
}

/** What a client asks to be told about, as in `subscriptions/listen`. */
export interface SubscriptionFilter {
  toolsListChanged?: boolean;
  promptsListChanged?: boolean;
  resourcesListChanged?: boolean;
  resourceSubscriptions?: string[];
}

/** The part of a filter that can be honoured: what there is, and what the caller may read. */
export function honoured(
  wanted: Readonly<Record<string, unknown>>,
  catalogue: Catalogue,
  mayUse: (requirement: Requirement) => boolean,
): { readonly filter: SubscriptionFilter; readonly topics: readonly Topic[] } {
  const filter: SubscriptionFilter = {};
  const topics: Topic[] = [];
  const lists = listTopics(catalogue);
  if (wanted.toolsListChanged === true) {
    filter.toolsListChanged = true;
    topics.push('tools');
  }
  if (wanted.promptsListChanged === true && lists.includes('prompts')) {
    filter.promptsListChanged = true;
    topics.push('prompts');
  }
  const hasResources = lists.includes('resources');
  if (wanted.resourcesListChanged === true && hasResources) {
    filter.resourcesListChanged = true;
    topics.push('resources');
  }
  if (Array.isArray(wanted.resourceSubscriptions) && hasResources) {
    const uris = new Set(
      wanted.resourceSubscriptions.slice(0, MAX_RESOURCES).filter((uri) => typeof uri === 'string'),
    );
    const readable = [...uris].filter((uri) => {
      const found = findResource(catalogue, uri);
      return found !== undefined && mayUse(found.resource);
    });
    filter.resourceSubscriptions = readable;
    topics.push(...readable.map(resourceTopic));
  }
  return { filter, topics };
}

/** Of one subscription. */
const MAX_RESOURCES = 100;

/** Whether what a caller sees of the lists is the same with both. */
export const isSame = (some: ReadonlySet<string>, others: ReadonlySet<string>): boolean =>
  some === others || (some.size === others.size && [...some].every((permission) => others.has(permission)));

/** Calls `each` for every topic of a stream that has one per line. Never rejects. */
export async function forwardTopics(
  source: ReadableStreamDefaultReader<Uint8Array>,
  each: (topic: Topic) => void,
): Promise<void> {
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for (;;) {
      const { done, value } = await source.read();
      if (done) return;
      const lines = (rest + decoder.decode(value, { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line !== '') each(line);
    }
  } catch {
    // Cancelled, or the hub is gone; both end the stream.
  }
}
