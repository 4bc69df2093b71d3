// tools/list and tools/call (MCP 2026-07-28, server/tools).
//
// The caller has been authorized before a method runs; here it only matters what a caller can see. A list depends on who
// asks, so it is "private" to caches. Arguments that do not fit are a result with `isError`, which a model can act on;
// only an unknown tool or a malformed request is a protocol error.

import { describeError } from '../../log.ts';
import { failure, INVALID_PARAMS, isObject } from '../message.ts';
import { validate } from '../schema.ts';
import { ToolError } from '../tool.ts';
import { type Method, type MethodContext, type Result, serverMeta } from './method.ts';

export const listTools: Method = ({ id, params }, { config, catalogue, isReachable }) => {
  const start = params.cursor === undefined ? 0 : positionAfter(params.cursor, catalogue.tools);
  if (start === undefined) return failure(200, INVALID_PARAMS, 'The cursor is not one of this server', id);
  const page: string[] = [];
  let nextCursor: string | undefined;
  let last = '';
  for (const tool of catalogue.tools.slice(start)) {
    if (!isReachable(tool)) continue;
    if (page.length === config.pageSize) {
      nextCursor = btoa(last);
      break;
    }
    page.push(tool.listed);
    last = tool.name;
  }
  const rest = JSON.stringify({
    nextCursor,
    ttlMs: config.listTtlMs,
    cacheScope: 'private',
    _meta: serverMeta(config),
  });
  return { json: `{"resultType":"complete","tools":[${page.join(',')}],${rest.slice(1)}` };
};

/** A cursor names the last tool of the page before, so it stays good when the visible tools change. */
function positionAfter(cursor: unknown, tools: MethodContext['catalogue']['tools']): number | undefined {
  const index = tools.findIndex((tool) => btoa(tool.name) === cursor);
  return index < 0 ? undefined : index + 1;
}

export const callTool: Method = async ({ id, params }, context) => {
  const { name, arguments: args = {} } = params;
  const tool = typeof name === 'string' ? context.catalogue.byName.get(name) : undefined;
  if (!tool) return failure(200, INVALID_PARAMS, 'There is no such tool', id);
  if (!isObject(args)) return failure(200, INVALID_PARAMS, 'arguments must be an object', id);

  const input = await validate(tool.input, args);
  if ('problems' in input)
    return toolError(`The arguments do not fit: ${input.problems.join('; ')}`, context);
  let returned: unknown;
  try {
    returned = await tool.handler(input.value, context.tool);
  } catch (error) {
    if (error instanceof ToolError) return toolError(error.message, context);
    context.report({ event: 'tool_failed', tool: tool.name, error: describeError(error) });
    return toolError('The tool failed. The cause is in the log of the server.', context);
  }
  if (!tool.output)
    return complete(
      { content: typeof returned === 'string' ? [{ type: 'text', text: returned }] : returned },
      context,
    );
  const output = await validate(tool.output, returned);
  if ('problems' in output) {
    context.report({ event: 'tool_output_invalid', tool: tool.name, problems: output.problems });
    return toolError('The tool gave a result that does not fit its own description.', context);
  }
  // The same as text, for clients that do not read structured content.
  return complete(
    { content: [{ type: 'text', text: JSON.stringify(output.value) }], structuredContent: output.value },
    context,
  );
};

const toolError = (text: string, context: MethodContext): Result =>
  complete({ content: [{ type: 'text', text }], isError: true }, context);

function complete(result: Readonly<Record<string, unknown>>, { config }: MethodContext): Result {
  return { json: JSON.stringify({ resultType: 'complete', ...result, _meta: serverMeta(config) }) };
}
