import { expect, test } from 'vitest';
import { summarize } from '../../../scripts/bench/profile.ts';

const frame = (functionName: string, url = 'worker.js', lineNumber = 1) => ({
  functionName,
  url,
  lineNumber,
  columnNumber: 0,
});
const nodes = [
  { id: 1, callFrame: frame('(root)', '', -1) },
  { id: 2, callFrame: frame('(idle)', '', -1) },
  { id: 3, callFrame: frame('(garbage collector)', '', -1) },
  { id: 4, callFrame: frame('readMessage', 'worker.js', 10) },
  { id: 5, callFrame: frame('decide', 'worker.js', 10) },
  { id: 6, callFrame: frame('get', '', -1) },
];
const map = {
  findEntry: () => ({ originalSource: '../../home/me/project/src/protocol/message.ts', originalLine: 41 }),
};

test('a profile counts self time by exchange, by source file and by function, without idling', () => {
  const samples = [2, 4, 4, 5, 3, 6];
  const timeDeltas = [1_000, 40, 20, 20, 10, 10];
  const { busy, files, functions } = summarize({ nodes, samples, timeDeltas }, 10, map as never);
  expect(busy).toBeCloseTo(10);
  expect(files[0]).toEqual({ name: 'src/protocol/message.ts', microseconds: 8 });
  expect(files.map(({ name }) => name)).toContain('(garbage collector)');
  expect(files.map(({ name }) => name)).not.toContain('(idle)');
  expect(functions[0]?.name).toMatch(/^readMessage {2}src\/protocol\/message\.ts:42$/);
});
