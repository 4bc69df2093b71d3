// What a method of the protocol gets and gives; the same for both eras.
//
// A result is handed on as JSON text: lists are rendered from parts that were serialized once, and nobody behind a
// method needs to look inside.

import type { Config } from '../../config.ts';
import type { Requirement } from '../../policy/authorize.ts';
import type { Failure, RequestMessage } from '../message.ts';
import type { Catalogue, ToolContext } from '../tool.ts';

export interface MethodContext {
  readonly config: Config;
  readonly catalogue: Catalogue;
  /** Whether the caller has the permissions for something, be it only after consenting to more scopes. */
  isReachable(requirement: Requirement): boolean;
  /** For what a handler gets to see. */
  readonly tool: ToolContext;
  /** Something that went wrong while a tool ran and that only the log may know. */
  report(
    event:
      | { readonly event: 'tool_failed'; readonly tool: string; readonly error: string }
      | {
          readonly event: 'tool_output_invalid';
          readonly tool: string;
          readonly problems: readonly string[];
        },
  ): void;
}

export interface Result {
  /** The JSON of `result`. */
  readonly json: string;
}

export type Method = (
  message: RequestMessage,
  context: MethodContext,
) => Result | Failure | Promise<Result | Failure>;

/** `_meta` that every result carries: who answered. */
export const serverMeta = (config: Config): Readonly<Record<string, unknown>> => ({
  'io.modelcontextprotocol/serverInfo': config.serverInfo,
});
