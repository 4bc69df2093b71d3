// Which URIs are of a template, and what do its variables stand for then?

import { expect, test } from 'vitest';
import { parseUriTemplate } from '../../src/protocol/uri-template.ts';

test.each<[string, string, Readonly<Record<string, string>> | undefined]>([
  ['a:///{id}', 'a:///x', { id: 'x' }],
  ['a:///{id}', 'a:///x%20y', { id: 'x y' }],
  ['a:///{id}', 'a:///x%2Fy', { id: 'x/y' }],
  ['a:///{id}', 'a:///caf%C3%A9', { id: 'caf\u00e9' }],
  ['a:///{id}', 'a:///', undefined],
  ['a:///{id}', 'a:///x/y', undefined],
  ['a:///{id}', 'a:///x?y', undefined],
  ['a:///{id}', 'a:///x#y', undefined],
  ['a:///{id}', 'a:///%', undefined],
  ['a:///{id}', 'a:///%ff', undefined],
  ['a:///{id}', 'A:///x', undefined],
  ['a:///{id}', 'xa:///x', undefined],
  ['a:///{id}/b', 'a:///x/b', { id: 'x' }],
  ['a:///{id}/b', 'a:///x/b/c', undefined],
  ['a:///{id}/b', 'a:///x', undefined],
  ['a:///{a}/{b}', 'a:///1/2', { a: '1', b: '2' }],
  ['a:///{a}/{b}', 'a:///1/2', { a: '1', b: '2' }],
  ['a:///{+path}', 'a:///x/y?z#w', { path: 'x/y?z#w' }],
  ['a:///{+path}', 'a:///x%2Fy%', { path: 'x%2Fy%' }],
  ['a:///{+path}', 'a:///', undefined],
  ['a:///{id}/{+path}', 'a:///1/2/3', { id: '1', path: '2/3' }],
  ['a:///x', 'a:///x', {}],
  ['a.b+c://(d)/[e]/{f}', 'a.b+c://(d)/[e]/1', { f: '1' }],
  ['a.b:///{f}', 'axb:///1', undefined],
  ['a:///$^|\\*/{f}', 'a:///$^|\\*/1', { f: '1' }],
  ['a:///{__proto__}', 'a:///x', JSON.parse('{"__proto__":"x"}')],
])('%s and %s give %j', (template, uri, expected) => {
  expect(parseUriTemplate(template).match(uri)).toEqual(expected);
});

test('variables are told in their order', () => {
  expect(parseUriTemplate('a://{b}/{+a}/{c_1}').variables).toEqual(['b', 'a', 'c_1']);
  expect(parseUriTemplate('a://b').variables).toEqual([]);
});

test.each([
  ['a:///{}', '{}'],
  ['a:///{+}', '{+}'],
  ['a:///{#id}', '{#id}'],
  ['a:///{/id}', '{/id}'],
  ['a:///{?id}', '{?id}'],
  ['a:///{id*}', '{id*}'],
  ['a:///{id:3}', '{id:3}'],
  ['a:///{a,b}', '{a,b}'],
  ['a:///{a b}', '{a b}'],
  ['a:///{a-b}', '{a-b}'],
  ['a:///{{a}}', '{{a}'],
  ['a:///{a}/{a}', '{a}'],
  ['a:///{a}/{+a}', '{+a}'],
])('%s is refused, and the part that is not understood is named', (template, part) => {
  expect(() => parseUriTemplate(template)).toThrow(
    new Error(`URI template ${template}: ${part} is not supported or used twice`),
  );
});

test.each(['a:///{id', 'a:///id}', 'a:///{a}}', '{a', 'a:///}{'])(
  'a brace without its other half is refused: %s',
  (template) => {
    expect(() => parseUriTemplate(template)).toThrow(template);
  },
);

test('two variables in one segment are refused: telling them apart could take any time', () => {
  for (const template of ['a:///{a}-{b}', 'a:///{a}{b}', 'a:///x{a}y{b}z/{c}']) {
    expect(() => parseUriTemplate(template), template).toThrow('two variables in one segment');
  }
});
