// How much a subject may have going on, and how what was cut off without a word is forgotten.

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createInProgress, MAX_PER_SUBJECT, MAX_STREAMS } from '../../src/sessions/in-progress.ts';

const BEAT_SECONDS = 5;
const alice = { issuer: 'https://issuer.example.com', subject: 'alice' };
const subject = (number: number) => ({ ...alice, subject: `subject-${number}` });

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());
const pass = (seconds: number) => vi.advanceTimersByTime(seconds * 1_000);

test('a subject has so much going on and no more, and others are not touched', () => {
  const inProgress = createInProgress(BEAT_SECONDS);
  const entries = Array.from({ length: MAX_PER_SUBJECT }, () => inProgress.begin(alice, false));
  expect(entries.every(Boolean)).toBe(true);
  expect(inProgress.isFull(alice)).toBe(true);
  expect(inProgress.begin(alice, true)).toBeUndefined();
  expect(inProgress.isFull(subject(1))).toBe(false);
  entries[0]?.end();
  entries[0]?.end();
  expect(inProgress.isFull(alice)).toBe(false);
  expect(inProgress.begin(alice, false)).toBeDefined();
  expect(inProgress.begin(alice, false), 'what ended twice ended once').toBeUndefined();
});

test('the same subject at another issuer is somebody else', () => {
  const inProgress = createInProgress(BEAT_SECONDS);
  for (let count = 0; count < MAX_PER_SUBJECT; count += 1) inProgress.begin(alice, false);
  expect(inProgress.isFull({ ...alice, issuer: 'https://other.example.com' })).toBe(false);
});

test('what gives no sign of life ends by itself, and what does goes on', () => {
  const inProgress = createInProgress(BEAT_SECONDS);
  const entries = Array.from({ length: MAX_PER_SUBJECT }, () => inProgress.begin(alice, true));
  for (let times = 0; times < 10; times += 1) {
    pass(BEAT_SECONDS);
    entries[0]?.beat();
  }
  expect(inProgress.isFull(alice)).toBe(false);
  const more = Array.from({ length: MAX_PER_SUBJECT }, () => inProgress.begin(alice, true));
  expect(more.filter(Boolean)).toHaveLength(MAX_PER_SUBJECT - 1);
});

test('streams of all together are bounded, and those that died make room', () => {
  const inProgress = createInProgress(BEAT_SECONDS);
  for (let number = 0; number < MAX_STREAMS; number += 1)
    expect(inProgress.begin(subject(number), true), String(number)).toBeDefined();
  expect(inProgress.begin(alice, true)).toBeUndefined();
  expect(inProgress.begin(alice, false), 'a call needs none').toBeDefined();
  pass(60);
  expect(inProgress.begin(alice, true)).toBeDefined();
});
