// What a client can be told about, and the notification for it. Topics are what change notifications are published under.

import { sha256 } from '../hash.ts';
import type { Requirement } from '../policy/authorize.ts';
import { type Catalogue, findResource } from './catalogue.ts';

/** `tools`, `prompts`, `resources`: the lists. `resource:` and a hash of a URI: one resource. */
export type Topic = string;

/** Resources that one stream, or one session of the older era, may hear of, and how long their URIs may be together. */
export const MAX_SUBSCRIPTIONS = 100;
const MAX_SUBSCRIBED_CHARACTERS = 16_384;

/** The lists there are: those of something this server has. */
export function listTopics({ prompts, resources, templates }: Catalogue): readonly Topic[] {
  const topics: Topic[] = ['tools'];
  if (prompts.length > 0) topics.push('prompts');
  if (resources.length + templates.length > 0) topics.push('resources');
  return topics;
}

export const isList = (topic: Topic): boolean => !topic.startsWith('resource:');

/** 128 bits of a hash: URIs may be long, and hubs keep what everybody listens to. */
export const resourceTopic = async (uri: string): Promise<Topic> =>
  `resource:${(await sha256(uri)).slice(0, 32)}`;

/** The notification of a topic, without `_meta`. `uri` is that of a resource. */
export function notificationOf(
  topic: Topic,
  uri?: string,
): { readonly method: string; readonly params: Readonly<Record<string, unknown>> } {
  return uri === undefined
    ? { method: `notifications/${topic}/list_changed`, params: {} }
    : { method: 'notifications/resources/updated', params: { uri } };
}

/** What a client asks to be told about, as in `subscriptions/listen`. */
export interface SubscriptionFilter {
  toolsListChanged?: boolean;
  promptsListChanged?: boolean;
  resourcesListChanged?: boolean;
  resourceSubscriptions?: string[];
}

/** The part of a filter that can be honoured: what there is, what the caller may read, and not too much of it. */
export function honoured(
  wanted: Readonly<Record<string, unknown>>,
  catalogue: Catalogue,
  mayUse: (requirement: Requirement) => boolean,
): {
  readonly filter: SubscriptionFilter;
  readonly lists: readonly Topic[];
  readonly uris: readonly string[];
} {
  const filter: SubscriptionFilter = {};
  const lists: Topic[] = [];
  const offered = listTopics(catalogue);
  if (wanted.toolsListChanged === true) {
    filter.toolsListChanged = true;
    lists.push('tools');
  }
  if (wanted.promptsListChanged === true && offered.includes('prompts')) {
    filter.promptsListChanged = true;
    lists.push('prompts');
  }
  const hasResources = offered.includes('resources');
  if (wanted.resourcesListChanged === true && hasResources) {
    filter.resourcesListChanged = true;
    lists.push('resources');
  }
  if (Array.isArray(wanted.resourceSubscriptions) && hasResources) {
    const uris = new Set(
      wanted.resourceSubscriptions.slice(0, MAX_SUBSCRIPTIONS).filter((uri) => typeof uri === 'string'),
    );
    let room = MAX_SUBSCRIBED_CHARACTERS;
    filter.resourceSubscriptions = [...uris].filter((uri) => {
      const found = findResource(catalogue, uri);
      if (uri.length > room || !found || !mayUse(found.resource)) return false;
      room -= uri.length;
      return true;
    });
  }
  return { filter, lists, uris: filter.resourceSubscriptions ?? [] };
}

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
