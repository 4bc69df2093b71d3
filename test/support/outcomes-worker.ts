// A Worker whose tools end in every way a tool can, with sinks of the test's own, also in its Durable Objects.
//
// GET /sent reads what the Queue and Analytics Engine got.

import { toStandardJsonSchema } from '@valibot/to-json-schema';
import * as v from 'valibot';
import {
  defineConfig,
  defineRoles,
  defineTool,
  type HandlerContext,
  Refused,
  ToolError,
} from '../../src/kit.ts';
import { createServer } from '../../src/server.ts';

const input = toStandardJsonSchema(v.object({ how: v.string(), amount: v.optional(v.unknown()) }));
const requestedSchema = {
  type: 'object' as const,
  properties: { confirm: { type: 'boolean' as const } },
  required: ['confirm'],
};
const after = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Until it is cancelled. Something has to be pending, or the runtime takes the request for hung. */
async function cancelled(signal: AbortSignal): Promise<void> {
  const timer = setInterval(() => {}, 100);
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
  clearInterval(timer);
}

type How = (context: HandlerContext) => Promise<string> | string;

const WAYS: Readonly<Record<string, How>> = {
  complete: () => 'paid',
  error: () => {
    throw new ToolError('no such payment');
  },
  refuse: () => {
    throw new Refused('not above your limit');
  },
  fail: () => {
    throw new Error('the provider said 500');
  },
  ask: async ({ elicit }) => {
    const { action } = await elicit({ message: 'Sure?', requestedSchema });
    if (action !== 'accept') throw new ToolError(`The user said ${action}.`);
    return 'paid';
  },
  ask_and_fail: async ({ elicit }) => {
    await elicit({ message: 'Sure?', requestedSchema });
    throw new Error('the provider said 500');
  },
  ask_and_go_on: async ({ elicit }) => {
    await elicit({ message: 'Sure?', requestedSchema });
    return 'paid anyway';
  },
  ask_twice: async ({ elicit }) => {
    await elicit({ message: 'Sure?', requestedSchema });
    const { action } = await elicit({ message: 'Really?', requestedSchema });
    if (action !== 'accept') throw new ToolError('no');
    return 'paid';
  },
  tell: async ({ progress }) => {
    progress(1);
    await after(100);
    return 'paid';
  },
  tell_and_refuse: async ({ progress }) => {
    progress(1);
    await after(100);
    throw new Refused('not today');
  },
  tell_and_ask: async ({ progress, elicit }) => {
    progress(1);
    await elicit({ message: 'Sure?', requestedSchema });
    return 'paid';
  },
  wait: async ({ progress, signal }) => {
    progress(1);
    await cancelled(signal);
    throw new DOMException('it was cancelled', 'AbortError');
  },
  wait_silently: async ({ signal }) => {
    await cancelled(signal);
    throw new ToolError('it was cancelled');
  },
  wait_and_pay: async ({ progress, signal }) => {
    progress(1);
    await cancelled(signal);
    return 'paid all the same';
  },
  large: async ({ progress, releaseStream }) => {
    progress(1);
    releaseStream(50);
    await after(1_000);
    return 'x'.repeat(3_000);
  },
};

const described = { title: 'Pay', description: 'Pays.', input, scopes: [], permissions: [] };
const handler = ({ how }: { how: string }, context: HandlerContext) => {
  const way = WAYS[how];
  if (!way) throw new ToolError('no such way');
  return way(context);
};

const server = createServer({
  config: defineConfig({ serverInfo: { name: 'outcomes', version: '1' } }),
  roles: defineRoles({ payer: { permissions: ['pay'] }, operator: { permissions: ['mcp:operate'] } }),
  tools: [
    defineTool({ ...described, name: 'pay', handler }),
    defineTool({ ...described, name: 'pay_guarded', permissions: ['pay'], handler }),
    defineTool({ ...described, name: 'pay_noted', auditArguments: true, handler }),
    defineTool({
      ...described,
      name: 'who',
      handler: (_input, { principal }) => JSON.stringify(principal.act ?? null),
    }),
  ],
});

const sent: { messages: unknown[]; points: unknown[] } = { messages: [], points: [] };
const sinks = {
  AUDIT_QUEUE: { sendBatch: async (messages: Iterable<unknown>) => void sent.messages.push(...messages) },
  AUDIT_ANALYTICS: { writeDataPoint: (point: unknown) => void sent.points.push(point) },
};

export class ClientSession extends server.objects.ClientSession {
  constructor(state: DurableObjectState, env: Env) {
    super(state, { ...env, ...sinks });
  }
}

export const { DecisionLog, NotificationHub, PolicyRegistry } = server.objects;

export default {
  async fetch(request, env, context) {
    if (new URL(request.url).pathname === '/sent') return Response.json(sent);
    return server.fetch(request as never, { ...env, ...sinks } as Env, context);
  },
} satisfies ExportedHandler<Env>;
