// Offers that the example app lacks: a resource whose template has everything that a template may have, and a tool with an
// argument that clients repeat as a header.

import { string } from 'valibot';
import { config } from '../../src/app/config.ts';
import { object } from '../../src/app/reports.ts';
import { roles } from '../../src/app/roles.ts';
import { defineResource, defineTool } from '../../src/kit.ts';
import { createServer } from '../../src/server.ts';

const file = defineResource({
  uriTemplate: 'file:///{volume}/{+path}/{version}/{part}/end',
  name: 'file',
  description: 'Says how long what its variables stand for is.',
  scopes: ['reports:read'],
  permissions: ['reports:read'],
  read: (variables: Readonly<Record<string, string>>) => ({
    text: JSON.stringify(Object.entries(variables).map(([name, value]) => [name, value.length])),
  }),
});

const weather = defineTool({
  name: 'weather',
  title: 'Weather',
  description: 'Says where.',
  input: object({ region: string() }),
  headers: { region: 'Region' },
  scopes: ['reports:read'],
  permissions: ['reports:read'],
  handler: ({ region }) => region,
});

const server = createServer({ config, roles, tools: [weather], resources: [file] });

export default { fetch: server.fetch } satisfies ExportedHandler<Env>;

export const { ClientSession, DecisionLog, NotificationHub, PolicyRegistry } = server.objects;
