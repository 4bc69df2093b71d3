// Lists are rendered once for all who see the same of them, and never for one who sees something else.

import { expect, test, vi } from 'vitest';
import type { Requirement } from '../../../src/policy/authorize.ts';
import { type MethodContext, page } from '../../../src/protocol/methods/method.ts';
import { methodContext, request } from './call.ts';

const item = (name: string) => ({ name, scopes: [], permissions: [name] });

function lister(names: readonly string[], pageSize = 2) {
  const items = names.map(item);
  const render = vi.fn(({ name }: { readonly name: string }) => JSON.stringify(name));
  const list = (
    viewer: object,
    hidden: readonly string[],
    given: Partial<MethodContext> = {},
    params = {},
  ) => {
    const isReachable = vi.fn(({ permissions }: Requirement) => !hidden.includes(permissions[0] ?? ''));
    const context = { ...methodContext({ pageSize }), viewer, isReachable, ...given };
    const outcome = page(request('', params), context, 'items', items, render);
    return { json: 'json' in outcome ? outcome.json : '', asked: isReachable.mock.calls.length };
  };
  return { list, render };
}

test('callers who see the same get what was rendered for the first of them', () => {
  const { list, render } = lister(['a', 'b']);
  const [one, other] = [{}, {}];
  expect(list(one, [])).toEqual({ json: '{"items":["a","b"]}', asked: 2 });
  expect(list(other, [])).toEqual({ json: '{"items":["a","b"]}', asked: 2 });
  expect(render).toHaveBeenCalledTimes(2);
  // Nothing has changed for this caller, so nothing is decided again.
  expect(list(one, [])).toEqual({ json: '{"items":["a","b"]}', asked: 0 });
});

test('attack: a caller who sees less never gets what another sees', () => {
  const { list } = lister(['a', 'b', 'c'], 10);
  expect(list({}, []).json).toBe('{"items":["a","b","c"]}');
  expect(list({}, ['b']).json).toBe('{"items":["a","c"]}');
  expect(list({}, ['a', 'b', 'c']).json).toBe('{"items":[]}');
  expect(list({}, []).json).toBe('{"items":["a","b","c"]}');
});

test('another page, another era and another list are rendered for themselves', () => {
  const { list, render } = lister(['a', 'b', 'c']);
  const viewer = {};
  const first = list(viewer, []).json;
  expect(first).toBe('{"items":["a","b"],"nextCursor":"b"}');
  expect(list(viewer, [], {}, { cursor: 'b' }).json).toBe('{"items":["c"]}');
  const before = render.mock.calls.length;
  expect(list(viewer, [], { era: 'legacy' }).json).toBe(first);
  expect(render.mock.calls.length).toBe(before + 2);
  expect(lister(['x']).list(viewer, []).json).toBe('{"items":["x"]}');
});

test('what is remembered is bounded, and rendered again when it was forgotten', () => {
  const names = Array.from({ length: 8 }, (_, number) => `t${number}`);
  const { list, render } = lister(names, 10);
  for (let hidden = 0; hidden < 200; hidden += 1) {
    const some = names.filter((_, bit) => (hidden >> bit) & 1);
    const expected = names.filter((name) => !some.includes(name));
    expect(JSON.parse(list({}, some).json).items).toEqual(expected);
  }
  render.mockClear();
  list({}, []);
  expect(render).toHaveBeenCalledTimes(8);
});
