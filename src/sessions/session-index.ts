// Which grants of a subject have something in a ClientSession object? An index in KV for operators, an entry per grant.
//
// Names are hashed, so that whoever only sees keys does not see people. KV is eventually consistent: a listing may lack a
// grant of the last minute, and may have one that is empty by now.
// Only ever a help for finding objects: nothing is decided by it.

import { type Grant, tenantMember, tenantPart } from '../grant.ts';
import { sha256 } from '../hash.ts';

/** KV takes no more metadata with a key. */
const MAX_METADATA_BYTES = 1_024;

interface Entry extends Grant {
  readonly clientId: string | null;
}

/** The clients and tenants through which a subject has sessions or state; `null` for tokens that name no client. */
export async function grantsOf(kv: KVNamespace, issuer: string, subject: string): Promise<readonly Entry[]> {
  const prefix = await prefixOf(issuer, subject);
  const grants: Entry[] = [];
  let cursor: string | null = null;
  do {
    const page: KVNamespaceListResult<Entry> = await kv.list<Entry>({ prefix, cursor });
    for (const { name, metadata } of page.keys) {
      const entry = metadata ?? (await kv.get<Entry>(name, 'json'));
      if (entry) grants.push(entry);
    }
    cursor = page.list_complete ? null : page.cursor;
  } while (cursor !== null);
  return grants;
}

export async function noteGrant(kv: KVNamespace, grant: Grant): Promise<void> {
  const { issuer, subject, clientId, tenant } = grant;
  const entry: Entry = { issuer, subject, clientId: clientId ?? null, ...tenantMember(tenant) };
  const text = JSON.stringify(entry);
  // Listing gives metadata along, so that the values of most entries never have to be read.
  const isShort = new TextEncoder().encode(text).byteLength <= MAX_METADATA_BYTES;
  await kv.put(await keyOf(grant), text, isShort ? { metadata: entry } : {});
}

export async function forgetGrant(kv: KVNamespace, grant: Grant): Promise<void> {
  await kv.delete(await keyOf(grant));
}

const prefixOf = async (issuer: string, subject: string): Promise<string> =>
  `sessions:${await hash([issuer, subject])}:`;

const keyOf = async ({ issuer, subject, clientId, tenant }: Grant): Promise<string> =>
  `${await prefixOf(issuer, subject)}${await hash([clientId ?? null, ...tenantPart(tenant)])}`;

/** 128 bits of SHA-256, in hexadecimal. */
const hash = async (parts: readonly (string | null)[]): Promise<string> =>
  (await sha256(JSON.stringify(parts))).slice(0, 32);
