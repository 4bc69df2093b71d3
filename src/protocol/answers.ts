// Whether a client's answer can be an answer to what was asked (MCP, client/elicitation, sampling, roots).
//
// The client is somebody else's program: an answer of the wrong shape must not reach a handler, which relies on the
// types. Forms are flat on purpose in MCP, so checking one takes no JSON Schema library.

import type { ElicitRequestFormParams } from '@modelcontextprotocol/server';
import { isRecord } from '../shapes.ts';

type FormSchema = ElicitRequestFormParams['requestedSchema'];

/** For an elicitation: accept with content that fits the schema, or decline, or cancel. Without a schema content does not matter. */
export function isAnswerTo(schema: FormSchema | undefined): (value: unknown) => boolean {
  return (value) => {
    if (!isRecord(value)) return false;
    if (isDeclined(value)) return true;
    return (
      value.action === 'accept' &&
      (schema === undefined || (isRecord(value.content) && fits(value.content, schema)))
    );
  };
}

/** Whether the user said no to an elicitation, or closed it. */
export const isDeclined = (answer: unknown): boolean =>
  isRecord(answer) && (answer.action === 'decline' || answer.action === 'cancel');

function fits(
  content: Readonly<Record<string, unknown>>,
  { properties, required = [] }: FormSchema,
): boolean {
  if (!required.every((name) => Object.hasOwn(content, name))) return false;
  return Object.entries(content).every(([name, value]) => {
    const schema = Object.hasOwn(properties, name)
      ? (properties[name] as Readonly<Record<string, unknown>>)
      : undefined;
    return schema !== undefined && fitsField(value, schema);
  });
}

function fitsField(value: unknown, schema: Readonly<Record<string, unknown>>): boolean {
  switch (schema.type) {
    case 'boolean':
      return typeof value === 'boolean';
    case 'number':
    case 'integer': {
      if (typeof value !== 'number' || (schema.type === 'integer' && !Number.isInteger(value))) return false;
      return value >= bound(schema.minimum, -Infinity) && value <= bound(schema.maximum, Infinity);
    }
    case 'array': {
      const choices = choicesOf(schema.items);
      if (
        !Array.isArray(value) ||
        !value.every((item) => typeof item === 'string' && (choices?.includes(item) ?? true))
      )
        return false;
      return value.length >= bound(schema.minItems, 0) && value.length <= bound(schema.maxItems, Infinity);
    }
    default: {
      if (typeof value !== 'string' || !(choicesOf(schema)?.includes(value) ?? true)) return false;
      // JSON Schema counts characters, not UTF-16 units.
      const length = Array.from(value).length;
      return length >= bound(schema.minLength, 0) && length <= bound(schema.maxLength, Infinity);
    }
  }
}

const bound = (value: unknown, otherwise: number): number => (typeof value === 'number' ? value : otherwise);

/** `enum`, or the `const`s of `oneOf` or `anyOf`. */
function choicesOf(schema: unknown): readonly unknown[] | undefined {
  if (!isRecord(schema)) return undefined;
  if (Array.isArray(schema.enum)) return schema.enum;
  const titled = schema.oneOf ?? schema.anyOf;
  return Array.isArray(titled)
    ? titled.map((choice) => (isRecord(choice) ? choice.const : undefined))
    : undefined;
}

export function isCreateMessageResult(value: unknown): boolean {
  return (
    isRecord(value) &&
    typeof value.model === 'string' &&
    typeof value.role === 'string' &&
    (isRecord(value.content) || Array.isArray(value.content))
  );
}

export function isRootList(value: unknown): boolean {
  return (
    isRecord(value) &&
    Array.isArray(value.roots) &&
    value.roots.every((root) => isRecord(root) && typeof root.uri === 'string')
  );
}
