// Which URIs are of a template, and what do its variables stand for then?

import { expect, test } from 'vitest';
import { parseUriTemplate } from '../../src/protocol/uri-template.ts';
import { random } from '../support/random.ts';

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

test('a second {+name} is refused, and what to write instead is said', () => {
  for (const template of ['a:///{+a}/{+b}', 'a:///{+a}/x/{b}/y?{+c}', 'a:///{+a}/{+b}/{+c}'])
    expect(() => parseUriTemplate(template), template).toThrow(
      `URI template ${template}: more than one {+name}; write {name} for what is one segment, and {+name} once at most`,
    );
});

const PIECES = ['{n}', '{+n}', '/', '?', '#', 'a', '-', '/a', 'a/'];
const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));

/** Some template, every variable with another name. */
function aTemplate({ below, one }: ReturnType<typeof random>): string {
  const pieces = Array.from({ length: 1 + below(12) }, () => one(PIECES));
  return pieces.map((piece, index) => piece.replace('n}', `n${index}}`)).join('');
}

const isAccepted = (template: string): boolean => {
  try {
    parseUriTemplate(template);
    return true;
  } catch {
    return false;
  }
};

test(`a template has one {+name} at most, and one of / ? # between two variables (SEED=${seed})`, () => {
  const choose = random(seed);
  const counts = { accepted: 0, refused: 0 };
  for (let times = 0; times < 5_000; times += 1) {
    const template = aTemplate(choose);
    const between = template.split(/\{[^}]*\}/).slice(1, -1);
    const isCertain = template.split('{+').length <= 2 && between.every((text) => /[/?#]/.test(text));
    expect(isAccepted(template), template).toBe(isCertain);
    counts[isCertain ? 'accepted' : 'refused'] += 1;
  }
  // Otherwise nothing was tried.
  for (const count of Object.values(counts)) expect(count).toBeGreaterThan(500);
});

/** What an engine that tries the longest first does to find out that, or whether, a URI is of a template. */
function stepsOf(template: string, uri: string): number {
  const parts = template.split(/(\{[^}]*\})/).filter((part) => part !== '');
  let steps = 0;
  const fits = (index: number, at: number): boolean => {
    steps += 1;
    const part = parts[index];
    if (part === undefined) return at === uri.length;
    if (!part.startsWith('{')) return uri.startsWith(part, at) && fits(index + 1, at + part.length);
    let end = at;
    while (end < uri.length && (part.startsWith('{+') || !/[/?#]/.test(uri[end] ?? ''))) end += 1;
    steps += end - at;
    for (; end > at; end -= 1) if (fits(index + 1, end)) return true;
    return false;
  };
  fits(0, 0);
  return steps;
}

test(`a URI takes steps in proportion to its length, whatever it is made of (SEED=${seed})`, () => {
  const choose = random(seed);
  const long = (text: string) => text.repeat(2_000).slice(0, 2_000);
  const uris = ['a', '/', 'a/', '/a', 'aa/', '-', 'a-/', '/?#', 'a?', 'a#a/', '/a-'].map(long);
  for (let times = 0; times < 1_000; times += 1) {
    const template = aTemplate(choose);
    if (!isAccepted(template)) continue;
    const parts = template.split(/(\{[^}]*\})/).length;
    for (const uri of uris)
      expect(stepsOf(template, `${uri}!`), template).toBeLessThan(4 * parts * uri.length);
  }
  // The same count shows what two of them would take.
  expect(stepsOf('{+a}/{+b}!', long('a/'))).toBeGreaterThan(2_000 ** 2 / 4);
});
