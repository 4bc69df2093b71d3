// YOURS: gives a payment back. An example of a tool that few may use and that must not happen twice.

import * as v from 'valibot';
import { defineTool, ToolError } from '../../kit.ts';
import { object } from '../reports.ts';

export const refundPayment = defineTool({
  name: 'refund_payment',
  title: 'Refund a payment',
  description: 'Gives a payment back to the customer, in whole. Cannot be undone.',
  input: object({
    paymentId: v.pipe(v.string(), v.regex(/^pay_[a-z0-9]{1,32}$/), v.description('Such as pay_1042')),
  }),
  output: object({ refundId: v.string(), paymentId: v.string(), refundedBy: v.string() }),
  scopes: ['payments:refund'],
  permissions: ['payments:refund'],
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: true },
  handler: async ({ paymentId }, { env, principal }) => {
    const key = `refund:${paymentId}`;
    // KV has no transactions: where money moves for real, let the payment provider's idempotency key decide.
    if ((await env.REPORTS.get(key)) !== null)
      throw new ToolError(`The payment ${paymentId} has been refunded already.`);
    const refund = { refundId: `ref_${crypto.randomUUID()}`, paymentId, refundedBy: principal.subject };
    await env.REPORTS.put(key, JSON.stringify(refund));
    return refund;
  },
});
