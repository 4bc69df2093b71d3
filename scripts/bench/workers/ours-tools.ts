// The benchmark's tools as an app declares them: the one that all contenders have, and those of single workloads.

import { toStandardJsonSchema } from '@valibot/to-json-schema';
import * as v from 'valibot';
import { defineTool, type Tool } from '../../../src/kit.ts';
import { DESCRIPTION, ID_DESCRIPTION, NAME, noteText, SCOPE, TITLE, toolNames } from './offer.ts';

const needs = { scopes: [SCOPE], permissions: [SCOPE] };
const note = toStandardJsonSchema(
  v.strictObject({ id: v.pipe(v.string(), v.regex(NAME), v.description(ID_DESCRIPTION)) }),
);
const nothing = toStandardJsonSchema(v.strictObject({}));

const readNotes = toolNames.map((name) =>
  defineTool({
    name,
    title: TITLE,
    description: DESCRIPTION,
    input: note,
    ...needs,
    handler: ({ id }) => noteText(id),
  }),
);

const countNotes = defineTool({
  name: 'count_notes',
  title: 'Count the notes',
  description: 'Counts all notes and tells how far it is.',
  input: nothing,
  ...needs,
  handler: (_input, { progress }) => {
    for (let count = 1; count <= 100; count += 1) progress(count, 100, `note-${count}`);
    return 'There are 100 notes.';
  },
});

const deleteNote = defineTool({
  name: 'delete_note',
  title: 'Delete a note',
  description: 'Deletes one note after the user has confirmed it.',
  input: note,
  ...needs,
  handler: async ({ id }, { elicit }) => {
    const { action } = await elicit({
      key: 'confirm',
      message: `Delete ${id}?`,
      requestedSchema: {
        type: 'object',
        properties: { confirm: { type: 'boolean' } },
        required: ['confirm'],
      },
    });
    return action === 'accept' ? `Deleted ${id}.` : `Kept ${id}.`;
  },
});

/** With a hundred tools there are just those, so that lists are alike. */
export const tools: readonly Tool[] =
  toolNames.length > 1 ? readNotes : [...readNotes, countNotes, deleteNote];
