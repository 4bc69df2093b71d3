// YOURS: the tools offered, in the order clients see them.

import { listReportsTool } from './list-reports.ts';
import { readReportTool } from './read-report.ts';
import { refundPayment } from './refund-payment.ts';
import { recall, remember } from './remember.ts';
import { updateReport } from './update-report.ts';
import { whoami } from './whoami.ts';

export const tools = [whoami, listReportsTool, readReportTool, updateReport, refundPayment, remember, recall];
