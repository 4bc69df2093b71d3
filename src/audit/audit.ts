// Where decisions go: the log at once, and, off the request's path, wherever else the deployment has bound something.
//
// | sink | binding | gets |
// |---|---|---|
// | the log (Workers Logs, Logpush) | none | every decision, a line of JSON each; `auditLog`: many to a line, or refusals only |
// | Analytics Engine | AUDIT_ANALYTICS | every decision, as columns (analytics.ts) |
// | a Queue | AUDIT_QUEUE | every decision, one message each; `dropped` in one tells how many got lost before it |
// | DecisionLog | DECISION_LOG | every refusal (of strangers how many, by reason), and a sample of what was allowed |
//
// What operators change goes to the first three as well, whatever `auditLog` says.
// The end of a tool call that its response did not wait for (`call_ended`) goes wherever a decision goes.
// The policy registry is told, at most once an hour per key, that a service key is used.
// What must stay true: a request never waits for a sink and never fails with one (outbox.ts).

import type { Config } from '../config.ts';
import {
  type AuditEvent,
  type AuditSink,
  type CallEnded,
  describeError,
  log,
  type PolicyChangedEvent,
} from '../log.ts';
import { changePoint, dataPoint } from './analytics.ts';
import type { DecisionLogApi, Logged, LoggedDecision } from './decision-log.ts';
import { createLogBatch } from './log-batch.ts';
import { createOutbox } from './outbox.ts';
import { createStrangers } from './strangers.ts';

type AuditConfig = Pick<Config, 'auditLog' | 'decisionLogEntries' | 'decisionLogAllowsPerThousand'>;

export interface AuditIo {
  readonly env: object;
  waitUntil(promise: Promise<unknown>): void;
  decisionLog(): Pick<DecisionLogApi, 'append'>;
  noteKeyUse?(uses: readonly KeyUse[]): Promise<void>;
}

/** That a service key was used. */
export interface KeyUse {
  readonly id: string;
  /** Epoch seconds. */
  readonly at: number;
}

/** One per isolate. */
export interface Audit {
  /** Never throws, and returns at once. The event is described only if somebody gets it: most that is allowed nobody may. */
  record(outline: Outline, describe: () => AuditEvent, io: AuditIo): void;
  /** The same for a tool call that was answered before it ended. Nothing for one that did not get as far as a tool. */
  recordEnd(ended: CallEnded, end: Pick<CallEnded, 'outcome' | 'callId' | 'latencyMs'>, io: AuditIo): void;
  /** Of a change; never throws, and returns at once. */
  tell(event: PolicyChangedEvent, io: Pick<AuditIo, 'env' | 'waitUntil'>): void;
}

/** What a Queue gets. */
export type Queued = LoggedDecision | (PolicyChangedEvent & { readonly at: number });

/** Why a call was refused that its own tool refused. */
export const REFUSED_BY_TOOL = { reason: 'refused_by_tool' };

/** What decides where a decision goes. */
export type Outline = Pick<AuditEvent, 'decision' | 'principalKind' | 'shadow'>;

interface Bindings {
  readonly AUDIT_ANALYTICS?: Pick<AnalyticsEngineDataset, 'writeDataPoint'>;
  readonly AUDIT_QUEUE?: Pick<Queue<Queued>, 'sendBatch'>;
  readonly DECISION_LOG?: object;
}

const bindings = ({ env }: Pick<AuditIo, 'env'>): Bindings => env as Bindings;

