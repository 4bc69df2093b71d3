// A decision as a data point of Analytics Engine. Every one has these columns, in this order; text that is not there is
// empty, a number that is not there is 0, and a list is written with spaces between its members.
//
// | column | | column | | column | |
// |---|---|---|---|---|---|
// | blob1 | decision | blob9 | tool | blob17 | missing permissions |
// | blob2 | reason | blob10 | operation | blob18 | permissions missing by the roles on trial |
// | blob3 | detail | blob11 | era | blob19 | request id |
// | blob4 | issuer | blob12 | kind of principal | blob20 | trace id |
// | blob5 | subject | blob13 | country | double1 | latency, milliseconds |
// | blob6 | client | blob14 | colo | double2 | status |
// | blob7 | token id | blob15 | required scopes | double3 | policy version |
// | blob8 | method | blob16 | missing scopes | index1 | issuer and subject; the reason where there is no issuer |
// | double4 | outcome of a tool call: 1 to 10, in the order of OUTCOMES; 0 where there is none | | | | |
//
// A change of the rules is one as well: its blob1 is `change`, blob3 what it was done to, blob10 the action, double3 the
// version that came of it; who did it and the request stand where they always do.
// The end of a tool call that was answered before is a point of its own, with `call_ended` as its decision.
//
// The platform takes 20 blobs and nothing longer than the limits below. It samples by the index, so that whoever sends a
// lot does not hide the others. Long text is cut: this is for counting, the log has it all.

import type { AuditEvent, CallOutcome, PolicyChangedEvent } from '../log.ts';

/** 20 of these stay below the 16 KB that all blobs may have, whatever is in them. */
const BLOB_CHARACTERS = 256;
const INDEX_BYTES = 96;
const encoder = new TextEncoder();

const OUTCOMES: readonly CallOutcome[] = [
  'completed',
  'tool_error',
  'asked',
  'running',
  'declined',
  'cancelled',
  'timed_out',
  'too_large',
  'refused',
  'failed',
];

type Columns = Partial<Omit<AuditEvent, 'decision'>> & { readonly decision: string };

/** A change in the columns of decisions. */
export const changePoint = ({ action, target, version, event, ...rest }: PolicyChangedEvent) =>
  dataPoint({
    ...rest,
    decision: 'change',
    operation: action,
    detail: JSON.stringify(target),
    policyVersion: version,
  });

export function dataPoint(event: Columns): {
  readonly indexes: string[];
  readonly blobs: string[];
  readonly doubles: number[];
} {
  const blobs = [
    event.event === 'call_ended' ? event.event : event.decision,
    event.reason,
    event.detail,
    event.issuer,
    event.subject,
    event.clientId,
    event.tokenId,
    event.method,
    event.tool,
    event.operation,
    event.era,
    event.principalKind,
    event.country,
    event.colo,
    event.requiredScopes?.join(' '),
    event.missingScopes?.join(' '),
    event.missingPermissions?.join(' '),
    event.shadow?.missingPermissions.join(' '),
    event.requestId,
    event.traceId,
  ];
  return {
    indexes: [indexOf(event)],
    blobs: blobs.map((text) => (text ?? '').slice(0, BLOB_CHARACTERS)),
    doubles: [
      event.latencyMs ?? 0,
      event.status ?? 0,
      event.policyVersion ?? 0,
      event.outcome === undefined ? 0 : OUTCOMES.indexOf(event.outcome) + 1,
    ],
  };
}

/** Its end, where it is too long: subjects of one issuer differ there. */
function indexOf({ issuer, subject, reason, decision }: Columns): string {
  const index = issuer === undefined ? (reason ?? decision) : `${issuer} ${subject ?? ''}`.trimEnd();
  const end = index.slice(-INDEX_BYTES);
  // A character has at most three bytes.
  return encoder.encode(end).length > INDEX_BYTES ? end.slice(-INDEX_BYTES / 3) : end;
}
