// YOURS: state of the caller, kept between calls, in whatever way the client connects.

import * as v from 'valibot';
import { defineTool, ToolError } from '../../kit.ts';
import { object } from '../reports.ts';

const name = v.pipe(v.string(), v.regex(/^[\w-]{1,64}$/), v.description('A name for the note'));
const keyOf = (note: string): string => `note:${note}`;

export const remember = defineTool({
  name: 'remember',
  title: 'Remember something',
  description: 'Keeps a note for this user and client. A note of the same name is replaced.',
  input: object({ name, text: v.pipe(v.string(), v.maxLength(10_000)) }),
  scopes: [],
  permissions: [],
  annotations: { readOnlyHint: false, idempotentHint: true, openWorldHint: false },
  handler: async (note, { session }) => {
    await session.put(keyOf(note.name), note.text);
    return `Remembered as ${note.name}.`;
  },
});

export const recall = defineTool({
  name: 'recall',
  title: 'Recall something',
  description: 'Gives back a note, or the names of all notes when no name is given.',
  input: object({ name: v.optional(name) }),
  scopes: [],
  permissions: [],
  annotations: { readOnlyHint: true, openWorldHint: false },
  handler: async (note, { session }) => {
    if (note.name === undefined) {
      const keys = await session.list(keyOf(''));
      return keys.length === 0
        ? 'There are no notes.'
        : keys.map((key) => key.slice(keyOf('').length)).join('\n');
    }
    const text = await session.get<string>(keyOf(note.name));
    if (text === undefined) throw new ToolError(`There is no note "${note.name}".`);
    return text;
  },
});
