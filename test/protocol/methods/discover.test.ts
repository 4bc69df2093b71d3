// What a client learns before it uses anything: server/discover, and the same capabilities for initialize.

import { expect, test } from 'vitest';
import { type Catalogue, createCatalogue } from '../../../src/protocol/catalogue.ts';
import type { RequestMessage } from '../../../src/protocol/message.ts';
import { capabilities, discover } from '../../../src/protocol/methods/discover.ts';
import type { MethodContext } from '../../../src/protocol/methods/method.ts';
import { definePrompt } from '../../../src/protocol/prompt.ts';
import { defineResource } from '../../../src/protocol/resource.ts';

const MESSAGE: RequestMessage = { kind: 'request', id: 1, method: 'server/discover', params: {}, meta: {} };

const needs = { description: 'D', scopes: [], permissions: ['nobody has'] };
const fixed = defineResource({ ...needs, name: 'r', uri: 'a://b', read: () => ({ text: '' }) });
const template = defineResource({ ...needs, name: 't', uriTemplate: 'a://{b}', read: () => ({ text: '' }) });
const prompt = definePrompt({ ...needs, name: 'p', title: 'P', get: () => '' });

const BARE = { tools: { listChanged: true }, logging: {} };
const RESOURCES = { resources: { subscribe: true, listChanged: true }, completions: {} };
const PROMPTS = { prompts: { listChanged: true }, completions: {} };

test.each<[string, Catalogue, object]>([
  ['tools and a log without anything', createCatalogue({ tools: [] }), BARE],
  [
    'resources with a resource',
    createCatalogue({ tools: [], resources: [fixed] }),
    { ...BARE, ...RESOURCES },
  ],
  [
    'resources with a template',
    createCatalogue({ tools: [], resources: [template] }),
    { ...BARE, ...RESOURCES },
  ],
  ['prompts with a prompt', createCatalogue({ tools: [], prompts: [prompt] }), { ...BARE, ...PROMPTS }],
  [
    'all of it with all of it',
    createCatalogue({ tools: [], resources: [fixed, template], prompts: [prompt] }),
    { ...BARE, ...RESOURCES, ...PROMPTS },
  ],
])('this server is capable of %s', (_, catalogue, expected) => {
  expect(capabilities(catalogue)).toEqual(expected);
});

async function discovered(instructions?: string) {
  const context = { config: { instructions }, catalogue: createCatalogue({ tools: [] }) };
  const result = await discover(MESSAGE, context as MethodContext);
  return 'json' in result ? { ...result, json: JSON.parse(result.json) } : result;
}

const TOLD = {
  supportedVersions: ['2026-07-28', '2025-11-25', '2025-06-18', '2025-03-26'],
  capabilities: BARE,
};

test('versions and capabilities are told, and may be kept for a while', async () => {
  expect(await discovered()).toEqual({ json: TOLD, isCacheable: true });
});

test('instructions are told where there are any', async () => {
  const instructions = 'List before you read.';
  expect(await discovered(instructions)).toEqual({ json: { ...TOLD, instructions }, isCacheable: true });
});
