// Is a mistake in a resource's definition found when it is defined, and does a client see what was defined?

import type { Resource as OfficialResource, ResourceTemplateType } from '@modelcontextprotocol/server';
import { expect, test } from 'vitest';
import type { HandlerContext } from '../../src/protocol/handler.ts';
import {
  defineResource,
  type FixedResourceDefinition,
  type TemplateResourceDefinition,
} from '../../src/protocol/resource.ts';

const SHARED = { name: 'report', description: 'One report.', scopes: ['reports:read'], permissions: ['p'] };
const FIXED: FixedResourceDefinition = { ...SHARED, uri: 'report:///1', read: () => ({ text: 'one' }) };
const TEMPLATE: TemplateResourceDefinition = {
  ...SHARED,
  uriTemplate: 'report:///{id}',
  read: ({ id }) => ({ text: id ?? '' }),
};
const define = (definition: object, changed: object = {}) =>
  defineResource({ ...definition, ...changed } as FixedResourceDefinition);

test.each<[string, object, object, string]>([
  ['no scopes', FIXED, { scopes: undefined }, 'scopes and permissions must be given; use [] for none'],
  [
    'no permissions',
    TEMPLATE,
    { permissions: undefined },
    'scopes and permissions must be given; use [] for none',
  ],
  [
    'scopes in one text',
    TEMPLATE,
    { scopes: 'a b' },
    'scopes and permissions must be given; use [] for none',
  ],
  ['a URI without a scheme', FIXED, { uri: '/report/1' }, 'uri must be a URI, not "/report/1"'],
  ['an empty URI', FIXED, { uri: '' }, 'uri must be a URI, not ""'],
])('%s is refused and the resource is named', (_, definition, changed, problem) => {
  expect(() => define(definition, changed)).toThrow(new Error(`resource "report": ${problem}`));
});

test.each<[string, object, object, RegExp]>([
  ['an empty name', FIXED, { name: '' }, /name/],
  [
    'a template that is not understood',
    TEMPLATE,
    { uriTemplate: 'report:///{?id}' },
    /resource "report": .*\{\?id\}/,
  ],
  ['a scope that is none', FIXED, { scopes: ['a b'] }, /resource "report": .*"a b"/],
  [
    'suggestions for a variable that is not there',
    TEMPLATE,
    { complete: { ID: () => [] } },
    /resource "report": .*"ID"/,
  ],
])('%s is refused by name', (_, definition, changed, message) => {
  expect(() => define(definition, changed)).toThrow(message);
});

test('a client sees what is defined, and nothing of what a caller needs', () => {
  const fixed: OfficialResource = { uri: 'report:///1', name: 'report', description: 'One report.' };
  const template: ResourceTemplateType = {
    uriTemplate: 'report:///{id}',
    name: 'report',
    description: 'One report.',
  };
  expect(JSON.parse(define(FIXED).listed)).toEqual(fixed);
  expect(JSON.parse(define(TEMPLATE, { complete: { id: () => [] } }).listed)).toEqual(template);
});

test('a client sees everything else where it is defined', () => {
  const more = {
    title: 'Report',
    mimeType: 'text/plain',
    annotations: { audience: ['user'], priority: 1 },
    icons: [{ src: 'https://a.example/icon.png' }],
  };
  expect(JSON.parse(define(FIXED, { ...more, size: 3 }).listed)).toMatchObject({ ...more, size: 3 });
  expect(JSON.parse(define(TEMPLATE, more).listed)).toMatchObject(more);
});

test('a resource has a URI or a template, never both', () => {
  const fixed = define(FIXED);
  const template = define(TEMPLATE);
  expect([fixed.uri, fixed.template, fixed.uriTemplate]).toEqual(['report:///1', undefined, undefined]);
  expect([template.uri, template.uriTemplate]).toEqual([undefined, 'report:///{id}']);
  expect(template.template?.match('report:///2')).toEqual({ id: '2' });
});

test('what a resource needs cannot be changed after it is defined', () => {
  for (const definition of [FIXED, TEMPLATE]) {
    const scopes = ['a'];
    const resource = define(definition, { scopes });
    scopes.pop();
    expect(resource.scopes).toEqual(['a']);
    expect([resource, resource.scopes, resource.permissions].map(Object.isFrozen)).toEqual([
      true,
      true,
      true,
    ]);
  }
});

test('reading gets context, a template its variables before it, and stays a method of its definition', () => {
  const context = {} as HandlerContext;
  const own = {
    name: 'own',
    read(...given: unknown[]) {
      return [this.name, ...given];
    },
  };
  expect(define(FIXED, own).read({}, context)).toEqual(['own', context]);
  expect(define(TEMPLATE, own).read({ id: '2' }, context)).toEqual(['own', { id: '2' }, context]);
});
