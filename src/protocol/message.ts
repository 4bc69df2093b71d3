// Reads the body once, bounded, and says what kind of JSON-RPC message it is (JSON-RPC 2.0; MCP 2026-07-28, basic).
//
// Size is bounded while reading and depth before parsing, so neither a wrong Content-Length nor deep nesting costs more
// than its limit. One message per request: batches were removed from MCP in 2025-06-18.
// Does not know any method; does not look at headers except Content-Type.

import type { Config } from '../config.ts';
import { isRecord } from '../shapes.ts';

export type RequestId = string | number;
export type Params = Readonly<Record<string, unknown>>;

export interface RequestMessage {
  readonly kind: 'request';
  readonly id: RequestId;
  readonly method: string;
  readonly params: Params;
  /** `params._meta`, empty when there is none. */
  readonly meta: Params;
}

export interface NotificationMessage {
  readonly kind: 'notification';
  readonly method: string;
  readonly params: Params;
  readonly meta: Params;
}

/** The answer to something a server of the older era asked; modern clients send none. */
export interface ResponseMessage {
  readonly kind: 'response';
  readonly id: RequestId;
  /** Exactly one of the two is there. */
  readonly result?: unknown;
  readonly error?: unknown;
}

export type Message = RequestMessage | NotificationMessage | ResponseMessage;

/** A JSON-RPC error and the HTTP status it goes with. `message` is ours and never repeats what the caller sent. */
export interface Failure {
  readonly status: number;
  readonly code: number;
  readonly message: string;
  readonly data?: unknown;
  readonly id?: RequestId;
}

export const PARSE_ERROR = -32_700;
export const INVALID_REQUEST = -32_600;
export const METHOD_NOT_FOUND = -32_601;
export const INVALID_PARAMS = -32_602;
export const INTERNAL_ERROR = -32_603;
export const HEADER_MISMATCH = -32_020;
export const MISSING_CLIENT_CAPABILITY = -32_021;
export const UNSUPPORTED_PROTOCOL_VERSION = -32_022;

export const failure = (
  status: number,
  code: number,
  message: string,
  id?: RequestId,
  data?: unknown,
): Failure => ({
  status,
  code,
  message,
  ...(id === undefined ? {} : { id }),
  ...(data === undefined ? {} : { data }),
});

/** Tells a failure from a result or a message: nothing else in this folder has a `code`. */
export function isFailure(value: object): value is Failure {
  return 'code' in value;
}

type BodyLimits = Pick<Config, 'maxBodyBytes' | 'maxJsonDepth'>;

/** Request -> message. Fails with 413, 415, or 400 and -32700 or -32600. */
export async function readMessage(request: Request, limits: BodyLimits): Promise<Message | Failure> {
  const body = await readJson(request, limits);
  return isFailure(body) ? body : toMessage(body.json);
}

/** The same, with the text that it was. */
export async function readMessageText(
  request: Request,
  limits: BodyLimits,
): Promise<{ readonly message: Message; readonly text: string } | Failure> {
  const body = await readJson(request, limits);
  if (isFailure(body)) return body;
  const message = toMessage(body.json);
  return isFailure(message) ? message : { message, text: body.text };
}

/** The body as JSON, and as the text it was. */
export async function readJson(
  request: Request,
  limits: BodyLimits,
): Promise<{ readonly json: unknown; readonly text: string } | Failure> {
  const type = request.headers.get('content-type') ?? '';
  if (type !== 'application/json' && !/^application\/json(?:\s*;|\s*$)/i.test(type)) {
    return failure(415, INVALID_REQUEST, 'Content-Type must be application/json');
  }
  const text = await readText(request, limits.maxBodyBytes);
  if (typeof text !== 'string') return text;
  if (isDeeperThan(text, limits.maxJsonDepth))
    return failure(400, INVALID_REQUEST, 'The message is nested too deeply');
  try {
    return { json: JSON.parse(text), text };
  } catch {
    return failure(400, PARSE_ERROR, 'The body is not valid JSON');
  }
}

const TOO_LARGE = failure(413, INVALID_REQUEST, 'The message is too large');
const UTF_8 = { fatal: true, ignoreBOM: true } as const;
const wholeBody = new TextDecoder('utf-8', UTF_8);

/**
 * A body that says how long it is, and is short enough, is read at once: HTTP does not let it become longer. Chunk by
 * chunk, as every other is read, costs several times as much as the rest of a request.
 */
async function readText(request: Request, maxBytes: number): Promise<string | Failure> {
  const length = request.headers.get('content-length') ?? '';
  try {
    if (!/^\d+$/.test(length) || Number(length) > maxBytes) return await readChunks(request, maxBytes);
    const body = await request.arrayBuffer();
    return body.byteLength > maxBytes ? TOO_LARGE : wholeBody.decode(body);
  } catch {
    return failure(400, PARSE_ERROR, 'The body is not UTF-8 or ended early');
  }
}

/** Reads no further than the limit. @throws when it is not UTF-8 or ends early */
async function readChunks(request: Request, maxBytes: number): Promise<string | Failure> {
  const decoder = new TextDecoder('utf-8', UTF_8);
  let text = '';
  let bytes = 0;
  for await (const chunk of request.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) return TOO_LARGE;
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/** Counts brackets outside strings. Text that is not JSON may be counted wrongly, and then fails to parse anyway. */
export function isDeeperThan(text: string, limit: number): boolean {
  let depth = 0;
  let inString = false;
  for (let index = 0; index < text.length; index += 1) {
    const char = text.charCodeAt(index);
    if (inString) {
      if (char === 0x5c) index += 1;
      else if (char === 0x22) inString = false;
    } else if (char === 0x22) inString = true;
    else if (char === 0x7b || char === 0x5b) {
      depth += 1;
      if (depth > limit) return true;
    } else if (char === 0x7d || char === 0x5d) depth -= 1;
  }
  return false;
}

/** Ids are repeated in answers and kept with streams. */
const MAX_ID = 256;

function toMessage(json: unknown): Message | Failure {
  if (Array.isArray(json))
    return failure(400, INVALID_REQUEST, 'Batches are not supported; send one message per request');
  if (!isRecord(json) || json.jsonrpc !== '2.0')
    return failure(400, INVALID_REQUEST, 'The body is not a JSON-RPC 2.0 message');
  const { id, method } = json;
  const hasId = Object.hasOwn(json, 'id');
  const knownId =
    (typeof id === 'string' && id.length <= MAX_ID) || Number.isFinite(id) ? (id as RequestId) : undefined;
  if (hasId && knownId === undefined)
    return failure(400, INVALID_REQUEST, 'id must be a number, or a string of at most 256 characters');
  if (method === undefined && knownId !== undefined && ('result' in json || 'error' in json)) {
    return {
      kind: 'response',
      id: knownId,
      ...('error' in json ? { error: json.error } : { result: json.result }),
    };
  }
  if (typeof method !== 'string')
    return failure(400, INVALID_REQUEST, 'The message has neither a method nor a result', knownId);
  const params = json.params ?? {};
  const meta = isRecord(params) ? (params._meta ?? {}) : undefined;
  if (!isRecord(params) || !isRecord(meta))
    return failure(400, INVALID_PARAMS, 'params and params._meta must be objects', knownId);
  return knownId === undefined
    ? { kind: 'notification', method, params, meta }
    : { kind: 'request', id: knownId, method, params, meta };
}
