// Of what a client wants to be told, what will it be told? And does every topic arrive whole?

import { expect, test } from 'vitest';
import { createCatalogue, type Offers } from '../../src/protocol/catalogue.ts';
import { definePrompt } from '../../src/protocol/prompt.ts';
import { defineResource } from '../../src/protocol/resource.ts';
import {
  forwardTopics,
  honoured,
  isList,
  isSame,
  listTopics,
  notificationOf,
  resourceTopic,
  type SubscriptionFilter,
} from '../../src/protocol/topics.ts';

const common = { description: 'D', scopes: [] };
const resource = (uri: string, permission: string) =>
  defineResource({ ...common, name: uri, uri, permissions: [permission], read: () => ({ text: '' }) });
const template = defineResource({
  ...common,
  name: 't',
  uriTemplate: 't://{x}',
  permissions: ['t'],
  read: () => undefined,
});
const prompt = definePrompt({ ...common, name: 'p', title: 'P', permissions: ['p'], get: () => '' });

const ALL: Offers = {
  tools: [],
  resources: [resource('a://a', 'a'), resource('a://b', 'b'), template],
  prompts: [prompt],
};
const EVERYTHING = {
  toolsListChanged: true,
  promptsListChanged: true,
  resourcesListChanged: true,
  resourceSubscriptions: ['a://a', 't://1'],
};
const MANY = Array.from({ length: 101 }, (_, index) => `t://${index}`);

interface Row {
  readonly wanted: Readonly<Record<string, unknown>>;
  readonly offers?: Offers;
  readonly forbidden?: readonly string[];
  readonly filter: SubscriptionFilter;
  /** Of the lists. */
  readonly topics: readonly string[];
}
test.each<[string, Row]>([
  ['nothing is honoured where nothing is wanted', { wanted: {}, filter: {}, topics: [] }],
  [
    'all is honoured that there is',
    {
      wanted: EVERYTHING,
      filter: EVERYTHING,
      topics: ['tools', 'prompts', 'resources'],
    },
  ],
  [
    'without resources and prompts only tools can change',
    { wanted: EVERYTHING, offers: { tools: [] }, filter: { toolsListChanged: true }, topics: ['tools'] },
  ],
  [
    'a template alone makes resources',
    {
      wanted: { resourcesListChanged: true },
      offers: { tools: [], resources: [template] },
      filter: { resourcesListChanged: true },
      topics: ['resources'],
    },
  ],
  [
    'a resource the caller may not read is left out',
    {
      wanted: { resourceSubscriptions: ['a://a', 'a://b', 't://1'] },
      forbidden: ['b', 't'],
      filter: { resourceSubscriptions: ['a://a'] },
      topics: [],
    },
  ],
  [
    'a resource that there is not is left out',
    {
      wanted: { resourceSubscriptions: ['a://c', 't://1/2'] },
      filter: { resourceSubscriptions: [] },
      topics: [],
    },
  ],
  [
    'lists of what a caller may not use are told of: they need only a valid token',
    {
      wanted: { promptsListChanged: true, resourcesListChanged: true },
      forbidden: ['a', 'b', 't', 'p'],
      filter: { promptsListChanged: true, resourcesListChanged: true },
      topics: ['prompts', 'resources'],
    },
  ],
  [
    'a resource wanted twice is told of once',
    {
      wanted: { resourceSubscriptions: ['a://a', 'a://a'] },
      filter: { resourceSubscriptions: ['a://a'] },
      topics: [],
    },
  ],
  [
    'no more than 100 resources are told of',
    {
      wanted: { resourceSubscriptions: MANY },
      filter: { resourceSubscriptions: MANY.slice(0, 100) },
      topics: [],
    },
  ],
  [
    'what is no text names no resource',
    {
      wanted: { resourceSubscriptions: [5, null, ['a://a'], 'a://a'] },
      filter: { resourceSubscriptions: ['a://a'] },
      topics: [],
    },
  ],
  [
    'only true is a wish, and only a list is one',
    {
      wanted: {
        toolsListChanged: 1,
        promptsListChanged: 'true',
        resourcesListChanged: false,
        resourceSubscriptions: 'a://a',
        unknown: true,
      },
      filter: {},
      topics: [],
    },
  ],
])('%s', (_, { wanted, offers = ALL, forbidden = [], filter, topics }) => {
  const mayUse = ({ permissions }: { permissions: readonly string[] }) =>
    !permissions.some((permission) => forbidden.includes(permission));
  expect(honoured(wanted, createCatalogue(offers), mayUse)).toEqual({
    filter,
    lists: topics,
    uris: filter.resourceSubscriptions ?? [],
  });
});

