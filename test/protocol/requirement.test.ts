// What does a message need? What a method acts on, and nothing where it acts on nothing.

import { toStandardJsonSchema } from '@valibot/to-json-schema';
import * as v from 'valibot';
import { expect, test } from 'vitest';
import { createCatalogue } from '../../src/protocol/catalogue.ts';
import type { Message } from '../../src/protocol/message.ts';
import { definePrompt } from '../../src/protocol/prompt.ts';
import { completed, requirementOf } from '../../src/protocol/requirement.ts';
import { defineResource } from '../../src/protocol/resource.ts';
import { defineTool } from '../../src/protocol/tool.ts';

const needs = (name: string) => ({
  name,
  title: name,
  description: 'D',
  scopes: [`s:${name}`],
  permissions: [`p:${name}`],
});
const CATALOGUE = createCatalogue({
  tools: [defineTool({ ...needs('tool'), input: toStandardJsonSchema(v.object({})), handler: () => '' })],
  prompts: [definePrompt({ ...needs('prompt'), get: () => '' })],
  resources: [
    defineResource({ ...needs('fixed'), uri: 'a://fixed', read: () => ({ text: '' }) }),
    defineResource({ ...needs('template'), uriTemplate: 'a://{id}', read: () => undefined }),
  ],
});

const PROMPT = { type: 'ref/prompt', name: 'prompt' };
const TEMPLATE = { type: 'ref/resource', uri: 'a://{id}' };
test.each<[string, object, string | undefined]>([
  ['tools/call', { name: 'tool' }, 'tool'],
  ['tools/call', { name: 'Tool' }, undefined],
  ['tools/call', { name: 'prompt' }, undefined],
  ['tools/call', { name: 'constructor' }, undefined],
  ['tools/call', { name: ['tool'] }, undefined],
  ['tools/call', {}, undefined],
  ['prompts/get', { name: 'prompt' }, 'prompt'],
  ['prompts/get', { name: 'tool' }, undefined],
  ['prompts/get', { uri: 'a://fixed' }, undefined],
  ['resources/read', { uri: 'a://fixed' }, 'fixed'],
  ['resources/read', { uri: 'a://other' }, 'template'],
  ['resources/read', { uri: 'a://x/y' }, undefined],
  ['resources/read', { uri: ['a://fixed'] }, undefined],
  ['resources/read', { name: 'fixed' }, undefined],
  ['resources/subscribe', { uri: 'a://fixed' }, 'fixed'],
  ['resources/subscribe', { uri: 'a://other' }, 'template'],
  ['resources/unsubscribe', { uri: 'a://fixed' }, 'fixed'],
  ['completion/complete', { ref: PROMPT }, 'prompt'],
  ['completion/complete', { ref: TEMPLATE }, 'template'],
  ['completion/complete', { ref: { ...PROMPT, name: 'other' } }, undefined],
  ['completion/complete', { ref: { ...TEMPLATE, uri: 'a://fixed' } }, undefined],
  ['completion/complete', { ref: { ...TEMPLATE, uri: 'a://1' } }, undefined],
  ['completion/complete', { ref: { ...PROMPT, type: 'ref/resource' } }, undefined],
  ['completion/complete', { ref: { ...PROMPT, type: 'ref/tool' } }, undefined],
  ['completion/complete', { ref: 'prompt' }, undefined],
  ['completion/complete', { name: 'tool' }, undefined],
  ['tools/list', { name: 'tool' }, undefined],
  ['prompts/list', { name: 'prompt' }, undefined],
  ['resources/list', { uri: 'a://fixed' }, undefined],
  ['resources/templates/list', {}, undefined],
  ['server/discover', {}, undefined],
  ['subscriptions/listen', { uri: 'a://fixed' }, undefined],
  ['initialize', {}, undefined],
  ['constructor', { name: 'tool' }, undefined],
])('%s with %j needs what belongs to: %s', (method, params, name) => {
  const { scopes, permissions } = name === undefined ? { scopes: [], permissions: [] } : needs(name);
  const message = { method, params: { ...params }, meta: {} };
  const messages: Message[] = [
    { kind: 'request', id: 1, ...message },
    { kind: 'notification', ...message },
  ];
  for (const each of messages) expect(requirementOf(each, CATALOGUE)).toMatchObject({ scopes, permissions });
});

test('a response needs nothing', () => {
  expect(requirementOf({ kind: 'response', id: 1, result: { name: 'tool' } }, CATALOGUE)).toEqual({
    scopes: [],
    permissions: [],
  });
});

test('a reference names a prompt or a template', () => {
  expect(completed(PROMPT, CATALOGUE)).toBe(CATALOGUE.prompts[0]);
  expect(completed(TEMPLATE, CATALOGUE)).toBe(CATALOGUE.templates[0]);
  expect(
    [{}, { type: 'ref/prompt' }, { type: 'ref/resource' }].map((ref) => completed(ref, CATALOGUE)),
  ).toEqual([undefined, undefined, undefined]);
});
