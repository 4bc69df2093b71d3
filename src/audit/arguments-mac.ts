// The arguments of a tool as the audit has them, where the tool says so: something that only equal ones have.
//
// HMAC-SHA-256 with AUDIT_SECRET over the arguments as they were sent, as RFC 8785 writes them; no arguments are `{}`.
// Whoever has the secret and the arguments can tell that they are the same; nobody can try out what they were without it.

import type { Config } from '../config.ts';
import { canonical, hexOf } from '../hash.ts';
import { hmac } from './subject.ts';

export async function argumentsMac(
  args: unknown = {},
  { auditSecret }: Pick<Config, 'auditSecret'>,
): Promise<string | undefined> {
  return auditSecret === undefined ? undefined : hexOf(await hmac(auditSecret, canonical(args)));
}
