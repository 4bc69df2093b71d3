// `sessions ...` and `forget`: what the server remembers of somebody.

import type { Call, Changed } from './call.ts';
import { type AdminCommand, ISSUER_FLAG } from './command.ts';
import { fields, tableOr, tenantText, when, whoText } from './table.ts';
import { TENANT_FLAGS, tenantIn, tenantQuery } from './tenants.ts';

interface ClientSessions {
  readonly clientId: string | null;
  readonly tenant?: string | null;
  readonly sessions: readonly {
    readonly id: string;
    readonly protocolVersion: string;
    readonly client: { readonly name: string; readonly version: string } | null;
    readonly createdAt: number;
    readonly usedAt: number;
    readonly isConnected: boolean;
  }[];
  readonly stateKeys: number;
}

interface Forgotten extends Changed {
  readonly erased: Readonly<Record<string, number>>;
}

const SUBJECT_FLAG = { subject: { type: 'string', value: 'SUBJECT', help: 'whose' } } as const;

function sessionsText({ items }: { readonly items: readonly ClientSessions[] }): string {
  const rows = items.flatMap(({ clientId, tenant, sessions, stateKeys }) => {
    const client = `${clientId ?? 'no client'}${tenantText(tenant)}`;
    if (sessions.length === 0) return [[client, 'none', '', '', '', '', String(stateKeys)]];
    return sessions.map(({ id, protocolVersion, client: software, createdAt, usedAt, isConnected }) => [
      ...[client, id, software ? `${software.name} ${software.version}` : '', protocolVersion],
      ...[when(createdAt), isConnected ? 'connected' : when(usedAt), String(stateKeys)],
    ]);
  });
  const titles = ['client', 'session', 'software', 'protocol', 'since', 'last used', 'keys of state'];
  return tableOr('no sessions and no state', titles, rows);
}

async function endSessions(call: Call): Promise<undefined> {
  const { given } = call;
  const [subject, clientId, sessionId] = [
    given.need('subject'),
    given.text('client-id'),
    given.text('session'),
  ];
  const [issuer, isStateErased] = [await call.issuer(), given.is('state')];
  const which = sessionId === undefined ? 'all sessions' : `the session ${sessionId}`;
  const client = clientId === undefined ? '' : ` with the client ${clientId}`;
  const via = `${client}${tenantText(tenantIn(given).tenant)}`;
  const state = isStateErased ? ', and erase what tools keep for it' : '';
  await call.confirm(`End ${which} of ${subject} of ${issuer}${via}${state}?`);
  type Ended = Changed & { readonly ended: number; readonly erasedKeys: number };
  const { body } = await call.change<Ended>('DELETE', '/sessions', {
    query: {
      ...{ issuer, subject, clientId, sessionId, ...tenantQuery(given) },
      state: isStateErased ? 'true' : undefined,
    },
  });
  call.showChange(
    body,
    ({ ended, erasedKeys }) => `ended: ${ended} sessions; erased: ${erasedKeys} keys of state`,
  );
}

async function forget(call: Call): Promise<undefined> {
  const subject = call.given.need('subject');
  const issuer = await call.issuer();
  await call.confirm(
    `Erase what is kept about ${subject} of ${issuer}, in every organization: sessions, state, assignments, and the name in history and decisions? This cannot be undone.`,
  );
  const confirm = call.given.command.word;
  const { body } = await call.change<Forgotten>('POST', '/forget', { body: { issuer, subject, confirm } });
  call.showChange(body, ({ erased }) =>
    [
      `forgotten: ${whoText({ issuer, subject })}`,
      fields([
        ['sessions', String(erased.sessions)],
        ['keys of state', String(erased.stateKeys)],
        ['assignments', String(erased.assignments)],
        ['lines of history', `${erased.historyEntries}, without the name now`],
        ['revocations', `${erased.revocations}, without the name now and still in force`],
        ['decisions', `${erased.decisions}, without the name now`],
      ]),
    ].join('\n'),
  );
}

export const SESSION_COMMANDS: readonly AdminCommand[] = [
  {
    name: 'sessions list',
    summary: 'List sessions and state of somebody, by client; may be a minute behind',
    effect: 'read',
    flags: { ...SUBJECT_FLAG, ...TENANT_FLAGS, ...ISSUER_FLAG },
    examples: ['sessions list --subject alice'],
    async run({ given, request, show, issuer }) {
      const subject = given.need('subject');
      const query = { issuer: await issuer(), subject, ...tenantQuery(given) };
      show(
        (await request<{ readonly items: readonly ClientSessions[] }>('GET', '/sessions', { query })).body,
        sessionsText,
      );
      return undefined;
    },
  },
  {
    name: 'sessions end',
    summary: 'End sessions of somebody, with their streams and calls',
    details: 'Clients may start new ones; to keep somebody out: `revoke subject`, with --block.',
    effect: 'destructive',
    flags: {
      ...SUBJECT_FLAG,
      'client-id': { type: 'string', value: 'ID', help: 'only those with this client' },
      session: { type: 'string', value: 'ID', help: 'only this one' },
      ...TENANT_FLAGS,
      state: { type: 'boolean', help: 'erase what tools keep for it, too' },
      ...ISSUER_FLAG,
    },
    examples: ['sessions end --subject alice --state --reason "start afresh"'],
    run: endSessions,
  },
  {
    name: 'forget',
    summary: 'Erase somebody: sessions, state, assignments, and the name in history and decisions',
    details: `What is revoked stays revoked, and what was done as an operator stays in the history, under a random pseudonym. Logs
that were sent elsewhere are not touched. The word "forget" has to be written as a
confirmation.`,
    effect: 'destructive',
    word: 'forget',
    flags: { ...SUBJECT_FLAG, ...ISSUER_FLAG },
    examples: ['forget --subject alice --reason "asked for it"'],
    run: forget,
  },
];
