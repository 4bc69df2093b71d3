// What the code of an app may use while it handles a tool call, a resource or a prompt: the same in both eras.
//
// Asking the client is written once (`await context.elicit(...)`); how the question reaches the client is the channel's
// business. Never asks for what the client has not declared. Does not authorize: that has happened before.

import type {
  ClientCapabilities,
  CreateMessageRequestParams,
  CreateMessageResult,
  ElicitRequestFormParams,
  ElicitResult,
  Implementation,
  LoggingLevel,
  Root,
} from '@modelcontextprotocol/server';
import type { Principal } from '../auth/principal.ts';
import type { AppEnv } from '../bindings.ts';
import { isRecord } from '../shapes.ts';
import { isAnswerTo, isCreateMessageResult, isDeclined, isRootList } from './answers.ts';
import type { CallRecord } from './call-record.ts';

/** What a handler may use besides its arguments. There is no token in it, on purpose. */
export interface HandlerContext {
  /** The verified caller. */
  readonly principal: Principal;
  /** All the caller's permissions: those of its roles and those in the token. */
  readonly permissions: ReadonlySet<string>;
  /** The Worker's bindings and variables, without those of the kit (bindings.ts). */
  readonly env: AppEnv;
  /** Appears in the log next to everything this request did. */
  readonly requestId: string;
  /** What the client says of itself. Not verified: for display, never for decisions. */
  readonly client: Client;
  /** W3C trace context the client sent along, for calls to other services. */
  readonly trace: Trace;
  /** Aborted when the client cancels the request. */
  readonly signal: AbortSignal;
  /** Keeps the Worker alive for work that outlives the answer. */
  waitUntil(promise: Promise<unknown>): void;

  /** Reports progress, if the client asked for it. `total` and `message` may be left out. */
  progress(progress: number, total?: number, message?: string): void;
  /** Sends a log message to the client, if it asked for that level. The server's own log is not touched. */
  log(level: LoggingLevel, data: unknown, logger?: string): void;

  /**
   * Asks the user for structured input: a flat object of strings, numbers, booleans and choices.
   * What runs before an `await` of this may run again when the answer arrives, so do nothing there that must happen once.
   */
  elicit(question: Elicitation): Promise<ElicitResult>;
  /** Asks the client's model. The same holds as for `elicit`. */
  sample(question: CreateMessageRequestParams & Keyed): Promise<CreateMessageResult>;
  /** Asks which folders the client works in. The same holds as for `elicit`. */
  listRoots(question?: Keyed): Promise<readonly Root[]>;

  /** State of this caller (issuer, subject, client, tenant), kept between requests. */
  readonly session: SessionState;
  /** Tells every subscribed client of this server, wherever it is connected. */
  readonly notify: Notifier;
  /**
   * Lets the client hang up and come back for the result, so that a long call needs no open connection.
   * Only where streams can be resumed (revisions before 2026); elsewhere it does nothing.
   */
  releaseStream(retryMs?: number): void;
}

export interface Client {
  readonly info: Implementation | undefined;
  readonly capabilities: ClientCapabilities;
}

export interface Trace {
  readonly traceparent?: string;
  readonly tracestate?: string;
  readonly baggage?: string;
}

export interface Keyed {
  /** Names the question, if one handler asks several; otherwise they are numbered in the order they are asked. */
  readonly key?: string;
}

export type Elicitation = Keyed &
  (
    | Pick<ElicitRequestFormParams, 'message' | 'requestedSchema'>
    /** Sends the user to a page, for what must not pass through the client: credentials, payments. */
    | { readonly message: string; readonly url: string; readonly elicitationId: string }
  );

/** Small values under names, per issuer, subject and client. Bounded: see the settings that begin with `sessionState`. */
export interface SessionState {
  get<T>(key: string): Promise<T | undefined>;
  /** @throws {ToolError} when the value or all values together are too large, or there are too many */
  put(key: string, value: unknown): Promise<void>;
  /** Puts a value where there is none; gives the one that is there afterwards, and whether it is the new one. */
  putIfAbsent<T>(key: string, value: T): Promise<{ readonly value: T; readonly isNew: boolean }>;
  delete(key: string): Promise<void>;
  /** Keys, sorted. */
  list(prefix?: string): Promise<readonly string[]>;
}

export interface Notifier {
  resourceUpdated(uri: string): Promise<void>;
  toolsChanged(): Promise<void>;
  promptsChanged(): Promise<void>;
  resourcesChanged(): Promise<void>;
}

/** A question to the client, as the protocol has it. */
export interface Question {
  readonly key: string | undefined;
  readonly method: 'elicitation/create' | 'sampling/createMessage' | 'roots/list';
  readonly params: Readonly<Record<string, unknown>>;
  /** Whether a value can be an answer to it. Clients are not trusted to send one. */
  isAnswer(value: unknown): boolean;
}

/** The way back to the client while one of its requests is being handled. Each era has its own. */
export interface Channel {
  readonly client: Client;
  readonly record: CallRecord;
  /** Aborted when the client cancels the request. Made when somebody asks for it: most handlers do not. */
  signal(): AbortSignal;
  /** Sends a notification on the request's own stream. */
  send(method: string, params: Readonly<Record<string, unknown>>): void;
  /** Gives an answer for which `isAnswer` holds, or never returns. */
  ask(question: Question): Promise<unknown>;
  /** The least severe level the client wants, if any. */
  logLevel(): LoggingLevel | undefined;
  releaseStream(retryMs: number | undefined): void;
}

/** Everything a HandlerContext has that is not made here. What few handlers use is made when one does. */
export interface HandlerBase
  extends Pick<HandlerContext, 'principal' | 'permissions' | 'env' | 'requestId' | 'waitUntil'> {
  session(): SessionState;
  notify(): Notifier;
}

