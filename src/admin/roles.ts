// Roles: list, edit with If-Match, put an edit on trial (shadow), and back to those of the app.

import type { Context } from '../context.ts';
import type { RoleItem } from '../policy/change.ts';
import { operatorPermissions } from '../policy/operator-permissions.ts';
import { type Answer, type Call, change, changed, ok } from './call.ts';
import {
  expectedVersion,
  flag,
  nameIn,
  namesIn,
  Refusal,
  readBody,
  readQuery,
  versionSeen,
} from './inputs.ts';

export async function listRoles({ url, registry }: Call): Promise<Answer> {
  readQuery(url.searchParams, []);
  const roles = await registry.roles();
  return { ...ok({ ...roles }), headers: etag(roles) };
}

export async function readRole({ url, registry, params }: Call): Promise<Answer> {
  readQuery(url.searchParams, []);
  const { items } = await registry.roles();
  const role = items.find(({ name }) => name === params.name);
  if (!role) throw new Refusal(404, 'not_found', 'There is no such role.');
  return { status: 200, body: { ...role }, headers: etag(role) };
}

const etag = ({ version }: Pick<RoleItem, 'version'>) => ({ etag: `"${version}"` });

export async function putRole(call: Call): Promise<Answer> {
  const { request, url, params, context } = call;
  const query = readQuery(url.searchParams, ['shadow']);
  const { input, text } = await readBody(request, ['permissions', 'inherits', 'reason']);
  const name = nameIn(params, 'name');
  if (name === 'shadow')
    throw new Refusal(400, 'invalid_request', 'A role cannot be called shadow: the path is taken.');
  const definition = {
    permissions: namesIn(input, 'permissions'),
    inherits: input.inherits === undefined ? [] : namesIn(input, 'inherits'),
  };
  const action = flag(query, 'shadow') ? 'put_shadow_role' : 'put_role';
  const expected = expectedVersion(request.headers);
  const outcome = await change(call, { action, name, definition, expected }, input, text);
  const { isNew, ...role } = outcome.result;
  return changed(
    call,
    { ...outcome, result: role },
    {
      status: isNew === true ? 201 : 200,
      headers: etag(outcome),
      warnings: unknownPermissions(definition.permissions, context.deployment),
    },
  );
}

/** Most likely typing errors. Tools may ask for permissions themselves, so it is only a warning. */
function unknownPermissions(
  permissions: readonly string[],
  { catalogue, config }: Context['deployment'],
): readonly string[] {
  const { tools, resources, templates, prompts } = catalogue;
  const needed = new Set([
    ...[...tools, ...resources, ...templates, ...prompts].flatMap((item) => item.permissions),
    ...operatorPermissions(config.adminPermission),
  ]);
  return permissions
    .filter((permission) => !needed.has(permission))
    .map((permission) => `No tool, resource or prompt needs the permission ${permission}.`);
}

export async function deleteRole(call: Call): Promise<Answer> {
  const { request, url, params } = call;
  const input = readQuery(url.searchParams, ['shadow', 'reason']);
  const expected = versionSeen(request.headers);
  const action = flag(input, 'shadow') ? 'delete_shadow_role' : 'delete_role';
  const outcome = await change(call, { action, name: nameIn(params, 'name'), expected }, input, '');
  return changed(call, { ...outcome, result: { name: outcome.result.name } });
}

/** All roles are put into force, dropped or replaced at once: only as somebody has seen them. */
const rolesSeen = ({ request }: Call): number => versionSeen(request.headers);

export async function applyShadow(call: Call): Promise<Answer> {
  const { input, text } = await readBody(call.request, ['reason']);
  return changed(
    call,
    await change(call, { action: 'apply_shadow', expected: rolesSeen(call) }, input, text),
  );
}

async function withoutBody(call: Call, action: 'discard_shadow' | 'reset_roles'): Promise<Answer> {
  const input = readQuery(call.url.searchParams, ['reason']);
  return changed(call, await change(call, { action, expected: rolesSeen(call) }, input, ''));
}

export const discardShadow = (call: Call): Promise<Answer> => withoutBody(call, 'discard_shadow');
export const resetRoles = (call: Call): Promise<Answer> => withoutBody(call, 'reset_roles');