test('a URI with a line break in it is not listened to', () => {
  const wanted = { resourceSubscriptions: ['t://x\ntools', 't://x\rtools'] };
  expect(honoured(wanted, createCatalogue(ALL), () => true).uris).toEqual([]);
});

test.each<[string, string | undefined, string, object]>([
  ['tools', undefined, 'notifications/tools/list_changed', {}],
  ['prompts', undefined, 'notifications/prompts/list_changed', {}],
  ['resources', undefined, 'notifications/resources/list_changed', {}],
  ['resource:00', 'a://b', 'notifications/resources/updated', { uri: 'a://b' }],
])('the topic %s of %s is told as %s', (topic, uri, method, params) => {
  expect(notificationOf(topic, uri)).toEqual({ method, params });
});

test('the topic of a resource is 128 bits of a hash, however long its URI, and no list', async () => {
  const topics = await Promise.all(
    ['a://b', `a://${'x'.repeat(2_000)}`, 'tools', 'a://b\ntools'].map(resourceTopic),
  );
  for (const topic of topics) expect(topic).toMatch(/^resource:[0-9a-f]{32}$/);
  expect(new Set(topics).size).toBe(topics.length);
  expect(topics.some(isList)).toBe(false);
});

test('URIs that are too long together are listened to as far as they fit', () => {
  const long = Array.from({ length: 20 }, (_, index) => `t://${String(index).padStart(1_995, 'x')}`);
  const { uris, filter } = honoured(
    { resourceSubscriptions: [...long, 'a://a'] },
    createCatalogue(ALL),
    () => true,
  );
  expect(uris).toEqual([...long.slice(0, 8), 'a://a']);
  expect(filter.resourceSubscriptions).toEqual(uris);
});

test.each<[string, Offers, readonly string[]]>([
  ['everything', ALL, ['tools', 'prompts', 'resources']],
  ['tools alone', { tools: [] }, ['tools']],
  ['a template', { tools: [], resources: [template] }, ['tools', 'resources']],
])('the lists of a server with %s are those it has', (_, offers, lists) => {
  expect(listTopics(createCatalogue(offers))).toEqual(lists);
  expect(lists.every(isList)).toBe(true);
});

test.each<[string, string, boolean]>([
  ['', '', true],
  ['ab', 'ba', true],
  ['ab', 'a', false],
  ['a', 'ab', false],
  ['ab', 'ac', false],
])('permissions %j and %j are the same: %s', (some, others, expected) => {
  expect(isSame(new Set(some), new Set(others))).toBe(expected);
});

/** A stream of these chunks, which then ends or breaks. */
function reader(chunks: readonly Uint8Array[], end: 'closes' | 'breaks' = 'closes') {
  const rest = [...chunks];
  const source = new ReadableStream<Uint8Array>({
    pull(controller) {
      const chunk = rest.shift();
      if (chunk) controller.enqueue(chunk);
      else if (end === 'closes') controller.close();
      else controller.error(new Error('gone'));
    },
  });
  return source.getReader();
}
async function forwarded(chunks: readonly Uint8Array[], end?: 'closes' | 'breaks'): Promise<string[]> {
  const topics: string[] = [];
  await forwardTopics(reader(chunks, end), (topic) => topics.push(topic));
  return topics;
}
const utf8 = (text: string) => new TextEncoder().encode(text);

test.each(['closes', 'breaks'] as const)(
  'topics arrive whole wherever the stream is cut, and it %s quietly',
  async (end) => {
    const whole = utf8('\ntools\nresource:a://\u20ac\n\nprompts\n');
    const expected = ['tools', 'resource:a://\u20ac', 'prompts'];
    for (let size = 1; size <= whole.length; size += 1) {
      const chunks = Array.from({ length: Math.ceil(whole.length / size) }, (_, index) =>
        whole.subarray(index * size, (index + 1) * size),
      );
      expect(await forwarded(chunks, end), `pieces of ${size}`).toEqual(expected);
    }
  },
);

test('a topic that was cut off is not told', async () => {
  expect(await forwarded([utf8('tools\nresou')])).toEqual(['tools']);
  expect(await forwarded([])).toEqual([]);
});

test('a stream that is cancelled ends quietly', async () => {
  const source = new ReadableStream<Uint8Array>().getReader();
  const forwarding = forwardTopics(source, () => {});
  await source.cancel();
  await expect(forwarding).resolves.toBeUndefined();
});
