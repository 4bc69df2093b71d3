// tools/list and tools/call (MCP 2026-07-28 and 2025-11-25, server/tools).
//
// The caller has been authorized before a method runs; here it only matters what a caller can see. Arguments that do not
// fit are a result with `isError`, which a model can act on; only an unknown tool or a malformed request is a protocol
// error.

import { describeError } from '../../log.ts';
import { isRecord } from '../../shapes.ts';
import { MissingCapability } from '../handler.ts';
import { failure, INVALID_PARAMS } from '../message.ts';
import { validate } from '../schema.ts';
import { Refused, ToolError } from '../tool.ts';
import { handlerFailure, type Method, page, type Result } from './method.ts';

export const listTools: Method = (message, context) =>
  page(message, context, 'tools', context.catalogue.tools, (tool) =>
    context.era === 'modern' ? tool.listed : tool.listedLegacy,
  );

export const callTool: Method = async ({ id, params }, context) => {
  const { name, arguments: args = {} } = params;
  const tool = typeof name === 'string' ? context.catalogue.toolByName.get(name) : undefined;
  if (!tool) return failure(200, INVALID_PARAMS, 'There is no such tool', id);
  if (!isRecord(args)) return failure(200, INVALID_PARAMS, 'arguments must be an object', id);

  const input = await validate(tool.input, args);
  if ('problems' in input) return toolError(`The arguments do not fit: ${input.problems.join('; ')}`);
  let returned: unknown;
  try {
    returned = await tool.handler(input.value, context.handler);
  } catch (error) {
    if (error instanceof ToolError)
      return toolError(error.message, error instanceof Refused ? 'refused' : 'tool_error');
    if (error instanceof MissingCapability) {
      return context.era === 'modern'
        ? handlerFailure(error, tool.name, id, context)
        : toolError(error.message);
    }
    context.report({ event: 'handler_failed', handler: tool.name, error: describeError(error) });
    return toolError('The tool failed. The cause is in the log of the server.', 'failed');
  }
  if (!tool.output)
    return complete({
      content: typeof returned === 'string' ? [{ type: 'text', text: returned }] : returned,
    });
  const output = await validate(tool.output, returned);
  if ('problems' in output) {
    context.report({ event: 'tool_output_invalid', handler: tool.name, at: output.paths });
    return toolError('The tool gave a result that does not fit its own description.', 'failed');
  }
  // The same as text, for clients that do not read structured content.
  const content = [{ type: 'text', text: JSON.stringify(output.value) }];
  const isStructured = context.era === 'modern' || tool.hasObjectOutput;
  return complete(isStructured ? { content, structuredContent: output.value } : { content });
};

const toolError = (text: string, outcome: Result['outcome'] = 'tool_error'): Result =>
  complete({ content: [{ type: 'text', text }], isError: true }, outcome);

const complete = (
  result: Readonly<Record<string, unknown>>,
  outcome: Result['outcome'] = 'completed',
): Result => ({ json: JSON.stringify(result), outcome });
