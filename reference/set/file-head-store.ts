/**
 * The head of a set in a file, for those who have no vault (spec/freshness.md, "Keeping a head"). It belongs on
 * another disk than the storage: who can set back both shows an old backup as a fresh one.
 *
 * @module
 */
import { closeSync, fsyncSync, openSync, readSync, renameSync, rmSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { StrongroomError } from '../errors.ts';
import { waitForLock } from '../files/lock.ts';
import { equal, type Bytes } from '../wire/bytes.ts';
import { syncFolder, writeAll } from './directory-storage.ts';
import { errno, fault, guarded } from './faults.ts';
import { badHead, SIGNED_HEAD_LENGTH, type HeadStore } from './head-store.ts';

/** One file, mode 0600, that is replaced as a whole. Beside it lies an empty file `<name>.lock`. */
export class FileHeadStore implements HeadStore {
  readonly #path: string;

  constructor(path: string) {
    this.#path = resolve(path);
  }

  // oxlint-disable-next-line typescript/require-await -- errors are rejections
  async get(): Promise<Bytes | undefined> {
    return this.#read();
  }

  async put(next: Bytes, previous: Bytes | undefined): Promise<void> {
    const lock = await this.#lock();
    try {
      const present = this.#read();
      const expected =
        present === undefined || previous === undefined ? present === previous : equal(present, previous);
      if (!expected) {
        throw new StrongroomError('conflict', `${this.#path} holds another head than before`, {
          subject: this.#path,
        });
      }
      guarded(this.#path, () => this.#replace(next));
    } finally {
      lock.release();
    }
  }

  async #lock(): ReturnType<typeof waitForLock> {
    try {
      return await waitForLock(`${this.#path}.lock`);
    } catch (error) {
      throw fault(error, this.#path);
    }
  }

  #read(): Bytes | undefined {
    // One byte more than a head has, so that a longer file is seen to be none.
    const bytes = new Uint8Array(SIGNED_HEAD_LENGTH + 1);
    let length = 0;
    try {
      const fd = openSync(this.#path, 'r');
      try {
        for (let read = -1; read !== 0; length += read) read = readSync(fd, bytes.subarray(length));
      } finally {
        closeSync(fd);
      }
    } catch (error) {
      if (errno(error) === 'ENOENT') return undefined;
      throw fault(error, this.#path);
    }
    if (length !== SIGNED_HEAD_LENGTH) throw badHead(`${this.#path} is no head of a set`);
    return bytes.slice(0, SIGNED_HEAD_LENGTH);
  }

  /** The lock is held, so one name for what is not whole yet is enough; a crash may have left something there. */
  #replace(next: Bytes): void {
    const unfinished = `${this.#path}.new`;
    rmSync(unfinished, { force: true });
    const fd = openSync(unfinished, 'wx', 0o600);
    try {
      writeAll(fd, [next]);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(unfinished, this.#path);
    syncFolder(dirname(this.#path));
  }
}
