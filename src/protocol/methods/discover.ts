// What a server says of itself: server/discover (modern) and the answer to initialize (legacy).

import type { Catalogue } from '../catalogue.ts';
import { SUPPORTED_VERSIONS } from '../era.ts';
import type { Method } from './method.ts';

export const discover: Method = (_message, { config, catalogue }) => ({
  json: JSON.stringify({
    supportedVersions: SUPPORTED_VERSIONS,
    capabilities: capabilities(catalogue),
    instructions: config.instructions,
  }),
  isCacheable: true,
});

/** What is offered, and that changes are told. */
export function capabilities({ resources, templates, prompts }: Catalogue): Readonly<Record<string, object>> {
  const hasResources = resources.length + templates.length > 0;
  return {
    tools: { listChanged: true },
    ...(hasResources ? { resources: { subscribe: true, listChanged: true } } : {}),
    ...(prompts.length > 0 ? { prompts: { listChanged: true } } : {}),
    ...(hasResources || prompts.length > 0 ? { completions: {} } : {}),
    logging: {},
  };
}
