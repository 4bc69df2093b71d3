// YOURS: lists the reports.

import * as v from 'valibot';
import { defineTool } from '../../kit.ts';
import { listReports, object, reportId } from '../reports.ts';

export const listReportsTool = defineTool({
  name: 'list_reports',
  title: 'List reports',
  description: 'Lists the reports there are, with identifier and title.',
  input: object({}),
  output: object({ reports: v.array(v.object({ id: reportId, title: v.string() })) }),
  scopes: ['reports:read'],
  permissions: ['reports:read'],
  annotations: { readOnlyHint: true, openWorldHint: false },
  handler: async (_input, { env }) => ({ reports: await listReports(env) }),
});
