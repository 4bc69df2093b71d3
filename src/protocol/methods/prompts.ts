// prompts/list and prompts/get (MCP, server/prompts).

import { isRecord } from '../../shapes.ts';
import { failure, INVALID_PARAMS } from '../message.ts';
import { handlerFailure, type Method, page } from './method.ts';

export const listPrompts: Method = (message, context) =>
  page(message, context, 'prompts', context.catalogue.prompts, ({ listed }) => listed);

export const getPrompt: Method = async ({ id, params }, context) => {
  const { name, arguments: args = {} } = params;
  const prompt = typeof name === 'string' ? context.catalogue.promptByName.get(name) : undefined;
  if (!prompt) return failure(200, INVALID_PARAMS, 'There is no such prompt', id);
  if (!isRecord(args) || !Object.values(args).every((value) => typeof value === 'string')) {
    return failure(200, INVALID_PARAMS, 'arguments must be an object of strings', id);
  }
  const unknown = Object.keys(args).filter((argument) => !Object.hasOwn(prompt.arguments, argument));
  const missing = Object.keys(prompt.arguments).filter(
    (argument) => prompt.arguments[argument]?.required && args[argument] === undefined,
  );
  if (missing.length > 0) return failure(200, INVALID_PARAMS, `Missing: ${missing.join(', ')}`, id);
  if (unknown.length > 0) {
    const known = Object.keys(prompt.arguments).join(', ') || 'none';
    return failure(200, INVALID_PARAMS, `Only these arguments are known: ${known}`, id);
  }
  try {
    const content = await prompt.get(args as Readonly<Record<string, string>>, context.handler);
    const messages =
      typeof content === 'string' ? [{ role: 'user', content: { type: 'text', text: content } }] : content;
    return { json: JSON.stringify({ description: prompt.description, messages }) };
  } catch (error) {
    return handlerFailure(error, prompt.name, id, context);
  }
};
