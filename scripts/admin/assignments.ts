// `assign`: give a role to a subject or a client, take it away, list who has which.

import { UsageError } from '../command.ts';
import { type Call, noteNextPage, pageOf } from './call.ts';
import { type AdminCommand, ISSUER_FLAG, PAGE_FLAGS } from './command.ts';
import type { Given } from './given.ts';
import { oneLine, warn } from './output.ts';
import { type Someone, tableOr, when, whoText } from './table.ts';
import { TENANT_FLAGS, tenantIn, tenantQuery } from './tenants.ts';

interface Assignment extends Someone {
  readonly role: string;
  /** Of a client: whether it is of whoever signs in with it. */
  readonly everybody?: boolean;
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

/** People who sign in with a client are not the client. */
const assigneeText = ({ everybody, ...who }: Pick<Assignment, 'everybody'> & Someone): string =>
  everybody === undefined
    ? whoText(who)
    : `${everybody ? 'everybody who signs in with ' : ''}${whoText(who)}${everybody ? '' : ', acting for itself'}`;

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
        ...[role, assigneeText(who), when(createdAt), whoText(operator), reason],
      ]),
    ),
  );
  const wide = body.items.filter(({ everybody }) => everybody).length;
  if (wide > 0)
    warn(
      `${wide} of these are roles of everybody who signs in with a client. To leave them to the client itself: take each away (--remove), and give it again without --everybody.`,
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
  const everybody = given.is('everybody');
  const isRemoved = given.is('remove');
  if (everybody && (isRemoved || !('clientId' in assignee)))
    throw new UsageError('--everybody goes with giving a role to a --client-id');
  const { body } = isRemoved
    ? await call.change<Assignment>('DELETE', '/assignments', { query: { ...wanted, ...tenantQuery(given) } })
    : await call.change<Assignment>('POST', '/assignments', {
        body: {
          ...wanted,
          ...within,
          ...(everybody ? { everybody } : {}),
          ...(isEverywhere ? { allTenants: true } : {}),
        },
      });
  const words = isRemoved ? 'taken from' : 'assigned to';
  call.showChange(
    body,
    (done) => `role ${oneLine(role)} ${words} ${assigneeText({ ...wanted, ...within, ...kindOf(done) })}`,
  );
}

const kindOf = ({ everybody }: Assignment) => (everybody === undefined ? {} : { everybody });

export const ASSIGNMENT_COMMANDS: readonly AdminCommand[] = [
  {
    name: 'assign',
    summary: 'Give a role to somebody, take it away (--remove), or list who has which (--list)',
    details: `Roles assigned here come on top of those that tokens name: --remove does not take away what the authorization server
gives. Where the issuer's tokens name an organization, say which: a role in all of them and one in a single one are two.
A role of a client is not one of the people who sign in with it, unless --everybody says so. A machine whose tokens name
another subject than its client is a --subject. With --list, --issuer, --subject, --client-id, --role and --tenant say which.`,
    effect: 'write',
    flags: {
      subject: { type: 'string', value: 'SUBJECT', help: 'somebody, with any client' },
      'client-id': {
        type: 'string',
        value: 'ID',
        help: 'a client that acts for itself: the subject of its token',
      },
      everybody: { type: 'boolean', help: 'with --client-id: whoever signs in with it, too' },
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
