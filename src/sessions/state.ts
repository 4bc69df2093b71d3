// State for tools: small values per issuer, subject and client, in the same Durable Object as that caller's sessions.
//
// The object is only called when a tool uses it. Values cross as JSON; limits are checked where the values are.

import type { Config } from '../config.ts';
import type { Grant } from '../grant.ts';
import type { SessionState } from '../protocol/handler.ts';
import { ToolError } from '../protocol/tool.ts';
import type { SessionStore } from './session-store.ts';

/** What ClientSession offers; called directly inside the object and over RPC from the Worker. */
export interface StateApi {
  stateGet(key: string): string | undefined | Promise<string | undefined>;
  /** The value there is afterwards, or what is too much. With `ifAbsent` a value that is there stays. */
  statePut(key: string, json: string, ifAbsent: boolean, owner: Grant): PutOutcome | Promise<PutOutcome>;
  stateDelete(key: string): void | Promise<void>;
  stateList(prefix: string): readonly string[] | Promise<readonly string[]>;
}

export type PutOutcome = { readonly json: string; readonly isNew: boolean } | { readonly tooMuch: string };

/** Inside the object: puts a value if there is room for it. */
export function putState(
  store: SessionStore,
  { sessionStateKeys, sessionStateBytes, sessionStateValueBytes }: Config,
  key: string,
  json: string,
  ifAbsent: boolean,
): PutOutcome {
  const present = ifAbsent ? store.state(key) : undefined;
  if (present !== undefined) return { json: present, isNew: false };
  const bytes = new TextEncoder().encode(json).byteLength;
  const besides = store.stateBesides(key);
  if (key === '' || key.length > 256) return { tooMuch: 'A key must have 1 to 256 characters.' };
  if (bytes > sessionStateValueBytes)
    return { tooMuch: `A value must not be longer than ${sessionStateValueBytes} bytes.` };
  if (besides.count >= sessionStateKeys)
    return { tooMuch: `No more than ${sessionStateKeys} values can be kept; delete some.` };
  if (besides.bytes + bytes > sessionStateBytes)
    return {
      tooMuch: `All values together must not be longer than ${sessionStateBytes} bytes; delete some.`,
    };
  store.putState(key, json);
  return { json, isNew: true };
}

/** `owner` is who the object of `api` belongs to. */
export function createSessionState(api: () => StateApi, owner: Grant): SessionState {
  async function put(
    key: string,
    value: unknown,
    ifAbsent: boolean,
  ): Promise<{ readonly json: string; readonly isNew: boolean }> {
    const json = JSON.stringify(value);
    if (json === undefined)
      throw new TypeError(`the value of ${JSON.stringify(key)} cannot be written as JSON`);
    const outcome = await api().statePut(key, json, ifAbsent, owner);
    if ('tooMuch' in outcome) throw new ToolError(outcome.tooMuch);
    return outcome;
  }

  return {
    async get<T>(key: string) {
      const json = await api().stateGet(key);
      return json === undefined ? undefined : (JSON.parse(json) as T);
    },
    async put(key, value) {
      await put(key, value, false);
    },
    async putIfAbsent<T>(key: string, value: T) {
      const { json, isNew } = await put(key, value, true);
      return { value: JSON.parse(json) as T, isNew };
    },
    async delete(key) {
      await api().stateDelete(key);
    },
    async list(prefix = '') {
      return await api().stateList(prefix);
    },
  };
}
