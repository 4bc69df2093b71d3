// `roles ...`: list, show, set, delete, put on trial, reset.
//
// An edit is made against the version that was read before: whoever else has edited meanwhile is not overwritten.

import { UsageError } from '../command.ts';
import { segment } from './api.ts';
import type { Call, Changed } from './call.ts';
import type { AdminCommand, Flags } from './command.ts';
import { note, oneLine } from './output.ts';
import { Refusal } from './refusal.ts';
import { fields, tableOr } from './table.ts';
import { namesOf } from './values.ts';

interface Role {
  readonly name: string;
  readonly permissions: readonly string[];
  readonly inherits: readonly string[];
  readonly resolved: readonly string[];
  readonly version: number;
}

interface RoleList {
  readonly source: string;
  /** Of all of them, and of what is on trial. */
  readonly version: number;
  readonly items: readonly Role[];
  readonly shadow: readonly Role[] | null;
}

const SHADOW_FLAG: Flags = {
  shadow: {
    type: 'boolean',
    help: 'on trial only: nobody is refused; the log tells who would be, `decisions` too',
  },
};

/** A role and the header that says which version of it was read. */
interface Current {
  readonly role: Role | undefined;
  readonly precondition: Readonly<Record<string, string>>;
}

const NEW: Current = { role: undefined, precondition: { 'if-none-match': '*' } };

/** As it is in force; with `isShadow`, as it is on trial if anything is. */
async function readRole({ request }: Call, name: string, isShadow: boolean): Promise<Current> {
  if (isShadow) {
    const { items, shadow } = (await request<RoleList>('GET', '/roles')).body;
    const role = (shadow ?? items).find((item) => item.name === name);
    return role ? { role, precondition: { 'if-match': `"${role.version}"` } } : NEW;
  }
  try {
    const { body: role } = await request<Role>('GET', `/roles/${segment(name)}`);
    // Not the ETag as it arrives: a proxy that compresses makes it a weak one, which no If-Match fits.
    return { role, precondition: { 'if-match': `"${role.version}"` } };
  } catch (error) {
    if (error instanceof Refusal && error.status === 404) return NEW;
    throw error;
  }
}

/** Does an edit; when somebody else was faster, shows what they made of it. */
async function edit<T>(call: Call, name: string, run: () => Promise<T>): Promise<T | false> {
  const isShadow = call.given.is('shadow');
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof Refusal) || error.status !== 412) throw error;
    note(`Somebody else has changed the role "${oneLine(name)}" since it was read here; nothing was done.`);
    const { role } = await readRole(call, name, isShadow);
    note(role ? `It is now:\n${roleText(role)}` : 'It is gone now.');
    note('Repeat the command if it is still what you want.');
    return false;
  }
}

const roleText = ({ name, permissions, inherits, resolved, version }: Role): string =>
  fields([
    ['role', name],
    ['permissions', permissions.join(', ') || 'none of its own'],
    ['inherits', inherits.join(', ') || 'no role'],
    ['permits', resolved.join(', ') || 'nothing'],
    ['version', version === 0 ? '0, as the app has it' : String(version)],
  ]);

const rolesText = (roles: readonly Role[]): string =>
  tableOr(
    'no roles',
    ['role', 'permissions', 'inherits', 'permits', 'version'],
    roles.map(({ name, permissions, inherits, resolved, version }) => [
      ...[name, permissions.join(', '), inherits.join(', '), resolved.join(', '), String(version)],
    ]),
  );

function listText({ source, version, items, shadow }: RoleList): string {
  const from = source === 'app' ? "the app's (src/app/roles.ts), never edited" : 'edited by operators';
  const trial = shadow === null ? [] : ['', 'on trial, all roles as they would be:', rolesText(shadow)];
  return [`roles in force: ${from} (version ${version})`, rolesText(items), ...trial].join('\n');
}

/** A change on trial refuses nobody. */
const forceOf = ({ given }: Call): string => (given.is('shadow') ? 'on trial' : 'in force');

async function setRole(call: Call): Promise<boolean | undefined> {
  const { given } = call;
  const name = given.argument ?? '';
  segment(name);
  const [wantedPermissions, wantedInherits] = [given.raw('permissions'), given.raw('inherits')];
  if (wantedPermissions === undefined && wantedInherits === undefined)
    throw new UsageError('`roles set` needs --permissions or --inherits');
  const isShadow = given.is('shadow');
  const { role, precondition } = await readRole(call, name, isShadow);
  const permissions =
    wantedPermissions === undefined ? (role?.permissions ?? []) : namesOf(wantedPermissions);
  const inherits = wantedInherits === undefined ? (role?.inherits ?? []) : namesOf(wantedInherits);
  const changed = await edit(call, name, () =>
    call.change<Role>('PUT', `/roles/${segment(name)}`, {
      query: { shadow: isShadow ? 'true' : undefined },
      headers: precondition,
      body: { permissions, inherits },
    }),
  );
  if (changed === false) return false;
  call.showChange(changed.body, (body) => `${role ? 'changed' : 'new'}\n${roleText(body)}`, forceOf(call));
  return undefined;
}