/** The client has not declared what a handler wants to use. `required` is what it would have to declare. */
export class MissingCapability extends Error {
  override readonly name = 'MissingCapability';
  readonly required: ClientCapabilities;
  constructor(required: ClientCapabilities) {
    super(`The client does not support ${Object.keys(required).join(', ')}, which this needs.`);
    this.required = required;
  }
}

const LEVELS: readonly LoggingLevel[] = [
  'debug',
  'info',
  'notice',
  'warning',
  'error',
  'critical',
  'alert',
  'emergency',
];

export const isLoggingLevel = (value: unknown): value is LoggingLevel =>
  LEVELS.includes(value as LoggingLevel);

/** `meta` is the request's `_meta`. */
export function createHandlerContext(
  base: HandlerBase,
  channel: Channel,
  meta: Readonly<Record<string, unknown>>,
): HandlerContext {
  return new RequestContext(base, channel, meta);
}

/**
 * Made for every call, and most calls use little of it: what costs something is made when it is asked for. Methods are
 * bound, so that a handler can take the ones it wants apart from the rest.
 */
class RequestContext implements HandlerContext {
  readonly principal: Principal;
  readonly env: AppEnv;
  readonly requestId: string;
  readonly client: Client;
  readonly waitUntil: HandlerContext['waitUntil'];
  readonly #base: HandlerBase;
  readonly #channel: Channel;
  readonly #meta: Readonly<Record<string, unknown>>;
  #permissions: ReadonlySet<string> | undefined;
  #session: SessionState | undefined;
  #notify: Notifier | undefined;

  constructor(base: HandlerBase, channel: Channel, meta: Readonly<Record<string, unknown>>) {
    this.principal = base.principal;
    this.env = base.env;
    this.requestId = base.requestId;
    this.client = channel.client;
    this.waitUntil = base.waitUntil;
    this.#base = base;
    this.#channel = channel;
    this.#meta = meta;
  }

  /** A copy: what is remembered about a caller must not be changed by a tool. */
  get permissions(): ReadonlySet<string> {
    this.#permissions ??= new Set(this.#base.permissions);
    return this.#permissions;
  }

  get session(): SessionState {
    this.#session ??= this.#base.session();
    return this.#session;
  }

  get notify(): Notifier {
    this.#notify ??= this.#base.notify();
    return this.#notify;
  }

  get signal(): AbortSignal {
    return this.#channel.signal();
  }

  get trace(): Trace {
    return traceOf(this.#meta);
  }

  readonly progress: HandlerContext['progress'] = (progress, total, message) => {
    const { progressToken } = this.#meta;
    const isToken =
      (typeof progressToken === 'string' && progressToken.length <= 256) || typeof progressToken === 'number';
    if (!isToken) return;
    this.#channel.send('notifications/progress', { progressToken, progress, total, message });
  };

  readonly log: HandlerContext['log'] = (level, data, logger) => {
    const least = this.#channel.logLevel();
    if (least === undefined || LEVELS.indexOf(level) < LEVELS.indexOf(least)) return;
    this.#channel.send('notifications/message', { level, logger, data });
  };

  readonly elicit: HandlerContext['elicit'] = ({ key, ...params }) => {
    const { elicitation } = this.client.capabilities;
    if ('url' in params) {
      const question = {
        key,
        method: 'elicitation/create',
        params: { mode: 'url', ...params },
        isAnswer: isAnswerTo(undefined),
      } as const;
      return this.#ask(elicitation?.url !== undefined, { elicitation: { url: {} } }, question);
    }
    // An empty declaration means forms: it is older than the choice.
    const hasForms =
      elicitation !== undefined && (elicitation.form !== undefined || elicitation.url === undefined);
    const question = {
      key,
      method: 'elicitation/create',
      params: { mode: 'form', ...params },
      isAnswer: isAnswerTo(params.requestedSchema),
    } as const;
    return this.#ask(hasForms, { elicitation: { form: {} } }, question);
  };

  readonly sample: HandlerContext['sample'] = ({ key, ...params }) => {
    const question = {
      key,
      method: 'sampling/createMessage',
      params,
      isAnswer: isCreateMessageResult,
    } as const;
    return this.#ask(this.client.capabilities.sampling !== undefined, { sampling: {} }, question);
  };

  readonly listRoots: HandlerContext['listRoots'] = async ({ key } = {}) => {
    const question = { key, method: 'roots/list', params: {}, isAnswer: isRootList } as const;
    const isDeclared = this.client.capabilities.roots !== undefined;
    return (await this.#ask<{ roots: readonly Root[] }>(isDeclared, { roots: {} }, question)).roots;
  };

  readonly releaseStream: HandlerContext['releaseStream'] = (retryMs) => this.#channel.releaseStream(retryMs);

  /** Rejects, rather than throws, so that a handler sees one kind of failure. */
  async #ask<T>(isDeclared: boolean, required: ClientCapabilities, question: Question): Promise<T> {
    if (!isDeclared) throw new MissingCapability(required);
    const { record } = this.#channel;
    const answer = await this.#channel.ask(question);
    record.unanswered = isDeclined(answer) ? 'declined' : undefined;
    return answer as T;
  }
}

/** What a client says it is, if it says so in the form it should. */
export function implementationOf(value: unknown): Implementation | undefined {
  const isWellFormed = isRecord(value) && typeof value.name === 'string' && typeof value.version === 'string';
  return isWellFormed ? (value as unknown as Implementation) : undefined;
}

function traceOf(meta: Readonly<Record<string, unknown>>): Trace {
  const names = ['traceparent', 'tracestate', 'baggage'] as const;
  return Object.fromEntries(
    names.filter((name) => typeof meta[name] === 'string').map((name) => [name, meta[name]]),
  );
}
