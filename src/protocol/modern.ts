// The modern era (MCP 2026-07-28): its methods, and how one request is answered.
//
// A method that is not in a table does not exist. The answer is JSON, unless the handler sent something before its
// result: then it is an event stream, and closing it cancels the request. A call that takes longer than a moment is
// cancelled too when its caller may not make it any more, whether or not it has sent anything.

import type { Principal } from '../auth/principal.ts';
import { type Denial, isDenial } from '../denial.ts';
import { type CallOutcome, describeError } from '../log.ts';
import type { Rights } from '../policy/authorize.ts';
import { isRecord } from '../shapes.ts';
import { type CallRecord, callIdOf, endOf } from './call-record.ts';
import type { Catalogue } from './catalogue.ts';
import {
  type Channel,
  createHandlerContext,
  type HandlerBase,
  implementationOf,
  isLoggingLevel,
} from './handler.ts';
import { META_CLIENT_CAPABILITIES } from './headers.ts';
import { openRound } from './input-required.ts';
import {
  type Failure,
  failure,
  INTERNAL_ERROR,
  isFailure,
  METHOD_NOT_FOUND,
  type RequestMessage,
} from './message.ts';
import { complete } from './methods/completion.ts';
import { discover } from './methods/discover.ts';
import { type Method, type MethodContext, type Result, serverMeta } from './methods/method.ts';
import { getPrompt, listPrompts } from './methods/prompts.ts';
import { listResources, listResourceTemplates, readResource } from './methods/resources.ts';
import { type ListenContext, listen } from './methods/subscriptions.ts';
import { callTool, listTools } from './methods/tools.ts';
import type { Sealer } from './seal.ts';
import { EventStream, event, supervise, watch } from './sse.ts';
import { ToolError } from './tool.ts';

/** Methods that run code of the app, which may send and, but for completion, ask. */
const HANDLED: ReadonlyMap<string, Method> = new Map([
  ['tools/call', callTool],
  ['resources/read', readResource],
  ['prompts/get', getPrompt],
  ['completion/complete', complete],
]);

const PLAIN: ReadonlyMap<string, Method> = new Map([
  ['server/discover', discover],
  ['tools/list', listTools],
  ['resources/list', listResources],
  ['resources/templates/list', listResourceTemplates],
  ['prompts/list', listPrompts],
]);

export interface ModernContext
  extends Pick<MethodContext, 'config' | 'catalogue' | 'isReachable' | 'viewer' | 'report'>,
    Pick<ListenContext, 'mayUse' | 'open'> {
  readonly principal: Principal;
  readonly base: HandlerBase;
  /** Aborted when the client hangs up. */
  hangUp(): AbortSignal;
  readonly sealer: Sealer | undefined;
  readonly record: CallRecord;
  /** The end of a tool call that was answered before; `undefined` when it did not get as far as a tool. */
  onCallEnd(outcome: CallOutcome | undefined): void;
  /** Epoch seconds. */
  readonly now: number;
  consume(nonce: string, expiresAt: number): Promise<boolean>;
  /** The caller's rights now, or why it may not do this any more. */
  standing(): Promise<{ readonly rights: Rights } | Denial>;
  /** Whether the caller's token has not expired. */
  isCurrent(): boolean;
  /** Whether the caller has as much in progress as it may. */
  isFull(): boolean;
  /** Counts what goes on longer; `undefined` when there is no room for it. */
  begin(isStream: boolean): InProgressEntry | undefined;
}

interface InProgressEntry {
  /** It still goes on. */
  beat(): void;
  end(): void;
}

/** The JSON of a response, the body of an event stream, or why there is neither. */
export type ModernAnswer =
  | { readonly json: string }
  | { readonly stream: ReadableStream<Uint8Array> }
  | Failure
  | Denial;

/** A little later some of what is in progress may have ended. */
const TOO_MUCH: Denial = { reason: 'rate_limited', retryAfterSeconds: 5 };

export async function handleModern(message: RequestMessage, context: ModernContext): Promise<ModernAnswer> {
  const plain = PLAIN.get(message.method);
  if (plain) return respond(message, await plain(message, methodContext(context, NO_HANDLER)), context);
  if (message.method === 'subscriptions/listen') return subscribe(message, context);
  const method = HANDLED.get(message.method);
  return method
    ? handle(method, message, context)
    : failure(404, METHOD_NOT_FOUND, 'Method not found', message.id);
}

