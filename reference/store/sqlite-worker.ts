/**
 * The thread that owns the SQLite file. Everything here is synchronous; a batch of transactions costs one fsync.
 *
 * @module
 */
import { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import { equal } from '../wire/bytes.ts';
import type { Transaction } from './interface.ts';

/** What the thread is asked for; it answers in order, one {@link Reply} each. */
export type Call =
  | { readonly kind: 'get'; readonly key: Uint8Array }
  | { readonly kind: 'commit'; readonly transactions: readonly Transaction[] }
  | { readonly kind: 'scan'; readonly from: Uint8Array; readonly to: Uint8Array; readonly limit: number }
  | { readonly kind: 'close' };

/** A value, or SQLite's result code and message. The first reply of all says that the file is open. */
export type Reply =
  { readonly value: unknown } | { readonly error: { readonly code: number; readonly message: string } };

/**
 * The table has row ids: without them SQLite keeps whole values in the inner pages of the tree of keys, eight to a page,
 * and a million records of 4096 bytes lie seven pages deep.
 */
function open(path: string): DatabaseSync {
  const db = new DatabaseSync(path, { timeout: 0 });
  // The exclusive lock is taken by the first access and held until the process ends: one vault, one store.
  db.exec(`
    PRAGMA locking_mode = EXCLUSIVE;
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA fullfsync = ON;
    PRAGMA wal_autocheckpoint = 10000;
    PRAGMA secure_delete = ON;
    BEGIN IMMEDIATE;
    CREATE TABLE IF NOT EXISTS entry (key BLOB PRIMARY KEY, value BLOB NOT NULL) STRICT;
    COMMIT;
  `);
  return db;
}

function serve(db: DatabaseSync): (call: Call) => unknown {
  const get = db.prepare('SELECT value FROM entry WHERE key = ?');
  const put = db.prepare(
    'INSERT INTO entry (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
  );
  const scan = db.prepare('SELECT key, value FROM entry WHERE key >= ? AND key < ? ORDER BY key LIMIT ?');
  const value = (key: Uint8Array): Uint8Array | undefined =>
    get.get(key)?.['value'] as Uint8Array | undefined;

  function apply({ conditions, writes }: Transaction): boolean {
    for (const condition of conditions) {
      const present = value(condition.key);
      const holds =
        present === undefined || condition.value === undefined
          ? present === condition.value
          : equal(present, condition.value);
      if (!holds) return false;
    }
    for (const write of writes) put.run(write.key, write.value);
    return true;
  }

  return (call) => {
    switch (call.kind) {
      case 'get':
        return value(call.key);
      case 'scan':
        return scan.all(call.from, call.to, call.limit);
      case 'commit': {
        db.exec('BEGIN IMMEDIATE');
        const applied = call.transactions.map(apply);
        db.exec('COMMIT');
        return applied;
      }
      case 'close':
        return db.close();
    }
  };
}

function attempt(step: () => unknown): Reply {
  try {
    return { value: step() };
  } catch (error) {
    const { errcode, message } = error as { errcode?: number; message: string };
    return { error: { code: errcode ?? 0, message } };
  }
}

const port = parentPort;
if (port !== null) {
  const { path } = workerData as { path: string };
  let run: ((call: Call) => unknown) | undefined;
  port.postMessage(
    attempt(() => {
      run = serve(open(path));
    }),
  );
  port.on('message', (call: Call) => {
    port.postMessage(attempt(() => run?.(call)));
    if (call.kind === 'close') port.close();
  });
}
