// `keys ...`: service keys, for callers without an authorization server. List, create, rotate, revoke.
//
// A key is shown once, alone on standard output, so that it can go straight into a secret store.

import { segment } from './api.ts';
import { type Call, type Changed, inForceText, noteNextPage, pageOf } from './call.ts';
import { type AdminCommand, PAGE_FLAGS } from './command.ts';
import { note, say, sayJson, warn } from './output.ts';
import { fields, type Someone, tableOr, when, whoText } from './table.ts';
import { namesOf, scopesOf, secondsOf } from './values.ts';

interface ServiceKey {
  readonly id: string;
  readonly service: string;
  readonly owner: string;
  /** Who made it, and saw it; `null` of one from before that was written down. */
  readonly operator: Someone | null;
  readonly scopes: readonly string[];
  readonly roles: readonly string[];
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly revokedAt: number | null;
  readonly lastUsedAt: number | null;
}

/** Without `key` when this repeats a request whose answer had it. */
interface CreatedKey extends ServiceKey, Changed {
  readonly key?: string;
  readonly previous?: { readonly id: string; readonly expiresAt: number };
}

function stateOf({ revokedAt, expiresAt }: ServiceKey): string {
  if (revokedAt !== null) return `revoked ${when(revokedAt)}`;
  return expiresAt <= Date.now() / 1_000 ? 'expired' : 'good';
}

/** Standard output gets the key and nothing else. */
function showKey({ given }: Call, body: CreatedKey): boolean {
  const { key, id, service, owner, scopes, roles, expiresAt, previous } = body;
  if (given.is('json')) {
    sayJson(body);
    return key !== undefined;
  }
  note(
    fields([
      ['id', id],
      ['service', service],
      ['owner', owner],
      ['scopes', scopes.join(' ') || 'none'],
      ['roles', roles.join(', ') || 'none'],
      ['expires', when(expiresAt)],
      ['previous', previous && `${previous.id} is good until ${when(previous.expiresAt)}`],
    ]),
  );
  note(inForceText(body));
  if (key === undefined) {
    warn(`The key of ${id} was lost with an answer that did not arrive. Get another one:`);
    note(`  npm run admin -- keys rotate ${id} --overlap 0s`);
    return false;
  }
  warn('This is the key. It is shown only now: put it where it is kept. Nobody can show it again.');
  say(key);
  return true;
}

export const SERVICE_KEY_COMMANDS: readonly AdminCommand[] = [
  {
    name: 'keys list',
    summary: 'List service keys, newest first',
    effect: 'read',
    flags: {
      service: { type: 'string', value: 'NAME', help: 'of this service only' },
      ...PAGE_FLAGS,
    },
    examples: ['keys list --service nightly'],
    async run({ given, request, show }) {
      const query = { service: given.text('service'), ...pageOf(given) };
      type Page = { readonly items: readonly ServiceKey[]; readonly nextCursor?: string };
      const { body } = await request<Page>('GET', '/service-keys', { query });
      show(body, ({ items }) =>
        tableOr(
          'no service keys',
          ['id', 'service', 'owner', 'made by', 'scopes', 'roles', 'state', 'expires', 'last used (hour)'],
          items.map((key) => [
            ...[key.id, key.service, key.owner, key.operator ? whoText(key.operator) : 'not known'],
            ...[key.scopes.join(' '), key.roles.join(', '), stateOf(key)],
            ...[when(key.expiresAt), key.lastUsedAt === null ? 'never' : when(key.lastUsedAt)],
          ]),
        ),
      );
      noteNextPage(given, body);
      return undefined;
    },
  },
  {
    name: 'keys create',
    summary: 'Make a service key; prints it, once',
    details: `The key is all that standard output gets. The server must have SERVICE_KEYS on.
It is kept who made it: \`revoke subject\` names the keys that somebody has made, and ends them with --end-keys.`,
    effect: 'write',
    flags: {
      service: { type: 'string', value: 'NAME', help: 'who calls with it; its subject' },
      owner: { type: 'string', value: 'TEXT', help: 'whom to ask about it' },
      scopes: { type: 'string', value: 'A,B', help: 'scopes it has; "" for none' },
      roles: { type: 'string', value: 'A,B', help: 'roles it has; "" for none' },
      expires: { type: 'string', value: 'DURATION', help: 'how long it is good: 90d' },
    },
    examples: [
      'keys create --service nightly --owner ops@example.com --scopes reports:read --roles reader --expires 90d --reason "report job"',
    ],
    async run(call) {
      const { given } = call;
      const wanted = {
        service: given.need('service'),
        owner: given.need('owner'),
        scopes: scopesOf(given.raw('scopes') ?? given.need('scopes')),
        roles: namesOf(given.raw('roles') ?? given.need('roles')),
        expiresInSeconds: secondsOf('expires', given.need('expires')),
      };
      return showKey(call, (await call.change<CreatedKey>('POST', '/service-keys', { body: wanted })).body);
    },
  },
  {
    name: 'keys rotate',
    argument: 'ID',
    summary: 'Make another key of the same service; prints it, once',
    details: 'The old key stays good for the overlap, so that nobody is cut off while it is replaced.',
    effect: 'write',
    flags: {
      overlap: { type: 'string', value: 'DURATION', help: 'how long the old key stays good (default: 24h)' },
      expires: {
        type: 'string',
        value: 'DURATION',
        help: 'how long the new one is (default: as the old one)',
      },
    },
    examples: ['keys rotate key_0123456789abcdef --overlap 24h --reason "every quarter"'],
    async run(call) {
      const { given } = call;
      const [overlap, expires] = [given.text('overlap'), given.text('expires')];
      const body = {
        ...(overlap === undefined ? {} : { overlapSeconds: secondsOf('overlap', overlap) }),
        ...(expires === undefined ? {} : { expiresInSeconds: secondsOf('expires', expires) }),
      };
      const path = `/service-keys/${segment(given.argument ?? '')}/rotate`;
      return showKey(call, (await call.change<CreatedKey>('POST', path, { body })).body);
    },
  },
  {
    name: 'keys revoke',
    argument: 'ID',
    summary: 'Revoke a service key for good',
    details:
      'All keys of a service: `revoke subject SERVICE --issuer service-keys`. A key that was found: `revoke token`.',
    effect: 'destructive',
    flags: {},
    examples: ['keys revoke key_0123456789abcdef --reason "the job is gone"'],
    async run(call) {
      const id = call.given.argument ?? '';
      const path = `/service-keys/${segment(id)}`;
      await call.confirm(`Revoke the service key ${id}, for good?`);
      type Revoked = Changed & Pick<ServiceKey, 'id' | 'service'>;
      const { body } = await call.change<Revoked>('DELETE', path);
      call.showChange(body, ({ service }) => `revoked: service key ${id} of ${service}`);
      return undefined;
    },
  },
];
