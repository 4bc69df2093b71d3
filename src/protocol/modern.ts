// The methods of the modern era (MCP 2026-07-28). A method that is not in the table does not exist.

import { type Failure, failure, METHOD_NOT_FOUND, type RequestMessage } from './message.ts';
import { discover } from './methods/discover.ts';
import type { Method, MethodContext, Result } from './methods/method.ts';
import { callTool, listTools } from './methods/tools.ts';

const METHODS: ReadonlyMap<string, Method> = new Map([
  ['server/discover', discover],
  ['tools/list', listTools],
  ['tools/call', callTool],
]);

export function handleModern(
  message: RequestMessage,
  context: MethodContext,
): Result | Failure | Promise<Result | Failure> {
  const method = METHODS.get(message.method);
  return method ? method(message, context) : failure(404, METHOD_NOT_FOUND, 'Method not found', message.id);
}
