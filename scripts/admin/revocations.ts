// `revoke ...` and `unrevoke`: refuse tokens that were issued up to now, or up to an instant ahead; list; lift.

import { UsageError } from '../command.ts';
import { segment } from './api.ts';
import { type Call, type Changed, noteNextPage, pageOf, readToken } from './call.ts';
import { type AdminCommand, type Flags, ISSUER_FLAG, PAGE_FLAGS } from './command.ts';
import type { Given } from './given.ts';
import { duration, fields, tableOr, targetText, when, whoText } from './table.ts';
import { TENANT_FLAGS, tenantIn, tenantQuery } from './tenants.ts';
import { instantOf, secondsOf } from './values.ts';

type Target = Readonly<Record<string, unknown>>;

interface Revocation {
  readonly id: string;
  readonly target: Target;
  readonly revokedAt: number;
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly reason: string;
  readonly operator: {
    readonly issuer: string;
    readonly subject: string | null;
    readonly clientId: string | null;
  };
}

/** Of a service key that was found, the answer is that of its withdrawal. */
interface Revoked extends Changed, Partial<Pick<Revocation, 'target'>> {
  readonly id: string;
  readonly service?: string;
  readonly revokedAt: number;
  readonly newTokensFrom?: number;
  readonly erased?: { readonly sessions: number; readonly stateKeys: number };
  readonly endedKeys?: readonly { readonly id: string; readonly service: string }[];
}

const UNTIL_FLAGS: Flags = {
  block: {
    type: 'string',
    value: 'DURATION',
    help: 'also refuse tokens issued from now on, for as long: 7d',
  },
  until: { type: 'string', value: 'TIME', help: 'the same, up to a time: 2030-01-31T18:00' },
};

const ERASE_FLAG: Flags = {
  'erase-state': { type: 'boolean', help: 'end its sessions and erase what tools keep for it' },
};

const AGAIN = `Tokens issued up to now are refused; whoever can still sign in gets in with a new token. With --block or --until a
new token is refused as well, until then.`;

/** The instant a block ends, if one is wanted. */
function untilOf({ text }: Given): number | undefined {
  const [block, until] = [text('block'), text('until')];
  if (block !== undefined && until !== undefined) throw new UsageError('give either --block or --until');
  const now = Math.floor(Date.now() / 1_000);
  if (block !== undefined) return now + secondsOf('block', block);
  if (until === undefined) return undefined;
  const at = instantOf('until', until);
  if (at <= now) throw new UsageError(`--until must be ahead; ${until} is over`);
  return at;
}

async function revoke(call: Call, target: Target): Promise<undefined> {
  const { given } = call;
  const { word: confirm } = given.command;
  const until = untilOf(given);
  const [eraseState, endKeys] = [given.is('erase-state'), given.is('end-keys')];
  const { token, ...shown } = target;
  const what = token === undefined ? targetText(shown) : 'the token';
  const block = until === undefined ? '' : ` and block it until ${when(until)}`;
  const erase = eraseState ? ', and erase its state' : '';
  const keys = endKeys ? ', and end the service keys it has made' : '';
  await call.confirm(`Revoke ${what}${block}${erase}${keys}?`);
  const { body } = await call.change<Revoked>('POST', '/revocations', {
    body: {
      target,
      ...(until === undefined ? {} : { until }),
      ...(eraseState ? { eraseState } : {}),
      ...(endKeys ? { endKeys } : {}),
      ...(confirm === undefined ? {} : { confirm }),
    },
  });
  call.showChange(body, revokedText);
}

function revokedText(revoked: Revoked): string {
  const { id, target, service, revokedAt, newTokensFrom, erased, endedKeys } = revoked;
  if (target === undefined)
    return `service key ${id}${service === undefined ? '' : ` of ${service}`} is revoked for good`;
  const blockedFor = revokedAt - Math.floor(Date.now() / 1_000);
  // Of one token, and of one session, there is no later one.
  const isOne = target.kind === 'token' || target.kind === 'session';
  const from = isOne ? undefined : newTokensFrom;
  return [
    `revoked: ${targetText(target)}`,
    fields([
      ['id', id],
      ['refused', isOne ? undefined : `tokens issued up to ${when(revokedAt)}`],
      ['blocked', blockedFor > 5 ? `for ${duration(blockedFor)}` : undefined],
      ['accepted', from === undefined ? undefined : `tokens issued from ${when(from)}`],
      ['erased', erased && `${erased.sessions} sessions, ${erased.stateKeys} keys of state`],
      ['ended', endedKeys?.map((key) => `service key ${key.id} of ${key.service}`).join(', ')],
      ['undo', `npm run admin -- unrevoke ${id}`],
    ]),
  ].join('\n');
}