export function createAudit(config: AuditConfig): Audit {
  const isSampled = createSampler(config.decisionLogAllowsPerThousand);
  const keyUses = createKeyUses();

  const toLog = createLogBatch();
  const toQueue = createOutbox<Queued, Pick<AuditIo, 'env' | 'waitUntil'>>(
    'queue',
    async ({ items, dropped }, io) => {
      const bodies = items.map((item, index) => (index === 0 && dropped > 0 ? { ...item, dropped } : item));
      await bindings(io).AUDIT_QUEUE?.sendBatch(bodies.map((body) => ({ body, contentType: 'json' })));
    },
  );
  const toDecisionLog = createOutbox<Logged, AuditIo>('decision_log', async ({ items, dropped, id }, io) =>
    io.decisionLog().append(items, dropped, id),
  );
  const strangers = createStrangers<AuditIo>((refusals, io) => toDecisionLog.put(refusals, io, true));
  const toRegistry = createOutbox<KeyUse, AuditIo>(
    'registry',
    async ({ items }, io) => io.noteKeyUse?.(items),
    // The next use of the key is told instead.
    (lost) => {
      for (const { id } of lost) keyUses.forget(id);
    },
  );

  const audit: Audit = {
    recordEnd(ended, end, io) {
      if (end.outcome === undefined) return;
      const refused = end.outcome === 'refused' ? ({ decision: 'deny', ...REFUSED_BY_TOOL } as const) : {};
      const event = { ...ended, ...end, ...refused };
      audit.record(event, () => event, io);
    },

    record({ decision, principalKind, shadow }, describe, io) {
      const { AUDIT_ANALYTICS, AUDIT_QUEUE, DECISION_LOG } = bindings(io);
      const isLogged = config.auditLog !== 'refusals' || decision === 'deny';
      const isForOperators =
        DECISION_LOG !== undefined &&
        config.decisionLogEntries > 0 &&
        // What a trial would refuse is what operators want to know of it.
        (decision === 'deny' || shadow !== undefined || isSampled());
      if (!isLogged && !AUDIT_ANALYTICS && !AUDIT_QUEUE && !isForOperators && principalKind !== 'service')
        return;

      const event = describe();
      const at = Math.floor(Date.now() / 1_000);
      if (decision === 'allow' && config.auditLog === 'batched')
        guarded('log', () => toLog.put(event, at, io.waitUntil));
      else if (isLogged) log(event);
      const isMinor = event.issuer === undefined;
      guarded('analytics', () => AUDIT_ANALYTICS?.writeDataPoint(dataPoint(event)));
      if (AUDIT_QUEUE) guarded('queue', () => toQueue.put({ at, ...event }, io, isMinor));
      if (isForOperators)
        guarded('decision_log', () => {
          if (isMinor) strangers.add(event, at, io);
          else toDecisionLog.put({ at, ...event }, io, false);
        });

      const { tokenId } = event;
      const isKeyUse = decision === 'allow' && principalKind === 'service' && tokenId !== undefined;
      if (isKeyUse && io.noteKeyUse && keyUses.isNew(tokenId, at))
        guarded('registry', () => toRegistry.put({ id: tokenId, at }, io, false));
    },
    tell(event, io) {
      const { AUDIT_ANALYTICS, AUDIT_QUEUE } = bindings(io);
      log(event);
      guarded('analytics', () => AUDIT_ANALYTICS?.writeDataPoint(changePoint(event)));
      const at = Math.floor(Date.now() / 1_000);
      if (AUDIT_QUEUE) guarded('queue', () => toQueue.put({ at, ...event }, io, false));
    },
  };
  return audit;
}

function guarded(sink: AuditSink, action: () => void): void {
  try {
    action();
  } catch (error) {
    log({ event: 'audit_failed', sink, count: 1, detail: describeError(error) });
  }
}

/** Of every thousand so many, spread evenly. The first is taken, so that an isolate that does little is seen as well. */
function createSampler(perThousand: number): () => boolean {
  let credit = 1_000 - perThousand;
  return () => {
    if (perThousand === 0) return false;
    credit += perThousand;
    if (credit < 1_000) return false;
    credit -= 1_000;
    return true;
  };
}

/** More service keys than there can be. */
const MAX_KEYS = 1_000;

/** In which hour each service key was used last, as far as this isolate knows. */
function createKeyUses() {
  const hours = new Map<string, number>();
  return {
    isNew(id: string, at: number): boolean {
      const hour = Math.floor(at / 3_600);
      if (hours.get(id) === hour) return false;
      if (hours.size >= MAX_KEYS) hours.clear();
      hours.set(id, hour);
      return true;
    },
    forget(id: string): void {
      hours.delete(id);
    },
  };
}
