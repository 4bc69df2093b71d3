// server/discover: what a client learns before it uses anything.

import type { DiscoverResult } from '@modelcontextprotocol/server';
import { expect, test } from 'vitest';
import { checkConfig } from '../../../src/config.ts';
import type { RequestMessage } from '../../../src/protocol/message.ts';
import { discover } from '../../../src/protocol/methods/discover.ts';
import type { MethodContext } from '../../../src/protocol/methods/method.ts';

const serverInfo = { name: 'test', title: 'Test', version: '1' };
const MESSAGE: RequestMessage = { kind: 'request', id: 1, method: 'server/discover', params: {}, meta: {} };

async function discovered(settings: object): Promise<unknown> {
  const vars = {
    RESOURCE: 'https://mcp.example.com/mcp',
    AUTHORIZATION_SERVERS: [{ issuer: 'https://issuer.example.com' }],
  };
  const config = checkConfig({ serverInfo, ...settings }, vars);
  const result = await discover(MESSAGE, { config } as MethodContext);
  return JSON.parse('json' in result ? result.json : '');
}

const EXPECTED: DiscoverResult = {
  resultType: 'complete',
  supportedVersions: ['2026-07-28'],
  capabilities: { tools: {} },
  ttlMs: 60_000,
  cacheScope: 'private',
  _meta: { 'io.modelcontextprotocol/serverInfo': serverInfo },
};

test('versions, capabilities and identity are told', async () => {
  expect(await discovered({})).toEqual(EXPECTED);
});

test('instructions are told where there are any, and how long all of it is fresh', async () => {
  const instructions = 'List before you read.';
  expect(await discovered({ instructions, listTtlMs: 0 })).toEqual({ ...EXPECTED, instructions, ttlMs: 0 });
});
