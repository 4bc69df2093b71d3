// A subject as the audit has it: as it is, or a pseudonym.
//
// A pseudonym is the same for the same subject, so that what somebody did can be put together, and nobody can make it, or
// find out whose it is by trying names, without AUDIT_SECRET. It is no anonymity: with the secret, or by what was done and
// when, a person may be recognized; client and token id stay as they are, and the issuer knows whose they are.
// Another secret makes other pseudonyms.

import type { Principal } from '../auth/principal.ts';
import type { Config } from '../config.ts';
import { hexOf } from '../hash.ts';

export type SubjectConfig = Pick<Config, 'auditSubjects' | 'auditSecret'>;

type Named = Pick<Principal, 'issuer' | 'subject'>;

interface Pseudonyms {
  key: CryptoKey | undefined;
  /** Principals are handed out again, so for a known one there is nothing to compute and nothing to wait for. */
  readonly known: WeakMap<Named, string>;
}

const ALGORITHM = { name: 'HMAC', hash: 'SHA-256' };
const BYTES = 16;
const encoder = new TextEncoder();
const perConfig = new WeakMap<SubjectConfig, Pseudonyms>();

/** At once for plain subjects and for a principal that was asked about before. Without a secret there is no name at all. */
export function auditSubject(principal: Named, config: SubjectConfig): string | undefined | Promise<string> {
  if (config.auditSubjects === 'plain') return principal.subject;
  if (config.auditSecret === undefined) return undefined;
  const pseudonyms = perConfig.get(config) ?? { key: undefined, known: new WeakMap() };
  perConfig.set(config, pseudonyms);
  return pseudonyms.known.get(principal) ?? pseudonymOf(principal, config.auditSecret, pseudonyms);
}

async function pseudonymOf(principal: Named, secret: string, pseudonyms: Pseudonyms): Promise<string> {
  pseudonyms.key ??= await crypto.subtle.importKey('raw', encoder.encode(secret), ALGORITHM, false, ['sign']);
  const text = encoder.encode(`${principal.issuer}\0${principal.subject}`);
  const mac = await crypto.subtle.sign('HMAC', pseudonyms.key, text);
  const pseudonym = `hmac:${hexOf(new Uint8Array(mac, 0, BYTES))}`;
  pseudonyms.known.set(principal, pseudonym);
  return pseudonym;
}
