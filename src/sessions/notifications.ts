// Publishing and hearing of changes, across isolates: which hub a topic belongs to, and several hubs as one stream.

import type { Config } from '../config.ts';
import type { Grant } from '../grant.ts';
import { sha256 } from '../hash.ts';
import { notificationHub } from '../objects.ts';
import type { Notifier } from '../protocol/handler.ts';
import { resourceTopic, type Topic } from '../protocol/topics.ts';

type HubConfig = Pick<Config, 'notificationShards' | 'objectJurisdiction' | 'objectLocationHint'>;

export function createNotifier(env: Env, config: HubConfig): Notifier {
  const publish = async (topic: Topic): Promise<void> => {
    await notificationHub(env, shardOf(topic, config), config).publish(topic);
  };
  return {
    resourceUpdated: async (uri) => publish(await resourceTopic(uri)),
    toolsChanged: () => publish('tools'),
    promptsChanged: () => publish('prompts'),
    resourcesChanged: () => publish('resources'),
  };
}

/** Topics as they are published, one per line. Returns when every hub involved is listening. @throws when one does not */
export async function openTopics(
  env: Env,
  topics: readonly Topic[],
  { issuer, subject }: Pick<Grant, 'issuer' | 'subject'>,
  config: HubConfig,
): Promise<ReadableStream<Uint8Array>> {
  // Hubs know nobody's name.
  const owner = (await sha256(JSON.stringify([issuer, subject]))).slice(0, 32);
  const byShard = Map.groupBy(topics, (topic) => shardOf(topic, config));
  const readers: ReadableStreamDefaultReader<Uint8Array>[] = [];
  const opened = await Promise.allSettled(
    Array.from(byShard, async ([shard, ofShard]) => {
      const source = await notificationHub(env, shard, config).listen(ofShard, owner);
      const reader = (source as ReadableStream<Uint8Array>).getReader();
      readers.push(reader);
      await reader.read();
    }),
  );
  const failed = opened.find(({ status }) => status === 'rejected');
  if (failed) {
    // Nobody will read what the other hubs send: they must not go on.
    for (const reader of readers) void reader.cancel().catch(() => {});
    throw (failed as PromiseRejectedResult).reason;
  }
  return new ReadableStream({
    start(controller) {
      for (const reader of readers) {
        void pump(reader, controller).catch(() => {
          // One hub is gone: end the whole, so that whoever reads comes back for all of it.
          for (const other of readers) void other.cancel().catch(() => {});
          try {
            controller.close();
          } catch {
            // It was cancelled in the meantime.
          }
        });
      }
    },
    async cancel() {
      await Promise.allSettled(readers.map((reader) => reader.cancel()));
    },
  });
}

/** @throws when the hub goes away */
async function pump(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  controller: ReadableStreamDefaultController<Uint8Array>,
): Promise<void> {
  for (;;) {
    const { done, value } = await reader.read();
    if (done) throw new Error('the hub ended the stream');
    controller.enqueue(value);
  }
}

/** FNV-1a. The three lists share a hub, so that listening to all of them takes one stream. */
function shardOf(topic: Topic, { notificationShards }: HubConfig): number {
  if (!topic.startsWith('resource:')) return 0;
  let hash = 0x811c9dc5;
  for (let index = 0; index < topic.length; index += 1)
    hash = Math.imul(hash ^ topic.charCodeAt(index), 0x01000193);
  return (hash >>> 0) % notificationShards;
}
