// Multi round-trip requests: asking the client without keeping anything (MCP 2026-07-28, basic/patterns/mrtr).
//
// A handler that asks is left standing; the client gets its questions and a sealed state, and repeats the request with
// answers. The handler then runs again from its beginning and finds the answers it has been given so far.
// The state is sealed (seal.ts: for this resource only) and bound to the principal, the method and its parameters, and a
// short time. Answers count only to the very questions that the state says were asked: nobody can answer in advance, or
// another question.
// It has the call's id with it, so that the rounds can be put together.
// Does not make an answer usable once only, unless `consume` is given; sealing alone cannot.

import type { Principal } from '../auth/principal.ts';
import { grantName } from '../grant.ts';
import { canonical, sha256 } from '../hash.ts';
import { isRecord } from '../shapes.ts';
import { type CallRecord, callIdOf } from './call-record.ts';
import type { Channel, Question } from './handler.ts';
import { type Failure, failure, INTERNAL_ERROR, INVALID_PARAMS, type RequestMessage } from './message.ts';
import type { Sealer } from './seal.ts';

interface State {
  readonly principal: string;
  readonly request: string;
  /** Epoch seconds. */
  readonly expiresAt: number;
  readonly nonce: string;
  /** Of all rounds; absent in what an earlier version sealed. */
  readonly callId?: string;
  /** Keys, and what was asked under them. */
  readonly asked: readonly (readonly [key: string, asked: string])[];
  readonly answers: readonly (readonly [key: string, asked: string, value: unknown])[];
}

/** An answer, and the question it was given to. */
interface Answer {
  readonly asked: string;
  readonly value: unknown;
}

export interface RoundOptions {
  readonly principal: Principal;
  /** `undefined` when no secret is configured: then nothing can be asked. */
  readonly sealer: Sealer | undefined;
  /** Epoch seconds. */
  readonly now: number;
  readonly lifetimeSeconds: number;
  readonly record: CallRecord;
  /** Marks a state as used; `false` when it was used before. */
  readonly consume?: (nonce: string, expiresAt: number) => Promise<boolean>;
  /** Called with the first question that has no answer yet: `inputRequests` and `requestState`, once all are asked. */
  onQuestions(questions: Promise<Questions>): void;
}

interface Questions {
  readonly inputRequests: object;
  readonly requestState: string;
}

/** One round of a request that may ask. */
export interface Round {
  readonly ask: Channel['ask'];
}

export async function openRound(message: RequestMessage, options: RoundOptions): Promise<Round | Failure> {
  const { requestState, inputResponses } = message.params;
  if (requestState === undefined) return createRound(message, options, new Map());

  const state =
    typeof requestState === 'string' ? await openState(requestState, message, options) : undefined;
  if (state) options.record.callId = state.callId;
  const isLate = state !== undefined && options.now >= state.expiresAt;
  if (isLate && message.method === 'tools/call') options.record.outcome = 'timed_out';
  if (!state || isLate)
    return failure(200, INVALID_PARAMS, 'requestState is not valid for this request', message.id);
  try {
    if (options.consume && !(await options.consume(state.nonce, state.expiresAt)))
      return failure(200, INVALID_PARAMS, 'requestState has been used already', message.id);
  } catch {
    return failure(503, INTERNAL_ERROR, 'Whether requestState was used cannot be told right now', message.id);
  }
  const answers = new Map<string, Answer>(
    state.answers.map(([key, asked, value]) => [key, { asked, value }]),
  );
  for (const [key, asked] of state.asked) {
    if (isRecord(inputResponses) && Object.hasOwn(inputResponses, key)) {
      answers.set(key, { asked, value: inputResponses[key] });
    }
  }
  return createRound(message, options, answers);
}

/** What was sealed for this request of this principal; it may be too old. */
async function openState(
  sealed: string,
  message: RequestMessage,
  { principal, sealer }: RoundOptions,
): Promise<State | undefined> {
  const state = (await sealer?.open(sealed)) as State | undefined;
  const isGood =
    state !== undefined &&
    state.principal === grantName(principal) &&
    state.request === (await digestOf(message));
  return isGood ? state : undefined;
}

function createRound(
  message: RequestMessage,
  options: RoundOptions,
  answers: ReadonlyMap<string, Answer>,
): Round {
  const open = new Map<string, Question>();
  const used = new Map<string, Answer>();
  let numbered = 0;

  function ask(question: Question): Promise<unknown> {
    const { sealer } = options;
    if (!sealer)
      return Promise.reject(
        new Error(
          'REQUEST_STATE_SECRET is not set (wrangler secret put REQUEST_STATE_SECRET), so nothing can be asked',
        ),
      );
    numbered += 1;
    const key = question.key ?? `input_${numbered}`;
    const answer = answers.get(key);
    // An answer counts for the very question it was given to, and only if it has the right shape: otherwise it is asked.
    if (answer && answer.asked === textOf(question) && question.isAnswer(answer.value)) {
      used.set(key, answer);
      return Promise.resolve(answer.value);
    }
    open.set(key, question);
    // Once everything that runs now has had the chance to ask as well, the questions go out together.
    if (open.size === 1)
      options.onQuestions(new Promise((resolve) => setTimeout(resolve, 0)).then(() => seal(sealer)));
    // The handler is left standing here for good: it runs again from its beginning with the answers.
    return new Promise(() => {});
  }

  async function seal(sealer: Sealer): Promise<Questions> {
    const { principal, now, lifetimeSeconds, record } = options;
    const state: State = {
      principal: grantName(principal),
      request: await digestOf(message),
      expiresAt: now + lifetimeSeconds,
      nonce: crypto.randomUUID(),
      callId: callIdOf(record),
      asked: Array.from(open, ([key, question]) => [key, textOf(question)] as const),
      answers: Array.from(used, ([key, { asked, value }]) => [key, asked, value] as const),
    };
    const inputRequests = Object.fromEntries(
      [...open].map(([key, { method, params }]) => [key, { method, params }]),
    );
    return { inputRequests, requestState: await sealer.seal(state) };
  }

  return { ask };
}

/** All that a question says. */
const textOf = ({ method, params }: Question): string => canonical([method, params]);

/** Method and parameters, without what changes from round to round. */
function digestOf({ method, params }: RequestMessage): Promise<string> {
  const { _meta, requestState, inputResponses, ...rest } = params;
  return sha256(canonical([method, rest]));
}
