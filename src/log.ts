// One JSON line per event, and the list of events. The only file that writes to the console.
//
// An event is built from our own words, numbers and verified identifiers. Nothing that is a credential, an argument of a
// tool or the text of a request gets in: there is no field it could go into. `message` of an exception thrown by a
// tool's own code is the one exception, because nobody could mend the tool without it; tools never see a token.

/** What became of a tool call. docs/operating.md says when each is written. */
export type CallOutcome =
  | 'completed'
  | 'tool_error'
  | 'asked'
  | 'running'
  | 'declined'
  | 'cancelled'
  | 'timed_out'
  | 'too_large'
  | 'refused'
  | 'failed';

interface Decided {
  readonly requestId: string;
  /** The caller's, if it said one. */
  readonly traceId?: string | undefined;
  readonly decision: 'allow' | 'deny';
  /** Why it was refused: a Denial's reason, or `protocol` when the message itself was at fault. */
  readonly reason?: string | undefined;
  readonly detail?: string | undefined;
  readonly status: number;
  readonly issuer?: string | undefined;
  /** As it is, or a pseudonym (audit/subject.ts). */
  readonly subject?: string | undefined;
  readonly principalKind?: 'oauth' | 'service' | undefined;
  readonly clientId?: string | undefined;
  readonly tenant?: string | null | undefined;
  readonly tokenId?: string | undefined;
  /** Who acts for the subject, if the token says so (RFC 8693); the subject of it as the other one is. */
  readonly act?:
    | { readonly subject?: string | undefined; readonly clientId?: string | undefined }
    | undefined;
  /** `unknown` when it does not look like a method. */
  readonly method?: string | undefined;
  /** `unknown` when there is none of that name. */
  readonly tool?: string | undefined;
  /** Of a tool call that got as far as the tool. */
  readonly outcome?: CallOutcome | undefined;
  /** The same in everything that is written about one tool call; absent where one event is all there is. */
  readonly callId?: string | undefined;
  /** HMAC-SHA-256, hexadecimal, of a tool's arguments, where the tool says `auditArguments`. */
  readonly argumentsMac?: string | undefined;
  /** Of the operators' API. */
  readonly operation?: string | undefined;
  readonly era?: 'modern' | 'legacy' | undefined;
  /** The policy it was decided by. */
  readonly policyVersion?: number | undefined;
  /** Of the Worker, where CF_VERSION_METADATA is bound. */
  readonly version?: string | undefined;
  /** What a role change on trial would have refused. */
  readonly shadow?: { readonly missingPermissions: readonly string[] } | undefined;
  readonly country?: string;
  readonly colo?: string;
  readonly requiredScopes?: readonly string[];
  readonly missingScopes?: readonly string[];
  readonly missingPermissions?: readonly string[];
  /** Milliseconds by the platform's clock, which stands still while no I/O happens: 0 is a normal value. */
  readonly latencyMs: number;
}

/** A decision about one request: the audit trail. Every request to the MCP endpoint writes exactly one. */
export interface DecisionEvent extends Decided {
  readonly event: 'decision';
}

/** How a tool call ended that was answered before. Who called and what is as in the decision with its request id. */
export interface CallEnded extends Decided {
  readonly event: 'call_ended';
}

export type AuditEvent = DecisionEvent | CallEnded;

/** That an operator has changed something. Why is in the history only: it is what somebody wrote. */
export interface PolicyChangedEvent {
  readonly event: 'policy_changed';
  readonly requestId: string;
  readonly version: number;
  readonly action: string;
  /** What it was done to: names and ids, as the history has them; the subject as it is, or a pseudonym. */
  readonly target: Readonly<Record<string, unknown>>;
  /** Who did it. */
  readonly issuer: string;
  /** As it is, or a pseudonym (audit/subject.ts). */
  readonly subject?: string | undefined;
  readonly clientId?: string | undefined;
  /** Told again, for a repeated request: the first answer was lost, and this event may have been with it. */
  readonly isRepeated?: true;
}

/** Where decisions go; `log` is its shared lines. The registry only hears of service keys that are used. */
export type AuditSink = 'log' | 'analytics' | 'queue' | 'decision_log' | 'registry';

export type LogEvent =
  | AuditEvent
  | { readonly event: 'config_invalid'; readonly problems: readonly string[] }
  | { readonly event: 'config_unsafe'; readonly problems: readonly string[] }
  | {
      readonly event: 'issuer_keys_loaded';
      readonly issuer: string;
      readonly from: 'kv' | 'network';
      readonly keys: number;
    }
  | { readonly event: 'issuer_keys_failed'; readonly issuer: string; readonly detail: string }
  | { readonly event: 'mirror_failed'; readonly issuer: string; readonly detail: string }
  | { readonly event: 'introspection_failed'; readonly issuer: string; readonly detail: string }
  | {
      readonly event: 'kv_failed';
      readonly operation: 'read' | 'write';
      readonly key: string;
      readonly detail: string;
    }
  | { readonly event: 'policy_loaded'; readonly version: number; readonly from: 'kv' | 'registry' }
  | { readonly event: 'policy_failed'; readonly from: 'kv' | 'registry'; readonly detail: string }
  | PolicyChangedEvent
  | { readonly event: 'policy_published'; readonly version: number }
  /** Service keys that have the scope of operators, from before a setting was needed for it: they do not get in there. */
  | { readonly event: 'admin_keys_refused'; readonly keys: readonly string[] }
  | { readonly event: 'policy_publish_failed'; readonly version: number; readonly detail: string }
  | {
      readonly event: 'audit_failed';
      readonly sink: AuditSink;
      /** What did not get there: decisions, or uses of service keys. */
      readonly count: number;
      readonly detail: string;
    }
  | {
      readonly event: 'handler_failed';
      readonly requestId: string;
      readonly handler: string;
      readonly error: string;
    }
  | {
      readonly event: 'tool_output_invalid';
      readonly requestId: string;
      readonly handler: string;
      /** Where in the result; not what is there. */
      readonly at: readonly string[];
    }
  | { readonly event: 'request_failed'; readonly requestId: string; readonly error: string };

const ERRORS: ReadonlySet<LogEvent['event']> = new Set([
  'config_invalid',
  'config_unsafe',
  'admin_keys_refused',
  'handler_failed',
  'tool_output_invalid',
  'request_failed',
]);

/** Writes one event. Never throws. */
export function log(event: LogEvent): void {
  const line = toLine(event, new Date().toISOString());
  if (ERRORS.has(event.event)) console.error(line);
  else console.log(line);
}

/** Several decisions as one line, each of them JSON already. */
export function logDecisions(decisions: readonly string[]): void {
  console.log(
    `{"time":"${new Date().toISOString()}","event":"decisions","decisions":[${decisions.join(',')}]}`,
  );
}

/** What JSON cannot have (a circle, a bigint) is no event of ours; it must not turn an answer into an exception. */
function toLine(event: LogEvent, time: string): string {
  try {
    return `{"time":"${time}",${JSON.stringify(event).slice(1)}`;
  } catch (error) {
    return JSON.stringify({ time, event: event.event, notWritable: describeError(error) });
  }
}

/** `TypeError: message`, for an exception of unknown origin. */
export function describeError(error: unknown): string {
  return error instanceof Error
    ? `${error.name}: ${error.message}`
    : 'a value that is not an Error was thrown';
}
