/**
 * Where a client keeps what has to outlive a crash (spec/client.md, "State"): small texts under names, each replaced
 * as a whole.
 *
 * @module
 */
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { systemRandom } from '../crypto/random.ts';
import { waitForLock } from '../files/lock.ts';
import { hex } from '../wire/bytes.ts';

/** Durable storage of a client, private to its owner. */
export interface Keeper {
  /** The text under a name; undefined if there is none. */
  read(name: string): Promise<string | undefined>;
  /** Replaces the text; it is durable when the promise resolves, and the old one stands until then. */
  write(name: string, text: string): Promise<void>;
  /**
   * Replaces the text by what `change` makes of it, while nobody else writes; it stays if that is undefined. Durable
   * when the promise resolves.
   */
  update(name: string, change: (text: string | undefined) => string | undefined): Promise<void>;
  /** Forgets the text, durably. */
  remove(name: string): Promise<void>;
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === 'ENOENT';
}

/** Makes a change of a folder's entries durable. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return; // a folder cannot be opened there
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

const LOCK_FILE = '.lock';
/** Ends the name of a file that is not whole yet. */
const UNFINISHED = '.new';
/** Runs `work` with the lock of a folder, and removes what writers that were killed have left there. */
async function locked(path: string, work: () => Promise<void>): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  const lock = await waitForLock(join(path, LOCK_FILE));
  try {
    const left = (await readdir(path)).filter((name) => name.endsWith(UNFINISHED));
    for (const name of left) await rm(join(path, name));
    await work();
  } finally {
    lock.release();
  }
}

/** The last writer of each folder: those of one process wait for each other, and then for those of others. */
const writers = new Map<string, Promise<void>>();

/** Runs `work` while nobody else writes to a folder. */
async function exclusive(path: string, work: () => Promise<void>): Promise<void> {
  const before = writers.get(path) ?? Promise.resolve();
  const { promise, resolve: end } = Promise.withResolvers<void>();
  writers.set(path, promise);
  await before;
  try {
    await locked(path, work);
  } finally {
    end();
    if (writers.get(path) === promise) writers.delete(path);
  }
}

/** Files in a folder that is made at the first write: mode 0700, files 0600, replaced by rename, synced. */
export function folderKeeper(folder: string): Keeper {
  const path = resolve(folder);
  const fileOf = (name: string): string => join(path, name);
  async function read(name: string): Promise<string | undefined> {
    try {
      return await readFile(fileOf(name), 'utf8');
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }
  async function replace(name: string, text: string): Promise<void> {
    const temporary = fileOf(`${name}.${hex(systemRandom('temporary_name', 8))}${UNFINISHED}`);
    try {
      const file = await open(temporary, 'wx', 0o600);
      try {
        await file.writeFile(text);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(temporary, fileOf(name));
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
    await syncFolder(path);
  }
  return {
    read,
    write: (name, text) => exclusive(path, () => replace(name, text)),
    update: (name, change) =>
      exclusive(path, async () => {
        const text = change(await read(name));
        if (text !== undefined) await replace(name, text);
      }),
    remove: (name) =>
      exclusive(path, async () => {
        await rm(fileOf(name), { force: true });
        await syncFolder(path);
      }),
  };
}

/** Keeps nothing beyond the process: for a device that only recovers once, and for tests. */
export function memoryKeeper(): Keeper {
  const texts = new Map<string, string>();
  return {
    read: (name) => Promise.resolve(texts.get(name)),
    write: (name, text) => Promise.resolve(void texts.set(name, text)),
    // oxlint-disable-next-line typescript/require-await -- errors are rejections
    async update(name, change) {
      const text = change(texts.get(name));
      if (text !== undefined) texts.set(name, text);
    },
    remove: (name) => Promise.resolve(void texts.delete(name)),
  };
}
