// Where decisions go: the log at once, and, off the request's path, wherever else the deployment has bound something.
//
// | sink | binding | gets |
// |---|---|---|
// | the log (Workers Logs, Logpush) | none | every decision, one JSON line |
// | Analytics Engine | AUDIT_ANALYTICS | every decision: index issuer; blobs decision, reason, detail, issuer, subject, client, token id, method, tool, operation, era, country, colo, trace id; doubles status, latency, policy version |
// | a Queue | AUDIT_QUEUE | every decision, in batches |
// | DecisionLog | DECISION_LOG | every refusal, and of what was allowed decisionLogAllowsPerThousand |
//
// What must stay true: a request never waits for a sink and never fails with one; what waits is bounded, and what did not
// fit is counted in the log. No promise is shared between requests (see auth/issuers.ts): whoever finds nobody sending
// sends, and nobody counts as sending for longer than SENDING_MS.

import type { Config } from '../config.ts';
import { type DecisionEvent, describeError, log } from '../log.ts';
import type { DecisionLogApi, LoggedDecision } from './decision-log.ts';

export interface AuditIo {
  readonly env: object;
  waitUntil(promise: Promise<unknown>): void;
  decisionLog?: (() => Pick<DecisionLogApi, 'append'>) | undefined;
  /** In which hour a service key was used. */
  noteKeyUse?: ((uses: readonly KeyUse[]) => Promise<void>) | undefined;
}

export interface KeyUse {
  readonly id: string;
  /** Epoch seconds. */
  readonly at: number;
}

export interface Audit {
  /** Never throws, and returns at once. */
  record(event: DecisionEvent, io: AuditIo): void;
}

/** Bindings that a deployment may have. */
interface Sinks {
  readonly AUDIT_ANALYTICS?: AnalyticsEngineDataset;
  readonly AUDIT_QUEUE?: Queue<LoggedDecision>;
}

/** How long decisions are collected before they are sent. */
const COLLECT_MS = 1_000;
const SENDING_MS = 20_000;
const MAX_WAITING = 2_000;
/** Of a Queue's batch. */
const BATCH = 100;
const HOUR = 3_600;
const MAX_KEYS = 1_000;

export function createAudit(
  config: Pick<Config, 'decisionLogEntries' | 'decisionLogAllowsPerThousand'>,
): Audit {
  let forQueue: LoggedDecision[] = [];
  let forLog: LoggedDecision[] = [];
  let keyUses: KeyUse[] = [];
  let dropped = 0;
  /** Epoch milliseconds. */
  let sendingUntil = 0;
  /** Spreads the sample evenly: a decision is taken whenever this passes a thousand. */
  let sampled = 0;
  /** The hour in which each service key was noted last. */
  const notedIn = new Map<string, number>();

  function isWanted({ decision }: DecisionEvent): boolean {
    if (config.decisionLogEntries === 0) return false;
    if (decision === 'deny') return true;
    sampled += config.decisionLogAllowsPerThousand;
    if (sampled < 1_000) return false;
    sampled -= 1_000;
    return true;
  }

  function noteUse({ tokenId = '', principalKind, decision }: DecisionEvent, at: number): void {
    if (principalKind !== 'service' || decision !== 'allow') return;
    const hour = Math.floor(at / HOUR);
    if (notedIn.get(tokenId) === hour) return;
    if (notedIn.size >= MAX_KEYS) notedIn.clear();
    notedIn.set(tokenId, hour);
    keyUses.push({ id: tokenId, at });
  }

  function keep(waiting: LoggedDecision[], decision: LoggedDecision): void {
    if (waiting.length < MAX_WAITING) waiting.push(decision);
    else dropped += 1;
  }

  async function send({ env, decisionLog, noteKeyUse }: AuditIo): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, COLLECT_MS));
    const [queued, logged, uses, lost] = [forQueue, forLog, keyUses, dropped];
    [forQueue, forLog, keyUses, dropped] = [[], [], [], 0];
    sendingUntil = 0;
    const { AUDIT_QUEUE } = env as Sinks;
    if (lost > 0)
      log({ event: 'audit_failed', sink: 'buffer', count: lost, detail: 'too many decisions at once' });
    const attempts = [
      tried('decision_log', logged.length, async () => await decisionLog?.().append(logged)),
      tried('registry', uses.length, async () => await noteKeyUse?.(uses)),
    ];
    for (let start = 0; start < queued.length; start += BATCH) {
      const batch = queued.slice(start, start + BATCH);
      const send = async () =>
        await AUDIT_QUEUE?.sendBatch(batch.map((body) => ({ body, contentType: 'json' })));
      attempts.push(tried('queue', batch.length, send));
    }
    await Promise.all(attempts);
  }

  return {
    record(event, io) {
      log(event);
      const { AUDIT_ANALYTICS, AUDIT_QUEUE } = io.env as Sinks;
      const at = Math.floor(Date.now() / 1_000);
      try {
        AUDIT_ANALYTICS?.writeDataPoint(dataPoint(event));
      } catch (error) {
        log({ event: 'audit_failed', sink: 'analytics', count: 1, detail: describeError(error) });
      }
      if (AUDIT_QUEUE) keep(forQueue, { at, ...event });
      if (io.decisionLog && isWanted(event)) keep(forLog, { at, ...event });
      if (io.noteKeyUse) noteUse(event, at);
      const isWaiting = forQueue.length + forLog.length + keyUses.length > 0;
      if (!isWaiting || sendingUntil > Date.now()) return;
      sendingUntil = Date.now() + SENDING_MS;
      io.waitUntil(send(io));
    },
  };
}

/** Twice, then it is lost: the log has it. */
async function tried(sink: string, count: number, send: () => Promise<unknown>): Promise<void> {
  if (count === 0) return;
  try {
    await send().catch(send);
  } catch (error) {
    log({ event: 'audit_failed', sink, count, detail: describeError(error) });
  }
}

function dataPoint(event: DecisionEvent): AnalyticsEngineDataPoint {
  const { decision, reason, detail, issuer, subject, clientId, tokenId, method, tool, operation, era } =
    event;
  const { country, colo, traceId, status, latencyMs, policyVersion } = event;
  return {
    indexes: [(issuer ?? reason ?? 'none').slice(0, 96)],
    blobs: [
      ...[decision, reason, detail, issuer, subject, clientId, tokenId, method, tool, operation, era],
      ...[country, colo, traceId],
    ].map((text) => text ?? ''),
    doubles: [status, latencyMs, policyVersion ?? 0],
  };
}
