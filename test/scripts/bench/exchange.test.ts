// The benchmark's own client: it finds the end of an answer, and notices a wrong one.

import { expect, test } from 'vitest';
import { faultOf, readAnswer, wire } from '../../../scripts/bench/exchange.ts';

const OK = 'HTTP/1.1 200 OK\r\n';

test('an answer with a length is complete when all of it has arrived', () => {
  const head = `${OK}Content-Length: 5\r\n\r\n`;
  expect(readAnswer(OK)).toBeUndefined();
  expect(readAnswer(`${head}hell`)).toBeUndefined();
  expect(readAnswer(`${head}hello`)).toMatchObject({ status: 200, body: 'hello' });
});

test('an answer in chunks is complete with its last one', () => {
  const head = `${OK}Transfer-Encoding: chunked\r\n\r\n`;
  expect(readAnswer(`${head}5\r\nhello\r\n`)).toBeUndefined();
  expect(readAnswer(`${head}5\r\nhello\r\n7\r\n, world\r\n0\r\n\r\n`)?.body).toBe('hello, world');
  expect(readAnswer(`${head}0\r\n\r\n`)?.body).toBe('');
});

test('an answer without a body', () => {
  expect(readAnswer('HTTP/1.1 204 No Content\r\n\r\n')).toMatchObject({ status: 204, body: '' });
});

test.each([
  [{ status: 401, contains: [] }, 'status 401 expected'],
  [{ status: 200, contains: ['a', 'x'] }, '"x" expected'],
  [{ status: 200, contains: [], count: ['a', 3] as const }, '3 times "a" expected, not 2'],
  [{ status: 200, contains: ['a'], count: ['a', 2] as const }, undefined],
])('what is expected: %j', (expectation, fault) => {
  const found = faultOf({ status: 200, head: '', body: 'a b a' }, expectation);
  if (fault === undefined) expect(found).toBeUndefined();
  else expect(found).toContain(fault);
});

test('what was found in an answer goes into the next request, and is counted in its length', () => {
  const step = {
    method: 'POST',
    headers: { a: 'b' },
    body: '[{found}]',
    expect: { status: 200, contains: [] },
  } as const;
  expect(wire('/mcp', 'localhost', step, 'state').toString()).toBe(
    'POST /mcp HTTP/1.1\r\nhost: localhost\r\na: b\r\ncontent-length: 7\r\n\r\n[state]',
  );
});
