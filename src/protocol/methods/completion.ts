// completion/complete: suggestions for an argument of a prompt or a variable of a resource template (MCP,
// server/utilities/completion). Something without suggestions of its own has none, which is not an error.

import { isRecord } from '../../shapes.ts';
import { failure, INVALID_PARAMS } from '../message.ts';
import { completed } from '../requirement.ts';
import { handlerFailure, type Method } from './method.ts';

/** The most that one answer may have. */
const MAX_VALUES = 100;

export const complete: Method = async ({ id, params }, context) => {
  const { ref, argument } = params;
  if (
    !isRecord(ref) ||
    !isRecord(argument) ||
    typeof argument.name !== 'string' ||
    typeof argument.value !== 'string'
  ) {
    return failure(200, INVALID_PARAMS, 'ref and argument with name and value must be given', id);
  }
  const target = completed(ref, context.catalogue);
  if (!target) return failure(200, INVALID_PARAMS, 'There is no such prompt or resource template', id);
  const suggest =
    'arguments' in target
      ? own(target.arguments, argument.name)?.complete
      : own(target.complete ?? {}, argument.name);
  try {
    const values = (await suggest?.(argument.value, context.handler)) ?? [];
    const completion = {
      values: values.slice(0, MAX_VALUES),
      total: values.length,
      hasMore: values.length > MAX_VALUES,
    };
    return { json: JSON.stringify({ completion }) };
  } catch (error) {
    return handlerFailure(error, target.name, id, context);
  }
};

const own = <T>(object: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(object, name) ? object[name] : undefined;
