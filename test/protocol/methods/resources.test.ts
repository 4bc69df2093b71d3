// resources/list, resources/templates/list, resources/read: what is listed to whom, and what becomes of reading.

import type {
  ListResourcesResult,
  ListResourceTemplatesResult,
  ReadResourceResult,
} from '@modelcontextprotocol/server';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Era } from '../../../src/protocol/era.ts';
import { MissingCapability } from '../../../src/protocol/handler.ts';
import type { HandlerEvent } from '../../../src/protocol/methods/method.ts';
import {
  listResources,
  listResourceTemplates,
  readResource,
} from '../../../src/protocol/methods/resources.ts';
import { defineResource } from '../../../src/protocol/resource.ts';
import { ToolError } from '../../../src/protocol/tool.ts';
import { call, type Given, invalid } from './call.ts';

const ERAS: readonly Era[] = ['modern', 'legacy'];
const common = { description: 'D', scopes: ['never-looked-at'] };
const FAILURES: Readonly<Record<string, unknown>> = {
  known: new ToolError('Too large.'),
  unknown: new TypeError('secret of the database'),
  incapable: new MissingCapability({ roots: {} }),
};
const RESOURCES = [
  defineResource({ ...common, name: 'c', permissions: ['c'], uri: 'a://c', read: () => ({ text: 'C' }) }),
  defineResource({
    ...common,
    name: 'notes',
    permissions: ['notes'],
    uriTemplate: 'note:///{id}',
    mimeType: 'text/plain',
    read: async ({ id }, { requestId }) =>
      id === 'none'
        ? undefined
        : { text: `${id} for ${requestId}`, ...(id === 'html' ? { mimeType: 'text/html' } : {}) },
  }),
  defineResource({ ...common, name: 'a', permissions: ['a'], uri: 'a://a', read: () => ({ blob: 'AA==' }) }),
  defineResource({
    ...common,
    name: 'failures',
    permissions: ['failures'],
    uriTemplate: 'fail:///{how}',
    read: ({ how = '' }) => {
      throw FAILURES[how];
    },
  }),
  defineResource({ ...common, name: 'b', permissions: ['b'], uri: 'a://b', read: () => ({ text: '' }) }),
];

let reported: HandlerEvent[];
beforeEach(() => {
  reported = [];
});

describe.each(ERAS)('lists in the %s era', (era) => {
  async function names(params: object, given: Given = {}): Promise<string[]> {
    const outcome = await call(listResources, params, { resources: RESOURCES, era, ...given });
    return (('result' in outcome ? outcome.result : {}) as ListResourcesResult).resources.map(
      ({ name }) => name,
    );
  }

  test('resources and templates are listed apart, in their order, and may be kept for a while', async () => {
    const resources = { resources: [{ uri: 'a://c', name: 'c', description: 'D' }] };
    expect(await call(listResources, {}, { resources: RESOURCES.slice(0, 2), era })).toEqual({
      result: resources,
      isCacheable: true,
    });
    const templates: Partial<ListResourceTemplatesResult> = {
      resourceTemplates: [
        { uriTemplate: 'note:///{id}', name: 'notes', description: 'D', mimeType: 'text/plain' },
        { uriTemplate: 'fail:///{how}', name: 'failures', description: 'D' },
      ],
    };
    expect(await call(listResourceTemplates, {}, { resources: RESOURCES, era })).toEqual({
      result: templates,
      isCacheable: true,
    });
  });

  test('resources are listed page by page, and what a caller may not read is not listed', async () => {
    expect(await names({})).toEqual(['c', 'a']);
    expect(await names({ cursor: 'a' })).toEqual(['b']);
    expect(await names({}, { hidden: ['c'] })).toEqual(['a', 'b']);
    expect(await names({}, { hidden: ['a', 'b', 'c'] })).toEqual([]);
    expect(
      await call(listResourceTemplates, {}, { resources: RESOURCES, era, hidden: ['notes'] }),
    ).toMatchObject({
      result: { resourceTemplates: [{ name: 'failures' }] },
    });
  });

  test('a cursor of another list is refused', async () => {
    const expected = invalid('The cursor is not one of this server');
    expect(await call(listResources, { cursor: 'notes' }, { resources: RESOURCES, era })).toEqual(expected);
    expect(await call(listResourceTemplates, { cursor: 'a' }, { resources: RESOURCES, era })).toEqual(
      expected,
    );
  });
});

