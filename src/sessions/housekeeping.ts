// What a ClientSession does so that it is found while it keeps something, and costs nothing when it does not.
//
// Its entry in the index of sessions (session-index.ts) is written behind the answer, and no request ever waits for KV or
// fails with it: what could not be written is tried again by the alarm. There is one alarm for everything.
// Does not decide what has expired.

import type { Grant } from '../grant.ts';
import { describeError, log } from '../log.ts';
import { forgetGrant, noteGrant } from './session-index.ts';
import type { SessionStore } from './session-store.ts';

const RETRY_SECONDS = 60;

export class Housekeeping {
  readonly #state: DurableObjectState;
  readonly #kv: KVNamespace;
  readonly #store: SessionStore;
  readonly #alarmSeconds: number;
  /** One after the other: what is written last has to be what is so. */
  #last: Promise<void> = Promise.resolve();

  /** `alarmSeconds` is how late something that has expired may be cleared up. */
  constructor(state: DurableObjectState, kv: KVNamespace, store: SessionStore, alarmSeconds: number) {
    this.#state = state;
    this.#kv = kv;
    this.#store = store;
    this.#alarmSeconds = alarmSeconds;
  }

  /**
   * Something is kept from now on, for this owner: an object is not told a name of more than 1024 bytes, so it cannot
   * always know itself whose it is.
   */
  async keep({ issuer, subject, clientId, tenant }: Grant): Promise<void> {
    if (this.#store.indexEntry()) return;
    this.#store.setIndexEntry({ owner: { issuer, subject, clientId, tenant }, isWritten: false });
    await this.ensureAlarm();
    this.#state.waitUntil(this.tidy());
  }

  async ensureAlarm(seconds: number = this.#alarmSeconds): Promise<void> {
    const at = Date.now() + seconds * 1_000;
    const set = await this.#state.storage.getAlarm();
    if (set === null || set > at) await this.#state.storage.setAlarm(at);
  }

  /** Puts the index right, and leaves nothing where nothing is kept. Never rejects. */
  tidy(): Promise<void> {
    this.#last = this.#last.then(async () => {
      try {
        await this.#writeIndex();
      } catch (error) {
        log({ event: 'kv_failed', operation: 'write', key: 'sessions', detail: describeError(error) });
        return this.ensureAlarm(RETRY_SECONDS);
      }
      // Nothing is awaited between these questions and what follows from them.
      if (!this.#store.isKeeping() && !this.#store.hasExpiring()) await this.#store.deleteAll();
    });
    return this.#last;
  }

  async #writeIndex(): Promise<void> {
    const entry = this.#store.indexEntry();
    if (!entry) return;
    const { owner, isWritten } = entry;
    if (!this.#store.isKeeping()) {
      await forgetGrant(this.#kv, owner);
      this.#store.setIndexEntry(undefined);
      // Something may have been written in the meantime.
      if (this.#store.isKeeping()) await this.keep(owner);
    } else if (!isWritten) {
      await noteGrant(this.#kv, owner);
      this.#store.setIndexEntry({ owner, isWritten: true });
    }
  }
}
