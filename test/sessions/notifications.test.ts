// Several hubs as one stream: all of them listen, or none does.

import { expect, test } from 'vitest';
import { openTopics } from '../../src/sessions/notifications.ts';

const CONFIG = {
  notificationShards: 4,
  objectJurisdiction: undefined,
  objectLocationHint: undefined,
};
const OWNER = { issuer: 'i', subject: 's' };
const TOPICS = ['tools', ...Array.from({ length: 20 }, (_, index) => `resource:a://${index}`)];

/** Hubs of which some cannot be reached; `open` are the names of those that still have a listener. */
function hubs(isDown: (name: string) => boolean) {
  const open = new Set<string>();
  const started: string[] = [];
  const listen = (name: string, topics: readonly string[]) => {
    if (isDown(name)) throw new Error(`${name} is overloaded`);
    open.add(name);
    started.push(name);
    const lines = ['', ...topics].map((topic) => new TextEncoder().encode(`${topic}\n`));
    return new ReadableStream({
      pull: (controller) => {
        const line = lines.shift();
        if (line) controller.enqueue(line);
      },
      cancel: () => void open.delete(name),
    });
  };
  const namespace = {
    idFromName: (name: string) => name,
    get: (name: string) => ({ listen: async (topics: readonly string[]) => listen(name, topics) }),
  };
  return { open, started, env: { NOTIFICATION_HUB: namespace } as unknown as Env };
}

test('topics of all hubs come on one stream, and cancelling it ends the listening everywhere', async () => {
  const { env, open } = hubs(() => false);
  const reader = (await openTopics(env, TOPICS, OWNER, CONFIG)).getReader();
  expect([...open].sort()).toEqual(['hub-0', 'hub-1', 'hub-2', 'hub-3']);
  const heard = new Set<string>();
  while (heard.size < TOPICS.length) heard.add(new TextDecoder().decode((await reader.read()).value).trim());
  expect([...heard].sort()).toEqual([...TOPICS].sort());
  await reader.cancel();
  expect([...open]).toEqual([]);
});

test.each(['hub-0', 'hub-2'])('when %s cannot be reached, no other goes on listening', async (down) => {
  const { env, open, started } = hubs((name) => name === down);
  await expect(openTopics(env, TOPICS, OWNER, CONFIG)).rejects.toThrow(`${down} is overloaded`);
  expect(started).toHaveLength(3);
  await new Promise((resolve) => setTimeout(resolve));
  expect([...open]).toEqual([]);
});
