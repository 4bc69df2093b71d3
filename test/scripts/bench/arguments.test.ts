import { expect, test } from 'vitest';
import { planOf, WORKLOAD_NAMES } from '../../../scripts/bench/arguments.ts';
import { CONTENDERS } from '../../../scripts/bench/contenders.ts';

const plan = (given: { workload?: string; only?: string; rounds?: string; quick?: boolean } = {}) =>
  planOf({ quick: false, ...given }, CONTENDERS);
const chosen = (only?: string) =>
  CONTENDERS.filter(plan(only === undefined ? {} : { only }).isChosen).map(({ name }) => name);

test('without arguments everything is measured, with everybody, at least five rounds of it', () => {
  expect(plan().workloads).toEqual(WORKLOAD_NAMES);
  expect(plan().pace.rounds).toBeGreaterThanOrEqual(5);
  expect(plan().starts).toBeGreaterThanOrEqual(9);
  expect(chosen()).toHaveLength(CONTENDERS.length);
});

test('--quick takes four workloads unless others are named', () => {
  expect(plan({ quick: true }).workloads).toEqual(['call', 'policy', 'list', 'session']);
  expect(plan({ quick: true, workload: 'storm' }).workloads).toEqual(['storm']);
});

test('--only takes names and groups', () => {
  expect(chosen('ours,floor-cached')).toEqual(['ours', 'floor-cached']);
  expect(chosen('ours, floors')).not.toContain('sdk');
  expect(chosen('floors').every((name) => name.startsWith('floor-'))).toBe(true);
});

test.each([
  [{ workload: 'calls' }, '--workload: there is no "calls"; there are call,'],
  [{ only: 'fastest' }, '--only: there is no "fastest"; there are '],
  [{ only: ',' }, '--only: name one or more of'],
  [{ rounds: 'many' }, '--rounds must be a whole number'],
  [{ rounds: '0' }, '--rounds must be a whole number'],
])('%j is refused, and it is said what there is', (given, said) => {
  expect(() => plan(given)).toThrow(said);
});
