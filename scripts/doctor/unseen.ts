// What settings name or need and nobody can see from here: secrets and Service Bindings.
//
// They are taken to be there, by stand-ins that satisfy checkConfig and that nothing is ever sent with: what needs one is
// then not done here (token.ts).

import { isRecord } from '../../src/shapes.ts';
import type { Vars } from './wrangler-file.ts';

/** Also looks like a key, for where one is wanted. */
const SECRET = '-----BEGIN PRIVATE KEY----- a stand-in of the doctor';

/** Stand-ins for what the settings need and `vars` does not have. A binding has to be in the wrangler file. */
export function standIns(vars: Vars, services: readonly string[]): Vars {
  const found: Record<string, unknown> = {};
  for (const entry of entriesOf(vars.AUTHORIZATION_SERVERS)) {
    const { secret, binding } = isRecord(entry.introspection) ? entry.introspection : {};
    if (typeof secret === 'string' && vars[secret] === undefined) found[secret] = SECRET;
    if (typeof binding === 'string' && services.includes(binding)) found[binding] = { validateToken() {} };
  }
  for (const name of ['REQUEST_STATE_SECRET', 'AUDIT_SECRET']) {
    const isNeeded =
      vars[`${name}_PREVIOUS`] !== undefined || (name === 'AUDIT_SECRET' && vars.AUDIT_SUBJECTS === 'hashed');
    if (isNeeded && vars[name] === undefined) found[name] = SECRET;
  }
  return found;
}

/** Whether a checked `introspection` works with a stand-in. */
export function isStandIn(introspection: object): boolean {
  if ('validateToken' in introspection) return true;
  return (
    'client' in introspection && isRecord(introspection.client) && introspection.client.secret === SECRET
  );
}

function entriesOf(value: unknown): readonly Record<string, unknown>[] {
  try {
    const list: unknown = typeof value === 'string' ? JSON.parse(value) : value;
    return Array.isArray(list) ? list.filter(isRecord) : [];
  } catch {
    return [];
  }
}
