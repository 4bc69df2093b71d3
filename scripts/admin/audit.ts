// `status`, `history`, `decisions`, `explain`: what is in force, who changed it, what was decided, and why.

import { UsageError } from '../command.ts';
import { type Call, noteNextPage, pageOf, readToken } from './call.ts';
import { type AdminCommand, ISSUER_FLAG, PAGE_FLAGS } from './command.ts';
import { note, oneLine, warn } from './output.ts';
import {
  duration,
  fields,
  type Someone,
  table,
  tableOr,
  targetText,
  tenantText,
  when,
  whoText,
} from './table.ts';
import { TENANT_FLAGS, tenantIn, tenantQuery } from './tenants.ts';
import { instantOf, namesOf, scopesOf, sinceOf } from './values.ts';

interface Status {
  readonly version: number;
  readonly registry: {
    readonly publishedVersion: number;
    readonly publishedAt: number | null;
    readonly publishing: string;
    readonly failingSince: number | null;
    readonly counts: Readonly<Record<'revocations' | 'assignments' | 'roles' | 'serviceKeys', number>>;
  };
  readonly isolate: { readonly version: number; readonly ageSeconds: number; readonly source: string } | null;
  readonly kv: { readonly version: number | null };
  readonly roles: { readonly source: string; readonly shadow: boolean };
  readonly serviceKeys: string;
  readonly inForceWithinSeconds: { readonly requests: number; readonly openStreams: number };
}

interface HistoryEntry {
  readonly version: number;
  readonly at: number;
  readonly operator: Someone;
  readonly action: string;
  readonly target: Readonly<Record<string, unknown>>;
  readonly reason: string;
}

interface Decision extends Someone {
  readonly at: number;
  readonly event: string;
  /** Of callers who are not known: how many were refused for this reason in a minute. */
  readonly count?: number;
  readonly outcome?: string;
  readonly decision: string;
  readonly reason?: string;
  readonly detail?: string;
  readonly status: number;
  readonly method?: string;
  readonly tool?: string;
  readonly operation?: string;
  readonly shadow?: { readonly missingPermissions: readonly string[] };
}

interface Explanation {
  readonly decision: string;
  readonly reason?: string;
  readonly detail?: string;
  readonly handlerMayRefuse?: boolean;
  readonly rules: readonly { readonly needs: string; readonly isMet: boolean; readonly by: string }[];
  readonly revokedBy?: {
    readonly id: string;
    readonly kind: string;
    readonly tenant?: string | null;
    readonly revokedAt: number;
  };
  readonly shadow?: { readonly missingPermissions: readonly string[] };
  readonly principal?: Someone & {
    readonly scopes: readonly string[];
    readonly roles: readonly string[];
    readonly permissions: readonly string[];
  };
  readonly policyVersion: number;
}

interface Page<T> {
  readonly items: readonly T[];
  readonly nextCursor?: string;
}

async function status({ request, show }: Call): Promise<undefined> {
  const { body } = await request<Status>('GET', '/status');
  const { failingSince } = body.registry;
  if (failingSince !== null && failingSince !== undefined)
    warn(
      `PUBLISHING HAS BEEN FAILING since ${when(failingSince)}: KV cannot be written, so changes reach only strict tools and operators. See the log for policy_publish_failed.`,
    );
  show(body, ({ version, registry, isolate, kv, roles, serviceKeys, inForceWithinSeconds }) => {
    const { publishedVersion, publishedAt, publishing, counts } = registry;
    const published = `version ${publishedVersion}${publishedAt === null ? '' : `, ${when(publishedAt)}`}`;
    return fields([
      ['in force', `version ${version}`],
      ['published', `${published}: ${publishing}`],
      ['KV, as read here', kv.version === null ? 'nothing' : `version ${kv.version}`],
      [
        'this isolate',
        isolate
          ? `version ${isolate.version}, ${duration(isolate.ageSeconds)} old, from ${isolate.source}`
          : 'none',
      ],
      [
        'a change takes',
        `${inForceWithinSeconds.requests} s at most, ${inForceWithinSeconds.openStreams} s for open streams`,
      ],
      ['roles', `${counts.roles}, of the ${roles.source}${roles.shadow ? '; there are edits on trial' : ''}`],
      ['assignments', String(counts.assignments)],
      ['revocations', String(counts.revocations)],
      ['service keys', `${counts.serviceKeys}; they are ${serviceKeys}`],
    ]);
  });
}

