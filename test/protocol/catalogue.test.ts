// Is everything found that is offered, nothing else, and no name offered twice?

import { toStandardJsonSchema } from '@valibot/to-json-schema';
import * as v from 'valibot';
import { expect, test } from 'vitest';
import { createCatalogue, findResource } from '../../src/protocol/catalogue.ts';
import { definePrompt } from '../../src/protocol/prompt.ts';
import { defineResource } from '../../src/protocol/resource.ts';
import { defineTool } from '../../src/protocol/tool.ts';

const common = { description: 'D', scopes: [], permissions: [] };
const tool = (name: string) =>
  defineTool({ ...common, name, title: name, input: toStandardJsonSchema(v.object({})), handler: () => '' });
const prompt = (name: string) => definePrompt({ ...common, name, title: name, get: () => '' });
const fixed = (uri: string, name = uri) =>
  defineResource({ ...common, name, uri, read: () => ({ text: '' }) });
const template = (uriTemplate: string, name = uriTemplate) =>
  defineResource({ ...common, name, uriTemplate, read: () => undefined });

const ODD = ['constructor', '__proto__', 'toString', 'B', ''];

test('everything is kept in its order and found by name', () => {
  const [tools, prompts] = [['b', 'a', 'c'].map(tool), ['b', 'a'].map(prompt)];
  const resources = [template('a://{b}'), fixed('a://b'), fixed('a://a'), template('b://{b}')];
  const catalogue = createCatalogue({ tools, prompts, resources });
  expect(catalogue.tools).toEqual(tools);
  expect(catalogue.prompts).toEqual(prompts);
  expect(catalogue.resources).toEqual([resources[1], resources[2]]);
  expect(catalogue.templates).toEqual([resources[0], resources[3]]);
  expect(catalogue.toolByName.get('a')).toBe(tools[1]);
  expect(catalogue.promptByName.get('a')).toBe(prompts[1]);
  for (const name of ODD) {
    expect(catalogue.toolByName.get(name)).toBeUndefined();
    expect(catalogue.promptByName.get(name)).toBeUndefined();
    expect(findResource(catalogue, name)).toBeUndefined();
  }
  expect(Object.isFrozen(catalogue)).toBe(true);
});

test('resources and prompts need not be offered', () => {
  const { resources, templates, prompts } = createCatalogue({ tools: [] });
  expect([resources, templates, prompts]).toEqual([[], [], []]);
});

const [aTool, aPrompt, aResource] = [tool('a'), prompt('a'), fixed('a://a')];
test.each<[string, Parameters<typeof createCatalogue>[0], RegExp]>([
  ['two tools of one name', { tools: [tool('b'), tool('a'), tool('a')] }, /^tool "a" is defined twice$/],
  ['one tool twice', { tools: [aTool, aTool] }, /^tool "a" is defined twice$/],
  [
    'two prompts of one name',
    { tools: [], prompts: [prompt('a'), prompt('a')] },
    /^prompt "a" is defined twice$/,
  ],
  ['one prompt twice', { tools: [], prompts: [aPrompt, aPrompt] }, /^prompt "a" is defined twice$/],
  [
    'two resources at one URI',
    { tools: [], resources: [fixed('a://a', 'x'), fixed('a://a', 'y')] },
    /^resource "a:\/\/a" is defined twice$/,
  ],
  [
    'one resource twice',
    { tools: [], resources: [aResource, aResource] },
    /^resource "a:\/\/a" is defined twice$/,
  ],
  // A cursor names the last entry of a page: with two of one name a list would never end.
  ['two resources of one name', { tools: [], resources: [fixed('a://a', 'x'), fixed('a://b', 'x')] }, /"x"/],
  [
    'two templates of one name',
    { tools: [], resources: [template('a://{a}', 'x'), template('b://{a}', 'x')] },
    /"x"/,
  ],
  [
    'one template twice',
    { tools: [], resources: [template('a://{a}', 'x'), template('a://{a}', 'y')] },
    /"a:\/\/\{a\}"/,
  ],
])('%s are refused by name', (_, offers, message) => {
  expect(() => createCatalogue(offers)).toThrow(message);
});

test('a tool, a prompt and a resource may have one name', () => {
  expect(() =>
    createCatalogue({ tools: [aTool], prompts: [aPrompt], resources: [fixed('a://a', 'a')] }),
  ).not.toThrow();
});

test.each<[string, string, string | undefined, Readonly<Record<string, string>>]>([
  ['a fixed URI comes before a template, wherever it is defined', 'a://b', 'fixed', {}],
  ['another URI is looked for among the templates', 'a://c', 'first', { x: 'c' }],
  ['the first template that fits is taken', 'a://c/d', 'second', { rest: 'c/d' }],
  ['a URI is compared byte for byte', 'A://b', undefined, {}],
  ['a URI that nothing fits is not found', 'b://b', undefined, {}],
])('%s', (_, uri, name, variables) => {
  const resources = [
    template('a://{x}', 'first'),
    template('a://{+rest}', 'second'),
    fixed('a://b', 'fixed'),
  ];
  const found = findResource(createCatalogue({ tools: [], resources }), uri);
  expect(found?.resource.name).toBe(name);
  expect(found?.variables ?? {}).toEqual(variables);
});

test('a resource has one name: what is encoded without need, or too long, names nothing', () => {
  const needs = (permissions: string[]) => ({ description: 'd', scopes: [], permissions });
  const secret = defineResource({
    uri: 'report:///secret',
    name: 'secret',
    ...needs(['admin']),
    read: () => ({ text: '' }),
  });
  const any = defineResource({
    uriTemplate: 'report:///{id}',
    name: 'any',
    ...needs([]),
    read: () => ({ text: '' }),
  });
  const catalogue = createCatalogue({ tools: [], resources: [secret, any] });
  expect(findResource(catalogue, 'report:///secret')?.resource).toBe(secret);
  expect(findResource(catalogue, 'report:///other%20one')?.variables).toEqual({ id: 'other one' });
  for (const alias of [
    'report:///%73ecret',
    'report:///secre%74',
    'report:///%53ecret',
    'report:///a%2Eb',
    `report:///${'x'.repeat(2_048)}`,
  ]) {
    expect(findResource(catalogue, alias), alias.slice(0, 30)).toBeUndefined();
  }
});
