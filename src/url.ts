// Which URLs are trustworthy: https, or http on this machine.
//
// The same rule for what is configured and for what an issuer's metadata says. Does not check that anybody answers there.

/** True for the host names of this machine; http is allowed for nothing else. `host` as in URL.hostname. */
export function isLoopback(host: string): boolean {
  return (
    host === 'localhost' ||
    host.endsWith('.localhost') ||
    host === '[::1]' ||
    /^127(\.\d{1,3}){3}$/.test(host)
  );
}

/** An https URL, or http on this machine. */
export function isSafeUrl(value: unknown): value is string {
  const url = parseUrl(value);
  return (
    url !== undefined && (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname)))
  );
}

export function parseUrl(value: unknown): URL | undefined {
  return typeof value === 'string' ? (URL.parse(value) ?? undefined) : undefined;
}
