// YOURS: gives a payment back. An example of a tool that few may use, that asks first, and that must not happen twice.

import * as v from 'valibot';
import { defineTool, ToolError } from '../../kit.ts';
import { object } from '../reports.ts';

interface Refund {
  refundId: string;
  paymentId: string;
  refundedBy: string;
}

export const refundPayment = defineTool({
  name: 'refund_payment',
  title: 'Refund a payment',
  description:
    'Gives a payment back to the customer, in whole, after the user has confirmed it. Cannot be undone.',
  input: object({
    paymentId: v.pipe(v.string(), v.regex(/^pay_[a-z0-9]{1,32}$/), v.description('Such as pay_1042')),
    idempotencyKey: v.pipe(
      v.string(),
      v.regex(/^[\w-]{8,64}$/),
      v.description('Made up by you; the same key refunds once, however often it is sent'),
    ),
  }),
  output: object({ refundId: v.string(), paymentId: v.string(), refundedBy: v.string() }),
  scopes: ['payments:refund'],
  permissions: ['payments:refund'],
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: true },
  answersOnce: true,
  freshness: 'strict',
  handler: async ({ paymentId, idempotencyKey }, { principal, session, elicit }) => {
    const key = `refund:${idempotencyKey}`;
    const done = await session.get<Refund>(key);
    if (done?.paymentId === paymentId) return done;
    if (done)
      throw new ToolError(`The key ${idempotencyKey} was used for ${done.paymentId}; choose another.`);

    const { action, content } = await elicit({
      message: `Refund ${paymentId} in whole? This cannot be undone.`,
      requestedSchema: {
        type: 'object',
        properties: { confirm: { type: 'boolean', title: 'Yes, refund it', default: false } },
        required: ['confirm'],
      },
    });
    if (action !== 'accept' || content?.confirm !== true)
      throw new ToolError(`The user did not confirm; ${paymentId} was not refunded.`);

    // Here the payment provider would be called, with the same key.
    const refund: Refund = {
      refundId: `ref_${crypto.randomUUID()}`,
      paymentId,
      refundedBy: principal.subject,
    };
    return (await session.putIfAbsent(key, refund)).value;
  },
});
