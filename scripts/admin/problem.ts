// Why a request did not get through, in words: fetch says only that it failed, and keeps the reason.

/** Whether nobody listens there. */
export function isNobodyThere(error: unknown): boolean {
  return codeOf(error) === 'ECONNREFUSED';
}

export function problemOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return 'it did not answer in time';
  const { cause } = error;
  const detail = cause instanceof Error ? cause.message : '';
  return [codeOf(error) ?? error.message, detail].filter(Boolean).join(', ');
}

function codeOf(error: unknown): string | undefined {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && 'code' in cause ? String(cause.code) : undefined;
}
