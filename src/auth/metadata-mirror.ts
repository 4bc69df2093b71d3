// An authorization server's metadata at the resource's own origin, for clients that cannot do with the original.
//
// Clients of the first revisions of MCP look nowhere else: they get a copy. Others refuse a server whose metadata does not
// say that it does PKCE (Entra, Cognito): for them the copy says so, under a name of its own, because a document counts
// only if it names the issuer it was asked for (RFC 8414 section 3.3). That the server does PKCE is the operator's word.
// Kept in this isolate's memory only. Callers are anonymous, so the authorization server is asked at most once per
// cool-down; a copy that cannot be renewed is served until the stale limit.
// Does not check what the endpoints do: clients send codes and secrets wherever the original says, over https.

import { type Config, isSafeUrl, type Mirror } from '../config.ts';
import { describeError, log } from '../log.ts';
import { discoverMetadata, type FetchLimits } from './issuer-documents.ts';
import type { IssuerIo } from './issuers.ts';

type MirrorConfig = FetchLimits &
  Pick<Config, 'authorizationServers' | 'jwksFreshSeconds' | 'jwksCooldownSeconds' | 'jwksStaleLimitSeconds'>;

/** JSON text; `undefined` while it cannot be had. */
export type ReadMirror = (io: Pick<IssuerIo, 'now' | 'waitUntil'>) => Promise<string | undefined>;

const POLL_MS = 20;
/** Places where metadata can be; each has the issuer's time-out. */
const PLACES = 4;

/** `undefined` when no entry of AUTHORIZATION_SERVERS has `mirror`. */
export function createMetadataMirror(config: MirrorConfig): ReadMirror | undefined {
  const mirror = config.authorizationServers.find((server) => server.mirror)?.mirror;
  if (!mirror) return undefined;
  let loaded: { readonly text: string; readonly fetchedAt: number } | undefined;
  let askedAt = 0;
  /** Epoch milliseconds until which another request of this isolate is asking. Only data is shared (issuers.ts). */
  let busyUntil = 0;

  return async (io) => {
    const isWithin = (seconds: number): boolean =>
      loaded !== undefined && io.now() - loaded.fetchedAt < seconds;
    while (!loaded && busyUntil > Date.now()) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    const mayAsk = busyUntil <= Date.now() && io.now() - askedAt >= config.jwksCooldownSeconds;
    if (!isWithin(config.jwksFreshSeconds) && mayAsk) {
      askedAt = io.now();
      busyUntil = Date.now() + PLACES * config.issuerTimeoutMs;
      const renewing = renew(askedAt);
      io.waitUntil(renewing);
      await renewing;
    }
    return isWithin(config.jwksStaleLimitSeconds) ? loaded?.text : undefined;
  };

  async function renew(fetchedAt: number): Promise<void> {
    try {
      loaded = { text: JSON.stringify(mirrored(await fetchOriginal(), mirror as Mirror)), fetchedAt };
    } catch (error) {
      log({ event: 'mirror_failed', issuer: (mirror as Mirror).source, detail: describeError(error) });
    } finally {
      busyUntil = 0;
    }
  }

  function fetchOriginal(): Promise<Record<string, unknown>> {
    return discoverMetadata((mirror as Mirror).source, config, (metadata) => {
      for (const name of ['authorization_endpoint', 'token_endpoint'])
        if (!isSafeUrl(metadata[name])) throw new Error(`has no https ${name}`);
    });
  }
}

/** Original -> what is served. @throws {Error} when clients would refuse it under another name */
function mirrored(original: Record<string, unknown>, { name }: Mirror): Record<string, unknown> {
  if (name === undefined) return original;
  if (original.authorization_response_iss_parameter_supported === true)
    throw new Error('says in its answers who it is (RFC 9207), and clients compare that with the name here');
  // Signed metadata would contradict what is said here.
  const { signed_metadata: _, code_challenge_methods_supported: methods, ...rest } = original;
  const known = Array.isArray(methods) ? methods : [];
  return { ...rest, issuer: name, code_challenge_methods_supported: [...new Set([...known, 'S256'])] };
}