/** A token that is written on a command line is in the shell's history, and in the list of processes. */
function checkNoToken(text: string): string {
  if (!/^mcpk_|^eyJ[\w-]*\.[\w-]+\./.test(text)) return text;
  throw new UsageError(
    'give a token with --token-file FILE, or --token-file - for standard input: on the command line others can see it',
  );
}

export const REVOCATION_COMMANDS: readonly AdminCommand[] = [
  {
    name: 'revoke token',
    argument: '[TOKEN-ID]',
    summary: 'Revoke one token, by itself or by its id; a service key for good',
    details: `Name it by its id (as \`decisions --json\` has it) or give the token itself, in a file or by standard input. It is
never printed. Other tokens of the same grant stay good: see \`revoke grant\`.`,
    effect: 'destructive',
    flags: {
      'token-file': { type: 'string', value: 'FILE', help: 'the token itself; - for standard input' },
      ...ISSUER_FLAG,
    },
    examples: [
      'revoke token --token-file - --reason "found in a log" --yes < found.txt',
      'revoke token 5f1cde --reason "found in a log"',
    ],
    async run(call) {
      const { given } = call;
      const file = given.text('token-file');
      if ((file === undefined) === (given.argument === undefined))
        throw new UsageError('give either a token id or --token-file');
      if (file === undefined) {
        const tokenId = checkNoToken(given.argument ?? '');
        return revoke(call, { kind: 'token', issuer: await call.issuer(), tokenId });
      }
      if (given.text('issuer') !== undefined)
        throw new UsageError('--issuer goes with a token id: a token names its issuer itself');
      return revoke(call, { kind: 'token', token: await readToken(file) });
    },
  },
  {
    name: 'revoke subject',
    argument: 'SUBJECT',
    summary: 'Revoke everything somebody has, with any client',
    details: AGAIN,
    effect: 'destructive',
    flags: {
      ...TENANT_FLAGS,
      ...UNTIL_FLAGS,
      ...ERASE_FLAG,
      'end-keys': { type: 'boolean', help: 'end the service keys that were made by it, too' },
      ...ISSUER_FLAG,
    },
    examples: [
      'revoke subject alice --reason "laptop stolen"',
      'revoke subject alice --block 7d --erase-state --end-keys --reason "left the company"',
    ],
    async run(call) {
      const target = { kind: 'subject', issuer: await call.issuer(), subject: call.given.argument };
      return revoke(call, { ...target, ...tenantIn(call.given) });
    },
  },
  {
    name: 'revoke client',
    argument: 'CLIENT-ID',
    summary: 'Revoke everything a client has, for anybody',
    details: AGAIN,
    effect: 'destructive',
    flags: { ...TENANT_FLAGS, ...UNTIL_FLAGS, ...ISSUER_FLAG },
    examples: ['revoke client https://app.example.com/client.json --block 30d --reason "leaks tokens"'],
    async run(call) {
      const target = { kind: 'client', issuer: await call.issuer(), clientId: call.given.argument };
      return revoke(call, { ...target, ...tenantIn(call.given) });
    },
  },
  {
    name: 'revoke grant',
    summary: 'Revoke what somebody has with one client',
    details: AGAIN,
    effect: 'destructive',
    flags: {
      subject: { type: 'string', value: 'SUBJECT', help: 'whose' },
      'client-id': { type: 'string', value: 'ID', help: 'with which client' },
      'no-client': { type: 'boolean', help: 'instead of --client-id: tokens that name no client' },
      ...TENANT_FLAGS,
      ...UNTIL_FLAGS,
      ...ERASE_FLAG,
      ...ISSUER_FLAG,
    },
    examples: ['revoke grant --subject alice --client-id cli --reason "laptop stolen"'],
    async run(call) {
      const { given } = call;
      const clientId = given.text('client-id') ?? null;
      if ((clientId === null) !== given.is('no-client'))
        throw new UsageError('give either --client-id or --no-client');
      const subject = given.need('subject');
      const target = { kind: 'grant', issuer: await call.issuer(), subject, clientId };
      return revoke(call, { ...target, ...tenantIn(given) });
    },
  },
  {
    name: 'revoke tenant',
    argument: '[TENANT]',
    summary: 'Revoke everything that speaks for an organization, for anybody',
    details: AGAIN,
    effect: 'destructive',
    flags: {
      'no-tenant': { type: 'boolean', help: 'instead of TENANT: tokens that name none' },
      ...UNTIL_FLAGS,
      ...ISSUER_FLAG,
    },
    examples: ['revoke tenant org_1 --block 30d --reason "is no customer any more"'],
    async run(call) {
      const { given } = call;
      const tenant = given.argument ?? null;
      if ((tenant === null) !== given.is('no-tenant'))
        throw new UsageError('give either a tenant or --no-tenant');
      return revoke(call, { kind: 'tenant', issuer: await call.issuer(), tenant });
    },
  },
  {
    name: 'revoke session',
    argument: 'SESSION-ID',
    summary: 'Revoke a session (of an MCP revision before 2026)',
    details:
      'Its id is in `sessions list`. To end sessions of somebody who may start new ones: `sessions end`.',
    effect: 'destructive',
    flags: {},
    examples: ['revoke session 3f1c0b6e --reason "hijacked"'],
    run: (call) => revoke(call, { kind: 'session', sessionId: call.given.argument }),
  },
  {
    name: 'revoke issuer',
    summary: 'Revoke everything an authorization server has issued up to now',
    details: `For an authorization server whose keys were stolen and replaced: everybody has to sign in again. You as well. At most
once a minute. The word "issuer" has to be written as a confirmation.`,
    effect: 'destructive',
    word: 'issuer',
    flags: ISSUER_FLAG,
    examples: ['revoke issuer --issuer https://as.example.com --reason "signing key leaked"'],
    run: async (call) => revoke(call, { kind: 'issuer', issuer: await call.issuer() }),
  },
  {
    name: 'revoke everything',
    summary: 'Revoke every token and service key issued up to now',
    details:
      'Everybody has to sign in again. You as well. At most once a minute. The word "everything" has to be written as a confirmation.',
    effect: 'destructive',
    word: 'everything',
    flags: {},
    examples: ['revoke everything --reason "we do not know how far they got"'],
    run: (call) => revoke(call, { kind: 'everything' }),
  },
  {
    name: 'revoke list',
    summary: 'List revocations, newest first',
    effect: 'read',
    flags: {
      kind: {
        type: 'string',
        value: 'KIND',
        help: 'token, subject, client, grant, session, tenant, issuer, everything',
      },
      issuer: { type: 'string', value: 'ISSUER', help: 'of this issuer only' },
      subject: { type: 'string', value: 'SUBJECT', help: 'of this subject only' },
      ...TENANT_FLAGS,
      ...PAGE_FLAGS,
    },
    examples: ['revoke list --subject alice', 'revoke list --json --limit 500'],
    async run({ given, request, show }) {
      const query = {
        kind: given.text('kind'),
        issuer: given.text('issuer'),
        subject: given.text('subject'),
        ...tenantQuery(given),
        ...pageOf(given),
      };
      type Page = { readonly items: readonly Revocation[]; readonly nextCursor?: string };
      const { body } = await request<Page>('GET', '/revocations', { query });
      show(body, ({ items }) =>
        tableOr(
          'no revocations',
          ['id', 'revoked', 'at', 'refuses tokens issued up to', 'by', 'reason'],
          items.map(({ id, target, createdAt, revokedAt, operator, reason }) => [
            ...[id, targetText(target), when(createdAt), when(revokedAt), whoText(operator), reason],
          ]),
        ),
      );
      noteNextPage(given, body);
      return undefined;
    },
  },
  {
    name: 'unrevoke',
    argument: 'ID',
    summary: 'Lift a revocation: tokens that are not expired are good again',
    details:
      'The id is in the answer to `revoke` and in `revoke list`. A service key that was revoked stays revoked.',
    effect: 'write',
    flags: {},
    examples: ['unrevoke 0123456789abcdef --reason "it was a false alarm"'],
    async run(call) {
      type Lifted = Changed & Pick<Revocation, 'id' | 'target'>;
      const path = `/revocations/${segment(call.given.argument ?? '')}`;
      const { body } = await call.change<Lifted>('DELETE', path);
      call.showChange(body, ({ target }) => `not revoked any more: ${targetText(target ?? {})}`);
      return undefined;
    },
  },
];