async function history({ given, request, show }: Call): Promise<undefined> {
  const query = {
    action: given.text('action'),
    issuer: given.text('issuer'),
    subject: given.text('subject'),
    ...tenantQuery(given),
    ...pageOf(given),
  };
  const { body } = await request<Page<HistoryEntry>>('GET', '/history', { query });
  show(body, ({ items }) =>
    tableOr(
      'nothing was changed',
      ['version', 'at', 'by', 'action', 'what', 'reason'],
      items.map(({ version, at, operator, action, target, reason }) => [
        ...[String(version), when(at), whoText(operator), action, targetText(target ?? {}), reason],
      ]),
    ),
  );
  noteNextPage(given, body);
}

async function decisions({ given, request, show }: Call): Promise<undefined> {
  const since = given.text('since');
  const now = Math.floor(Date.now() / 1_000);
  const query = {
    decision: given.text('decision'),
    reason: given.text('reason'),
    issuer: given.text('issuer'),
    subject: given.text('subject'),
    tool: given.text('tool'),
    ...tenantQuery(given),
    since: since === undefined ? undefined : String(sinceOf('since', since, now)),
    ...pageOf(given),
  };
  const { body } = await request<Page<Decision>>('GET', '/decisions', { query });
  show(body, ({ items }) =>
    tableOr(
      'no decisions',
      ['at', 'decision', 'status', 'outcome', 'why', 'who', 'what', 'on trial'],
      items.map((item) => [
        ...[when(item.at), item.decision, String(item.status)],
        [item.event === 'call_ended' ? 'ended:' : '', item.outcome].filter(Boolean).join(' '),
        [item.reason, item.detail].filter(Boolean).join(': '),
        item.count === undefined ? whoText(item) : `${item.count} without a name`,
        item.operation ? `admin ${item.operation}` : [item.method, item.tool].filter(Boolean).join(' '),
        item.shadow ? `would lack ${item.shadow.missingPermissions.join(', ')}` : '',
      ]),
    ),
  );
  noteNextPage(given, body);
}

const PRINCIPAL_FLAGS = [
  'subject',
  'client-id',
  'tenant',
  'scopes',
  'roles',
  'permissions',
  'issued-at',
  'issuer',
] as const;

async function explain(call: Call): Promise<undefined> {
  const { given } = call;
  const named = (['tool', 'prompt', 'resource'] as const).filter((what) => given.text(what) !== undefined);
  if (named.length > 1) throw new UsageError('give one of --tool, --prompt and --resource, or none');
  const what = Object.fromEntries(named.map((name) => [name, given.text(name)]));
  const body = { ...(await whoIsMeant(call)), ...what };
  const { body: answer } = await call.request<Explanation>('POST', '/explain', { body });
  call.show(answer, explanationText);
  const isBare = 'principal' in body && given.raw('roles') === undefined && given.raw('scopes') === undefined;
  if (isBare && !given.is('json'))
    note(
      'What the tokens of this subject say is not known here: add --scopes and --roles, or give a token with --token-file.',
    );
}

async function whoIsMeant(call: Call): Promise<object> {
  const { given } = call;
  const file = given.text('token-file');
  const described = PRINCIPAL_FLAGS.find((flag) => given.raw(flag) !== undefined);
  if (file !== undefined) {
    if (described !== undefined) throw new UsageError(`--${described} does not go with --token-file`);
    return { token: await readToken(file) };
  }
  if (given.text('subject') === undefined) throw new UsageError('give either --subject or --token-file');
  const [clientId, issuedAt] = [given.text('client-id'), given.text('issued-at')];
  const [scopes, roles, permissions] = [given.raw('scopes'), given.raw('roles'), given.raw('permissions')];
  const principal = {
    issuer: await call.issuer(),
    subject: given.need('subject'),
    ...(clientId === undefined ? {} : { clientId }),
    ...tenantIn(given),
    ...(scopes === undefined ? {} : { scopes: scopesOf(scopes) }),
    ...(roles === undefined ? {} : { roles: namesOf(roles) }),
    ...(permissions === undefined ? {} : { permissions: namesOf(permissions) }),
    ...(issuedAt === undefined ? {} : { issuedAt: instantOf('issued-at', issuedAt) }),
  };
  return { principal };
}

