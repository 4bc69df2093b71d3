// server/discover: versions, capabilities and identity (MCP 2026-07-28, server/discover).

import { SUPPORTED_VERSIONS } from '../era.ts';
import { type Method, serverMeta } from './method.ts';

export const discover: Method = (_message, { config }) => ({
  json: JSON.stringify({
    resultType: 'complete',
    supportedVersions: SUPPORTED_VERSIONS,
    capabilities: { tools: {} },
    instructions: config.instructions,
    ttlMs: config.listTtlMs,
    cacheScope: 'private',
    _meta: serverMeta(config),
  }),
});
