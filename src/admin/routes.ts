// Every operation of the operators' API, and how its answers and problems become responses.
//
// The caller is an operator already (http/admin-endpoint.ts). What is served is described in
// assets/admin/openapi.json; a test compares.

import { Router } from 'itty-router';
import type { Context } from '../context.ts';
import type { Caller } from '../policy/caller.ts';
import { assign, listAssignments, unassign } from './assignments.ts';
import { type Answer, type Call, createCall } from './call.ts';
import { explain } from './explain.ts';
import { Refusal } from './inputs.ts';
import { decisions, history, status } from './reading.ts';
import { lift, listRevocations, revoke } from './revocations.ts';
import { applyShadow, deleteRole, discardShadow, listRoles, putRole, readRole, resetRoles } from './roles.ts';
import { createKey, listServiceKeys, revokeKey, rotateKey } from './service-keys.ts';
import { endSessions, forget, listSessions } from './sessions.ts';

type Operate = (call: Call) => Promise<Answer>;

/** Method, path, what it is called in the audit, and who does it. The first that fits. */
export const OPERATIONS: readonly (readonly [
  method: string,
  path: string,
  name: string,
  operate: Operate,
])[] = [
  ['GET', '/admin/status', 'status', status],
  ['GET', '/admin/revocations', 'list_revocations', listRevocations],
  ['POST', '/admin/revocations', 'revoke', revoke],
  ['DELETE', '/admin/revocations/:id', 'unrevoke', lift],
  ['GET', '/admin/roles', 'list_roles', listRoles],
  ['DELETE', '/admin/roles', 'reset_roles', resetRoles],
  ['POST', '/admin/roles/shadow/apply', 'apply_shadow', applyShadow],
  ['DELETE', '/admin/roles/shadow', 'discard_shadow', discardShadow],
  ['GET', '/admin/roles/:name', 'read_role', readRole],
  ['PUT', '/admin/roles/:name', 'put_role', putRole],
  ['DELETE', '/admin/roles/:name', 'delete_role', deleteRole],
  ['GET', '/admin/assignments', 'list_assignments', listAssignments],
  ['POST', '/admin/assignments', 'assign', assign],
  ['DELETE', '/admin/assignments', 'unassign', unassign],
  ['GET', '/admin/service-keys', 'list_keys', listServiceKeys],
  ['POST', '/admin/service-keys', 'create_key', createKey],
  ['POST', '/admin/service-keys/:id/rotate', 'rotate_key', rotateKey],
  ['DELETE', '/admin/service-keys/:id', 'revoke_key', revokeKey],
  ['GET', '/admin/sessions', 'list_sessions', listSessions],
  ['DELETE', '/admin/sessions', 'end_sessions', endSessions],
  ['POST', '/admin/forget', 'forget', forget],
  ['GET', '/admin/history', 'history', history],
  ['GET', '/admin/decisions', 'decisions', decisions],
  ['POST', '/admin/explain', 'explain', explain],
];

/** What a request is about, found before anybody is asked who it is. */
export interface Operation {
  readonly name: string;
  readonly params: Readonly<Record<string, string>>;
  readonly operate: Operate;
}

interface Routed {
  readonly method: string;
  readonly url: string;
  readonly params: Record<string, string>;
}

let routes: ReturnType<typeof createRoutes> | undefined;

/** Made with the first request of an operator: most isolates never see one. */
function createRoutes() {
  const router = Router<Routed>();
  for (const [method, path, name, operate] of OPERATIONS)
    router[method.toLowerCase() as 'get'](path, ({ params }) => ({ name, params: decoded(params), operate }));
  return router;
}

/** A parameter that cannot be decoded names nothing. */
function decoded(params: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(params).map(([name, value]) => {
      try {
        return [name, decodeURIComponent(value)];
      } catch {
        return [name, ''];
      }
    }),
  );
}

/**
 * The operation of a method and a path; `undefined` when there is none. A path with a slash at its end has none: a script
 * that deletes the role `$NAME` must not delete all of them when the name is empty.
 */
export async function operationOf(method: string, { origin, pathname }: URL): Promise<Operation | undefined> {
  if (pathname.endsWith('/')) return undefined;
  routes ??= createRoutes();
  return (await routes.fetch({ method, url: origin + pathname, params: {} })) as Operation | undefined;
}

/** Methods of a path that has operations. */
export const methodsOf = async (url: URL): Promise<readonly string[]> => {
  const methods = ['GET', 'POST', 'PUT', 'DELETE'];
  const found = await Promise.all(methods.map((method) => operationOf(method, url)));
  return methods.filter((_, index) => found[index] !== undefined);
};

/** Does what an operator asks for. Never throws what a caller has caused. */
export async function operate(
  { params, operate: run }: Operation,
  request: Request,
  url: URL,
  operator: Caller,
  context: Context,
): Promise<Answer> {
  try {
    return await run(createCall(request, url, params, operator, context));
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const { status, error: code, message, details } = error;
    return { status, body: { error: code, error_description: message, ...details } };
  }
}
