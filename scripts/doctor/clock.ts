// Our clock against that of a server, by the Date header of an answer. One of the two is wrong when they differ.

import type { Config } from '../../src/config.ts';
import type { Answer } from './ask.ts';
import { error, type Finding, warning } from './finding.ts';

/** The header has whole seconds, and the answer took its time. */
const INACCURACY_SECONDS = 2;
/** The most that clockToleranceSeconds can be. */
const INTOLERABLE_SECONDS = 60;

export function checkClock(
  who: string,
  what: 'issues tokens' | 'checks tokens',
  answer: Answer,
  config: Config,
  now = Date.now(),
): Finding[] {
  const date = Date.parse(answer.headers.get('date') ?? '');
  if (Number.isNaN(date)) return [];
  // What a cache has kept for a while was dated when it was made.
  const age = Number(answer.headers.get('age') ?? 0) || 0;
  const seconds = Math.round((date - now) / 1_000 + age);
  if (Math.abs(seconds) <= config.clockToleranceSeconds + INACCURACY_SECONDS) return [];
  const say = Math.abs(seconds) > INTOLERABLE_SECONDS ? error : warning;
  return [
    say(
      'clock',
      `${who}: its clock is ${Math.abs(seconds)} seconds ${seconds > 0 ? 'ahead of' : 'behind'} the one here`,
      consequence(what, seconds > 0),
      'Compare both with a third clock and set the wrong one. CLOCK_TOLERANCE_SECONDS forgives up to 60 seconds, and makes every token live so much longer.',
    ),
  ];
}

function consequence(what: 'issues tokens' | 'checks tokens', isAhead: boolean): string {
  if (what === 'checks tokens')
    return 'The clock here is probably the wrong one: then a token may be judged otherwise here than there.';
  return isAhead
    ? 'If its clock is the wrong one, its tokens are issued in the future and are refused (iat_in_the_future, nbf_check_failed).'
    : 'If its clock is the wrong one, its tokens expire too early.';
}