async function subscribe(message: RequestMessage, context: ModernContext): Promise<ModernAnswer> {
  const { catalogue, config, mayUse, open, standing, isCurrent } = context;
  const entry = context.begin(true);
  if (!entry) return TOO_MUCH;
  try {
    const stream = await listen(message, {
      catalogue,
      limits: config,
      mayUse,
      open,
      permissions: context.base.permissions,
      onEnd: entry.end,
      async standing() {
        entry.beat();
        const caller = await standing();
        return isDenial(caller) || !isCurrent() ? undefined : caller.rights.permissions;
      },
      wrapResult: (meta) =>
        JSON.stringify({ resultType: 'complete', _meta: { ...serverMeta(config), ...meta } }),
    });
    if (stream instanceof ReadableStream) return { stream };
    entry.end();
    return stream;
  } catch (error) {
    entry.end();
    context.report({ event: 'handler_failed', handler: message.method, error: describeError(error) });
    return failure(503, INTERNAL_ERROR, 'Changes cannot be listened to right now', message.id);
  }
}

const methodContext = (
  { config, catalogue, isReachable, viewer, report }: ModernContext,
  handler: MethodContext['handler'],
): MethodContext => ({ config, catalogue, era: 'modern', isReachable, viewer, handler, report });

/** Plain methods never touch it. */
const NO_HANDLER = {} as MethodContext['handler'];

async function handle(
  method: Method,
  message: RequestMessage,
  context: ModernContext,
): Promise<ModernAnswer> {
  const { config, catalogue, base, record } = context;
  if (context.isFull()) return TOO_MUCH;
  const finished = Promise.withResolvers<Outcome>();
  const round = await openRound(message, {
    principal: context.principal,
    sealer: context.sealer,
    now: context.now,
    lifetimeSeconds: config.requestStateSeconds,
    record,
    ...(isAnsweredOnce(message, catalogue) ? { consume: context.consume } : {}),
    onQuestions: (questions) =>
      questions.then((asked) => finished.resolve({ questions: asked }), finished.reject),
  });
  if (isFailure(round)) return round;

  const cancellation = lazily(() => new AbortController());
  const signal = lazily(() => AbortSignal.any([context.hangUp(), cancellation().signal]));
  let isCancelled = false;
  const cancel = (): void => {
    isCancelled = true;
    cancellation().abort();
  };
  const isCall = method === callTool;
  // Unless something better becomes known of it.
  if (isCall) record.outcome = 'failed';
  const outcomeOf = (outcome: Outcome): CallOutcome | undefined =>
    'questions' in outcome ? 'asked' : endOf(outcome, record, () => isCancelled || context.hangUp().aborted);
  /** The call is answered, and goes on. */
  const outlives = (): void => {
    if (!isCall) return;
    callIdOf(record);
    record.outcome = 'running';
    finished.promise
      .then(outcomeOf, (): CallOutcome => 'failed')
      .then((outcome) => context.onCallEnd(outcome));
  };
  let stream: EventStream | undefined;
  let hasRoom = true;
  let entry: InProgressEntry | undefined;
  // Also how it is noticed that a client has gone: by a sign of life that nobody takes.
  let stopSupervision: () => void = () => {};
  let stopWatching: () => void = () => {};
  const first = Promise.withResolvers<Outcome | Denial | undefined>();
  const standing = () => {
    entry?.beat();
    return context.standing();
  };

  function openStream(): EventStream | undefined {
    const counted = context.begin(true);
    if (!counted) return undefined;
    stopWatching();
    entry?.end();
    entry = counted;
    const opened = new EventStream(() => {
      stopSupervision();
      counted.end();
      cancel();
    });
    const mayStay = async () => !isDenial(await standing()) && context.isCurrent();
    stopSupervision = supervise(opened, config, mayStay, () => opened.close());
    first.resolve(undefined);
    return opened;
  }

  /** For a call that takes longer than a moment and has sent nothing. It may outlive its token: it was begun with a good one. */
  function watchSilently(): void {
    entry = context.begin(false);
    // When the client hangs up, its handler still gets to clean up, and what became of it is written.
    base.waitUntil(finished.promise.catch(() => {}));
    let refused: Denial | undefined;
    const mayGoOn = async () => {
      const caller = await standing();
      if (isDenial(caller)) refused = caller;
      return !refused;
    };
    stopWatching = watch(config.streamRecheckSeconds, mayGoOn, () => {
      first.resolve(refused ?? { reason: 'policy_unavailable', detail: 'exception', retryAfterSeconds: 5 });
      cancel();
    });
  }

  const { 'io.modelcontextprotocol/clientInfo': info, 'io.modelcontextprotocol/logLevel': level } =
    message.meta;
  const channel: Channel = {
    client: { info: implementationOf(info), capabilities: message.meta[META_CLIENT_CAPABILITIES] as never },
    record,
    signal,
    // Only these three may be answered with a question (basic/patterns/mrtr, "Supported Requests").
    ask: method === complete ? () => Promise.reject(new ToolError('A completion cannot ask.')) : round.ask,
    logLevel: () => (isLoggingLevel(level) ? level : undefined),
    releaseStream: () => {},
    send(notification, params) {
      if (signal().aborted) return;
      if (!stream && hasRoom) stream = openStream();
      // What is told on the way is a courtesy: without room for it the call goes on, and its result is told.
      hasRoom = stream !== undefined;
      stream?.write(event(JSON.stringify({ jsonrpc: '2.0', method: notification, params })));
    },
  };
  const handler = createHandlerContext(base, channel, message.meta);

  Promise.resolve(method(message, methodContext(context, handler))).then(finished.resolve, finished.reject);
  finished.promise.then(first.resolve, first.reject);
  if (!(await settlesSoon(first.promise))) watchSilently();
  const outcome = await first.promise.finally(stopWatching);
  if (outcome !== undefined) {
    entry?.end();
    if (isDenial(outcome)) {
      outlives();
      return outcome;
    }
    if (isCall) record.outcome = outcomeOf(outcome);
    return respond(message, outcome, context);
  }
  outlives();

  const open = stream as EventStream | undefined;
  const ended = finished.promise
    .then((outcome) => respond(message, outcome, context))
    .catch((error: unknown) => {
      context.report({ event: 'handler_failed', handler: message.method, error: describeError(error) });
      return failure(500, INTERNAL_ERROR, 'The server could not handle the request', message.id);
    })
    .then((answer) => {
      open?.write(event(isFailure(answer) ? failureJson(answer) : answer.json));
      open?.close();
    });
  // A client that hangs up ends the request; a handler that is cancelled still gets to clean up.
  base.waitUntil(ended);
  return { stream: open?.readable ?? new ReadableStream() };
}

