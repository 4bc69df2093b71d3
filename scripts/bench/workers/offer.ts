// What every contender offers: one tool, as many times as the workload wants. What it answers is the same everywhere.

/** How many tools there are, set when a contender is built. */
declare const TOOL_COUNT: number;

export const toolCount: number = TOOL_COUNT;
export const SCOPE = 'notes:read';
export const NAME = /^[a-z0-9-]{1,64}$/;

/** `read_note`, `read_note_1`, ... */
export const toolNames: readonly string[] = Array.from({ length: toolCount }, (_, index) =>
  index === 0 ? 'read_note' : `read_note_${index}`,
);

export const TITLE = 'Read a note';
export const DESCRIPTION = 'Reads one note in full. Notes are named by list_notes.';
export const ID_DESCRIPTION = 'Identifier, such as note-17';

export const noteText = (id: string): string => `This is ${id}.`;
