/**
 * Where a client keeps what has to outlive a crash (spec/client.md, "State"): small texts under names, each replaced
 * as a whole.
 *
 * @module
 */
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** Durable storage of a client, private to its owner. */
export interface Keeper {
  /** The text under a name; undefined if there is none. */
  read(name: string): Promise<string | undefined>;
  /** Replaces the text; it is durable when the promise resolves, and the old one stands until then. */
  write(name: string, text: string): Promise<void>;
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

/** Files in a folder that is made at the first write: mode 0700, files 0600, replaced by rename, synced. */
export function folderKeeper(path: string): Keeper {
  const fileOf = (name: string): string => join(path, name);
  return {
    async read(name) {
      try {
        return await readFile(fileOf(name), 'utf8');
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw error;
      }
    },
    async write(name, text) {
      await mkdir(path, { recursive: true, mode: 0o700 });
      const temporary = `${fileOf(name)}.${process.pid}.new`;
      try {
        const file = await open(temporary, 'w', 0o600);
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
    },
    async remove(name) {
      try {
        await rm(fileOf(name));
      } catch (error) {
        if (isMissing(error)) return;
        throw error;
      }
      await syncFolder(path);
    },
  };
}

/** Keeps nothing beyond the process: for a device that only recovers once, and for tests. */
export function memoryKeeper(): Keeper {
  const texts = new Map<string, string>();
  return {
    read: (name) => Promise.resolve(texts.get(name)),
    write: (name, text) => Promise.resolve(void texts.set(name, text)),
    remove: (name) => Promise.resolve(void texts.delete(name)),
  };
}
