// An object that has slept through versions: what an older schema kept is found by the newer one.

import { DatabaseSync } from 'node:sqlite';
import { expect, test, vi } from 'vitest';
import { SessionStore } from '../../src/sessions/session-store.ts';

/** The schema of version 0.1, as it was: never to be changed. */
const FIRST = `
  CREATE TABLE migration (version INTEGER PRIMARY KEY);
  INSERT INTO migration VALUES (0);
  CREATE TABLE session (
    id TEXT PRIMARY KEY, protocol_version TEXT NOT NULL, client_info TEXT, capabilities TEXT NOT NULL, log_level TEXT,
    next_stream INTEGER NOT NULL, created_at INTEGER NOT NULL, used_at INTEGER NOT NULL);
  CREATE TABLE stream (
    session TEXT NOT NULL, id INTEGER NOT NULL, request_id TEXT, next_seq INTEGER NOT NULL, is_done INTEGER NOT NULL,
    PRIMARY KEY (session, id));
  CREATE TABLE event (
    position INTEGER PRIMARY KEY AUTOINCREMENT, session TEXT NOT NULL, stream INTEGER NOT NULL, seq INTEGER NOT NULL,
    json TEXT NOT NULL);
  CREATE INDEX event_of_stream ON event (session, stream, seq);
  CREATE TABLE subscription (session TEXT NOT NULL, uri TEXT NOT NULL, PRIMARY KEY (session, uri));
  CREATE TABLE state (key TEXT PRIMARY KEY, json TEXT NOT NULL);
  CREATE TABLE used_nonce (nonce TEXT PRIMARY KEY, expires_at INTEGER NOT NULL);
  INSERT INTO session VALUES ('s', '2025-11-25', 'null', '{}', NULL, 2, 1000, 1000);
  INSERT INTO stream VALUES ('s', 0, NULL, 0, 0), ('s', 1, '"r"', 2, 1);
  INSERT INTO event VALUES (1, 's', 1, 1, '{}');
  INSERT INTO state VALUES ('a', '1');`;

/** The part of a Durable Object's storage that is used, over the SQLite of Node. */
function storageOf(database: DatabaseSync): DurableObjectStorage {
  const exec = (query: string, ...bindings: (string | number | null)[]) => {
    if (!query.includes(';')) return rowsOf(database.prepare(query).all(...bindings));
    database.exec(query);
    return rowsOf([]);
  };
  const rowsOf = (rows: unknown[]) => ({ toArray: () => rows });
  return { sql: { exec }, transactionSync: (act: () => void) => act() } as unknown as DurableObjectStorage;
}

test('an object with the first schema wakes up with its sessions, streams, events and state', () => {
  const database = new DatabaseSync(':memory:');
  database.exec(FIRST);
  const store = new SessionStore(storageOf(database));
  expect(store.session('s')).toMatchObject({ id: 's', protocolVersion: '2025-11-25', createdAt: 1_000 });
  expect(store.stream('s', 1)).toEqual({ requestId: '"r"', requirement: null, isDone: true });
  expect(store.eventsAfter('s', 1, 0)).toMatchObject([{ seq: 1, json: '{}' }]);
  expect(store.state('a')).toBe('1');
  expect(store.addStream('s', '2', '{}')).toBe(2);
  expect([store.isKeeping(), store.indexEntry()]).toEqual([true, undefined]);
  // And once more, with nothing left to do.
  expect(new SessionStore(storageOf(database)).sessions()).toHaveLength(1);
});

const ROW = { id: 's', protocolVersion: '2025-11-25', clientInfo: { name: 'c' }, capabilities: {} };

test('a request reads its session without a query, and writes that it was used now and then only', () => {
  const storage = storageOf(new DatabaseSync(':memory:'));
  const store = new SessionStore(storage, 60);
  store.addSession({ ...ROW, createdAt: 1_000, usedAt: 1_000 });
  const exec = vi.spyOn(storage.sql, 'exec');
  for (const usedAt of [1_000, 1_001, 1_059]) {
    store.touchSession('s', usedAt);
    expect(store.session('s')).toMatchObject({ usedAt });
  }
  expect(exec).not.toHaveBeenCalled();
  store.touchSession('s', 1_060);
  store.touchSession('s', 1_061);
  expect(exec).toHaveBeenCalledTimes(1);
  // Whoever restarts the object finds what was stored.
  expect(new SessionStore(storage, 60).session('s')).toMatchObject({ ...ROW, usedAt: 1_060 });
});

test('what is in memory of sessions is what is stored', () => {
  const storage = storageOf(new DatabaseSync(':memory:'));
  const store = new SessionStore(storage);
  for (const [id, usedAt] of [
    ['b', 1_002],
    ['a', 1_001],
    ['c', 1_003],
  ] as const)
    store.addSession({ ...ROW, id, createdAt: 1_000, usedAt });
  store.touchSession('a', 1_004);
  store.setLogLevel('b', 'error');
  store.deleteSession('c');
  const stored = new SessionStore(storage);
  for (const id of ['a', 'b', 'c']) expect(store.session(id)).toEqual(stored.session(id));
  expect(store.sessions().map(({ id }) => id)).toEqual(['b', 'a']);
  expect(store.sessions()).toEqual(stored.sessions());
  expect(store.session('b')).toMatchObject({ logLevel: 'error' });
});

test('an object that keeps nothing gets no tables by being asked', () => {
  const database = new DatabaseSync(':memory:');
  const store = new SessionStore(storageOf(database));
  store.touchSession('s', 1);
  store.deleteSession('s');
  store.deleteNonces(1);
  expect([store.session('s'), store.state('a'), store.deleteAllState(), store.hasExpiring()]).toEqual([
    undefined,
    undefined,
    0,
    false,
  ]);
  expect(database.prepare('SELECT * FROM sqlite_master').all()).toEqual([]);
});
