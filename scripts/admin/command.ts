// What an operator's command is: its words, its flags, what it says about itself, and what it does.
//
// Does not parse a command line (given.ts) and does not talk to a server (api.ts).

import type { Call } from './call.ts';

export interface Flag {
  readonly type: 'string' | 'boolean';
  /** What its value is called in the help. */
  readonly value?: string;
  readonly help: string;
}

export type Flags = Readonly<Record<string, Flag>>;

export interface AdminCommand {
  /** The words that call it: `roles shadow apply`. */
  readonly name: string;
  /** What stands after the words, if anything does: `ID`; in brackets when it can be left out. */
  readonly argument?: string;
  readonly summary: string;
  /** More about it, for its own help. */
  readonly details?: string;
  /** `write` needs a reason, `destructive` a confirmation as well; `local` asks no server. */
  readonly effect: 'read' | 'write' | 'destructive' | 'local';
  /** What has to be written to agree to it, where that it is not a slip must be seen: --yes is not enough. */
  readonly word?: string;
  readonly flags: Flags;
  /** What stands after `npm run admin -- `. */
  readonly examples: readonly string[];
  /** Does the work; `false` when it failed and has said so. */
  run(call: Call): Promise<boolean | undefined>;
}

/** Of every command that asks the server. */
export const SERVER_FLAGS: Flags = {
  url: {
    type: 'string',
    value: 'URL',
    help: 'the server (default: MCP_URL, RESOURCE or http://localhost:8787/mcp)',
  },
  'authorization-server': {
    type: 'string',
    value: 'URL',
    help: 'where to sign in (default: the only one the server names)',
  },
  user: {
    type: 'string',
    value: 'NAME',
    help: 'sign in as carol, without a browser (only at the local authorization server)',
  },
  'as-client': {
    type: 'string',
    value: 'ID',
    help: 'the client to sign in with (default: cli)',
  },
  device: { type: 'boolean', help: 'sign in by a code, in a browser on another machine (device flow)' },
  client: {
    type: 'string',
    value: 'ID',
    help: 'act as a client of its own: client credentials (or ADMIN_CLIENT_ID)',
  },
  'client-secret': {
    type: 'string',
    value: 'TEXT',
    help: 'its secret (better: ADMIN_CLIENT_SECRET, which no list of processes shows)',
  },
  scope: { type: 'string', value: 'TEXT', help: 'the scope to ask for (default: mcp:admin)' },
  'no-cache': { type: 'boolean', help: 'neither use nor keep a token of an earlier sign-in' },
  json: { type: 'boolean', help: "print the API's answer, as JSON" },
};

export const WRITE_FLAGS: Flags = {
  reason: { type: 'string', value: 'TEXT', help: 'why, for the history; asked for on a terminal' },
  'idempotency-key': {
    type: 'string',
    value: 'KEY',
    help: 'repeats a request that may have been done: the same key is done once (default: random)',
  },
};

export const CONFIRM_FLAGS: Flags = {
  yes: { type: 'boolean', help: 'do not ask for a confirmation; needed where nobody can be asked' },
};

/** Of commands that want a word, besides. */
export const WORD_FLAGS: Flags = {
  confirm: { type: 'string', value: 'WORD', help: 'the word that is asked for; --yes does not stand for it' },
};

/** Of lists that come in pages. */
export const PAGE_FLAGS: Flags = {
  limit: { type: 'string', value: 'N', help: 'items of a page, 1 to 500 (default: 100)' },
  cursor: { type: 'string', value: 'CURSOR', help: 'the page after the one that named it' },
};

/** Whose issuer is meant, where leaving it out means the only one there is. */
export const ISSUER_FLAG: Flags = {
  issuer: {
    type: 'string',
    value: 'ISSUER',
    help: 'who issues its tokens; service-keys for service keys (default: the only one the server names)',
  },
};

/** All flags of a command. */
export function flagsOf({ effect, flags, word }: AdminCommand): Flags {
  if (effect === 'local') return flags;
  return {
    ...flags,
    ...(effect === 'read' ? {} : WRITE_FLAGS),
    ...(effect === 'destructive' ? CONFIRM_FLAGS : {}),
    ...(word === undefined ? {} : WORD_FLAGS),
    ...SERVER_FLAGS,
  };
}
