// `assign`: give a role to a subject or a client, take it away, list who has which.

import { UsageError } from '../command.ts';
import { type Call, noteNextPage, pageOf } from './call.ts';
import { type AdminCommand, ISSUER_FLAG, PAGE_FLAGS } from './command.ts';
import type { Given } from './given.ts';
import { oneLine } from './output.ts';
import { type Someone, tableOr, when, whoText } from './table.ts';
import { TENANT_FLAGS, tenantIn, tenantQuery } from './tenants.ts';

interface Assignment extends Someone {
  readonly role: string;
  readonly createdAt: number;
  readonly reason: string;
  readonly operator: Someone;
}

/** Who a role is given to. @throws {UsageError} unless it is one of the two */
function assigneeOf({ text }: Given): { readonly subject: string } | { readonly clientId: string } {
  const [subject, clientId] = [text('subject'), text('client-id')];
  if (subject !== undefined && clientId === undefined) return { subject };
  if (clientId !== undefined && subject === undefined) return { clientId };
  throw new UsageError('give either --subject or --client-id');
}

async function list({ given, request, show }: Call): Promise<undefined> {
  if (given.is('remove')) throw new UsageError('give either --list or --remove');
  const query = {
    issuer: given.text('issuer'),
    subject: given.text('subject'),
    clientId: given.text('client-id'),
    role: given.text('role'),
    ...tenantQuery(given),
    ...pageOf(given),
  };
  type Page = { readonly items: readonly Assignment[]; readonly nextCursor?: string };
  const { body } = await request<Page>('GET', '/assignments', { query });
  show(body, ({ items }) =>
    tableOr(
      'no assignments',
      ['role', 'assigned to', 'since', 'by', 'reason'],
      items.map(({ role, createdAt, reason, operator, ...who }) => [
        ...[role, whoText(who), when(createdAt), whoText(operator), reason],
      ]),
    ),
  );
  noteNextPage(given, body);
}

async function run(call: Call): Promise<undefined> {
  const { given } = call;
  if (given.is('list')) return list(call);
  const [assignee, role] = [assigneeOf(given), given.need('role')];
  if (given.text('limit') !== undefined || given.text('cursor') !== undefined)
    throw new UsageError('--limit and --cursor go with --list');
  const isEverywhere = given.is('all-tenants');
  const within = tenantIn(given);
  if (isEverywhere && within.tenant !== undefined)
    throw new UsageError('give one of --tenant, --no-tenant and --all-tenants');
  const wanted = { issuer: await call.issuer(), ...assignee, role };
  const isRemoved = given.is('remove');
  const { body } = isRemoved
    ? await call.change<Assignment>('DELETE', '/assignments', { query: { ...wanted, ...tenantQuery(given) } })
    : await call.change<Assignment>('POST', '/assignments', {
        body: { ...wanted, ...within, ...(isEverywhere ? { allTenants: true } : {}) },
      });
  const words = isRemoved ? 'taken from' : 'assigned to';
  call.showChange(body, () => `role ${oneLine(role)} ${words} ${whoText({ ...wanted, ...within })}`);
}

export const ASSIGNMENT_COMMANDS: readonly AdminCommand[] = [
  {
    name: 'assign',
    summary: 'Give a role to somebody, take it away (--remove), or list who has which (--list)',
    details: `Roles assigned here come on top of those that tokens name: --remove does not take away what the authorization server
gives. Where the issuer's tokens name an organization, say which: a role in all of them and one in a single one are two.
With --list, --issuer, --subject, --client-id, --role and --tenant say which.`,
    effect: 'write',
    flags: {
      subject: { type: 'string', value: 'SUBJECT', help: 'somebody, with any client' },
      'client-id': { type: 'string', value: 'ID', help: 'a client, whoever uses it' },
      role: { type: 'string', value: 'NAME', help: 'the role' },
      ...TENANT_FLAGS,
      'all-tenants': { type: 'boolean', help: 'in every organization' },
      remove: { type: 'boolean', help: 'take it away' },
      list: { type: 'boolean', help: 'list assignments, newest first' },
      ...PAGE_FLAGS,
      ...ISSUER_FLAG,
    },
    examples: [
      'assign --subject bob --role editor --reason "new in the team"',
      'assign --subject bob --role editor --tenant org_1 --reason "new in their team"',
      'assign --subject bob --role editor --remove --reason "left the team"',
      'assign --list --role editor',
    ],
    run,
  },
];
