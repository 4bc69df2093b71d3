// What connects a decision with everything else: the caller's trace, and where the request came in.
//
// Untrusted: well-formed or left out, so that no text of a caller gets into the audit, and never used for anything else.

/** W3C Trace Context: version, trace id, parent id, flags. Neither id is all zeros. Later versions may append more. */
const TRACEPARENT =
  /^(?<version>(?!ff)[0-9a-f]{2})-(?!0{32})(?<traceId>[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?<more>-.*)?$/;

/** The trace id of the `traceparent` that the message has in its `_meta`, else of the header's. */
export function traceIdOf(
  headers: Headers,
  meta: Readonly<Record<string, unknown>> | undefined,
): string | undefined {
  return parseTraceId(meta?.traceparent) ?? parseTraceId(headers.get('traceparent'));
}

function parseTraceId(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  const { version, traceId, more } = TRACEPARENT.exec(value)?.groups ?? {};
  return version === '00' && more !== undefined ? undefined : traceId;
}

/** Where the platform says that the request came in. The country is `T1` for Tor. */
export function placeOf({ cf }: { readonly cf?: unknown }): {
  readonly country?: string;
  readonly colo?: string;
} {
  const { country, colo } = (cf ?? {}) as { readonly country?: unknown; readonly colo?: unknown };
  return {
    ...(typeof country === 'string' && /^(?:[A-Z]{2}|T1)$/.test(country) ? { country } : {}),
    ...(typeof colo === 'string' && /^[A-Z]{3}$/.test(colo) ? { colo } : {}),
  };
}
