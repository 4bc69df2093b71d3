// A service key -> Principal: for callers without an authorization server. Off unless the setting serviceKeys is on.
//
// `mcpk_`, 43 random characters (256 bits) and 6 of a checksum, so that scanners recognize a leaked key and a mistyped one
// is refused without looking further. The key itself exists once, in the answer to whoever created it; what is kept is its
// SHA-256, which is enough for 256 random bits. Records come with the policy snapshot, so an unknown key costs no I/O.
// Does not check revocations by subject, token or issuer, scopes and roles: the same gate does that for every principal.

import { type Denial, isDenial } from '../denial.ts';
import { sha256 } from '../hash.ts';
import type { Principal } from './principal.ts';

/** What a key stands for. Written by the PolicyRegistry. */
export interface ServiceKeyRecord {
  readonly id: string;
  /** Who calls with it; several keys of one service overlap while they are rotated. */
  readonly service: string;
  readonly scopes: readonly string[];
  readonly roles: readonly string[];
  /** Epoch seconds. */
  readonly createdAt: number;
  readonly expiresAt: number;
}

/** `issuer` of these principals. No URL, so it is never an issuer of tokens. */
export const SERVICE_ISSUER = 'service-keys';

const PREFIX = 'mcpk_';
const RANDOM_CHARACTERS = 43;
const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const SHAPE = /^mcpk_[0-9A-Za-z]{43}[0-9A-Za-z]{6}$/;
const MAX_REMEMBERED = 1_000;

export const isServiceKey = (credential: string): boolean => credential.startsWith(PREFIX);

/** A new key, and the hash to keep of it. */
export async function createServiceKey(): Promise<{ readonly key: string; readonly hash: string }> {
  let random = '';
  while (random.length < RANDOM_CHARACTERS) {
    for (const byte of crypto.getRandomValues(new Uint8Array(RANDOM_CHARACTERS))) {
      // Beyond the last multiple of the alphabet's length the first letters would be more likely.
      if (byte < ALPHABET.length * 4 && random.length < RANDOM_CHARACTERS)
        random += ALPHABET[byte % ALPHABET.length];
    }
  }
  const key = PREFIX + random + checksum(random);
  return { key, hash: await sha256(key) };
}

type Records = ReadonlyMap<string, ServiceKeyRecord>;

/**
 * `newer` gives the records as they are now, for a key that may have been made a moment ago; asked seldom. When it cannot,
 * nobody knows whether the key is good.
 */
export type ServiceKeyVerifier = (
  credential: string,
  records: Records,
  now: number,
  newer?: () => Promise<Records | Denial>,
) => Promise<Principal | Denial>;

/** How often an unknown key is a reason to ask for newer records, whoever makes up keys. */
const ASK_SECONDS = 5;

/** Remembers what it has verified for as long as the records are the same. */
export function createServiceKeyVerifier(): ServiceKeyVerifier {
  let remembered = new Map<string, Principal>();
  let rememberedFor: Records | undefined;
  let askedAt = 0;

  async function find(credential: string, records: Records): Promise<Principal | undefined> {
    if (rememberedFor !== records) {
      remembered = new Map();
      rememberedFor = records;
    }
    const known = remembered.get(credential);
    if (known) return known;
    const record = records.get(await sha256(credential));
    const principal = record && servicePrincipal(record);
    if (principal && rememberedFor === records && remembered.size < MAX_REMEMBERED)
      remembered.set(credential, principal);
    return principal;
  }

  return async (credential, records, now, newer) => {
    if (!isWellFormed(credential)) return { reason: 'token_malformed', detail: 'service_key' };
    let principal = await find(credential, records);
    if (!principal && newer && now - askedAt >= ASK_SECONDS) {
      askedAt = now;
      const others = await newer();
      if (isDenial(others)) return others;
      principal = await find(credential, others);
    }
    if (!principal) return { reason: 'token_invalid', detail: 'service_key_unknown' };
    return now < principal.expiresAt ? principal : { reason: 'token_expired' };
  };
}

function isWellFormed(credential: string): boolean {
  const random = credential.slice(PREFIX.length, PREFIX.length + RANDOM_CHARACTERS);
  return SHAPE.test(credential) && credential.endsWith(checksum(random));
}

/** Who calls with a key. */
export function servicePrincipal({
  id,
  service,
  scopes,
  roles,
  createdAt,
  expiresAt,
}: ServiceKeyRecord): Principal {
  return Object.freeze({
    kind: 'service',
    issuer: SERVICE_ISSUER,
    subject: service,
    clientId: undefined,
    tenant: undefined,
    scopes,
    roles,
    permissions: [],
    tokenId: id,
    issuedAt: createdAt,
    expiresAt,
    authenticatedAt: undefined,
  });
}

/** CRC-32 (as in zip), 6 characters. Finds typing errors; proves nothing. */
function checksum(text: string): string {
  let crc = 0xffffffff;
  for (let index = 0; index < text.length; index += 1) {
    crc ^= text.charCodeAt(index);
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  let rest = ~crc >>> 0;
  let characters = '';
  for (let index = 0; index < 6; index += 1) {
    characters = ALPHABET[rest % ALPHABET.length] + characters;
    rest = Math.floor(rest / ALPHABET.length);
  }
  return characters;
}
