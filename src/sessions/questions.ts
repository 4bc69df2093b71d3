// What was asked of a legacy client and is not answered yet: requests on a session's stream, answered by messages that
// arrive separately (MCP 2025-11-25, client/elicitation, sampling, roots).
//
// Only the session that was asked can answer, with an answer that fits, in time. In memory: a question does not outlive
// the call that asked it. Does not authorize: whoever hands an answer on has held it against what the call needs.

import type { Requirement } from '../policy/authorize.ts';
import type { CallRecord } from '../protocol/call-record.ts';
import type { Question } from '../protocol/handler.ts';
import type { ResponseMessage } from '../protocol/message.ts';
import { ToolError } from '../protocol/tool.ts';

/** The call that asks. */
export interface AskingCall {
  readonly requirement: Requirement;
  readonly record: CallRecord;
  cancel(): void;
}

interface OpenQuestion {
  readonly call: AskingCall;
  readonly question: Question;
  answer(value: unknown): void;
  refuse(why: string): void;
}

export class Questions {
  readonly #open = new Map<string, OpenQuestion>();
  readonly #timeoutMs: number;

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  /** Sends a question and waits. @throws {ToolError} when it is cancelled, refused, answered wrongly or not at all */
  ask(
    sessionId: string,
    call: AskingCall,
    question: Question,
    signal: AbortSignal,
    send: (request: object) => void,
  ): Promise<unknown> {
    if (signal.aborted) return Promise.reject(new ToolError('The request was cancelled.'));
    return new Promise((resolve, reject) => {
      const id = crypto.randomUUID();
      const settle = (finish: () => void) => {
        clearTimeout(timer);
        signal.removeEventListener('abort', cancel);
        this.#open.delete(keyOf(sessionId, id));
        finish();
      };
      const refuse = (why: string) => settle(() => reject(new ToolError(why)));
      const cancel = () => refuse('The request was cancelled.');
      const timer = setTimeout(() => {
        call.record.unanswered = 'timed_out';
        refuse('The client did not answer in time.');
      }, this.#timeoutMs);
      signal.addEventListener('abort', cancel);
      this.#open.set(keyOf(sessionId, id), {
        call,
        question,
        refuse,
        answer: (value) => settle(() => resolve(value)),
      });
      send({ id, method: question.method, params: question.params });
    });
  }

  /** The call that asked, if nobody has answered yet. */
  askedBy(sessionId: string, { id }: ResponseMessage): AskingCall | undefined {
    return this.#open.get(keyOf(sessionId, id))?.call;
  }

  /** `false` when nothing with this id was asked in this session. */
  answer(sessionId: string, { id, result, error }: ResponseMessage): boolean {
    const open = this.#open.get(keyOf(sessionId, id));
    if (!open) return false;
    if (error !== undefined) open.refuse('The client could not answer.');
    else if (open.question.isAnswer(result)) open.answer(result);
    else open.refuse('The client gave an answer that does not fit the question.');
    return true;
  }
}

const keyOf = (sessionId: string, id: string | number): string => `${sessionId} ${JSON.stringify(id)}`;
