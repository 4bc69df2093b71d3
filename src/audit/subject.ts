// A subject as the audit has it: as it is, or a pseudonym.
//
// A pseudonym is the same for the same subject, so that what somebody did can be put together, and says nothing to whoever
// lacks AUDIT_SECRET. It is no anonymity: with the secret, or from what was done, a person may be recognized.

import type { Principal } from '../auth/principal.ts';
import type { Config } from '../config.ts';

export type SubjectConfig = Pick<Config, 'auditSubjects' | 'auditSecret'>;

type Named = Pick<Principal, 'issuer' | 'subject'>;

const remembered = new WeakMap<Named, string>();

/** At once for plain subjects and for a principal that was asked about before. */
export function auditSubject(principal: Named, config: SubjectConfig): string | Promise<string> {
  if (config.auditSubjects === 'plain') return principal.subject;
  return remembered.get(principal) ?? pseudonym(principal, config.auditSecret ?? '');
}

async function pseudonym(principal: Named, secret: string): Promise<string> {
  const encoder = new TextEncoder();
  const algorithm = { name: 'HMAC', hash: 'SHA-256' };
  const key = await crypto.subtle.importKey('raw', encoder.encode(secret), algorithm, false, ['sign']);
  const text = JSON.stringify([principal.issuer, principal.subject]);
  const mac = new Uint8Array(await crypto.subtle.sign('HMAC', key, encoder.encode(text)));
  const name = `hmac:${Array.from(mac.subarray(0, 16), (byte) => byte.toString(16).padStart(2, '0')).join('')}`;
  remembered.set(principal, name);
  return name;
}
