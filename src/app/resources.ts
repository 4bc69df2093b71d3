// YOURS: what clients can read without calling a tool.

import { defineResource } from '../kit.ts';
import { findReport, listReports } from './reports.ts';

export const resources = [
  defineResource({
    uriTemplate: 'report:///{id}',
    name: 'report',
    title: 'A report',
    description: 'One report, as text. list_reports and the tool results name the identifiers.',
    mimeType: 'text/plain',
    scopes: ['reports:read'],
    permissions: ['reports:read'],
    async read({ id = '' }, { env }) {
      const report = await findReport(env, id);
      return report && { text: `${report.title}\n\n${report.body}` };
    },
    complete: {
      id: async (typed, { env }) =>
        (await listReports(env)).map(({ id }) => id).filter((id) => id.startsWith(typed)),
    },
  }),
];
