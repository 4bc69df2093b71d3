// One process in which the doctor looks at many set-ups, one after the other: loading wrangler takes longer than looking.
//
// Gets { flags, token } over the channel to its parent and answers { report, text }.

import { ask } from '../../../scripts/doctor/ask.ts';
import { examine } from '../../../scripts/doctor/examine.ts';
import { reportOf, reportText } from '../../../scripts/doctor/report.ts';
import type { Flags } from '../../../scripts/doctor/setup.ts';

export interface Question {
  readonly flags: Flags;
  readonly token: string | undefined;
}

process.on('message', async ({ flags, token }: Question) => {
  const report = reportOf(await examine(flags, token, ask), token);
  process.send?.({ report, text: reportText(report) });
});
