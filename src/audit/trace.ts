// What connects a decision with everything else: the caller's trace, and where it came in.
//
// Untrusted: well-formed or left out, and never used for anything but the audit.

/** W3C Trace Context, version 00: version, trace id, span id, flags. */
const TRACEPARENT = /^[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$/;

/** The trace id that a message carries in its `_meta`, or else the request in its header. */
export function traceIdOf(
  headers: Headers,
  meta: Readonly<Record<string, unknown>> | undefined,
): string | undefined {
  const { traceparent } = meta ?? {};
  const text = typeof traceparent === 'string' ? traceparent : headers.get('traceparent');
  return TRACEPARENT.exec(text ?? '')?.[1];
}

/** Where the platform says that the request came in. */
export function placeOf({ cf }: Request): { readonly country?: string; readonly colo?: string } {
  const { country, colo } = (cf ?? {}) as { country?: unknown; colo?: unknown };
  return {
    ...(typeof country === 'string' && /^[A-Z0-9]{2}$/.test(country) ? { country } : {}),
    ...(typeof colo === 'string' && /^[A-Z]{3}$/.test(colo) ? { colo } : {}),
  };
}
