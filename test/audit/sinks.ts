// Sinks in a test's own hands, and the clock: for tests of where decisions go.

import { afterEach, beforeEach, vi } from 'vitest';
import type { Audit, AuditIo, KeyUse } from '../../src/audit/audit.ts';
import type { Logged, LoggedDecision } from '../../src/audit/decision-log.ts';
import type { DecisionEvent } from '../../src/log.ts';

/** What the log was given, parsed, since the test began. */
export function useLog(): Record<string, unknown>[] {
  const lines: Record<string, unknown>[] = [];
  beforeEach(() => {
    lines.length = 0;
    vi.useFakeTimers({ now: new Date('2026-08-01T10:20:30Z') });
    for (const stream of ['log', 'error'] as const)
      vi.spyOn(console, stream).mockImplementation((line: string) => {
        lines.push(JSON.parse(line));
      });
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
  });
  return lines;
}

export const record = (audit: Audit, event: DecisionEvent, io: AuditIo): void =>
  audit.record(event, () => event, io);

/** What stands for a sink's answer. */
export type Behaviour = () => Promise<unknown>;
export const good: Behaviour = async () => {};
export const silent: Behaviour = () => new Promise(() => {});
export const failing: Behaviour = async () => {
  throw new Error('overloaded');
};

export interface Appended {
  readonly decisions: readonly Logged[];
  readonly dropped: number;
  readonly id: string;
}

export interface Sinks {
  readonly io: AuditIo & { readonly env: Record<string, unknown> };
  /** Everything a sink was asked to take, answered or not. */
  readonly appended: Appended[];
  readonly queued: (readonly { readonly body: LoggedDecision; readonly contentType?: string }[])[];
  readonly points: AnalyticsEngineDataPoint[];
  readonly keyUses: (readonly KeyUse[])[];
  /** Given to waitUntil. */
  readonly promises: Promise<unknown>[];
  behaviour: { decisionLog: Behaviour; queue: Behaviour; registry: Behaviour };
}

/** Everything is bound; a test takes out what it does not want. */
export function createSinks(): Sinks {
  const sinks: Sinks = {
    appended: [],
    queued: [],
    points: [],
    keyUses: [],
    promises: [],
    behaviour: { decisionLog: good, queue: good, registry: good },
    io: {
      env: {
        DECISION_LOG: {},
        AUDIT_ANALYTICS: {
          writeDataPoint: (point: AnalyticsEngineDataPoint) => void sinks.points.push(point),
        },
        AUDIT_QUEUE: {
          sendBatch: (messages: Sinks['queued'][number]) => {
            sinks.queued.push([...messages]);
            return sinks.behaviour.queue();
          },
        },
      },
      waitUntil: (promise) => void sinks.promises.push(promise),
      decisionLog: () => ({
        append: async (decisions, dropped, id) => {
          sinks.appended.push({ decisions, dropped, id });
          await sinks.behaviour.decisionLog();
        },
      }),
      noteKeyUse: async (uses) => {
        sinks.keyUses.push(uses);
        await sinks.behaviour.registry();
      },
    },
  };
  return sinks;
}

export const DENIED: DecisionEvent = {
  event: 'decision',
  requestId: 'r',
  decision: 'deny',
  reason: 'scope_missing',
  status: 403,
  issuer: 'https://issuer.example',
  subject: 'ann',
  latencyMs: 0,
};
export const ALLOWED: DecisionEvent = { ...DENIED, decision: 'allow', reason: undefined, status: 200 };
export const ANONYMOUS: DecisionEvent = {
  event: 'decision',
  requestId: 'r',
  decision: 'deny',
  reason: 'token_missing',
  status: 401,
  latencyMs: 0,
};
