// Tokens of earlier sign-ins, so that an operator signs in once per token lifetime.
//
// One file per issuer, resource, client, user and scope, readable by its owner only, in a folder that git ignores. A file
// is written under another name and moved, so that nobody ever sees half of it, or one with other rights.
// Does not keep refresh tokens: whoever finds a file has an hour, not a month.

import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What a token was issued for. */
export interface TokenScope {
  readonly issuer: string;
  readonly resource: string;
  readonly clientId: string;
  /** Who signed in, where that was said on the command line. */
  readonly user: string | null;
  readonly scope: string;
}

interface Kept extends TokenScope {
  readonly accessToken: string;
  readonly expiresAt: number;
}

const FOLDER = process.env.ADMIN_TOKEN_FOLDER || join(import.meta.dirname, '../../.wrangler/admin-tokens');

/** A token this close to its end might be over when it arrives. */
const MARGIN_SECONDS = 30;

function fileOf({ issuer, resource, clientId, user, scope }: TokenScope): string {
  const text = JSON.stringify([issuer, resource, clientId, user, scope]);
  return join(FOLDER, `${createHash('sha256').update(text).digest('hex').slice(0, 32)}.json`);
}

/** The kept token, if there is one that is still good; one that is not is removed. */
export async function keptToken(wanted: TokenScope): Promise<string | undefined> {
  try {
    const { accessToken, expiresAt } = JSON.parse(await readFile(fileOf(wanted), 'utf8')) as Kept;
    if (typeof accessToken === 'string' && expiresAt > Date.now() / 1_000 + MARGIN_SECONDS)
      return accessToken;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
  }
  await dropToken(wanted);
  return undefined;
}

export async function keepToken(
  wanted: TokenScope,
  accessToken: string,
  expiresInSeconds: number,
): Promise<void> {
  const kept: Kept = {
    ...wanted,
    accessToken,
    expiresAt: Math.floor(Date.now() / 1_000) + expiresInSeconds,
  };
  await mkdir(FOLDER, { recursive: true, mode: 0o700 });
  const unfinished = join(FOLDER, `${randomUUID()}.new`);
  await writeFile(unfinished, JSON.stringify(kept), { mode: 0o600, flag: 'wx' });
  await rename(unfinished, fileOf(wanted));
}

export async function dropToken(wanted: TokenScope): Promise<void> {
  await rm(fileOf(wanted), { force: true });
}

/** Removes all of them; gives how many there were. */
export async function dropAllTokens(): Promise<number> {
  const names = await readdir(FOLDER).catch(() => []);
  const ours = names.filter((name) => /^[0-9a-f]{32}\.json$|\.new$/.test(name));
  await Promise.all(ours.map((name) => rm(join(FOLDER, name), { force: true })));
  return ours.length;
}
