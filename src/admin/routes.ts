// Every operation of the operators' API, and how its answers and problems become responses.
//
// The caller has what the operation needs already (http/admin-endpoint.ts). What is served is described in
// assets/admin/openapi.json; a test compares.

import { Router } from 'itty-router';
import type { Context } from '../context.ts';
import type { Caller } from '../policy/caller.ts';
import type { OperatorPart } from '../policy/operator-permissions.ts';
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

/**
 * Method, path, what it is called in the audit, which permission it needs, and who does it. The first that fits.
 *
 * Reading is one permission, decisions about people included: whoever looks for why somebody was refused needs them, and
 * `auditSubjects` keeps names out of them. What erases is another one than what revokes.
 */
export const OPERATIONS: readonly (readonly [
  method: string,
  path: string,
  name: string,
  needs: OperatorPart,
  operate: Operate,
])[] = [
  ['GET', '/admin/status', 'status', 'read', status],
  ['GET', '/admin/revocations', 'list_revocations', 'read', listRevocations],
  ['POST', '/admin/revocations', 'revoke', 'revoke', revoke],
  ['DELETE', '/admin/revocations/:id', 'unrevoke', 'revoke', lift],
  ['GET', '/admin/roles', 'list_roles', 'read', listRoles],
  ['DELETE', '/admin/roles', 'reset_roles', 'grant', resetRoles],
  ['POST', '/admin/roles/shadow/apply', 'apply_shadow', 'grant', applyShadow],
  ['DELETE', '/admin/roles/shadow', 'discard_shadow', 'grant', discardShadow],
  ['GET', '/admin/roles/:name', 'read_role', 'read', readRole],
  ['PUT', '/admin/roles/:name', 'put_role', 'grant', putRole],
  ['DELETE', '/admin/roles/:name', 'delete_role', 'grant', deleteRole],
  ['GET', '/admin/assignments', 'list_assignments', 'read', listAssignments],
  ['POST', '/admin/assignments', 'assign', 'grant', assign],
  ['DELETE', '/admin/assignments', 'unassign', 'grant', unassign],
  ['GET', '/admin/service-keys', 'list_keys', 'read', listServiceKeys],
  ['POST', '/admin/service-keys', 'create_key', 'keys', createKey],
  ['POST', '/admin/service-keys/:id/rotate', 'rotate_key', 'keys', rotateKey],
  ['DELETE', '/admin/service-keys/:id', 'revoke_key', 'keys', revokeKey],
  ['GET', '/admin/sessions', 'list_sessions', 'read', listSessions],
  ['DELETE', '/admin/sessions', 'end_sessions', 'privacy', endSessions],
  ['POST', '/admin/forget', 'forget', 'privacy', forget],
  ['GET', '/admin/history', 'history', 'read', history],
  ['GET', '/admin/decisions', 'decisions', 'read', decisions],
  ['POST', '/admin/explain', 'explain', 'read', explain],
];

/** What a request is about, found before anybody is asked who it is. */
export interface Operation {
  readonly name: string;
  readonly needs: OperatorPart;
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
  for (const [method, path, name, needs, operate] of OPERATIONS)
    router[method.toLowerCase() as 'get'](path, ({ params }) => ({
      name,
      needs,
      params: decoded(params),
      operate,
    }));
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
    const { retryAfterSeconds } = details;
    return {
      status,
      body: { error: code, error_description: message, ...details },
      ...(retryAfterSeconds === undefined ? {} : { headers: { 'retry-after': String(retryAfterSeconds) } }),
    };
  }
}
