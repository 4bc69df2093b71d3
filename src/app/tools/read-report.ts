// YOURS: reads one report.

import { defineTool } from '../../kit.ts';
import { object, readReport, report, reportId } from '../reports.ts';

export const readReportTool = defineTool({
  name: 'read_report',
  title: 'Read a report',
  description: 'Reads one report in full.',
  input: object({ id: reportId }),
  output: object(report.entries),
  scopes: ['reports:read'],
  permissions: ['reports:read'],
  annotations: { readOnlyHint: true, openWorldHint: false },
  handler: ({ id }, { env }) => readReport(env, id),
});