test('a name of any characters makes a cursor', async () => {
  const odd = ['caf\u00e9', 'a b', '%', '"'].map((name, index) =>
    defineResource({ ...common, name, permissions: [], uri: `a://${index}`, read: () => ({ text: '' }) }),
  );
  const seen: string[] = [];
  let params: { cursor?: string | undefined } = {};
  do {
    const outcome = await call(listResources, params, { resources: odd, pageSize: 1 });
    const { resources, nextCursor } = ('result' in outcome ? outcome.result : {}) as ListResourcesResult;
    seen.push(...resources.map(({ name }) => name));
    params = { cursor: nextCursor };
  } while (params.cursor !== undefined);
  expect(seen).toEqual(['caf\u00e9', 'a b', '%', '"']);
});

describe.each(ERAS)('reading in the %s era', (era) => {
  const read = (params: object) =>
    call(readResource, params, { resources: RESOURCES, era, reported, handler: { requestId: 'r1' } });
  const missing = (uri: string) => ({
    status: 200,
    code: era === 'modern' ? -32_602 : -32_002,
    message: 'There is no such resource',
    id: 7,
    data: { uri },
  });

  test.each<[string, ReadResourceResult['contents'][number]]>([
    ['a://c', { uri: 'a://c', text: 'C' }],
    ['a://a', { uri: 'a://a', blob: 'AA==' }],
    ['a://b', { uri: 'a://b', text: '' }],
    ['note:///1', { uri: 'note:///1', text: '1 for r1', mimeType: 'text/plain' }],
    ['note:///x%2Fy', { uri: 'note:///x%2Fy', text: 'x/y for r1', mimeType: 'text/plain' }],
    ['note:///html', { uri: 'note:///html', text: 'html for r1', mimeType: 'text/html' }],
  ])('%s has its content under the URI that was asked for', async (uri, content) => {
    expect(await read({ uri })).toEqual({ result: { contents: [content] }, isCacheable: true });
    expect(reported).toEqual([]);
  });

  test.each(['a://d', 'note:///none', 'note:///', 'note:///1/2', 'note:///%', 'A://c', '', 'constructor'])(
    'a resource that there is not has the code of the era: %j',
    async (uri) => {
      expect(await read({ uri })).toEqual(missing(uri));
    },
  );

  test.each([undefined, null, 5, ['a://c'], { uri: 'a://c' }])('a URI is text, not %j', async (uri) => {
    expect(await read({ uri })).toEqual(invalid('uri must be a string'));
  });

  test('the text of a ToolError is told', async () => {
    expect(await read({ uri: 'fail:///known' })).toEqual(invalid('Too large.'));
    expect(reported).toEqual([]);
  });

  test('any other exception is reported, and the caller learns nothing of it', async () => {
    expect(await read({ uri: 'fail:///unknown' })).toEqual({
      status: 200,
      code: -32_603,
      message: 'It failed. The cause is in the log of the server.',
      id: 7,
    });
    expect(reported).toEqual([
      { event: 'handler_failed', handler: 'failures', error: 'TypeError: secret of the database' },
    ]);
  });

  test('what the client would have to declare is told in the way of the era', async () => {
    const message = 'The client does not support roots, which this needs.';
    expect(await read({ uri: 'fail:///incapable' })).toEqual(
      era === 'modern'
        ? { status: 400, code: -32_021, message, id: 7, data: { requiredCapabilities: { roots: {} } } }
        : invalid(message),
    );
    expect(reported).toEqual([]);
  });
});