const isAnsweredOnce = ({ method, params }: RequestMessage, { toolByName }: Catalogue): boolean =>
  method === 'tools/call' && toolByName.get(params.name as string)?.answersOnce === true;

function lazily<T extends object>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

/** More turns than a call takes that waits for nothing outside. */
const TURNS = 64;

/** Whether a promise settles without waiting for anything: then nothing has to be set up for it, such as a timer. */
async function settlesSoon(promise: Promise<unknown>): Promise<boolean> {
  let isSettled = false;
  const settled = () => {
    isSettled = true;
  };
  promise.then(settled, settled);
  for (let turn = 0; turn < TURNS && !isSettled; turn += 1) await undefined;
  return isSettled;
}

type Outcome = Result | Failure | { readonly questions: object };

/** The JSON of the whole response. */
function respond(
  { id }: RequestMessage,
  outcome: Outcome,
  { config }: ModernContext,
): { readonly json: string } | Failure {
  if (isFailure(outcome)) return outcome;
  const meta = `"_meta":${JSON.stringify(serverMeta(config))}`;
  const head = `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":{"resultType":`;
  if ('questions' in outcome)
    return { json: `${head}"input_required",${inside(JSON.stringify(outcome.questions))}${meta}}}` };
  const caching = outcome.isCacheable ? `"ttlMs":${config.listTtlMs},"cacheScope":"private",` : '';
  return { json: `${head}"complete",${inside(outcome.json)}${caching}${meta}}}` };
}

/** The members of an object's JSON, with a comma behind the last. */
const inside = (json: string): string => (json === '{}' ? '' : `${json.slice(1, -1)},`);

/** The JSON-RPC text of a failure. */
export function failureJson({ code, message, data, id }: Failure): string {
  return JSON.stringify({
    jsonrpc: '2.0',
    ...(id === undefined ? {} : { id }),
    error: { code, message, ...(data === undefined ? {} : { data }) },
  });
}

export const isStream = (answer: ModernAnswer): answer is { readonly stream: ReadableStream<Uint8Array> } =>
  isRecord(answer) && 'stream' in answer;
