// Every member of every definition is applied, or refused when the Worker starts: over all of them, and the compiler sees
// that none is left out. That a strict one is decided strictly is test/walks/strict.test.ts.

import { toStandardJsonSchema } from '@valibot/to-json-schema';
import * as v from 'valibot';
import { expect, test } from 'vitest';
import { checkDefinitions, type RoleDefinition, resolveRoles } from '../../src/policy/roles.ts';
import { definePrompt, type PromptArgument, type PromptDefinition } from '../../src/protocol/prompt.ts';
import {
  defineResource,
  type FixedResourceDefinition,
  type TemplateResourceDefinition,
} from '../../src/protocol/resource.ts';
import { defineTool, type ToolDefinition } from '../../src/protocol/tool.ts';

const input = toStandardJsonSchema(v.object({ id: v.string() }));
const other = toStandardJsonSchema(v.object({ another: v.string() }));
const icons = [{ src: 'https://example.com/icon.png' }];
const needs = { scopes: ['s'], permissions: ['p'] };
const described = { name: 'n', title: 't', description: 'd', ...needs };

const TOOL = { ...described, input, handler: () => 'x' } as unknown as ToolDefinition;
const FIXED: FixedResourceDefinition = { ...described, uri: 'a://b', read: () => ({ text: 'x' }) };
const TEMPLATE: TemplateResourceDefinition = {
  ...described,
  uriTemplate: 'a://{id}',
  read: () => ({ text: 'x' }),
};
const PROMPT: PromptDefinition = { ...described, get: () => 'x' };

/** For each member a value that is another than above, and one that cannot be applied, if the types allow any. */
type Members<Definition> = {
  readonly [Name in keyof Required<Definition>]: readonly [other: unknown, bad?: unknown];
};

const NEEDS = {
  scopes: [['other'], 'not a list'],
  permissions: [['other'], [5]],
  freshness: ['strict', 'strickt'],
} as const;
const SEEN = { title: ['other'], description: ['other'], icons: [icons] } as const;

const OF_A_TOOL: Members<ToolDefinition> = {
  ...NEEDS,
  ...SEEN,
  name: ['other', 'a b'],
  description: ['other', ''],
  input: [other, toStandardJsonSchema(v.string())],
  output: [other],
  annotations: [{ readOnlyHint: true }],
  headers: [{ id: 'Id' }, { stray: 'Id' }],
  answersOnce: [true, 'yes'],
  auditArguments: [true, 'yes'],
  handler: [() => 'y', 'no function'],
};
const OF_A_RESOURCE = {
  ...NEEDS,
  ...SEEN,
  name: ['other', ''],
  mimeType: ['text/html'],
  annotations: [{ priority: 1 }],
} as const;
const OF_A_FIXED_ONE: Members<FixedResourceDefinition> = {
  ...OF_A_RESOURCE,
  uri: ['a://c', 'no uri'],
  size: [5],
  read: [() => ({ text: 'y' }), 'no function'],
};
const OF_A_TEMPLATE: Members<TemplateResourceDefinition> = {
  ...OF_A_RESOURCE,
  uriTemplate: ['a://{other}', 'a://{id'],
  read: [() => ({ text: 'y' }), 'no function'],
  complete: [{ id: () => [] }, { stray: () => [] }],
};
const OF_A_PROMPT: Members<PromptDefinition> = {
  ...NEEDS,
  ...SEEN,
  name: ['other', ''],
  arguments: [{ id: { description: 'd' } }, { id: { description: 'd', requierd: true } }],
  get: [() => 'y', 'no function'],
};

const KINDS = {
  tool: [TOOL, OF_A_TOOL, (definition: never) => defineTool(definition)],
  'fixed resource': [FIXED, OF_A_FIXED_ONE, (definition: never) => defineResource(definition)],
  'resource template': [TEMPLATE, OF_A_TEMPLATE, (definition: never) => defineResource(definition)],
  prompt: [PROMPT, OF_A_PROMPT, (definition: never) => definePrompt(definition)],
} as const;

/** All of a checked definition that can be told apart: what a function gives counts, not which one it is. */
const contentOf = (checked: object): string =>
  JSON.stringify(checked, (key, value) => {
    if (typeof value !== 'function') return value;
    return ['handler', 'read', 'get'].includes(key) ? value({}, {}) : 'a function';
  });

const ROWS = Object.entries(KINDS).flatMap(([kind, [good, members, define]]) =>
  Object.entries(members).map(([member, [value, bad]]) => ({ kind, member, good, value, bad, define })),
);

test.each(ROWS)('$member of a $kind changes what is served or decided', ({ good, member, value, define }) => {
  const changed = define({ ...good, [member]: value } as never);
  expect(contentOf(changed)).not.toBe(contentOf(define(good as never)));
});

test.each(ROWS.filter(({ bad }) => bad !== undefined))(
  '$member of a $kind that cannot be applied stops the Worker: $bad',
  ({ good, member, bad, define }) => {
    expect(() => define({ ...good, [member]: bad } as never)).toThrow();
  },
);

test.each(Object.entries(KINDS))(
  'scopes and permissions of a %s are names, and no numbers or empty texts',
  (_, [good, __, define]) => {
    for (const bad of [{ scopes: [5] }, { scopes: [''] }, { permissions: [''] }, { permissions: [null] }])
      expect(() => define({ ...good, ...bad } as never), JSON.stringify(bad)).toThrow();
  },
);

test.each(Object.entries(KINDS))(
  'a member that a %s does not have stops the Worker',
  (_, [good, __, define]) => {
    expect(() => define({ ...good, freshnes: 'strict' } as never)).toThrow(
      'has no member "freshnes"; there are name,',
    );
  },
);

test('every member of an argument of a prompt is applied, or refused', () => {
  const ARGUMENT: Members<PromptArgument> = {
    title: ['other'],
    description: ['other'],
    required: [true],
    complete: [() => ['a']],
  };
  const define = (argument: object) =>
    definePrompt({ ...PROMPT, arguments: { id: { description: 'd', ...argument } } } as never);
  for (const [member, [value]] of Object.entries(ARGUMENT))
    expect(contentOf(define({ [member]: value })), member).not.toBe(contentOf(define({})));
  expect(() => define({ requierd: true })).toThrow('has no member "requierd"');
});

test('every member of a role is applied, or refused', () => {
  const ROLE: Members<RoleDefinition> = { permissions: [['p'], 'p'], inherits: [['base'], 'base'] };
  for (const [member, [value, bad]] of Object.entries(ROLE)) {
    const { permissions } = resolveRoles({ base: { permissions: ['b'] }, role: { [member]: value } });
    expect(permissions.get('role')?.size, member).toBe(1);
    expect(() => checkDefinitions({ base: {}, role: { [member]: bad } }), member).toThrow(
      'needs lists of names',
    );
  }
  expect(() => checkDefinitions({ role: { permission: ['p'] } as RoleDefinition })).toThrow(
    'no member "permission"',
  );
});
