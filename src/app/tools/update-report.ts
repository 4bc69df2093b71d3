// YOURS: replaces the text of a report. Needs more than the scopes a client asks for at first, so clients step up.

import * as v from 'valibot';
import { defineTool } from '../../kit.ts';
import { object, readReport, report, reportId, writeReport } from '../reports.ts';

export const updateReport = defineTool({
  name: 'update_report',
  title: 'Update a report',
  description: 'Replaces the text of a report. Readers may see the old text for up to a minute.',
  input: object({
    id: reportId,
    body: v.pipe(v.string(), v.minLength(1), v.maxLength(100_000), v.description('The new text')),
  }),
  output: object(report.entries),
  scopes: ['reports:write'],
  permissions: ['reports:write'],
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
  handler: async ({ id, body }, { env, notify }) => {
    const changed = { ...(await readReport(env, id)), body };
    await writeReport(env, changed);
    await notify.resourceUpdated(`report:///${id}`);
    return changed;
  },
});
