// YOURS: the tools offered, in the order clients see them.

import { defineTools } from '../../kit.ts';
import { listReportsTool } from './list-reports.ts';
import { readReportTool } from './read-report.ts';
import { refundPayment } from './refund-payment.ts';
import { updateReport } from './update-report.ts';
import { whoami } from './whoami.ts';

export const tools = defineTools([whoami, listReportsTool, readReportTool, updateReport, refundPayment]);
