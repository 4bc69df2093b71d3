// YOURS: prompts a user can pick.

import { definePrompt } from '../kit.ts';
import { listReports, readReport } from './reports.ts';

export const prompts = [
  definePrompt({
    name: 'summarize_report',
    title: 'Summarize a report',
    description: 'Asks for a summary of one report.',
    arguments: {
      id: {
        description: 'Identifier, such as 2026-q3',
        required: true,
        complete: async (typed, { env }) =>
          (await listReports(env)).map(({ id }) => id).filter((id) => id.startsWith(typed)),
      },
      audience: { description: 'Whom the summary is for' },
    },
    scopes: ['reports:read'],
    permissions: ['reports:read'],
    async get({ id = '', audience = 'the board' }, { env }) {
      const { title, body } = await readReport(env, id);
      return `Summarize this report in three sentences for ${audience}.\n\n${title}\n\n${body}`;
    },
  }),
];
