// The Worker with a Queue and Analytics Engine of the test's own, and a log of decisions that can be looked into.
//
// POST /log calls a method of a DecisionLog: its name, the method and the arguments. GET /sent reads what the others got.
// LOG_ENTRIES and LOG_SECONDS are the bounds of the log of decisions, also those that no deployment may have.

import { createDecisionLog } from '../../src/audit/decision-log.ts';
import worker from '../../src/worker.ts';

export { ClientSession, NotificationHub, PolicyRegistry } from '../../src/worker.ts';

interface Bounds {
  readonly LOG_ENTRIES: string;
  readonly LOG_SECONDS: string;
}

const Base = createDecisionLog((env) => {
  const { LOG_ENTRIES, LOG_SECONDS } = env as unknown as Bounds;
  return { decisionLogEntries: Number(LOG_ENTRIES), decisionLogSeconds: Number(LOG_SECONDS) };
});

export class DecisionLog extends Base {
  async rows(query: string): Promise<unknown[]> {
    return this.ctx.storage.sql.exec(query).toArray();
  }

  /** How many rows a call reads and writes. */
  async cost(method: 'append' | 'query', args: unknown[]): Promise<unknown> {
    const { sql } = this.ctx.storage;
    const exec = sql.exec.bind(sql);
    const cursors: { rowsRead: number; rowsWritten: number }[] = [];
    sql.exec = ((...given: Parameters<typeof exec>) => {
      const cursor = exec(...given);
      cursors.push(cursor);
      return cursor;
    }) as typeof exec;
    try {
      await (this as unknown as Methods)[method]?.(...args);
    } finally {
      sql.exec = exec;
    }
    const sum = (name: 'rowsRead' | 'rowsWritten') =>
      cursors.reduce((total, cursor) => total + cursor[name], 0);
    return { read: sum('rowsRead'), written: sum('rowsWritten') };
  }

  async restart(): Promise<void> {
    this.ctx.abort('restarted by a test');
  }
}

type Methods = Record<string, (...args: unknown[]) => Promise<unknown>>;

const sent: { messages: unknown[]; points: unknown[] } = { messages: [], points: [] };
const sinks = {
  AUDIT_QUEUE: { sendBatch: async (messages: Iterable<unknown>) => void sent.messages.push(...messages) },
  AUDIT_ANALYTICS: { writeDataPoint: (point: unknown) => void sent.points.push(point) },
};

export default {
  async fetch(request, env, context) {
    const { pathname } = new URL(request.url);
    if (pathname === '/sent') return Response.json(sent);
    if (pathname !== '/log') return worker.fetch(request, { ...env, ...sinks }, context);
    const { name, method, args } = (await request.json()) as {
      name: string;
      method: string;
      args: unknown[];
    };
    const stub = env.DECISION_LOG.get(env.DECISION_LOG.idFromName(name)) as unknown as Methods;
    return Response.json((await stub[method]?.(...args)) ?? null);
  },
} satisfies ExportedHandler<Env>;
