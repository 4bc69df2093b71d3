// A Worker whose tools send, ask and wait: what the example app does not need, made of the public kit.

import { env as importable } from 'cloudflare:workers';
import { toStandardJsonSchema } from '@valibot/to-json-schema';
import * as v from 'valibot';
import {
  defineConfig,
  defineResource,
  defineRoles,
  defineTool,
  type HandlerContext,
  opaqueTokens,
  ToolError,
} from '../../src/kit.ts';
import { createServer } from '../../src/server.ts';

const open = { scopes: [], permissions: [] };
const kept = { scopes: ['secrets:read'], permissions: ['secrets'] };
const input = toStandardJsonSchema(v.object({ times: v.optional(v.number()), text: v.optional(v.string()) }));
const confirmation = {
  type: 'object' as const,
  properties: { confirm: { type: 'boolean' as const } },
  required: ['confirm'],
};
let asked = 0;
let prices = 0;

type Waiting = Pick<HandlerContext, 'progress' | 'releaseStream' | 'signal' | 'env' | 'requestId'>;

/** Until it is cancelled, which it writes down. */
async function wait(
  text: string | undefined,
  { progress, releaseStream, signal, env, requestId }: Waiting,
): Promise<never> {
  if (text !== 'silently') progress(1);
  if (text === 'alone') releaseStream(50);
  // Something has to be pending, or the runtime takes the request for hung.
  const timer = setInterval(() => {}, 100);
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
  clearInterval(timer);
  await env.REPORTS.put('cancelled', requestId);
  throw new ToolError('cancelled');
}