function explanationText(explanation: Explanation): string {
  const { decision, reason, detail, handlerMayRefuse, rules, revokedBy, shadow, principal, policyVersion } =
    explanation;
  const why = [reason, detail].filter(Boolean).join(': ');
  return [
    oneLine(`${decision}${why === '' ? '' : `: ${why}`}`),
    ...(handlerMayRefuse ? ['the tool itself may still refuse'] : []),
    ...(revokedBy
      ? [
          oneLine(
            `revoked by ${revokedBy.id} (${revokedBy.kind}${tenantText(revokedBy.tenant)}): tokens issued up to ${when(revokedBy.revokedAt)}`,
          ),
        ]
      : []),
    ...(rules.length === 0
      ? []
      : [
          table(
            ['needs', 'met', 'by'],
            rules.map(({ needs, isMet, by }) => [needs, isMet ? 'yes' : 'NO', by]),
          ),
        ]),
    ...(shadow
      ? [oneLine(`on trial: would be refused for lack of ${shadow.missingPermissions.join(', ')}`)]
      : []),
    fields([
      ['who', principal && whoText(principal)],
      ['scopes', principal && (principal.scopes.join(' ') || 'none')],
      ['roles of the token', principal && (principal.roles.join(', ') || 'none')],
      [
        'permissions of the token',
        principal?.permissions.length ? principal.permissions.join(', ') : undefined,
      ],
      ['policy', `version ${policyVersion}`],
    ]),
  ].join('\n');
}

export const AUDIT_COMMANDS: readonly AdminCommand[] = [
  {
    name: 'explain',
    summary: 'Why somebody may do something, or may not; decided as a request would be',
    details: `Who: a token (never printed), or a description. A description has the roles and scopes that are given, and those
assigned to the subject; not those that its tokens name. What: a tool, a prompt, a resource, or nothing: may it enter?`,
    effect: 'read',
    flags: {
      'token-file': { type: 'string', value: 'FILE', help: 'a token or service key; - for standard input' },
      subject: { type: 'string', value: 'SUBJECT', help: 'somebody, instead of a token' },
      'client-id': { type: 'string', value: 'ID', help: 'with this client' },
      tenant: { type: 'string', value: 'TENANT', help: 'of this organization (default: of none)' },
      scopes: { type: 'string', value: 'A,B', help: 'with a token that has these scopes' },
      roles: { type: 'string', value: 'A,B', help: 'with a token that names these roles' },
      permissions: { type: 'string', value: 'A,B', help: 'with a token that names these permissions' },
      'issued-at': { type: 'string', value: 'TIME', help: 'with a token of that time (default: now)' },
      ...ISSUER_FLAG,
      tool: { type: 'string', value: 'NAME', help: 'calling this tool' },
      prompt: { type: 'string', value: 'NAME', help: 'getting this prompt' },
      resource: { type: 'string', value: 'URI', help: 'reading this resource' },
    },
    examples: [
      'explain --subject bob --roles reader --scopes reports:read --tool update_report',
      'explain --token-file - --tool update_report < token.txt',
      'explain --subject alice --issued-at 2026-11-23T01:00',
    ],
    run: explain,
  },
  {
    name: 'history',
    summary: 'Who changed what, when and why, newest first',
    effect: 'read',
    flags: {
      action: {
        type: 'string',
        value: 'ACTION',
        help: 'only this: revoke, put_role, assign, create_key ...',
      },
      issuer: { type: 'string', value: 'ISSUER', help: 'about this issuer only' },
      subject: { type: 'string', value: 'SUBJECT', help: 'about this subject only' },
      ...TENANT_FLAGS,
      ...PAGE_FLAGS,
    },
    examples: ['history --limit 20', 'history --subject alice'],
    run: history,
  },
  {
    name: 'decisions',
    summary: 'What was decided lately, newest first: every refusal, a sample of what was allowed',
    details: `May lag some seconds, and of callers who are not known half a minute: their refusals are counted by minute and
reason. The whole audit trail is the log.`,
    effect: 'read',
    flags: {
      decision: { type: 'string', value: 'WORD', help: 'allow or deny' },
      reason: {
        type: 'string',
        value: 'REASON',
        help: 'refused for this: token_revoked, permission_missing ...',
      },
      issuer: { type: 'string', value: 'ISSUER', help: 'of this issuer only' },
      subject: { type: 'string', value: 'SUBJECT', help: 'of this subject only' },
      ...TENANT_FLAGS,
      tool: { type: 'string', value: 'NAME', help: 'about this tool only' },
      since: { type: 'string', value: 'WHEN', help: 'an hour ago: 1h; or a time' },
      ...PAGE_FLAGS,
    },
    examples: ['decisions --decision deny --since 1h', 'decisions --subject alice --json'],
    run: decisions,
  },
  {
    name: 'status',
    summary: 'Versions, publishing, counts',
    effect: 'read',
    flags: {},
    examples: ['status'],
    run: status,
  },
];