async function deleteRole(call: Call): Promise<boolean | undefined> {
  const { given } = call;
  const name = given.argument ?? '';
  segment(name);
  const isShadow = given.is('shadow');
  const { role, precondition } = await readRole(call, name, isShadow);
  if (!role) throw new Error(`there is no role "${oneLine(name)}"; see npm run admin -- roles list`);
  await call.confirm(`Delete the role "${name}"${isShadow ? ' on trial' : ''}?`);
  const changed = await edit(call, name, () =>
    call.change<Pick<Role, 'name'>>('DELETE', `/roles/${segment(name)}`, {
      query: { shadow: isShadow ? 'true' : undefined },
      headers: precondition,
    }),
  );
  if (changed === false) return false;
  call.showChange(changed.body, () => `deleted: role ${oneLine(name)}`, forceOf(call));
  return undefined;
}

const VERSION_FLAG: Flags = {
  version: {
    type: 'string',
    value: 'N',
    help: 'only if the roles are as `roles list` has shown them, which names the version (default: as they are now)',
  },
};

/** What is done to all roles at once, if they are as somebody has seen them. */
async function changeAll(
  call: Call,
  method: string,
  path: string,
  { question, done }: { readonly question?: string; readonly done: string },
): Promise<boolean | undefined> {
  const seen = call.given.text('version') ?? (await call.request<RoleList>('GET', '/roles')).body.version;
  if (question !== undefined) await call.confirm(question);
  try {
    const headers = { 'if-match': `"${seen}"` };
    const { body } = await call.change<Changed>(method, path, { headers });
    call.showChange(body, () => done);
    return undefined;
  } catch (error) {
    if (!(error instanceof Refusal) || error.status !== 412) throw error;
    note('Somebody else has changed the roles, or what is on trial, since they were read; nothing was done.');
    note('Look at them (npm run admin -- roles list), and repeat the command if it is still what you want.');
    return false;
  }
}

export const ROLE_COMMANDS: readonly AdminCommand[] = [
  {
    name: 'roles list',
    summary: 'List roles in force, and on trial',
    effect: 'read',
    flags: {},
    examples: ['roles list'],
    async run({ request, show }) {
      show((await request<RoleList>('GET', '/roles')).body, listText);
      return undefined;
    },
  },
  {
    name: 'roles show',
    argument: 'NAME',
    summary: 'Show a role in force',
    effect: 'read',
    flags: {},
    examples: ['roles show editor'],
    async run({ given, request, show }) {
      show((await request<Role>('GET', `/roles/${segment(given.argument ?? '')}`)).body, roleText);
      return undefined;
    },
  },
  {
    name: 'roles set',
    argument: 'NAME',
    summary: 'Make a role, or change one',
    details: `What is not given stays as it is; --inherits "" takes it away. It is refused when somebody else has changed the role
meanwhile. The first edit makes the registry the source of all roles: those of the app are taken over as they are.`,
    effect: 'write',
    flags: {
      permissions: { type: 'string', value: 'A,B', help: 'what it permits itself' },
      inherits: { type: 'string', value: 'C,D', help: 'roles whose permissions it has as well' },
      ...SHADOW_FLAG,
    },
    examples: [
      'roles set auditor --permissions reports:read --reason "new role for the auditors"',
      'roles set editor --permissions reports:write --inherits reader --shadow --reason "who would miss refunds?"',
    ],
    run: setRole,
  },
  {
    name: 'roles delete',
    argument: 'NAME',
    summary: 'Delete a role that is assigned to nobody',
    effect: 'destructive',
    flags: SHADOW_FLAG,
    examples: ['roles delete auditor --reason "not needed any more"'],
    run: deleteRole,
  },
  {
    name: 'roles reset',
    summary: 'Back to the roles of the app: all edits are lost, those on trial too',
    effect: 'destructive',
    flags: VERSION_FLAG,
    examples: ['roles reset --reason "the roles are in the code again"'],
    run(call) {
      return changeAll(call, 'DELETE', '/roles', {
        question: 'Throw all edits of roles away, and go back to the roles of the app?',
        done: 'the roles are those of the app again (src/app/roles.ts)',
      });
    },
  },
  {
    name: 'roles shadow apply',
    summary: 'Put the roles on trial into force',
    effect: 'write',
    flags: VERSION_FLAG,
    examples: ['roles shadow apply --reason "a week without a refusal"'],
    run: (call) =>
      changeAll(call, 'POST', '/roles/shadow/apply', { done: 'the roles on trial are the roles now' }),
  },
  {
    name: 'roles shadow discard',
    summary: 'Drop the roles on trial',
    effect: 'write',
    flags: VERSION_FLAG,
    examples: ['roles shadow discard --reason "support needs refunds"'],
    run: (call) => changeAll(call, 'DELETE', '/roles/shadow', { done: 'nothing is on trial any more' }),
  },
];
