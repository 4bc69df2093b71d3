// What a method of the protocol gets and gives; the same for both eras.
//
// A result is handed on as the JSON text of an object: lists are rendered from parts that were serialized once, and
// nobody behind a method needs to look inside. What only one era has in a result is added by that era.

import type { Config } from '../../config.ts';
import { describeError } from '../../log.ts';
import type { Requirement } from '../../policy/authorize.ts';
import type { Catalogue } from '../catalogue.ts';
import type { Era } from '../era.ts';
import { type HandlerContext, MissingCapability } from '../handler.ts';
import {
  type Failure,
  failure,
  INTERNAL_ERROR,
  INVALID_PARAMS,
  MISSING_CLIENT_CAPABILITY,
  type RequestId,
  type RequestMessage,
} from '../message.ts';
import { ToolError } from '../tool.ts';

export interface MethodContext {
  readonly config: Config;
  readonly catalogue: Catalogue;
  readonly era: Era;
  /** Whether the caller has the permissions for something, be it only after consenting to more scopes. */
  isReachable(requirement: Requirement): boolean;
  /** The same object while nothing changes in what the caller can reach: lists are remembered by it. */
  readonly viewer: object;
  /** For the app's code. */
  readonly handler: HandlerContext;
  /** Something that went wrong while the app's code ran and that only the log may know. */
  report(event: HandlerEvent): void;
}

export type HandlerEvent =
  | { readonly event: 'handler_failed'; readonly handler: string; readonly error: string }
  | { readonly event: 'tool_output_invalid'; readonly handler: string; readonly at: readonly string[] };

export interface Result {
  /** The JSON of `result`, an object. */
  readonly json: string;
  /** Whether clients may keep it for a while (MCP 2026-07-28, server/utilities/caching). */
  readonly isCacheable?: boolean;
  /** Of a tool call, as far as the tool itself can tell. */
  readonly outcome?: 'completed' | 'tool_error' | 'refused' | 'failed';
}

export type Method = (
  message: RequestMessage,
  context: MethodContext,
) => Result | Failure | Promise<Result | Failure>;

/** `_meta` that every modern result carries: who answered. */
export const serverMeta = (config: Config): Readonly<Record<string, unknown>> => ({
  'io.modelcontextprotocol/serverInfo': config.serverInfo,
});

/** A list, a page at a time. Rendered once for all callers who see the same of it. */
export function page<Item extends Requirement & { readonly name: string }>(
  { id, params }: RequestMessage,
  context: MethodContext,
  field: string,
  items: readonly Item[],
  render: (item: Item) => string,
): Result | Failure {
  const start = params.cursor === undefined ? 0 : positionAfter(params.cursor, items);
  if (start === undefined) return failure(200, INVALID_PARAMS, 'The cursor is not one of this server', id);
  const { visibilities, pages } = renderedOf(items);
  let visibility = visibilities.get(context.viewer);
  if (visibility === undefined) {
    visibility = items.map((item) => (context.isReachable(item) ? '1' : '0')).join('');
    visibilities.set(context.viewer, visibility);
  }
  const { pageSize } = context.config;
  const name = `${context.era} ${pageSize} ${start} ${visibility}`;
  let json = pages.get(name);
  if (json === undefined) {
    json = renderPage(field, items, render, visibility, start, pageSize);
    if (pages.size >= MAX_PAGES) pages.clear();
    pages.set(name, json);
  }
  return { json, isCacheable: true };
}

/** More than roles usually make; a page may be long. */
const MAX_PAGES = 64;

interface Rendered {
  /** Which items somebody can reach: a 1 or a 0 for each. */
  readonly visibilities: WeakMap<object, string>;
  readonly pages: Map<string, string>;
}

const rendered = new WeakMap<readonly unknown[], Rendered>();

function renderedOf(items: readonly unknown[]): Rendered {
  const known = rendered.get(items) ?? { visibilities: new WeakMap(), pages: new Map() };
  rendered.set(items, known);
  return known;
}

function renderPage<Item extends { readonly name: string }>(
  field: string,
  items: readonly Item[],
  render: (item: Item) => string,
  visibility: string,
  start: number,
  pageSize: number,
): string {
  const entries: string[] = [];
  let last = '';
  for (let index = start; index < items.length; index += 1) {
    const item = items[index];
    if (!item || visibility[index] !== '1') continue;
    if (entries.length === pageSize)
      return `{"${field}":[${entries.join(',')}],"nextCursor":${JSON.stringify(cursorOf(last))}}`;
    entries.push(render(item));
    last = item.name;
  }
  return `{"${field}":[${entries.join(',')}]}`;
}

/** A cursor names the last item of the page before, so it stays good when what the caller sees changes. */
const cursorOf = (name: string): string => encodeURIComponent(name);

function positionAfter(cursor: unknown, items: readonly { readonly name: string }[]): number | undefined {
  const index = items.findIndex(({ name }) => cursorOf(name) === cursor);
  return index < 0 ? undefined : index + 1;
}

/** What the caller may learn of an exception of the app's code; the rest goes to the log. */
export function handlerFailure(
  error: unknown,
  handler: string,
  id: RequestId,
  { era, report }: MethodContext,
): Failure {
  if (error instanceof ToolError) return failure(200, INVALID_PARAMS, error.message, id);
  if (error instanceof MissingCapability) {
    // The older era has no code for it.
    return era === 'modern'
      ? failure(400, MISSING_CLIENT_CAPABILITY, error.message, id, { requiredCapabilities: error.required })
      : failure(200, INVALID_PARAMS, error.message, id);
  }
  report({ event: 'handler_failed', handler, error: describeError(error) });
  return failure(200, INTERNAL_ERROR, 'It failed. The cause is in the log of the server.', id);
}
