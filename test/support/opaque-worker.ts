// The example app with the feature of opaque tokens.

import { config } from '../../src/app/config.ts';
import { prompts } from '../../src/app/prompts.ts';
import { resources } from '../../src/app/resources.ts';
import { roles } from '../../src/app/roles.ts';
import { tools } from '../../src/app/tools/index.ts';
import { opaqueTokens } from '../../src/kit.ts';
import { createServer } from '../../src/server.ts';

const server = createServer({ config, roles, tools, resources, prompts, features: [opaqueTokens()] });

export default { fetch: server.fetch } satisfies ExportedHandler<Env>;

export const { ClientSession, DecisionLog, NotificationHub, PolicyRegistry } = server.objects;
