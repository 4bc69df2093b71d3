// A Worker whose every offer is strict.

import { toStandardJsonSchema } from '@valibot/to-json-schema';
import * as v from 'valibot';
import { defineConfig, definePrompt, defineResource, defineRoles, defineTool } from '../../src/kit.ts';
import { createServer } from '../../src/server.ts';

const strict = { scopes: ['secrets:read'], permissions: ['secrets'], freshness: 'strict' } as const;
const complete = () => ['a', 'b'];

const server = createServer({
  config: defineConfig({ serverInfo: { name: 'strict', version: '1' } }),
  roles: defineRoles({ keeper: { permissions: ['secrets'] } }),
  tools: [
    defineTool({
      name: 'strict',
      title: 'Strict',
      description: 'strict',
      input: toStandardJsonSchema(v.object({})),
      ...strict,
      handler: () => 'a secret',
    }),
  ],
  resources: [
    defineResource({
      uri: 'test://open',
      name: 'open',
      description: 'open',
      scopes: [],
      permissions: [],
      read: () => ({ text: 'open' }),
    }),
    defineResource({
      uri: 'test://strict',
      name: 'strict',
      description: 'strict',
      ...strict,
      read: () => ({ text: 'a secret' }),
    }),
    defineResource({
      uriTemplate: 'test://strict/{name}',
      name: 'strict_template',
      description: 'strict',
      ...strict,
      read: ({ name = '' }) => ({ text: name }),
      complete: { name: complete },
    }),
  ],
  prompts: [
    definePrompt({
      name: 'strict',
      title: 'Strict',
      description: 'strict',
      arguments: { about: { description: 'a secret', complete } },
      ...strict,
      get: () => 'a secret',
    }),
  ],
});

export default { fetch: server.fetch } satisfies ExportedHandler<Env>;

export const { ClientSession, DecisionLog, NotificationHub, PolicyRegistry } = server.objects;
