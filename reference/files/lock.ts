/**
 * A lock that one process holds and that its end releases, however it ends. Node has no flock(2); SQLite locks a file
 * on every system that it runs on, and between two holders in one process too.
 *
 * @module
 */
import { open } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { StrongroomError } from '../errors.ts';

/** SQLITE_BUSY (https://sqlite.org/rescode.html#busy). */
const BUSY = 5;

/** A lock that is held. */
export interface Lock {
  /** May be called again. */
  release(): void;
}

/** Takes the lock of an empty file, which is made if it is not there (mode 0600); undefined if another has it. */
export async function tryLock(path: string): Promise<Lock | undefined> {
  await open(path, 'wx', 0o600).then(
    (file) => file.close(),
    (error: NodeJS.ErrnoException) => {
      // Not opened if it is there: the first close of a file drops every lock that a process has on it (POSIX).
      if (error.code !== 'EEXIST') throw error;
    },
  );
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    // Nothing is ever written, so there is nothing to keep a journal of.
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    return {
      release() {
        if (database.isOpen) database.close();
      },
    };
  } catch (error) {
    database.close();
    if ((error as { errcode?: number }).errcode === BUSY) return undefined;
    throw error;
  }
}

/** Milliseconds between looks for a lock, and until a writer that has it is given up. */
const POLL = 10;
const TIMEOUT = 10_000;

/** Takes the lock of an empty file as soon as it is free. @throws StrongroomError `io` after ten seconds */
export async function waitForLock(path: string): Promise<Lock> {
  for (const started = Date.now(); Date.now() - started < TIMEOUT; await sleep(POLL)) {
    const lock = await tryLock(path);
    if (lock !== undefined) return lock;
  }
  throw new StrongroomError('io', `another process does not let go of ${path}`, { subject: path });
}
