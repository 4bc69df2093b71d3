// The tool as the official SDK's documentation registers one: in the factory, with its schema, for every request.

import { acceptedContent, inputRequired, McpServer } from '@modelcontextprotocol/server';
import * as z from 'zod';
import { DESCRIPTION, ID_DESCRIPTION, NAME, noteText, TITLE, toolNames } from '../workers/offer.ts';

export function createServer(): McpServer {
  const server = new McpServer({ name: 'bench', version: '1.0.0' });
  for (const name of toolNames) {
    server.registerTool(
      name,
      {
        title: TITLE,
        description: DESCRIPTION,
        inputSchema: z.object({ id: z.string().regex(NAME).describe(ID_DESCRIPTION) }),
      },
      async ({ id }) => ({ content: [{ type: 'text', text: noteText(id) }] }),
    );
  }
  if (toolNames.length === 1) {
    server.registerTool(
      'count_notes',
      {
        title: 'Count the notes',
        description: 'Counts all notes and tells how far it is.',
        inputSchema: z.object({}),
      },
      async (_input, { mcpReq }) => {
        const progressToken = mcpReq._meta?.progressToken;
        for (let progress = 1; progressToken !== undefined && progress <= 100; progress += 1) {
          await mcpReq.notify({
            method: 'notifications/progress',
            params: { progressToken, progress, total: 100, message: `note-${progress}` },
          });
        }
        return { content: [{ type: 'text', text: 'There are 100 notes.' }] };
      },
    );
    server.registerTool(
      'delete_note',
      {
        title: 'Delete a note',
        description: 'Deletes one note after the user has confirmed it.',
        inputSchema: z.object({ id: z.string().regex(NAME).describe(ID_DESCRIPTION) }),
      },
      async ({ id }, { mcpReq }) => {
        const answer = acceptedContent(mcpReq.inputResponses, 'confirm', z.object({ confirm: z.boolean() }));
        if (answer) return { content: [{ type: 'text', text: `Deleted ${id}.` }] };
        return inputRequired({
          inputRequests: {
            confirm: inputRequired.elicit({
              message: `Delete ${id}?`,
              requestedSchema: {
                type: 'object',
                properties: { confirm: { type: 'boolean' } },
                required: ['confirm'],
              },
            }),
          },
        });
      },
    );
  }
  return server;
}
