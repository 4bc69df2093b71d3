// What is sent in the workloads, and what must come back: one exchange with a server each.

import type { Dialect } from './contenders.ts';
import type { Exchange } from './exchange.ts';
import { call, initialize, META, rpc } from './requests.ts';

/** One call of the tool that all have. */
export const callExchange = (
  dialect: Dialect,
  token: string | undefined,
  id: number,
  sessionId?: string,
): Exchange => [
  {
    ...call(dialect, token, id, sessionId),
    expect: { status: 200, contains: [`"text":"This is note-${id}."`, `"id":${id}`] },
  },
];

/** All tools on one page. */
export const listExchange = (dialect: Dialect, token: string, toolCount: number): Exchange => [
  {
    ...rpc({ dialect, token, method: 'tools/list' }),
    expect: { status: 200, contains: ['"name":"read_note"'], count: ['"name":"read_note', toolCount] },
  },
];

export const refusedExchange = (token: string | undefined): Exchange => [
  { ...call('2026-07-28', token, 1), expect: { status: 401, contains: [] } },
];

/** A call with a hundred notifications before its result. */
export const streamExchange = (token: string, id: number): Exchange => [
  {
    ...rpc({
      dialect: '2026-07-28',
      token,
      method: 'tools/call',
      params: { _meta: { ...META, progressToken: `p-${id}` }, name: 'count_notes', arguments: {} },
      id,
    }),
    expect: {
      status: 200,
      contains: ['"text":"There are 100 notes."', `"id":${id}`],
      count: ['"method":"notifications/progress"', 100],
    },
  },
];

/** A call that asks the user, and the same call with the answer. `hasState`: the question comes with a state. */
export function elicitExchange(token: string, id: number, hasState: boolean): Exchange {
  const _meta = { ...META, 'io.modelcontextprotocol/clientCapabilities': { elicitation: {} } };
  const params = { _meta, name: 'delete_note', arguments: { id: `note-${id}` } };
  const message = { dialect: '2026-07-28', token, method: 'tools/call', id } as const;
  const answered = {
    ...params,
    inputResponses: { confirm: { action: 'accept', content: { confirm: true } } },
    ...(hasState ? { requestState: '{found}' } : {}),
  };
  return [
    {
      ...rpc({ ...message, params }),
      expect: { status: 200, contains: ['"resultType":"input_required"', `Delete note-${id}?`] },
      ...(hasState ? { find: '"requestState":"([^"]+)"' } : {}),
    },
    {
      ...rpc({ ...message, params: answered }),
      expect: { status: 200, contains: [`"text":"Deleted note-${id}."`] },
    },
  ];
}

/** A session opened, and left. */
export const openingExchange = (token: string): Exchange => [
  { ...initialize(token), expect: { status: 200, contains: ['"protocolVersion":"2025-11-25"'] } },
];
