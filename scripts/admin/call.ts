// One call of a command: what it was given, the server it is about, and how it changes something.
//
// Every change goes through `change`: a reason, an Idempotency-Key, and an answer that says when it is in force.

import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { text as textOf } from 'node:stream/consumers';
import { UsageError } from '../command.ts';
import { type Api, type ApiAnswer, type ApiRequest, createApi } from './api.ts';
import type { Given } from './given.ts';
import { hide, note, oneLine, say, sayJson, warn } from './output.ts';
import { createPrompt, type Prompt } from './prompt.ts';
import { checkedUrl, onlyIssuer, readResourceServer } from './server.ts';
import { createCredential, wayToSignIn } from './sign-in.ts';

/** What every answer to a write has. */
export interface Changed {
  readonly version: number;
  readonly inForceWithinSeconds: {
    readonly strictTools: number;
    readonly openStreams: number;
    readonly requests: number;
  };
  readonly publishing: string;
  readonly warnings?: readonly string[];
}

export interface Call extends Pick<Api, 'request'>, Pick<Prompt, 'confirm'> {
  readonly given: Given;
  /** Of the target: what --issuer says, or the only one there is. */
  issuer(): Promise<string>;
  /** Makes a change, and tells what must not be missed about it. */
  change<T>(method: string, path: string, request?: ApiRequest): Promise<ApiAnswer<T & Changed>>;
  /** Prints a result: the answer as JSON, or what it is for people. */
  show<T>(body: T, readable: (body: T) => string): void;
  /** Prints what a change did and when it is in force (or on trial); or the answer as JSON. */
  showChange<T extends Changed>(body: T, readable: (body: T) => string, force?: string): void;
}

const DEFAULT_URL = 'http://localhost:8787/mcp';

export function createCall(given: Given): Call {
  const { MCP_URL, RESOURCE } = process.env;
  const url = checkedUrl('--url', given.text('url') ?? (MCP_URL || RESOURCE || DEFAULT_URL));
  const way = wayToSignIn(given);
  const prompt = createPrompt(given);
  const key = given.text('idempotency-key') ?? randomUUID();
  if (!/^[\w-]{1,128}$/.test(key))
    throw new UsageError('--idempotency-key must be 1 to 128 of A-Z a-z 0-9 _ -');

  let server: ReturnType<typeof readResourceServer> | undefined;
  const readServer = () => {
    server ??= readResourceServer(url);
    return server;
  };
  const { request } = createApi(url, createCredential(way, given, readServer));

  return {
    given,
    request,
    confirm: prompt.confirm,
    async issuer() {
      return given.text('issuer') ?? onlyIssuer(await readServer(), 'issuer');
    },
    async change<T>(method: string, path: string, { query, body, headers }: ApiRequest = {}) {
      const reason = await prompt.reason();
      const isInQuery = method === 'DELETE';
      const answer = await request<T & Changed>(method, path, {
        query: isInQuery ? { ...query, reason } : { ...query },
        ...(isInQuery ? {} : { body: { ...body, reason } }),
        headers: { ...headers, 'idempotency-key': key },
      });
      tell(answer);
      return answer;
    },
    show: (body, readable) => {
      if (given.is('json')) sayJson(body);
      else say(readable(body));
    },
    showChange: (body, readable, force) => {
      if (given.is('json')) sayJson(body);
      else say(`${readable(body)}\n${inForceText(body, force)}`);
    },
  };
}

/** `in force: strict tools now, open streams within 10 s, all requests within 92 s (version 17)` */
export function inForceText({ version, inForceWithinSeconds }: Changed, force = 'in force'): string {
  const { strictTools, openStreams, requests } = inForceWithinSeconds;
  const within = (seconds: number): string => (seconds === 0 ? 'now' : `within ${seconds} s`);
  return `${force}: strict tools ${within(strictTools)}, open streams ${within(openStreams)}, all requests ${within(requests)} (version ${version})`;
}

function tell({ body, headers }: ApiAnswer<Changed>): void {
  if (headers.get('idempotency-replayed') === 'true')
    note('this had been done before, with the same Idempotency-Key; it was not done again');
  for (const text of body.warnings ?? []) warn(oneLine(text));
  if (body.publishing === 'failing')
    warn(
      'PUBLISHING IS FAILING. The change is kept and strict tools obey it, but other requests go on under the old rules until KV can be written again: the times below do not hold. See npm run admin -- status',
    );
}

/** A page's parameters. */
export const pageOf = ({ text }: Given) => ({ limit: text('limit'), cursor: text('cursor') });

/** Says that there is more, where nobody reads `nextCursor`. */
export function noteNextPage({ is }: Given, { nextCursor }: { readonly nextCursor?: string }): void {
  if (nextCursor !== undefined && !is('json')) note(`there is more: add --cursor ${nextCursor}`);
}

/** A token out of a file, or from standard input. Never from the command line: that stays in the shell's history. */
export async function readToken(file: string): Promise<string> {
  if (file === '-' && process.stdin.isTTY) note('Paste the token, then press Enter and Ctrl-D.');
  const token = (await (file === '-' ? textOf(process.stdin) : readFile(file, 'utf8'))).trim();
  hide(token);
  if (token === '') throw new UsageError(`there is no token in ${file === '-' ? 'standard input' : file}`);
  return token;
}
