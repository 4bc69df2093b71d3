// A subject as the audit has it: as it is, or a pseudonym.
//
// A pseudonym is the same for the same subject, so that what somebody did can be put together, and nobody can make it, or
// find out whose it is by trying names, without AUDIT_SECRET. It is no anonymity: with the secret, or by what was done and
// when, a person may be recognized; client and token id stay as they are, and the issuer knows whose they are.
// Another secret makes other pseudonyms: AUDIT_SECRET_PREVIOUS finds those from before, and makes none.

import type { Actor, Principal } from '../auth/principal.ts';
import type { Config } from '../config.ts';
import { hexOf } from '../hash.ts';

export type SubjectConfig = Pick<Config, 'auditSubjects' | 'auditSecret'>;
type Secrets = Pick<Config, 'auditSecret' | 'auditSecretPrevious'>;

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
  pseudonyms.key ??= await importKey(secret);
  const pseudonym = await sign(principal, pseudonyms.key);
  pseudonyms.known.set(principal, pseudonym);
  return pseudonym;
}

/** Every name somebody may have in what is kept: as it is, and pseudonyms of both secrets. For operators, not per request. */
export async function auditNames(
  named: Named,
  { auditSecret, auditSecretPrevious }: Secrets,
): Promise<readonly string[]> {
  const secrets = [auditSecret, auditSecretPrevious].filter((secret) => secret !== undefined);
  const pseudonyms = secrets.map(async (secret) => sign(named, await importKey(secret)));
  return [named.subject, ...(await Promise.all(pseudonyms))];
}

const importKey = (secret: string): Promise<CryptoKey> =>
  crypto.subtle.importKey('raw', encoder.encode(secret), ALGORITHM, false, ['sign']);

/** Who acts for a subject; its own subject as the other one is. */
export async function auditActor(
  { issuer, act }: Pick<Principal, 'issuer' | 'act'>,
  config: SubjectConfig,
): Promise<Actor | undefined> {
  if (!act) return undefined;
  const { subject, clientId } = act;
  return {
    subject: subject === undefined ? undefined : await auditSubject({ issuer, subject }, config),
    clientId,
  };
}

async function sign({ issuer, subject }: Named, key: CryptoKey): Promise<string> {
  const mac = await crypto.subtle.sign('HMAC', key, encoder.encode(`${issuer}\0${subject}`));
  return `hmac:${hexOf(new Uint8Array(mac, 0, BYTES))}`;
}

export const hmac = async (secret: string, text: string): Promise<Uint8Array> =>
  new Uint8Array(await crypto.subtle.sign('HMAC', await importKey(secret), encoder.encode(text)));