const tools = [
  defineTool({
    name: 'count',
    title: 'Count',
    description: 'Reports progress as often as told, then answers.',
    input,
    ...open,
    handler: async ({ times = 3 }, { progress, log }) => {
      for (let step = 1; step <= times; step += 1) {
        progress(step, times, `step ${step}`);
        log('info', { step });
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      return `counted to ${times}`;
    },
  }),
  defineTool({
    name: 'leave_and_return',
    title: 'Leave and return',
    description: 'Lets the client go, and answers later.',
    input,
    ...open,
    handler: async (_input, { progress, releaseStream }) => {
      progress(1);
      releaseStream(50);
      await new Promise((resolve) => setTimeout(resolve, 200));
      progress(2);
      return 'finished while nobody was connected';
    },
  }),
  defineTool({
    name: 'confirm',
    title: 'Confirm',
    description: 'Asks before it answers.',
    input,
    ...open,
    handler: async ({ text = '' }, { elicit }) => {
      const { action, content } = await elicit({
        message: `Sure about ${text}?`,
        requestedSchema: confirmation,
      });
      if (action !== 'accept') throw new ToolError(`The user said ${action}.`);
      asked += 1;
      return `${text}: ${content?.confirm}`;
    },
  }),
  defineTool({
    name: 'confirm_price',
    title: 'Confirm a price',
    description: 'Asks about a price that is another one every time.',
    input,
    ...open,
    handler: async (_input, { elicit }) => {
      prices += 1;
      const { action } = await elicit({ message: `Pay ${prices}?`, requestedSchema: confirmation });
      return `paid: ${action}`;
    },
  }),
  defineTool({
    name: 'confirm_once',
    title: 'Confirm once',
    description: 'Asks before it answers; an answer serves once.',
    input,
    ...open,
    answersOnce: true,
    handler: async ({ text = '' }, { elicit }) => {
      const { action } = await elicit({ message: `Sure about ${text}?`, requestedSchema: confirmation });
      return `${text}: ${action}`;
    },
  }),
  defineTool({
    name: 'ask_everything',
    title: 'Ask everything',
    description: 'Asks the user, the model and for the roots at once, then the user again.',
    input,
    ...open,
    handler: async (_input, { elicit, sample, listRoots }) => {
      const [first, model, roots] = await Promise.all([
        elicit({ message: 'One?', requestedSchema: confirmation }),
        sample({ messages: [{ role: 'user', content: { type: 'text', text: 'Two?' } }], maxTokens: 10 }),
        listRoots(),
      ]);
      const second = await elicit({ message: 'Three?', requestedSchema: confirmation });
      return JSON.stringify([first.action, model.model, roots.length, second.action]);
    },
  }),
  defineTool({
    name: 'wait',
    title: 'Wait',
    description:
      'Sends something and waits until it is cancelled; can let the client go, or send nothing at all.',
    input,
    ...open,
    handler: ({ text }, context) => wait(text, context),
  }),
  defineTool({
    name: 'deaf',
    title: 'Deaf',
    description: 'Waits for a while and does not notice that it is cancelled.',
    input,
    scopes: [],
    permissions: ['secrets'],
    handler: async () => {
      await new Promise((resolve) => setTimeout(resolve, 30_000));
      return 'too late';
    },
  }),
  defineTool({
    name: 'wait_guarded',
    title: 'Wait, guarded',
    description: 'The same, for those who have a permission.',
    input,
    scopes: [],
    permissions: ['secrets'],
    handler: ({ text }, context) => wait(text, context),
  }),
  defineTool({
    name: 'confirm_strictly',
    title: 'Confirm strictly',
    description: 'Asks before it answers, those who have the permission at that moment.',
    input,
    ...kept,
    freshness: 'strict',
    handler: async ({ text = '' }, { elicit, env }) => {
      const { action } = await elicit({ message: `Sure about ${text}?`, requestedSchema: confirmation });
      await env.REPORTS.put('confirmed', text);
      return `${text}: ${action}`;
    },
  }),
  defineTool({
    name: 'bindings',
    title: 'Bindings',
    description: 'Tells which bindings and variables it can see.',
    input,
    ...open,
    handler: (_input, { env }) =>
      JSON.stringify({ own: Object.keys(env).sort(), imported: Object.keys(importable).sort() }),
  }),
  defineTool({
    name: 'large',
    title: 'Large',
    description: 'Lets the client go, and answers with a text as long as told, after a notification as long.',
    input,
    ...open,
    handler: async ({ times = 0 }, { progress, log, releaseStream }) => {
      progress(1);
      releaseStream(50);
      await new Promise((resolve) => setTimeout(resolve, 2_000));
      log('info', 'x'.repeat(times));
      return 'x'.repeat(times);
    },
  }),
  defineTool({
    name: 'guarded',
    title: 'Guarded',
    description: 'Needs a scope and a permission; lets the client go before it answers.',
    input,
    scopes: ['secrets:read'],
    permissions: ['secrets'],
    handler: async (_input, { progress, releaseStream }) => {
      progress(1);
      releaseStream(50);
      return 'a secret';
    },
  }),
  defineTool({
    name: 'change',
    title: 'Change',
    description: 'Says that something has changed.',
    input,
    ...open,
    handler: async ({ text = '' }, { notify }) => {
      if (text === 'tools') await notify.toolsChanged();
      else await notify.resourceUpdated(text);
      return 'told';
    },
  }),
];

const resource = (name: string, scopes: readonly string[], permissions: readonly string[] = []) =>
  defineResource({
    uri: `test://${name}`,
    name,
    description: name,
    scopes,
    permissions,
    read: () => ({ text: name }),
  });

const server = createServer({
  features: [opaqueTokens()],
  config: defineConfig({ serverInfo: { name: 'streaming', version: '1' } }),
  roles: defineRoles({ keeper: { permissions: ['secrets'] } }),
  tools,
  resources: [
    resource('open', []),
    resource('closed', ['secrets:read']),
    resource('kept', [], ['secrets']),
    defineResource({
      uri: 'test://strict',
      name: 'strict',
      description: 'strict',
      ...kept,
      freshness: 'strict',
      read: () => ({ text: 'a secret' }),
    }),
    defineResource({
      uriTemplate: 'test://strict/{name}',
      name: 'strict_template',
      description: 'strict',
      ...kept,
      freshness: 'strict',
      read: ({ name = '' }) => ({ text: name }),
    }),
  ],
});

export default {
  fetch: async (request, env, context) => {
    if (new URL(request.url).pathname === '/asked') return Response.json(asked);
    return server.fetch(request as never, env, context);
  },
} satisfies ExportedHandler<Env>;

export const { ClientSession, DecisionLog, NotificationHub, PolicyRegistry } = server.objects;
